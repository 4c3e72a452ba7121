//! What is wrong with the rules.

use super::{Problem, names};
use crate::config::Config;
use crate::config::policy;
use crate::config::rules::{Rule, Then};
use crate::config::treatments;

/// All that is wrong with `routing.rule`.
pub(super) fn check(config: &Config, found: &mut Vec<Problem>) {
    let rules = &config.routing.rule;
    names(
        "routing.rule",
        rules.iter().map(|it| it.name.as_str()),
        found,
    );
    for (i, it) in rules.iter().enumerate() {
        let key = format!("routing.rule[{i}]");
        conditions(it, &key, found);
        found.extend(treatment(config, &it.then, &format!("{key}.then")));
        let mut earlier = rules.iter().take(i);
        if let Some(all) = earlier.find(|all| all.in_dialog == it.in_dialog && all.fits_all()) {
            let message = format!(
                "is never reached, since `{}` before it fits every request; move it up",
                all.name
            );
            found.push(Problem::new(key, message));
        }
    }
}

fn conditions(it: &Rule, key: &str, found: &mut Vec<Problem>) {
    let wrong = [
        treatments::each(&it.methods, key, "methods", treatments::method).err(),
        treatments::each(&it.domains, key, "domains", treatments::domain).err(),
        treatments::each(&it.numbers, key, "numbers", treatments::number).err(),
        treatments::each(&it.sources, key, "sources", treatments::source).err(),
    ];
    found.extend(wrong.into_iter().flatten());
}

/// A document that is there but can't be used is reported where it stands, and not here too.
fn treatment(config: &Config, then: &Then, key: &str) -> Option<Problem> {
    let documents = &config.routing.documents;
    match then {
        Then::Document(name) if documents.contains_key(name) => None,
        Then::Document(name) => {
            let names = policy::list(documents.keys().map(String::as_str));
            let message = format!("there is no document `{name}` in [routing.documents]; {names}");
            Some(Problem::new(key, message))
        }
        Then::Ask(_) | Then::Straight => {
            let engine = config.engine_without_documents();
            treatments::treatment(config, &engine, then, key).err()
        }
    }
}
