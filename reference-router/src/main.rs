//! The command line of the reference router.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use reference_router::channel::{self, Settings};
use reference_router::rules::Rules;
use reference_router::watch;
use tidegate_schemas::frame::Framing;
use tidegate_schemas::message::{Hello, VERSION};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing_subscriber::EnvFilter;

/// Answers Tidegate's routing questions out of a rules file
///
/// The proxy suspends each new request and asks a routing application where it is to go. This one
/// connects to the proxy, says hello, and answers by the first rule in its file that matches:
/// targets one after the other or all at once, a final response, or a redirection.
///
/// The file may be changed at any time; it is read again at once. One that is not in order is
/// refused in the log with the place and the reason, and the old rules stay in force.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_long_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

const EXAMPLES: &str = "\
Examples:
  reference-router
      Connects to a proxy on this machine and uses the example rules, which explain themselves
  reference-router check my-rules.toml
      Says what is wrong with a rules file, and in which line
  reference-router --rules my-rules.toml --proxy 192.0.2.1:8448 --connections 2
      Two connections to a proxy elsewhere
  RUST_LOG=debug reference-router
      Logs every decision and the rule that made it";

#[derive(Subcommand)]
enum Command {
    /// Checks a rules file and says what is wrong with it
    Check {
        /// The rules file
        rules: PathBuf,
    },
}

#[derive(Args)]
struct Run {
    /// The rules file; reference-router/rules.example.toml explains all that can stand in it
    #[arg(
        long,
        default_value = "reference-router/rules.example.toml",
        env = "ROUTER_RULES"
    )]
    rules: PathBuf,

    /// Where the proxy listens for routing applications; several are separated by commas
    #[arg(
        long,
        default_value = "127.0.0.1:8448",
        env = "ROUTER_PROXY",
        value_delimiter = ','
    )]
    proxy: Vec<String>,

    /// Connections to each proxy: its shards spread their questions over them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    connections: u16,

    /// How messages are told apart on the connection
    #[arg(long, value_enum, default_value = "lines")]
    framing: FramingName,

    /// The name under which the proxy logs this application
    #[arg(long, default_value = "reference-router")]
    name: String,

    /// The secret, where the proxy wants one
    #[arg(long, env = "ROUTER_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// How many questions each connection takes at once
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max_in_flight: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum FramingName {
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(Command::Check { rules }) => check(rules),
        None => run(cli.run).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check(path: &Path) -> anyhow::Result<()> {
    let rules = Rules::load(path).with_context(|| format!("{} is refused", path.display()))?;
    let mut out = io::stdout();
    for warning in rules.warnings() {
        writeln!(out, "{warning}")?;
    }
    writeln!(out, "{}: {} rules, in order", path.display(), rules.count())?;
    Ok(())
}

async fn run(args: Run) -> anyhow::Result<()> {
    init_logs();
    let current = watch::follow(&args.rules)
        .with_context(|| format!("{} is refused", args.rules.display()))?;
    info!(rules = current.borrow().rules.count(), file = %args.rules.display(), "rules read");
    let stop = CancellationToken::new();
    let mut connections = JoinSet::new();
    for settings in settings(&args) {
        connections.spawn(channel::run(settings, current.clone(), stop.clone()));
    }
    wait_for_signal().await?;
    info!("leaving");
    stop.cancel();
    while connections.join_next().await.is_some() {}
    Ok(())
}

fn settings(args: &Run) -> impl Iterator<Item = Settings> {
    let settings = |proxy: &String| Settings {
        proxy: proxy.clone(),
        framing: args.framing.into(),
        hello: Hello {
            version: VERSION.into(),
            name: args.name.clone().into(),
            token: args.token.clone().map(Into::into),
            max_in_flight: Some(args.max_in_flight),
            ..Hello::default()
        },
    };
    let each = args.proxy.iter().map(settings);
    each.flat_map(|settings| (0..args.connections).map(move |_| settings.clone()))
}

fn init_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}

async fn wait_for_signal() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
