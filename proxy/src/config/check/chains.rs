//! What is wrong with the chains.

use super::{Problem, at_least, names};
use crate::config::chains::{Chain, Otherwise, Step};
use crate::config::policy;
use crate::config::routing::Routing;

/// All that is wrong with `routing.chain`.
pub(super) fn check(routing: &Routing, found: &mut Vec<Problem>) {
    let chains = routing.chain.iter();
    names("routing.chain", chains.map(|it| it.name.as_str()), found);
    if routing.chain.len() > usize::from(u16::MAX) {
        found.push(Problem::new(
            "routing.chain",
            "too many chains; 65535 are possible",
        ));
    }
    for (i, it) in routing.chain.iter().enumerate() {
        chain(routing, it, &format!("routing.chain[{i}]"), found);
    }
}

fn chain(routing: &Routing, chain: &Chain, key: &str, found: &mut Vec<Problem>) {
    if chain.step.is_empty() {
        let message = "it has no step; add a [[routing.chain.step]] with ask = [\"POOL\"]";
        found.push(Problem::new(key, message));
    }
    if chain.step.len() > 1 {
        let steps = chain.step.iter();
        names(
            &format!("{key}.step"),
            steps.map(|it| it.name.as_str()),
            found,
        );
    }
    for (i, it) in chain.step.iter().enumerate() {
        let last = i + 1 == chain.step.len();
        step(routing, it, last, &format!("{key}.step[{i}]"), found);
    }
    found.extend(deadlines(routing.deadline_ms, chain, key));
}

/// Steps one after the other that would take longer than one decision may.
fn deadlines(total: u32, chain: &Chain, key: &str) -> Option<Problem> {
    let mut sum = 0_u64;
    for (i, step) in chain.step.iter().enumerate() {
        sum += u64::from(step.deadline_ms.unwrap_or(0));
        if sum > u64::from(total) {
            let message = format!(
                "with it the steps take {sum} ms, but routing.deadline_ms leaves {total} for all; \
                 lower this or raise that"
            );
            return Some(Problem::new(
                format!("{key}.step[{i}].deadline_ms"),
                message,
            ));
        }
    }
    None
}

fn step(routing: &Routing, step: &Step, last: bool, key: &str, found: &mut Vec<Problem>) {
    if step.ask.is_empty() {
        found.push(Problem::new(
            format!("{key}.ask"),
            "nobody is asked; name a pool",
        ));
    }
    for (i, name) in step.ask.iter().enumerate() {
        let key = format!("{key}.ask[{i}]");
        found.extend(policy::pool_index(routing, Some(name), &key).err());
        if step.ask.iter().take(i).any(|earlier| earlier == name) {
            found.push(Problem::new(
                key,
                format!("`{name}` is asked already; leave it out"),
            ));
        }
    }
    if let Some(deadline) = step.deadline_ms {
        found.extend(at_least(&format!("{key}.deadline_ms"), deadline.into(), 1));
    }
    for (i, it) in step.otherwise.iter().enumerate() {
        let key = format!("{key}.otherwise[{i}]");
        let earlier = step.otherwise.iter().take(i);
        found.extend(otherwise(routing, it, last, earlier, &key));
    }
}

fn otherwise<'a>(
    routing: &Routing,
    it: &Otherwise,
    last: bool,
    mut earlier: impl Iterator<Item = &'a Otherwise>,
    key: &str,
) -> Option<Problem> {
    if let Some(decides) = earlier.find(|earlier| *earlier == it || **earlier != Otherwise::Cache) {
        let message = format!("`{it}` is never reached, since `{decides}` stands before it");
        return Some(Problem::new(key, message));
    }
    match it {
        Otherwise::Document(name) if !routing.documents.contains_key(name) => {
            let names = policy::list(routing.documents.keys().map(String::as_str));
            let message = format!("there is no document `{name}` in [routing.documents]; {names}");
            Some(Problem::new(key, message))
        }
        Otherwise::Pass if last => {
            let message = "there is no step behind the last one; leave it out for the fallback, or \
                           name a document";
            Some(Problem::new(key, message))
        }
        _ => None,
    }
}
