//! The command line of the reference router.

mod cli;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use reference_router::service::Service;
use reference_router::setup::Setup;
use reference_router::watch;
use routing_application::Host;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, Run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(Command::Check { rules }) => check(rules),
        None => run(&cli.run).await,
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
    let setup = Setup::load(path, None).map_err(|(error, _)| error);
    let setup = setup.with_context(|| format!("{} is refused", path.display()))?;
    let mut out = io::stdout();
    for warning in setup.warnings() {
        writeln!(out, "{warning}")?;
    }
    writeln!(out, "{}: in order", path.display())?;
    writeln!(out, "{:#}", setup.summary())?;
    Ok(())
}

async fn run(args: &Run) -> anyhow::Result<()> {
    init_logs();
    // One provider for whoever does not choose: connections to Redis and to HTTP services.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let current = watch::follow(&args.rules)
        .with_context(|| format!("{} is refused", args.rules.display()))?;
    let data = current.borrow().setup.summary();
    info!(file = %args.rules.display(), modules = %data["modules"], "rules read");
    let service = Service::new(args.identity(), args.steps.clone(), current)?;
    let host = Host::new(Arc::clone(&service));
    let channels = args.channels.open(&host).await?;
    tokio::spawn(service.sweep());
    wait_for_signal().await?;
    info!("leaving");
    channels.leave().await;
    Ok(())
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
