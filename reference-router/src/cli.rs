//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use routing_application::Identity;
use routing_application::args::Channels;

/// Answers Tidegate's routing questions, and bills calls
///
/// The proxy suspends each new request and asks a routing application where it is to go. This one
/// asks its modules one after the other: a block list, opening hours, number portability, numbers of
/// its own, rules, least-cost routing, and prepaid balances in Redis. All of them are configured in
/// one file; a module that is not in it is not asked.
///
/// The file and the tables that it names may be changed at any time; they are read again at once.
/// What is not in order is refused in the log with the place and the reason, and the old data stays
/// in force.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: Run,
}

const EXAMPLES: &str = "\
Examples:
  reference-router
      Dials a proxy on this machine and uses the example rules, which explain themselves
  reference-router check my-rules.toml
      Says what is wrong with a file and its tables, and in which line; else what is loaded
  reference-router --rules examples/reference-router/lcr.toml --proxy 192.0.2.1:8448,192.0.2.2:8448
      Least-cost routing for two proxies; the one that is up is served
  reference-router --proxy ws://192.0.2.1:8449
      Dials over WebSocket; tls:// and wss:// with --ca-file encrypt
  reference-router --listen 127.0.0.1:8080
      For proxies that ask over HTTP, at http://127.0.0.1:8080/route, or dial over WebSocket, at
      ws://127.0.0.1:8080/route; /health, /data and /counters are for people
  reference-router --listen-tcp 127.0.0.1:8450 --token s3cret
      For proxies that dial over TCP and show this secret
  reference-router --rules examples/reference-router/chain.toml --steps authorise,lnp
      Only these steps: what they do not refuse is passed to the next application in the chain
  RUST_LOG=debug reference-router
      Logs every decision and what made it";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Checks a configuration and says what is wrong with it, or what is loaded
    Check {
        /// The configuration
        rules: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct Run {
    /// The configuration; reference-router/rules.example.toml and examples/reference-router explain
    /// all that can stand in it
    #[arg(
        long,
        visible_alias = "config",
        default_value = "reference-router/rules.example.toml",
        env = "ROUTER_RULES"
    )]
    pub(crate) rules: PathBuf,

    #[command(flatten)]
    pub(crate) channels: Channels,

    /// The only steps or modules that decide; what they leave open is passed on
    #[arg(long, value_delimiter = ',')]
    pub(crate) steps: Vec<String>,

    /// The name under which the proxy logs this application
    #[arg(long, default_value = "reference-router")]
    name: String,
}

impl Run {
    pub(crate) fn identity(&self) -> Identity {
        self.channels
            .identity(&self.name, env!("CARGO_PKG_VERSION"))
    }
}
