//! What an operator does to a running proxy: looks at it, changes its applications, reloads.
//!
//! Two layers make what counts: the configuration as it was read last, and over it what was changed
//! at runtime. Every change makes the whole anew, checks it as if it had been read from a file, and
//! puts it in place in the routing client and in all shards, or not at all.

mod applications;
mod error;
mod recording;
mod reload;
mod runtime;
pub(crate) mod sample;
mod shadows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::admin::Health;
use tidegate_schemas::call::CallSummary;
use tokio::sync::Mutex;

use crate::config::{Config, Listen, Origin, Problem, RoutingListen};
use crate::shard::{Control, Handle};
use crate::start::Shared;
use crate::telemetry::{self, Stats};

pub use error::ManageError;
use runtime::Runtime;

/// A running proxy, for those who look after it.
pub(crate) struct Manager {
    shards: Vec<Handle>,
    shared: Shared,
    origin: Option<Origin>,
    bound: Bound,
    state: Mutex<State>,
    started: Instant,
    draining: AtomicBool,
}

/// Where the proxy listens, with the ports that were taken.
struct Bound {
    listen: Vec<Listen>,
    routing: Vec<RoutingListen>,
}

/// What changes while it runs.
struct State {
    /// As it was read last, or as it was started with.
    file: Config,
    runtime: Runtime,
}

impl Manager {
    /// `file` is the configuration as it was read, `running` the same with the ports that were
    /// taken.
    pub(crate) fn new(
        shards: Vec<Handle>,
        shared: Shared,
        origin: Option<Origin>,
        file: Config,
        running: &Config,
    ) -> Arc<Self> {
        let bound = Bound {
            listen: running.listen.clone(),
            routing: running.routing.listen.clone(),
        };
        let state = Mutex::new(State {
            file,
            runtime: Runtime::default(),
        });
        Arc::new(Self {
            shards,
            shared,
            origin,
            bound,
            state,
            started: Instant::now(),
            draining: AtomicBool::new(false),
        })
    }

    pub(crate) fn shards(&self) -> &[Handle] {
        &self.shards
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The configuration that counts, without secrets.
    pub(crate) async fn config(&self) -> Value {
        self.in_force(&*self.state.lock().await).shown()
    }

    /// How long live transactions get to end.
    pub(crate) async fn grace(&self) -> Duration {
        Duration::from_secs(self.state.lock().await.file.shutdown_grace_s.into())
    }

    pub(crate) async fn health(&self) -> Health {
        let node = self.state.lock().await.file.node.clone();
        let draining = self.draining.load(Ordering::Relaxed);
        Health {
            status: if draining { "draining" } else { "running" }.to_owned(),
            node,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.started.elapsed().as_secs(),
            shards: self.shards.len(),
            applications: self.applications_that_decide(),
        }
    }

    /// What was counted since the start. A shard that does not answer in time is left out.
    pub(crate) async fn stats(&self) -> Stats {
        let mut reports = Vec::with_capacity(self.shards.len());
        for shard in &self.shards {
            reports.extend(shard.report().await);
        }
        telemetry::collect(&reports, &self.shared)
    }

    /// The calls that are followed, were answered and live. A shard that does not answer in time is
    /// left out.
    pub(crate) async fn calls(&self) -> Vec<CallSummary<'static>> {
        let mut calls = Vec::new();
        for shard in &self.shards {
            calls.extend(shard.ask(Control::Calls).await.unwrap_or_default());
        }
        calls
    }

    /// Ends a live call. `false` when there is no such call, or not any more.
    pub(crate) async fn terminate(&self, call: ConsultationId, reason: Option<String>) -> bool {
        let Some(shard) = self.shards.get(usize::from(call.shard())) else {
            return false;
        };
        let order = |known| Control::Terminate {
            call,
            reason,
            known,
        };
        shard.ask(order).await.unwrap_or(false)
    }

    /// Takes no new requests from here on.
    pub(crate) async fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.shared.drain.send_replace(true);
        self.order(|| Control::Drain).await;
    }

    /// Tells all shards.
    pub(crate) async fn order(&self, order: impl Fn() -> Control) {
        for shard in &self.shards {
            let _ = shard.control.send(order()).await;
        }
    }

    fn applications_that_decide(&self) -> usize {
        let connected = self.shared.applications.applications();
        connected.iter().filter(|it| !it.shadow).count()
    }

    /// The configuration that counts, with the listeners as they were bound.
    fn in_force(&self, state: &State) -> Config {
        self.at_its_ports(state.runtime.over(&state.file))
    }

    fn at_its_ports(&self, mut config: Config) -> Config {
        config.listen.clone_from(&self.bound.listen);
        config.routing.listen.clone_from(&self.bound.routing);
        config
    }

    /// Puts `config` in place, in the routing client and in all shards.
    async fn put_in_place(&self, config: Config) -> Result<(), Problem> {
        let config = self.at_its_ports(config);
        let engine = Arc::new(config.engine()?);
        let policy = Arc::new(config.policy()?);
        let shadows = config.shadow_settings()?;
        self.shared.applications.shadows().configure(shadows);
        self.shared.applications.reconfigure(policy);
        for shard in &self.shards {
            let order = |done| Control::Reconfigure {
                engine: Arc::clone(&engine),
                done,
            };
            if shard.ask(order).await.is_none() {
                tracing::warn!("a shard has not said in time that it took the configuration");
            }
        }
        Ok(())
    }
}
