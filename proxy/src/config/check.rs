//! What the types alone can't refuse.

use std::collections::HashSet;

use super::error::Problem;
use super::listen::Listen;
use super::routing::{Dialect, RoutingListen};
use super::{Config, address, translate};

/// Everything that is wrong with `config`.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    check_top(config, &mut found);
    check_listeners(config, &mut found);
    check_sip(config, &mut found);
    check_streams(config, &mut found);
    check_routing(config, &mut found);
    if found.is_empty() {
        found.extend(translate::fallback(config).err());
    }
    found
}

fn check_top(config: &Config, found: &mut Vec<Problem>) {
    if config.shards == Some(0) {
        found.push(Problem::new(
            "shards",
            "at least 1 is needed; leave it out for the default",
        ));
    }
    if config.node.is_empty() || config.node.chars().any(char::is_control) {
        found.push(Problem::new(
            "node",
            "a name without control characters is needed",
        ));
    }
    if let Err(error) = crate::telemetry::filter(&config.log.level) {
        found.push(Problem::new(
            "log.level",
            format!("{error}; write error, warn, info or debug"),
        ));
    }
}

fn check_listeners(config: &Config, found: &mut Vec<Problem>) {
    if config.listen.is_empty() {
        found.push(Problem::new(
            "listen",
            "nothing to listen on; add a [[listen]]",
        ));
    }
    if config.listen.len() > usize::from(u16::MAX) {
        found.push(Problem::new(
            "listen",
            "too many listeners; 65535 are possible",
        ));
    }
    let mut bound = HashSet::new();
    for (i, listen) in config.listen.iter().enumerate() {
        let taken = listen.address.port() != 0 && !bound.insert((listen.transport, listen.address));
        found.extend(listener_problem(i, listen, taken));
    }
}

fn listener_problem(i: usize, listen: &Listen, taken: bool) -> Option<Problem> {
    if taken {
        let message = format!("{}:{} is listed twice", listen.transport, listen.address);
        return Some(Problem::new(format!("listen[{i}].address"), message));
    }
    if listen.address.ip().is_unspecified() && listen.advertise.is_none() {
        let message = format!(
            "{} is a wildcard, which others can't answer to: Via and Record-Route need the host \
             that this proxy is reached by; add advertise = \"sip.example.com\", or listen on one \
             address",
            listen.address
        );
        return Some(Problem::new(format!("listen[{i}].advertise"), message));
    }
    None
}

fn check_sip(config: &Config, found: &mut Vec<Problem>) {
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

fn check_streams(config: &Config, found: &mut Vec<Problem>) {
    let streams = &config.streams;
    let positive = [
        (
            "streams.connect_timeout_ms",
            u64::from(streams.connect_timeout_ms),
        ),
        (
            "streams.write_timeout_ms",
            u64::from(streams.write_timeout_ms),
        ),
        ("streams.idle_s", u64::from(streams.idle_s)),
    ];
    found.extend(
        positive
            .into_iter()
            .filter_map(|(key, value)| at_least(key, value, 1)),
    );
    let queue = streams.write_queue_bytes as u64;
    let message = u64::from(config.sip.limits.max_message);
    found.extend(at_least("streams.write_queue_bytes", queue, message));
}

fn check_routing(config: &Config, found: &mut Vec<Problem>) {
    let routing = &config.routing;
    found.extend(at_least(
        "routing.deadline_ms",
        u64::from(routing.deadline_ms),
        1,
    ));
    found.extend(at_least(
        "routing.max_in_flight",
        u64::from(routing.max_in_flight),
        1,
    ));
    found.extend(at_least(
        "routing.max_frame",
        routing.max_frame as u64,
        1024,
    ));
    for (i, listen) in routing.listen.iter().enumerate() {
        found.extend(routing_problem(i, listen));
    }
    for (i, dial) in routing.dial.iter().enumerate() {
        let port = dial
            .address
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            let message = format!("`{}` lacks a port; write host:port", dial.address);
            found.push(Problem::new(format!("routing.dial[{i}].address"), message));
        }
    }
    let fallback = &routing.fallback;
    if fallback.document.is_some() && fallback.document_file.is_some() {
        let message = "both a document and a file are given; keep one of them";
        found.push(Problem::new("routing.fallback.document_file", message));
    }
}

fn routing_problem(i: usize, listen: &RoutingListen) -> Option<Problem> {
    let (field, message) = unfit_field(listen)?;
    Some(Problem::new(
        format!("routing.listen[{i}].{field}"),
        message,
    ))
}

fn unfit_field(listen: &RoutingListen) -> Option<(&'static str, String)> {
    let own = listen.dialect == Dialect::Evapi;
    let set = [
        ("template", listen.template.is_some()),
        ("paths", listen.paths.is_some()),
        ("framing", listen.framing.is_some()),
    ];
    if let Some((field, _)) = set.into_iter().find(|(_, set)| *set && !own) {
        return Some((field, "is for dialect = \"evapi\"; leave it out".to_owned()));
    }
    translate::dialect(listen).err()
}

fn at_least(key: &str, value: u64, least: u64) -> Option<Problem> {
    (value < least).then(|| Problem::new(key, format!("{value} is too little; at least {least}")))
}

fn at_most(key: &str, value: u64, most: u64) -> Option<Problem> {
    (value > most).then(|| Problem::new(key, format!("{value} is too much; at most {most}")))
}
