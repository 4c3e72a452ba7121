//! `tidegate demo`.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::exit;
use crate::config::Log;
use crate::{demo, telemetry};

pub(super) const EXAMPLES: &str = "\
Nothing has to be configured, and nothing else has to run. For each call, tidegate is started on free
loopback ports; a routing application dials in over TCP; alice calls over UDP or TCP, and bob, carol
and dave are called. What the application was asked, what it answered and every SIP message are drawn
as a ladder, and what each of them must see is verified.

Examples:
  tidegate demo
      All calls, one after the other.

  tidegate demo --call fork --call failover
      Two of them.

  tidegate demo --call silence --log debug
      One of them, with the proxy's own log on standard error.

  tidegate demo --json | jq '.calls[] | {name, ok, faults}'
      Everything that was sent, for programs.

Colours are used on a terminal, unless NO_COLOR is set.

Exit codes:
  0  every call ended as it should
  1  one did not; what was missing is printed
  2  the command line is wrong
  3  no port can be listened on, or the system lacks something";

/// What to show.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Place this call only; may be given several times
    #[arg(long, value_name = "NAME", value_parser = names())]
    call: Vec<String>,

    /// List the calls and place none
    #[arg(long, conflicts_with_all = ["call", "json"])]
    list: bool,

    /// Print the trace as JSON instead of drawing it
    #[arg(long)]
    json: bool,

    /// Let the proxy log to standard error: error, warn, info or debug
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    log: Option<String>,
}

pub(super) fn demo(arguments: &Demo) -> ExitCode {
    if arguments.list {
        return exit::answer(&list());
    }
    if let Some(level) = &arguments.log {
        let level = level.clone();
        telemetry::init(&Log {
            level,
            ..Log::default()
        });
    }
    let mut out = io::stdout().lock();
    let options = demo::Options {
        calls: arguments.call.clone(),
        json: arguments.json,
        coloured: out.is_terminal() && !is_set("NO_COLOR"),
    };
    match demo::run(&options, &mut out) {
        Ok(true) => ExitCode::from(exit::OK),
        Ok(false) => ExitCode::from(exit::UNLIKE),
        // Who reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(exit::UNLIKE),
        Err(error) => exit::complain(exit::START, &error),
    }
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(demo::calls().map(|(name, _)| name))
}

fn level(text: &str) -> Result<String, String> {
    telemetry::filter(text).map(|_| text.to_owned())
}

fn list() -> String {
    let lines = demo::calls().map(|(name, title)| format!("{name:<10}{title}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// As no-color.org has it: the empty string counts as absent.
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_listed_once_with_its_title() {
        let list = list();
        assert!(list.contains("fork      Parallel fork"), "{list}");
        let mut names: Vec<_> = demo::calls().map(|(name, _)| name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), list.lines().count()), (count, count));
    }
}
