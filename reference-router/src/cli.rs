//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use routing_application::Identity;
use routing_application::channel::TlsFiles;
use routing_application::channel::dial::Settings;
use routing_application::channel::endpoint::Endpoint;
use tidegate_schemas::frame::Framing;

/// Where a proxy on this machine listens.
const USUAL_PROXY: &str = "127.0.0.1:8448";

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

    /// Where proxies listen for routing applications: host:port, or a URL with tcp, tls, ws or wss;
    /// several are separated by commas. Without this and without --listen, 127.0.0.1:8448
    #[arg(long, env = "ROUTER_PROXY", value_delimiter = ',')]
    proxy: Vec<Endpoint>,

    /// Connections to each proxy: its shards spread their questions over them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    connections: u16,

    /// Where to listen for HTTP and WebSocket
    #[arg(long, env = "ROUTER_LISTEN", value_delimiter = ',')]
    pub(crate) listen: Vec<SocketAddr>,

    /// Where to listen for proxies that dial over TCP
    #[arg(long, env = "ROUTER_LISTEN_TCP", value_delimiter = ',')]
    pub(crate) listen_tcp: Vec<SocketAddr>,

    /// How messages are told apart on a TCP connection; a proxy that dials shows it by its first byte
    #[arg(long, value_enum, default_value = "lines")]
    pub(crate) framing: FramingName,

    /// The only steps or modules that decide; what they leave open is passed on
    #[arg(long, value_delimiter = ',')]
    pub(crate) steps: Vec<String>,

    /// The name under which the proxy logs this application
    #[arg(long, default_value = "reference-router")]
    name: String,

    /// The secret: shown to proxies that are dialled, asked of those that dial
    #[arg(long, env = "ROUTER_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// How many questions each connection takes at once
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max_in_flight: u32,

    /// Who may have signed the certificates of proxies, for tls:// and wss:// (PEM)
    #[arg(long)]
    ca_file: Option<PathBuf>,

    /// The certificate of this application, where proxies want one (PEM)
    #[arg(long, requires = "key_file")]
    certificate_file: Option<PathBuf>,

    /// Its key (PEM)
    #[arg(long, requires = "certificate_file")]
    key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FramingName {
    /// One JSON text a line
    Lines,
    /// Netstrings, as Kamailio's evapi has them
    Netstring,
}

impl From<FramingName> for Framing {
    fn from(name: FramingName) -> Self {
        match name {
            FramingName::Lines => Self::Lines,
            FramingName::Netstring => Self::Netstring,
        }
    }
}

impl Run {
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            name: self.name.clone(),
            release: Some(env!("CARGO_PKG_VERSION").to_owned()),
            token: self.token.clone(),
            max_in_flight: self.max_in_flight,
        }
    }

    /// A connection each.
    pub(crate) fn proxies(&self) -> impl Iterator<Item = Settings> {
        let tls = TlsFiles {
            ca_file: self.ca_file.clone(),
            certificate_file: self.certificate_file.clone(),
            key_file: self.key_file.clone(),
        };
        let settings = move |proxy| Settings {
            proxy,
            framing: self.framing.into(),
            tls: tls.clone(),
        };
        let each = self.endpoints().into_iter().map(settings);
        each.flat_map(|settings| (0..self.connections).map(move |_| settings.clone()))
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        let listens = !self.listen.is_empty() || !self.listen_tcp.is_empty();
        match self.proxy.as_slice() {
            [] if listens => Vec::new(),
            [] => USUAL_PROXY.parse().into_iter().collect(),
            proxies => proxies.to_vec(),
        }
    }
}
