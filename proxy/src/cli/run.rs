//! `tidegate run`.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::signals::{Signals, Wish};
use super::{Setup, exit};
use crate::config::Origin;
use crate::telemetry::{self, Stats};
use crate::{Proxy, StartError};

/// How often counters that moved are logged.
const COUNTERS: Duration = Duration::from_secs(60);

pub(super) fn run(setup: &Setup) -> ExitCode {
    let config = match setup.load() {
        Ok(config) => config,
        Err(error) => return exit::complain(exit::CONFIG, &error),
    };
    telemetry::init(&config.log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = runtime.and_then(|runtime| runtime.block_on(serve(setup.origin())));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => exit::complain(exit::START, &error),
    }
}

async fn serve(origin: Origin) -> io::Result<u8> {
    let mut signals = Signals::new()?;
    let proxy = Proxy::start_from(origin).map_err(|error: StartError| io::Error::other(error))?;
    announce(&proxy);
    let mut running = Running {
        proxy,
        last: Stats::default(),
    };
    let code = match running.until_told(&mut signals).await {
        Told::End => running.drain(&mut signals).await,
        Told::Failed => exit::FAILED,
    };
    running.log_counters().await;
    running.proxy.stop().await;
    tracing::info!("ended");
    Ok(code)
}

/// Why the proxy does not go on.
enum Told {
    End,
    Failed,
}

struct Running {
    proxy: Proxy,
    last: Stats,
}

impl Running {
    async fn until_told(&mut self, signals: &mut Signals) -> Told {
        let mut tick = interval_at(Instant::now() + COUNTERS, COUNTERS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::End => return Told::End,
                    Wish::Counters => self.log_counters().await,
                    // What came of it is in the log.
                    Wish::Reload => drop(self.proxy.reload().await),
                },
                _ = tick.tick() => self.log_counters_that_moved().await,
                () = self.proxy.failed() => {
                    tracing::error!("a shard failed");
                    return Told::Failed;
                }
            }
        }
    }

    async fn drain(&mut self, signals: &mut Signals) -> u8 {
        let grace = self.proxy.grace().await;
        tracing::info!(
            grace_s = grace.as_secs(),
            "draining; a second signal ends at once"
        );
        self.proxy.drain().await;
        let deadline = sleep(grace);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                () = self.proxy.ended() => return exit::OK,
                () = &mut deadline => return exit::CUT,
                wish = signals.next() => match wish {
                    Wish::End => return exit::CUT,
                    Wish::Counters => self.log_counters().await,
                    Wish::Reload => {}
                },
            }
        }
    }

    async fn log_counters_that_moved(&mut self) {
        let stats = self.proxy.stats().await;
        if stats != self.last {
            stats.log();
            self.last = stats;
        }
    }

    async fn log_counters(&mut self) {
        self.last = self.proxy.stats().await;
        self.last.log();
    }
}

fn announce(proxy: &Proxy) {
    for listener in proxy.addresses() {
        tracing::info!(transport = %listener.transport, address = %listener.address, "SIP");
    }
    for address in proxy.routing_addresses() {
        tracing::info!(%address, "routing applications dial in here");
    }
    if let Some(address) = proxy.admin_address() {
        tracing::info!(%address, "admin API");
    }
}
