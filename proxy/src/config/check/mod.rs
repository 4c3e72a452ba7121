//! What the types alone can't refuse.

mod applications;
mod chains;
mod pools;
mod recording;
mod routing;
mod rules;
mod sip;

use std::collections::HashSet;

use super::Config;
use super::admin::Admin;
use super::calls::Calls;
use super::error::Problem;
use super::listen::Listen;

/// A shorter secret can be guessed.
const SECRET: usize = 16;

/// Everything that is wrong with `config`.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    check_top(config, &mut found);
    check_listeners(config, &mut found);
    sip::check(config, &mut found);
    check_streams(config, &mut found);
    routing::check(config, &mut found);
    check_calls(&config.calls, &mut found);
    recording::check(config, &mut found);
    check_admin(&config.admin, &mut found);
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

fn check_calls(calls: &Calls, found: &mut Vec<Problem>) {
    let least = [
        ("calls.notify_queue", calls.notify_queue as u64, 1),
        ("calls.notify_bytes", calls.notify_bytes as u64, 65_536),
        ("calls.notify_keep_s", calls.notify_keep_s.into(), 1),
        ("calls.ack_timeout_ms", calls.ack_timeout_ms.into(), 100),
    ];
    let wrong = least.into_iter();
    found.extend(wrong.filter_map(|(key, value, least)| at_least(key, value, least)));
}

fn check_admin(admin: &Admin, found: &mut Vec<Problem>) {
    let listen = admin.listen.unwrap_or(super::DEFAULT_ADMIN);
    if admin.enabled && admin.token.is_none() && !listen.ip().is_loopback() {
        let message = format!(
            "{listen} can be reached from elsewhere, so a secret is needed: set admin.token or \
             TIDEGATE_ADMIN_TOKEN, or listen on 127.0.0.1"
        );
        found.push(Problem::new("admin.token", message));
    }
    if let Some(token) = &admin.token
        && (token.len() < SECRET || !token.bytes().all(|b| b.is_ascii_graphic()))
    {
        let message = format!(
            "at least {SECRET} printable ASCII characters without spaces are needed, such as \
             `openssl rand -hex 24` gives"
        );
        found.push(Problem::new("admin.token", message));
    }
}

/// A name that logs and messages can carry.
fn name(key: &str, name: &str) -> Option<Problem> {
    let message = match name {
        "" => "a name is needed",
        name if name.chars().any(char::is_control) => "a name without control characters is needed",
        name if name.len() > 128 => "the name is too long; at most 128 bytes",
        _ => return None,
    };
    Some(Problem::new(key, message))
}

/// Every name is there and is there once. `key` is that of the list.
fn names<'a>(key: &str, all: impl Iterator<Item = &'a str>, found: &mut Vec<Problem>) {
    let mut known = HashSet::new();
    for (i, one) in all.enumerate() {
        let key = format!("{key}[{i}].name");
        found.extend(name(&key, one));
        if !one.is_empty() && !known.insert(one) {
            found.push(Problem::new(
                key,
                format!("`{one}` is there twice; rename one of them"),
            ));
        }
    }
}

fn at_least(key: &str, value: u64, least: u64) -> Option<Problem> {
    (value < least).then(|| Problem::new(key, format!("{value} is too little; at least {least}")))
}

fn at_most(key: &str, value: u64, most: u64) -> Option<Problem> {
    (value > most).then(|| Problem::new(key, format!("{value} is too much; at most {most}")))
}

#[cfg(test)]
mod tests;
