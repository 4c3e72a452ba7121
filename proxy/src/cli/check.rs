//! `tidegate check`.

use std::fmt::Write;
use std::process::ExitCode;

use super::{Setup, exit};
use crate::config::{Chain, Config};

pub(super) fn check(setup: &Setup) -> ExitCode {
    match setup.load() {
        Ok(config) => exit::answer(&summary(&config)),
        Err(error) => exit::complain(exit::CONFIG, &error),
    }
}

/// What the configuration comes to.
fn summary(config: &Config) -> String {
    let mut text = format!(
        "The configuration is sound.\nshards    {}\n",
        config.shard_count()
    );
    for listen in &config.listen {
        let _ = write!(text, "sip       {}:{}", listen.transport, listen.address);
        if let Some(advertise) = &listen.advertise {
            let _ = write!(text, " as {advertise}");
        }
        text.push('\n');
    }
    for listen in &config.routing.listen {
        let dialect = format!("{:?}", listen.dialect).to_lowercase();
        let _ = writeln!(
            text,
            "routing   applications dial in on {} ({dialect})",
            listen.address
        );
    }
    for dial in &config.routing.dial {
        let _ = writeln!(text, "routing   the proxy dials {}", dial.address);
    }
    for application in &config.routing.application {
        let how = match &application.url {
            Some(url) => format!("is reached at {url}"),
            None => "dials in".to_owned(),
        };
        let _ = writeln!(text, "routing   {} {how}", application.name);
    }
    for chain in &config.routing.chain {
        let _ = writeln!(text, "chain     {}", in_words(chain));
    }
    for rule in &config.routing.rule {
        let _ = writeln!(text, "rule      {}: {}", rule.name, rule.then);
    }
    let _ = writeln!(text, "deadline  {} ms", config.routing.deadline_ms);
    let fallback = &config.routing.fallback;
    let decides = match (&fallback.document, &fallback.document_file) {
        (None, None) => "503 with Retry-After".to_owned(),
        (Some(_), _) => "the document in the configuration".to_owned(),
        (None, Some(file)) => file.display().to_string(),
    };
    let _ = write!(text, "fallback  {decides}");
    text
}

/// `calls: billing, else cache, else pass; then core`
fn in_words(chain: &Chain) -> String {
    let steps = chain.step.iter().map(|step| {
        let otherwise = step.otherwise.iter().map(ToString::to_string);
        let deciders = step.ask.iter().cloned().chain(otherwise);
        deciders.collect::<Vec<_>>().join(", else ")
    });
    let steps: Vec<_> = steps.collect();
    format!("{}: {}", chain.name, steps.join("; then "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_every_listener() {
        let text = summary(&Config::default());
        for part in [
            "udp:127.0.0.1:5060",
            "tcp:127.0.0.1:5060",
            "127.0.0.1:8448 (native)",
            "503",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_chain_is_told_in_words() {
        let step = |pool: &str, otherwise: &[&str]| crate::config::Step {
            ask: vec![pool.to_owned()],
            otherwise: otherwise.iter().map(|it| it.parse().unwrap()).collect(),
            ..crate::config::Step::default()
        };
        let chain = Chain {
            name: "calls".to_owned(),
            step: vec![step("billing", &["cache", "pass"]), step("core", &[])],
        };
        assert_eq!(
            in_words(&chain),
            "calls: billing, else cache, else pass; then core"
        );
    }
}
