//! What the engine says about calls.

use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::{CallEventKind, EndCause};

use crate::time::Time;

/// Something happened to a call. For those who subscribed.
#[derive(Debug, Clone, Copy)]
pub struct CallEvent<'a> {
    /// What.
    pub kind: CallEventKind,
    /// The call: that of the consultations about its INVITE.
    pub call: ConsultationId,
    /// 1 for the first event of the call.
    pub seq: u32,
    /// When.
    pub at: Time,
    /// What decided.
    pub decided_by: &'a str,
    /// Call-ID.
    pub call_id: &'a [u8],
    /// The URI in the caller's From.
    pub from: &'a [u8],
    /// The URI in the caller's To.
    pub to: &'a [u8],
    /// The Request-URI as it arrived.
    pub uri: &'a [u8],
    /// The Request-URI of the branch concerned.
    pub target: Option<&'a [u8]>,
    /// The target's own number.
    pub branch_flags: Option<u32>,
    /// The response.
    pub code: u16,
    /// Its reason phrase.
    pub reason: &'a [u8],
    /// Milliseconds from the request to the final response, or to this one.
    pub setup_ms: u64,
    /// From the answer to the end.
    pub duration_ms: Option<u64>,
    /// Why it ended.
    pub cause: Option<EndCause>,
    /// The words of [`Engine::terminate`](crate::Engine::terminate).
    pub detail: Option<&'a str>,
    /// The document's labels: a JSON object.
    pub tags: Option<&'a str>,
    /// The document's own string.
    pub context: Option<&'a str>,
}

/// A live call.
#[derive(Debug, Clone, Copy)]
pub struct CallInfo<'a> {
    /// Its name.
    pub call: ConsultationId,
    /// What decided.
    pub decided_by: &'a str,
    /// Call-ID.
    pub call_id: &'a [u8],
    /// The URI in the caller's From.
    pub from: &'a [u8],
    /// The URI in the caller's To.
    pub to: &'a [u8],
    /// The Request-URI of the branch that answered.
    pub target: &'a [u8],
    /// Milliseconds since the answer.
    pub duration_ms: u64,
    /// Milliseconds until it is ended here.
    pub remaining_ms: Option<u64>,
    /// The document's labels: a JSON object.
    pub tags: Option<&'a str>,
}

/// A set of [`CallEventKind`]s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallKinds(u8);

impl CallKinds {
    /// All kinds.
    pub const ALL: Self = Self(0b1111);

    /// Whether `kind` is in it.
    #[must_use]
    pub fn contains(self, kind: CallEventKind) -> bool {
        self.0 & bit(kind) != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What both have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<CallEventKind> for CallKinds {
    fn from_iter<I: IntoIterator<Item = CallEventKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().map(bit).fold(0, |all, one| all | one))
    }
}

fn bit(kind: CallEventKind) -> u8 {
    1 << kind as u8
}

/// How calls are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSettings {
    /// Live calls that are followed in one shard; beyond them a call is not followed, and one that
    /// must be (`max_call_ms`) is refused.
    pub max_calls: usize,
    /// Milliseconds of silence in a dialog after which both sides are asked whether they still know
    /// it, with OPTIONS; `None`: never.
    pub probe_ms: Option<u32>,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            max_calls: 1 << 20,
            probe_ms: Some(120_000),
        }
    }
}

/// There is no such call, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such call is live")]
pub struct UnknownCall;
