//! What is wrong with the pools.

use super::{Problem, at_least, names};
use crate::config::applications::Application;
use crate::config::pools::Pool;
use crate::config::routing::Routing;

/// All that is wrong with `routing.pool`, and with what its applications share.
pub(super) fn check(routing: &Routing, found: &mut Vec<Problem>) {
    let pools = routing.pool.iter();
    names("routing.pool", pools.map(|pool| pool.name.as_str()), found);
    for (i, pool) in routing.pool.iter().enumerate() {
        settings(pool, &format!("routing.pool[{i}]"), found);
    }
    for index in 0..routing.pools().len() {
        found.extend(sharing(routing, index));
    }
}

fn settings(pool: &Pool, key: &str, found: &mut Vec<Problem>) {
    if !(pool.share > 0.0 && pool.share <= 1.0) {
        let message = format!(
            "{} is no share; write more than 0 and at most 1",
            pool.share
        );
        found.push(Problem::new(format!("{key}.share"), message));
    }
    let eject = &pool.eject;
    let least = [
        ("max_in_flight", pool.max_in_flight.unwrap_or(1)),
        ("eject.slower_than_ms", eject.slower_than_ms.unwrap_or(1)),
        ("eject.pause_ms", eject.pause_ms),
    ];
    for (field, value) in least {
        found.extend(at_least(&format!("{key}.{field}"), value.into(), 1));
    }
    if eject.max_pause_ms < eject.pause_ms {
        let message = format!(
            "{} is less than pause_ms, {}; write at least that",
            eject.max_pause_ms, eject.pause_ms
        );
        found.push(Problem::new(format!("{key}.eject.max_pause_ms"), message));
    }
}

/// What is wrong with how the applications of pool `index` share its work.
fn sharing(routing: &Routing, index: usize) -> Option<Problem> {
    let of_pool = |pool: &Option<String>| routing.pool_index(pool.as_deref()) == Some(index);
    let members = routing.application.iter().enumerate();
    let members = members.filter(|(_, it)| of_pool(&it.pool) && it.shadow.is_none());
    let members: Vec<(usize, &Application)> = members.collect();
    let others = routing.listen.iter().any(|listen| of_pool(&listen.pool))
        || (index == 0 && !routing.dial.is_empty());
    let (last, _) = members.last()?;
    let key = |field: &str| format!("routing.application[{last}].{field}");
    let canaries: u32 = members
        .iter()
        .filter_map(|(_, it)| it.canary)
        .map(u32::from)
        .sum();
    if canaries > 100
        && members
            .iter()
            .all(|(_, it)| it.canary.is_none_or(|c| c <= 100))
    {
        let message = format!("the canaries of its pool get {canaries} percent; at most 100");
        return Some(Problem::new(key("canary"), message));
    }
    if others {
        return None;
    }
    if members.iter().all(|(_, it)| it.weight == 0) {
        let message = "all applications of its pool have the weight 0, so that nobody is asked; \
                       give one of them 1";
        return Some(Problem::new(key("weight"), message));
    }
    if members.iter().all(|(_, it)| it.canary.is_some()) && canaries < 100 {
        let message = format!(
            "its pool has nothing but canaries, which leave {} percent of the calls to nobody; \
             let one of them be no canary",
            100 - canaries
        );
        return Some(Problem::new(key("canary"), message));
    }
    None
}
