//! What the engine told about calls.

use tidegate_engine::CallEvent;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::{CallEventKind, EndCause};

/// A [`CallEvent`] to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) kind: CallEventKind,
    pub(crate) call: ConsultationId,
    pub(crate) seq: u32,
    pub(crate) at: u64,
    pub(crate) decided_by: String,
    pub(crate) call_id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) uri: String,
    pub(crate) target: Option<String>,
    pub(crate) branch_flags: Option<u32>,
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) setup_ms: u64,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) cause: Option<EndCause>,
    pub(crate) detail: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) context: Option<String>,
}

impl Told {
    pub(crate) fn new(event: &CallEvent<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            kind: event.kind,
            call: event.call,
            seq: event.seq,
            at: event.at.0,
            decided_by: event.decided_by.to_owned(),
            call_id: text(event.call_id),
            from: text(event.from),
            to: text(event.to),
            uri: text(event.uri),
            target: event.target.map(text),
            branch_flags: event.branch_flags,
            code: event.code,
            reason: text(event.reason),
            setup_ms: event.setup_ms,
            duration_ms: event.duration_ms,
            cause: event.cause,
            detail: event.detail.map(str::to_owned),
            tags: event.tags.map(str::to_owned),
            context: event.context.map(str::to_owned),
        }
    }

    /// Expects this kind, as the event of this number.
    pub(crate) fn is(self, kind: CallEventKind, seq: u32) -> Self {
        assert_eq!((self.kind, self.seq), (kind, seq), "{self:?}");
        self
    }

    /// Expects the end of the call, for this cause and after this time.
    pub(crate) fn ended(self, cause: EndCause, duration_ms: u64) -> Self {
        assert_eq!(self.kind, CallEventKind::Ended, "{self:?}");
        assert_eq!(self.cause, Some(cause), "{self:?}");
        let lasted = self.duration_ms.expect("a duration");
        let expected = duration_ms..=duration_ms + 20;
        assert!(expected.contains(&lasted), "{self:?}");
        self
    }
}
