//! A running proxy.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::CallSummary;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::config::{Config, Listen, SipTransport};
use crate::shard::{Control, Report, Thread};
use crate::start::{self, Shared, StartError};
use crate::telemetry::{self, Stats};

/// How long a shard may take to say what it counted.
const REPORT: Duration = Duration::from_secs(1);

/// A proxy that works until it is shut down. Its threads are its own: it can be started from any
/// runtime, or without one.
#[derive(Debug)]
pub struct Proxy {
    shards: Vec<Thread>,
    shared: Shared,
    sip: Vec<Address>,
    routing: Vec<SocketAddr>,
    grace: Duration,
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
    pub fn start(mut config: Config) -> Result<Self, StartError> {
        let (shards, shared) = start::start(&mut config)?;
        Ok(Self {
            shards,
            shared,
            sip: config.listen.iter().map(Address::of).collect(),
            routing: config
                .routing
                .listen
                .iter()
                .map(|listen| listen.address)
                .collect(),
            grace: Duration::from_secs(config.shutdown_grace_s.into()),
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

    /// The routing applications that are connected.
    #[must_use]
    pub fn applications(&self) -> Vec<routing_api_client::ApplicationState> {
        self.shared.applications.applications()
    }

    /// What was counted since the start. A shard that does not answer in time is left out.
    pub async fn stats(&self) -> Stats {
        let mut reports = Vec::with_capacity(self.shards.len());
        for shard in &self.shards {
            reports.extend(report(shard).await);
        }
        let Shared {
            switchboard,
            streams,
            applications,
            ..
        } = &self.shared;
        telemetry::collect(&reports, &applications.stats(), streams, switchboard)
    }

    /// The calls that are followed, were answered and live: those that an application subscribed to
    /// or limited. A shard that does not answer in time is left out.
    pub async fn calls(&self) -> Vec<CallSummary<'static>> {
        let mut calls = Vec::new();
        for shard in &self.shards {
            calls.extend(asked(shard, Control::Calls).await.unwrap_or_default());
        }
        calls
    }

    /// Ends a live call with BYE to both sides. `reason` goes into them and into the notification.
    /// `false` when there is no such call, or not any more.
    pub async fn terminate(&self, call: ConsultationId, reason: Option<String>) -> bool {
        let Some(shard) = self.shards.get(usize::from(call.shard())) else {
            return false;
        };
        let order = |known| Control::Terminate {
            call,
            reason,
            known,
        };
        asked(shard, order).await.unwrap_or(false)
    }

    /// Takes no new requests from here on: they get 503 with Retry-After. Routing applications are
    /// told. What lives goes on.
    pub async fn drain(&self) {
        self.shared.drain.send_replace(true);
        self.order(|| Control::Drain).await;
    }

    /// Completes when every shard has ended: after [`Proxy::drain`], when the last transaction has.
    pub async fn ended(&self) {
        for shard in &self.shards {
            shard.ended().await;
        }
    }

    /// Completes when the first shard ends, which is a failure unless it was told to.
    pub async fn failed(&self) {
        let mut ends: Vec<_> = self
            .shards
            .iter()
            .map(|shard| Box::pin(shard.ended()))
            .collect();
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
        let _ = timeout(self.grace, self.ended()).await;
        self.stop().await;
    }

    /// Stops at once.
    pub async fn stop(self) {
        self.order(|| Control::Stop).await;
        for shard in self.shards {
            shard.ended().await;
            let _ = shard.handle.join();
        }
    }

    async fn order(&self, order: impl Fn() -> Control) {
        for shard in &self.shards {
            let _ = shard.control.send(order()).await;
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

/// `None` when the shard does not answer in time.
async fn asked<T>(
    shard: &Thread,
    order: impl FnOnce(oneshot::Sender<T>) -> Control,
) -> Option<T> {
    let (ask, answer) = oneshot::channel();
    shard.control.send(order(ask)).await.ok()?;
    timeout(REPORT, answer).await.ok()?.ok()
}

async fn report(shard: &Thread) -> Option<Report> {
    let (ask, answer) = oneshot::channel();
    let asked = shard.control.send(Control::Report(ask)).await;
    let answer = match asked {
        Ok(()) => timeout(REPORT, answer).await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    answer.or_else(|| shard.last_report())
}
