//! Takes what the engine produces.

use std::mem;
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use routing_api_client::CallOutcome;
use tidegate_engine::{CallEvent, Finished, Forget, Hop, Output, ResolveId, Time, Transport};
use tidegate_schemas::ConsultationId;
use tidegate_schemas::record::Ended;

use super::calls::CallLog;
use crate::stream;
use crate::udp::{Failed, UdpCounters, UdpListener};

/// What one step of the engine asks for. Messages go to their sockets' queues at once; the rest is
/// for the shard to carry out.
pub(crate) struct Outbox {
    shard: u8,
    /// By listener id; streams have none here.
    pub(crate) udp: Vec<Option<UdpListener>>,
    streams: Arc<stream::Registry>,
    failed: Vec<Failed>,
    pub(super) calls: CallLog,
    /// Whether outcomes are written down.
    pub(super) records: bool,
    pub(crate) tasks: Tasks,
}

/// What is left to do before a step is complete.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) consult: Vec<ConsultationId>,
    pub(crate) forget: Vec<(ConsultationId, Forget)>,
    pub(crate) resolve: Vec<(ResolveId, String)>,
    pub(crate) undelivered: Vec<Bytes>,
    /// For the recording.
    pub(crate) finished: Vec<CallOutcome>,
    /// For the recording.
    pub(crate) ended: Vec<(ConsultationId, Ended<'static>)>,
}

impl Tasks {
    pub(crate) fn is_empty(&self) -> bool {
        self.consult.is_empty()
            && self.forget.is_empty()
            && self.resolve.is_empty()
            && self.undelivered.is_empty()
            && self.finished.is_empty()
            && self.ended.is_empty()
    }
}

impl Outbox {
    pub(crate) fn new(
        shard: u8,
        udp: Vec<Option<UdpListener>>,
        streams: Arc<stream::Registry>,
        calls: CallLog,
        records: bool,
    ) -> Self {
        Self {
            shard,
            udp,
            streams,
            failed: Vec::new(),
            calls,
            records,
            tasks: Tasks::default(),
        }
    }

    /// Sends what is queued, and notes what the kernel refused.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) {
        for socket in self.udp.iter_mut().flatten() {
            socket.poll_flush(cx, &mut self.failed);
        }
        let lost = self.failed.drain(..).map(|(_, bytes)| bytes);
        self.tasks.undelivered.extend(lost);
    }

    /// The counters of all sockets together.
    pub(crate) fn udp_counters(&self) -> UdpCounters {
        let counters = self.udp.iter().flatten().map(|socket| socket.counters);
        counters.fold(UdpCounters::default(), UdpCounters::plus)
    }

    fn send_datagram(&mut self, hop: &Hop, bytes: Bytes) -> Result<(), Bytes> {
        match self.udp.get_mut(usize::from(hop.listener.0)) {
            Some(Some(socket)) => socket.push(hop.addr, bytes).map_err(|(_, bytes)| bytes),
            _ => Err(bytes),
        }
    }
}

impl Output for Outbox {
    fn send(&mut self, hop: &Hop, bytes: Bytes) {
        let sent = match hop.transport {
            Transport::Udp => self.send_datagram(hop, bytes),
            Transport::Tcp => self.streams.send(self.shard, hop, bytes),
            Transport::Tls | Transport::Ws | Transport::Wss => Err(bytes),
        };
        self.tasks.undelivered.extend(sent.err());
    }

    fn consult(&mut self, id: ConsultationId, _: Time) {
        self.tasks.consult.push(id);
    }

    fn forget(&mut self, id: ConsultationId, why: Forget) {
        tracing::debug!(%id, ?why, "consultation over without an answer");
        self.tasks.forget.push((id, why));
    }

    fn resolve(&mut self, id: ResolveId, host: &str) {
        self.tasks.resolve.push((id, host.to_owned()));
    }

    fn call(&mut self, event: &CallEvent<'_>) {
        self.calls.push(event);
        if self.records
            && let Some(ended) = self.calls.ended(event)
        {
            self.tasks.ended.push((event.call, ended));
        }
    }

    fn finished(&mut self, record: &Finished<'_>) {
        tracing::debug!(
            call = %record.call,
            status = record.status,
            tier = record.tier,
            branches = record.branches,
            time_ms = record.time_ms,
            "finished"
        );
        if self.records && record.consultations > 0 {
            self.tasks.finished.push(outcome(record));
        }
    }
}

impl Outbox {
    /// The tasks so far; new ones are collected afresh.
    pub(crate) fn take_tasks(&mut self, into: &mut Tasks) {
        mem::swap(&mut self.tasks, into);
    }
}

fn outcome(record: &Finished<'_>) -> CallOutcome {
    CallOutcome {
        call: record.call,
        code: record.status,
        target: record.target.map(Into::into),
        branch_flags: record.branch_flags,
        branches: u32::try_from(record.branches).unwrap_or(u32::MAX),
        pdd_ms: record.pdd_ms,
        setup_ms: record.time_ms,
    }
}
