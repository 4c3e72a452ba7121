//! `tidegate check`.

use std::fmt::Write;
use std::process::ExitCode;

use super::{Setup, exit};
use crate::config::Config;

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
}
