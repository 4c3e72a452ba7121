//! What is wrong with the routing applications as a whole.

use super::{Problem, applications, at_least, chains, name, pools, rules};
use crate::config::{Config, Shadow, policy, translate};

/// All that is wrong with `routing`.
pub(super) fn check(config: &Config, found: &mut Vec<Problem>) {
    let routing = &config.routing;
    let least = [
        ("routing.deadline_ms", u64::from(routing.deadline_ms), 1),
        ("routing.max_in_flight", u64::from(routing.max_in_flight), 1),
        ("routing.max_frame", routing.max_frame as u64, 1024),
    ];
    found.extend(
        least
            .into_iter()
            .filter_map(|(key, value, least)| at_least(key, value, least)),
    );
    found.extend(shadow(&routing.shadow));
    found.extend(token("routing.token", routing.token.as_deref()));
    found.extend(decision_header(routing.decision_header.as_deref()));
    documents(config, found);
    pools::check(routing, found);
    applications::check(routing, found);
    chains::check(routing, found);
    rules::check(config, found);
}

fn shadow(shadow: &Shadow) -> Vec<Problem> {
    let least = [
        ("max_in_flight", u64::from(shadow.max_in_flight)),
        ("queue", shadow.queue as u64),
        ("queue_bytes", shadow.queue_bytes as u64),
    ];
    let least = least.into_iter();
    let found =
        least.filter_map(|(key, value)| at_least(&format!("routing.shadow.{key}"), value, 1));
    found.chain(shadow.tolerances().err()).collect()
}

/// Names other than those that SIP itself gives a meaning.
fn decision_header(name: Option<&str>) -> Option<Problem> {
    let name = name?;
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let own = name.to_ascii_lowercase().starts_with("x-") && name.bytes().all(is_token);
    let message = format!("`{name}` is no header of your own; write X-Decided-By");
    (!own).then(|| Problem::new("routing.decision_header", message))
}

fn documents(config: &Config, found: &mut Vec<Problem>) {
    let engine = config.engine_without_documents();
    for (called, document) in &config.routing.documents {
        found.extend(name(&format!("routing.documents.{called}"), called));
        found.extend(policy::read_document(called, document, &engine).err());
    }
    found.extend(translate::fallback(config, &engine).err());
}

/// A secret that can be shown in a header.
pub(super) fn token(key: &str, token: Option<&str>) -> Option<Problem> {
    let token = token?;
    let fits = !token.is_empty() && token.chars().all(|c| !c.is_control() && c.is_ascii());
    let message = "ASCII characters are needed, and none that control; leave it out for no secret";
    (!fits).then(|| Problem::new(key, message))
}
