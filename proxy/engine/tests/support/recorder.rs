//! Keeps what the engine asks for.

use bytes::Bytes;
use tidegate_engine::{CallEvent, Finished, Forget, Hop, Output, ResolveId, Time};
use tidegate_schemas::ConsultationId;

use super::seen::Seen;
use super::told::Told;

/// Everything that the engine put out, in order.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) now: Time,
    pub(crate) sent: Vec<Seen>,
    pub(crate) consultations: Vec<(ConsultationId, Time)>,
    pub(crate) forgotten: Vec<(ConsultationId, Forget)>,
    pub(crate) lookups: Vec<(ResolveId, String)>,
    pub(crate) finished: Vec<Done>,
    pub(crate) calls: Vec<Told>,
}

/// A record of a transaction that has got its final response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) status: Option<u16>,
    pub(crate) tier: String,
    pub(crate) branches: usize,
    pub(crate) time_ms: u32,
    pub(crate) target: Option<String>,
    pub(crate) branch_flags: Option<u32>,
    pub(crate) pdd_ms: u32,
    pub(crate) consultations: u32,
}

impl Output for Recorder {
    fn send(&mut self, hop: &Hop, bytes: Bytes) {
        self.sent.push(Seen::new(self.now, *hop, bytes));
    }

    fn consult(&mut self, id: ConsultationId, deadline: Time) {
        self.consultations.push((id, deadline));
    }

    fn forget(&mut self, id: ConsultationId, why: Forget) {
        self.forgotten.push((id, why));
    }

    fn resolve(&mut self, id: ResolveId, host: &str) {
        self.lookups.push((id, host.to_owned()));
    }

    fn call(&mut self, event: &CallEvent<'_>) {
        self.calls.push(Told::new(event));
    }

    fn finished(&mut self, record: &Finished<'_>) {
        self.finished.push(Done {
            status: record.status,
            tier: record.tier.to_owned(),
            branches: record.branches,
            time_ms: record.time_ms,
            target: record
                .target
                .map(|it| String::from_utf8_lossy(it).into_owned()),
            branch_flags: record.branch_flags,
            pdd_ms: record.pdd_ms,
            consultations: record.consultations,
        });
    }
}
