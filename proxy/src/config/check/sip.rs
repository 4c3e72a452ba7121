//! What is wrong with the settings of SIP.

use super::{Problem, at_least, at_most};
use crate::config::{Config, address};

/// All that is wrong with `sip`.
pub(super) fn check(config: &Config, found: &mut Vec<Problem>) {
    for (i, domain) in config.sip.domains.iter().enumerate() {
        if !address::is_host(domain) {
            let message = format!("`{domain}` is not a host; leave out scheme, user and port");
            found.push(Problem::new(format!("sip.domains[{i}]"), message));
        }
    }
    let (timers, limits) = (&config.sip.timers, &config.sip.limits);
    let positive = [
        ("sip.timers.t1", u64::from(timers.t1)),
        ("sip.timers.t2", u64::from(timers.t2)),
        ("sip.timers.t4", u64::from(timers.t4)),
        ("sip.timers.timer_c", u64::from(timers.timer_c)),
        (
            "sip.timers.fr_timer",
            u64::from(timers.fr_timer.unwrap_or(1)),
        ),
        (
            "sip.timers.fr_inv_timer",
            u64::from(timers.fr_inv_timer.unwrap_or(1)),
        ),
        ("sip.max_forwards", u64::from(config.sip.max_forwards)),
        ("sip.max_breadth", u64::from(config.sip.max_breadth)),
        (
            "sip.limits.max_transactions",
            limits.max_transactions as u64,
        ),
        ("sip.limits.max_targets", limits.max_targets as u64),
        ("sip.limits.max_rounds", u64::from(limits.max_rounds)),
        ("sip.limits.max_headers", u64::from(limits.max_headers)),
    ];
    found.extend(
        positive
            .into_iter()
            .filter_map(|(key, value)| at_least(key, value, 1)),
    );
    found.extend(at_least(
        "sip.limits.max_message",
        u64::from(limits.max_message),
        1024,
    ));
    found.extend(at_least(
        "sip.limits.max_line",
        u64::from(limits.max_line),
        256,
    ));
    found.extend(at_most(
        "sip.limits.max_message",
        u64::from(limits.max_message),
        16 << 20,
    ));
    found.extend(at_most(
        "sip.limits.max_transactions",
        limits.max_transactions as u64,
        1 << 24,
    ));
}
