//! A running proxy.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use tidegate_schemas::ConsultationId;
use tidegate_schemas::admin::Reloaded;
use tidegate_schemas::call::CallSummary;
use tokio::time::timeout;

use crate::admin;
use crate::config::{Config, Listen, Origin, SipTransport};
use crate::manage::{ManageError, Manager};
use crate::shadows;
use crate::shard::Control;
use crate::start::{self, StartError};
use crate::telemetry::Stats;

/// How long the sinks of the recording get to take what is left when the shards have ended.
const LAST_LINES: Duration = Duration::from_millis(1500);

/// A proxy that works until it is shut down. Its threads are its own: it can be started from any
/// runtime, or without one.
pub struct Proxy {
    manager: Arc<Manager>,
    threads: Vec<JoinHandle<()>>,
    admin: Option<admin::Server>,
    shadows: shadows::Thread,
    sip: Vec<Address>,
    routing: Vec<SocketAddr>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut proxy = f.debug_struct("Proxy");
        proxy
            .field("sip", &self.sip)
            .field("routing", &self.routing);
        proxy.finish_non_exhaustive()
    }
}

/// Where SIP is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// How.
    pub transport: SipTransport,
    /// Where, with the port that was taken.
    pub address: SocketAddr,
}

impl Proxy {
    /// Starts a proxy. When this returns, it takes SIP and lets applications dial in.
    ///
    /// # Errors
    /// When an address can't be bound, or the system lacks something.
    pub fn start(config: Config) -> Result<Self, StartError> {
        Self::launch(config, None)
    }

    /// Starts a proxy whose configuration can be read again.
    ///
    /// # Errors
    /// As [`Proxy::start`], and when the configuration is wrong.
    pub fn start_from(origin: Origin) -> Result<Self, StartError> {
        Self::launch(origin.load()?, Some(origin))
    }

    fn launch(config: Config, origin: Option<Origin>) -> Result<Self, StartError> {
        let mut running = config.clone();
        let server = admin::bind(&config.admin)?;
        let (threads, shared) = start::start(&mut running)?;
        let shadows = shadows::Thread::start(Arc::clone(&shared.applications));
        let shadows = shadows.map_err(StartError::Shadows)?;
        let (shards, threads) = threads.into_iter().map(|it| (it.shard, it.thread)).unzip();
        let manager = Manager::new(shards, shared, origin, config, &running);
        let admin = server.map(|server| server.serve(Arc::clone(&manager)));
        let listen = running.routing.listen.iter();
        Ok(Self {
            admin: admin.transpose().map_err(StartError::Shard)?,
            manager,
            threads,
            shadows,
            sip: running.listen.iter().map(Address::of).collect(),
            routing: listen.map(|listen| listen.address).collect(),
        })
    }

    /// Where SIP is taken, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.sip
    }

    /// Where routing applications dial in, in the order of the configuration.
    #[must_use]
    pub fn routing_addresses(&self) -> &[SocketAddr] {
        &self.routing
    }

    /// Where the admin API is served, if it is.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(admin::Server::address)
    }

    /// The routing applications that are connected.
    #[must_use]
    pub fn applications(&self) -> Vec<routing_api_client::ApplicationState> {
        self.manager.shared().applications.applications()
    }

    /// What was counted since the start. A shard that does not answer in time is left out.
    pub async fn stats(&self) -> Stats {
        self.manager.stats().await
    }

    /// The calls that are followed, were answered and live: those that an application subscribed to
    /// or limited. A shard that does not answer in time is left out.
    pub async fn calls(&self) -> Vec<CallSummary<'static>> {
        self.manager.calls().await
    }

    /// Ends a live call with BYE to both sides. `reason` goes into them and into the notification.
    /// `false` when there is no such call, or not any more.
    pub async fn terminate(&self, call: ConsultationId, reason: Option<String>) -> bool {
        self.manager.terminate(call, reason).await
    }

    /// Reads the configuration again and puts it in place, whole or not at all. What was changed
    /// through the admin API stays, unless the file says something new about it.
    ///
    /// # Errors
    /// When the file is wrong, or changes what is read at the start only. Then all is as it was.
    pub async fn reload(&self) -> Result<Reloaded, ManageError> {
        self.manager.reload(false).await
    }

    /// How long live transactions get to end.
    pub async fn grace(&self) -> Duration {
        self.manager.grace().await
    }

    /// Takes no new requests from here on: they get 503 with Retry-After. Routing applications are
    /// told. What lives goes on.
    pub async fn drain(&self) {
        self.manager.drain().await;
    }

    /// Completes when every shard has ended: after [`Proxy::drain`], when the last transaction has.
    pub async fn ended(&self) {
        for shard in self.manager.shards() {
            shard.ended().await;
        }
    }

    /// Completes when the first shard ends, which is a failure unless it was told to.
    pub async fn failed(&self) {
        let shards = self.manager.shards().iter();
        let mut ends: Vec<_> = shards.map(|shard| Box::pin(shard.ended())).collect();
        poll_fn(
            |cx| match ends.iter_mut().any(|end| end.as_mut().poll(cx).is_ready()) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            },
        )
        .await;
    }

    /// Drains, lets live transactions end for as long as the configuration says, and stops.
    pub async fn shutdown(self) {
        self.drain().await;
        let _ = timeout(self.grace().await, self.ended()).await;
        self.stop().await;
    }

    /// Stops at once.
    pub async fn stop(self) {
        self.manager.order(|| Control::Stop).await;
        self.ended().await;
        for thread in self.threads {
            let _ = thread.join();
        }
        if let Some(recorder) = &self.manager.shared().recorder {
            recorder.stop(LAST_LINES);
        }
        self.shadows.stop();
        if let Some(admin) = self.admin {
            admin.stop();
        }
    }
}

impl Address {
    fn of(listen: &Listen) -> Self {
        Self {
            transport: listen.transport,
            address: listen.address,
        }
    }
}
