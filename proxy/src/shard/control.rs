//! What the proxy says to its shards.

use std::sync::Arc;

use tidegate_engine::Stats;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::CallSummary;
use tokio::sync::oneshot;

use crate::resolve::ResolveCounters;
use crate::udp::UdpCounters;

/// An order for one shard.
#[derive(Debug)]
pub(crate) enum Control {
    /// Take no new requests, and end when the live transactions have.
    Drain,
    /// End at once.
    Stop,
    /// Say what was counted.
    Report(oneshot::Sender<Report>),
    /// Go by another configuration from here on, and say that this was done.
    Reconfigure {
        engine: Arc<tidegate_engine::Config>,
        done: oneshot::Sender<()>,
    },
    /// List the live calls.
    Calls(oneshot::Sender<Vec<CallSummary<'static>>>),
    /// End a call, and say whether it was there.
    Terminate {
        call: ConsultationId,
        reason: Option<String>,
        known: oneshot::Sender<bool>,
    },
}

/// What one shard counted.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) engine: Stats,
    pub(crate) routing: routing_api_client::Stats,
    pub(crate) udp: UdpCounters,
    pub(crate) resolve: ResolveCounters,
    pub(crate) shard: ShardCounters,
}

/// Counters of the loop itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ShardCounters {
    pub(crate) turns: u64,
    pub(crate) keepalives: u64,
    pub(crate) unparsable: u64,
    pub(crate) undelivered: u64,
}
