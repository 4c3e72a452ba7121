//! What is kept of a call.

use bytes::Bytes;
use smallvec::SmallVec;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::{CallEventKind, EndCause};

use super::event::{CallEvent, CallInfo, CallKinds};
use super::texts::Texts;
use crate::address::Hop;
use crate::time::Time;
use crate::transaction::ClientNonInvite;

/// Dialogs of one call that are followed: as many as branches can make by accident.
pub(crate) const MOST_LEGS: usize = 32;
/// Early dialogs whose sequence numbers are kept.
const MOST_EARLY: usize = 8;

/// A call from its INVITE to its end, and until our own requests about it are answered.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) id: ConsultationId,
    pub(crate) key: u64,
    pub(crate) kinds: CallKinds,
    pub(crate) progressed: bool,
    pub(crate) stage: Stage,
    pub(crate) seq: u32,
    /// Milliseconds from the answer.
    pub(crate) max_call: Option<u32>,
    /// When the timer that is armed fires.
    pub(crate) wake: Option<Time>,
    pub(crate) about: Texts<8>,
    /// What requests in early dialogs have used up.
    pub(crate) early: Vec<Early>,
    pub(crate) answer: Option<Box<Answer>>,
    /// The dialogs; the first one is the call that the application knows.
    pub(crate) legs: SmallVec<[Box<Leg>; 1]>,
    /// Of the BYEs that end it here.
    pub(crate) reason: Option<Box<[u8]>>,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No 2xx has come.
    Early,
    /// Dialogs live.
    Live,
    /// It is over, and that was told; our own requests may still run.
    Ended,
    /// It is not followed any more.
    Dropped,
}

/// Indices of [`Call::about`].
pub(crate) mod about {
    pub(crate) const CALL_ID: usize = 0;
    pub(crate) const FROM_URI: usize = 1;
    pub(crate) const TO_URI: usize = 2;
    pub(crate) const URI: usize = 3;
    /// The caller as it calls itself, up to the parameters.
    pub(crate) const CALLER_FROM: usize = 4;
    /// The callee as the caller calls it, up to the parameters.
    pub(crate) const CALLER_TO: usize = 5;
    pub(crate) const CALLER_TAG: usize = 6;
    /// The way from here to the caller: a Route value, empty without a proxy in between.
    pub(crate) const ROUTE: usize = 7;
}

/// Indices of [`Answer::texts`].
pub(crate) mod answer {
    pub(crate) const TIER: usize = 0;
    pub(crate) const TARGET: usize = 1;
    pub(crate) const REASON: usize = 2;
    pub(crate) const TAGS: usize = 3;
    pub(crate) const CONTEXT: usize = 4;
}

/// Indices of [`Leg::texts`].
pub(crate) mod leg {
    pub(crate) const CALLEE_TAG: usize = 0;
    /// The caller as the callee knows it, up to the parameters.
    pub(crate) const CALLEE_FROM: usize = 1;
    /// The callee as it was called, up to the parameters.
    pub(crate) const CALLEE_TO: usize = 2;
    /// The way from here to the callee: a Route value, empty without a proxy in between.
    pub(crate) const ROUTE: usize = 3;
}

/// The first 2xx.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) at: Time,
    pub(crate) setup_ms: u32,
    pub(crate) code: u16,
    pub(crate) branch_flags: Option<u32>,
    pub(crate) texts: Texts<5>,
}

/// Sequence numbers of one early dialog, by the side they go to.
#[derive(Debug)]
pub(crate) struct Early {
    tag: u64,
    cseq: [Option<u32>; 2],
}

/// One of the two ends of a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Caller = 0,
    Callee = 1,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Caller, Self::Callee];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

/// A confirmed dialog (RFC 3261 section 12), as a proxy in the middle of it knows it.
#[derive(Debug)]
pub(crate) struct Leg {
    /// Hash of the callee's tag.
    pub(crate) tag: u64,
    /// By [`Side`].
    pub(crate) parties: [Party; 2],
    pub(crate) texts: Texts<4>,
    /// The caller has acknowledged the 2xx.
    pub(crate) acked: bool,
    /// The BYE to the caller waits for that.
    pub(crate) held: bool,
    pub(crate) over: bool,
    /// When anything was last heard in it.
    pub(crate) heard: Time,
    /// When its session has to be refreshed (RFC 4028).
    pub(crate) expires: Option<Time>,
}

/// One end of a dialog.
#[derive(Debug)]
pub(crate) struct Party {
    /// Its remote target: the URI of its Contact.
    pub(crate) target: Box<[u8]>,
    /// Where it was last met.
    pub(crate) hop: Hop,
    /// The last sequence number of a request to it.
    pub(crate) cseq: Option<u32>,
    /// Our own request to it.
    pub(crate) own: Option<Box<OwnRequest>>,
    /// Probes in a row that could not be sent.
    pub(crate) misses: u8,
}

/// A request made here, with its client transaction.
#[derive(Debug)]
pub(crate) struct OwnRequest {
    pub(crate) generation: u32,
    pub(crate) kind: OwnKind,
    pub(crate) client: ClientNonInvite,
    pub(crate) hop: Hop,
    pub(crate) sent: Bytes,
}

/// What it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnKind {
    /// BYE.
    Bye,
    /// OPTIONS.
    Probe,
}

impl Call {
    /// Nothing can happen to it any more.
    pub(crate) fn is_over(&self) -> bool {
        match self.stage {
            Stage::Early | Stage::Live => false,
            Stage::Dropped => true,
            Stage::Ended => self.legs.iter().all(|leg| leg.is_done()),
        }
    }

    pub(crate) fn leg(&mut self, tag: u64) -> Option<&mut Leg> {
        let found = self.legs.iter_mut().find(|leg| leg.tag == tag);
        found.map(AsMut::as_mut)
    }

    /// A request of the dialog with this tag came from `from`.
    pub(crate) fn hear(&mut self, now: Time, tag: u64, from: Side, cseq: u32, hop: Option<&Hop>) {
        let to = from.other();
        let Some(leg) = self.leg(tag) else {
            return self.hear_early(tag, to, cseq);
        };
        leg.heard = now;
        let [caller, callee] = &mut leg.parties;
        let (sender, receiver) = match from {
            Side::Caller => (caller, callee),
            Side::Callee => (callee, caller),
        };
        receiver.cseq = receiver.cseq.max(Some(cseq));
        sender.misses = 0;
        if let Some(hop) = hop {
            sender.hop = *hop;
        }
    }

    fn hear_early(&mut self, tag: u64, to: Side, cseq: u32) {
        if !self.early.iter().any(|early| early.tag == tag) && self.early.len() < MOST_EARLY {
            let cseq = [None; 2];
            self.early.push(Early { tag, cseq });
        }
        if let Some(early) = self.early.iter_mut().find(|early| early.tag == tag) {
            let [caller, callee] = &mut early.cseq;
            let last = match to {
                Side::Caller => caller,
                Side::Callee => callee,
            };
            *last = (*last).max(Some(cseq));
        }
    }

    /// The sequence numbers that the early dialog with this tag has used, by the side they went to.
    pub(crate) fn early_cseq(&self, tag: u64) -> [Option<u32>; 2] {
        let early = self.early.iter().find(|early| early.tag == tag);
        early.map_or([None; 2], |early| early.cseq)
    }

    /// The event with all that is known about the call; its number is taken.
    pub(crate) fn event(&mut self, kind: CallEventKind, at: Time) -> CallEvent<'_> {
        self.seq += 1;
        let answer = self.answer.as_deref();
        let text = |index| answer.map_or("", |it| it.texts.text(index));
        let some_text = |index| answer.and_then(|it| it.texts.some_text(index));
        CallEvent {
            kind,
            call: self.id,
            seq: self.seq,
            at,
            decided_by: text(answer::TIER),
            call_id: self.about.get(about::CALL_ID),
            from: self.about.get(about::FROM_URI),
            to: self.about.get(about::TO_URI),
            uri: self.about.get(about::URI),
            target: some_text(answer::TARGET).map(str::as_bytes),
            branch_flags: answer.and_then(|it| it.branch_flags),
            code: answer.map_or(0, |it| it.code),
            reason: text(answer::REASON).as_bytes(),
            setup_ms: answer.map_or(0, |it| it.setup_ms.into()),
            duration_ms: None,
            cause: None,
            detail: None,
            tags: some_text(answer::TAGS),
            context: some_text(answer::CONTEXT),
        }
    }

    /// `None` unless it lives.
    pub(crate) fn info(&self, now: Time) -> Option<CallInfo<'_>> {
        let answer = self.answer.as_deref()?;
        if self.stage != Stage::Live {
            return None;
        }
        let duration_ms = u64::from(now.since(answer.at));
        Some(CallInfo {
            call: self.id,
            decided_by: answer.texts.text(answer::TIER),
            call_id: self.about.get(about::CALL_ID),
            from: self.about.get(about::FROM_URI),
            to: self.about.get(about::TO_URI),
            target: answer.texts.get(answer::TARGET),
            duration_ms,
            remaining_ms: self
                .max_call
                .map(|most| u64::from(most).saturating_sub(duration_ms)),
            tags: answer.texts.some_text(answer::TAGS),
        })
    }
}

impl Leg {
    pub(crate) fn party(&self, side: Side) -> &Party {
        let [caller, callee] = &self.parties;
        match side {
            Side::Caller => caller,
            Side::Callee => callee,
        }
    }

    pub(crate) fn party_mut(&mut self, side: Side) -> &mut Party {
        let [caller, callee] = &mut self.parties;
        match side {
            Side::Caller => caller,
            Side::Callee => callee,
        }
    }

    /// Nothing of ours is under way in it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.parties.iter().all(|party| party.own.is_none())
    }

    fn is_done(&self) -> bool {
        !self.held && self.is_quiet()
    }
}

/// How a dialog came to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End<'a> {
    pub(crate) cause: EndCause,
    pub(crate) at: Time,
    pub(crate) detail: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 KiB for a followed call: this leaves the rest for Call-ID, URIs, tags and routes.
    #[test]
    fn a_followed_call_needs_little_beside_its_texts() {
        let size = size_of::<Call>() + size_of::<Answer>() + size_of::<Leg>();
        assert!(size <= 704, "{size}");
    }
}
