//! The program `tidegate`.

mod ask;
mod check;
mod check_router;
mod ctl;
mod demo;
mod described;
mod exit;
mod reach;
mod replay;
mod replay_router;
mod run;
mod schema;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Origin, Overrides};

const EXAMPLES: &str = "\
Examples:
  tidegate demo
      Calls through a proxy of its own, drawn and verified. Nothing has to be configured.

  tidegate run
      SIP on udp and tcp 127.0.0.1:5060; routing applications dial in on 127.0.0.1:8448.
      Until one does, every call gets 503.

  echo '{\"routes\":[{\"dst_uri\":\"sip:192.0.2.7\"}]}' > all.json
  tidegate run --fallback-document all.json
      The same, and all calls go to 192.0.2.7 while no application is there.

  tidegate run --config tidegate.toml --log debug
      As the file says, with a log line for every decision.

  tidegate run --listen udp:0.0.0.0:5060=sip.example.com --routing-listen 127.0.0.1:8448=kamailio
      For an application that was written for Kamailio's evapi.

  tidegate check --config tidegate.toml
      What is wrong with the file, line by line.

  tidegate ctl applications
      Who routes, in which state and how fast. `tidegate ctl --help` shows how to swap them.

Exit codes:
  0  ended as told
  1  the configuration is wrong
  2  the command line is wrong
  3  an address can't be listened on, or the system lacks something
  4  a part of the proxy failed while it ran
  5  stopped before all calls had ended";

/// A stateful SIP proxy whose routing lives in your own application.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy until SIGTERM or SIGINT
    #[command(after_help = EXAMPLES)]
    Run(Setup),
    /// Say what is wrong with a configuration, and where
    Check(Setup),
    /// Place calls through a proxy of its own, draw each, and verify it
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::Demo),
    /// Tell the author of a routing application what it gets wrong, over its own channel
    #[command(after_help = check_router::EXAMPLES)]
    CheckRouter(check_router::CheckRouter),
    /// Look after a running proxy: applications, calls, counters, reload
    #[command(after_help = ctl::EXAMPLES)]
    Ctl(ctl::Ctl),
    /// Answer a proxy's questions as it was recorded, without the application
    #[command(after_help = replay_router::EXAMPLES)]
    ReplayRouter(replay_router::ReplayRouter),
    /// Ask an application what was asked before, and compare its answers with what was decided
    #[command(after_help = replay::EXAMPLES)]
    Replay(Box<replay::Replay>),
    /// Ask an application one question, and draw what its answer would do
    #[command(after_help = ask::EXAMPLES)]
    Ask(Box<ask::Ask>),
    /// Print the JSON Schema of something, or a list of what there is
    Schema {
        /// What to describe
        name: Option<String>,
    },
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
struct Setup {
    /// The configuration; without it, SIP and routing on loopback
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,

    #[command(flatten)]
    overrides: Overrides,
}

impl Setup {
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), &self.overrides)
    }

    fn origin(&self) -> Origin {
        Origin {
            file: self.config.clone(),
            overrides: self.overrides.clone(),
        }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(setup) => run::run(&setup),
        Command::Check(setup) => check::check(&setup),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::CheckRouter(arguments) => check_router::check_router(&arguments),
        Command::Ctl(arguments) => ctl::ctl(&arguments),
        Command::ReplayRouter(arguments) => replay_router::replay_router(&arguments),
        Command::Replay(arguments) => replay::replay(&arguments),
        Command::Ask(arguments) => ask::ask(&arguments),
        Command::Schema { name } => schema::print(name.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_are_read_where_the_help_shows_them() {
        let line = "tidegate run --listen udp:0.0.0.0:5060=sip.example.com --listen tcp:[::1]:5060 \
                    --routing-listen 127.0.0.1:8448=kamailio --shards 2 --log debug";
        let Command::Run(setup) = Cli::try_parse_from(line.split_whitespace())
            .unwrap()
            .command
        else {
            panic!("not run");
        };
        let config = setup.load().unwrap();
        assert_eq!(config.listen.len(), 2);
        assert_eq!(config.shards, Some(2));
    }
}
