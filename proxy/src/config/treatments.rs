//! From rules as the operator wrote them to those of the engine.

use ipnet::IpNet;
use tidegate_engine as engine;
use tidegate_sip::Method;

use super::error::Problem;
use super::policy;
use super::rules::{Rule, Then};
use super::{Config, address};

/// The methods that a rule may name.
const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "PRACK",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "INFO",
    "REFER",
    "MESSAGE",
    "UPDATE",
];

/// The rules, with their documents read.
pub(super) fn rules(
    config: &Config,
    engine: &engine::Config,
) -> Result<Vec<engine::Rule>, Problem> {
    let rules = config.routing.rule.iter().enumerate();
    rules
        .map(|(i, it)| rule(config, engine, it, &format!("routing.rule[{i}]")))
        .collect()
}

fn rule(
    config: &Config,
    engine: &engine::Config,
    rule: &Rule,
    key: &str,
) -> Result<engine::Rule, Problem> {
    Ok(engine::Rule {
        name: rule.name.clone(),
        methods: each(&rule.methods, key, "methods", method)?,
        domains: each(&rule.domains, key, "domains", domain)?,
        numbers: each(&rule.numbers, key, "numbers", number)?,
        sources: each(&rule.sources, key, "sources", source)?,
        in_dialog: rule.in_dialog,
        then: treatment(config, engine, &rule.then, &format!("{key}.then"))?,
    })
}

/// Reads every entry of a list; `field` of the rule at `key`.
pub(super) fn each<T>(
    texts: &[String],
    key: &str,
    field: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, Problem> {
    let read = |(i, text): (usize, &String)| {
        read(text).map_err(|message| Problem::new(format!("{key}.{field}[{i}]"), message))
    };
    texts.iter().enumerate().map(read).collect()
}

pub(super) fn treatment(
    config: &Config,
    engine: &engine::Config,
    then: &Then,
    key: &str,
) -> Result<engine::Treatment, Problem> {
    match then {
        Then::Straight => Ok(engine::Treatment::Straight),
        Then::Document(name) => {
            let document = policy::document(config, engine, name, key)?;
            Ok(engine::Treatment::Document(Box::new(document)))
        }
        Then::Ask(name) => chain(config, name)
            .map(engine::Treatment::Ask)
            .map_err(|message| Problem::new(key, message)),
    }
}

fn chain(config: &Config, name: &str) -> Result<u16, String> {
    let index = config.routing.chain_index(name);
    index.and_then(|i| u16::try_from(i).ok()).ok_or_else(|| {
        let known = config.routing.chain.iter().map(|chain| chain.name.as_str());
        let names = policy::list(known);
        format!("there is no [[routing.chain]] named `{name}`; {names}")
    })
}

pub(super) fn method(text: &str) -> Result<Method, String> {
    match METHODS.contains(&text) {
        true => Ok(Method::from_bytes(text.as_bytes())),
        false => Err(format!(
            "`{text}` is no method; write {}",
            METHODS.join(", ")
        )),
    }
}

pub(super) fn domain(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("*.").unwrap_or(text);
    match address::is_host(host) {
        true => Ok(text.trim_matches(['[', ']']).to_ascii_lowercase()),
        false => Err(format!(
            "`{text}` is no host; write example.com, or *.example.com for all below it"
        )),
    }
}

pub(super) fn number(text: &str) -> Result<String, String> {
    let plain: String = text.chars().filter(|c| !is_separator(*c)).collect();
    let beginning = text.strip_suffix('*').unwrap_or(text);
    if beginning.is_empty() && text != "*"
        || text.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(format!(
            "`{text}` is no user part; write 112, or +49800* for a beginning"
        ));
    }
    if plain != text
        && plain
            .chars()
            .all(|c| c.is_ascii_digit() || "+*#".contains(c))
    {
        return Err(format!("separators don't count in numbers; write {plain}"));
    }
    Ok(text.to_owned())
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '(' | ')' | ' ')
}

pub(super) fn source(text: &str) -> Result<IpNet, String> {
    let alone = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| alone()).map_err(|_| {
        format!("`{text}` is no network; write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_as_they_are_dialled_and_not_as_they_are_printed() {
        for text in ["112", "+49800*", "*97", "*", "alice", "a-b"] {
            assert_eq!(number(text).unwrap(), text);
        }
        assert!(number("1-1-2").unwrap_err().contains("112"));
        for text in ["", "1 1", "a\r\n"] {
            assert!(number(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_source_is_an_address_or_a_network() {
        for text in ["192.0.2.7", "192.0.2.0/24", "2001:db8::/32", "::1"] {
            assert!(source(text).is_ok(), "{text}");
        }
        assert!(source("192.0.2").unwrap_err().contains("192.0.2.0/24"));
    }

    #[test]
    fn methods_and_domains_that_can_not_be_met_are_refused() {
        assert_eq!(method("INVITE").unwrap(), Method::Invite);
        assert!(method("invite").unwrap_err().contains("INVITE"));
        assert_eq!(domain("*.Example.COM").unwrap(), "*.example.com");
        assert!(domain("sip:a@b").is_err());
    }
}
