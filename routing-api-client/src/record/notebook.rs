//! What one shard writes down.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::quality::FixedState;
use smallvec::SmallVec;
use std::hash::BuildHasher;
use tidegate_schemas::document::RouteDocument;
use tidegate_schemas::record::{
    AttemptResult, DecisionCause, Ended, Line, RecordedApplication, RecordedAttempt,
    RecordedOutcome,
};
use tidegate_schemas::{ConsultationId, RouteEvent};

use super::draft::{Closing, Draft, State, text};
use super::settings::RecordSettings;
use super::spool::Spool;
use crate::pending::{self, Attempt};

/// The tier in records where nothing decided.
const NOTHING: &str = "none";

/// Consultations between their question and the outcome of their call.
#[derive(Debug, Default)]
pub(crate) struct Notebook {
    spool: Option<(RecordSettings, Arc<Spool>)>,
    /// By slot: a transaction has one as long as it lives.
    calls: HashMap<u32, Call, foldhash::fast::RandomState>,
    /// Slots in the order in which they were opened; the front may be over.
    order: VecDeque<(u32, u32)>,
    bytes: usize,
}

/// What is written down about one transaction.
#[derive(Debug)]
struct Call {
    call: ConsultationId,
    drafts: SmallVec<[Box<Draft>; 1]>,
}

/// A question that is to be written down.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) id: ConsultationId,
    pub(crate) now: Instant,
    /// Milliseconds since 1970.
    pub(crate) time_ms: u64,
    /// As the applications see it.
    pub(crate) event: &'a RouteEvent<'a>,
}

/// How a consultation ended.
#[derive(Clone, Copy)]
pub(crate) struct Decision<'a> {
    pub(crate) id: ConsultationId,
    pub(crate) at: Instant,
    pub(crate) document: Option<&'a RouteDocument>,
    /// The application, where one decided.
    pub(crate) by: Option<&'a Attempt>,
    pub(crate) tier: &'a str,
    pub(crate) cause: DecisionCause,
    /// Attempts that were repeated, before all others.
    pub(crate) replaced: &'a [Attempt],
    pub(crate) asked: &'a [Attempt],
    /// Applications should have decided.
    pub(crate) has_pools: bool,
}

/// What became of a request, when its final response is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutcome {
    /// The call, as in its events.
    pub call: ConsultationId,
    /// The final code; `None` where nothing was sent.
    pub code: Option<u16>,
    /// The Request-URI of the branch whose response was sent.
    pub target: Option<Box<[u8]>>,
    /// That target's own number.
    pub branch_flags: Option<u32>,
    /// Branches that were tried.
    pub branches: u32,
    /// Milliseconds to the first 18x, or to the final response.
    pub pdd_ms: u32,
    /// Milliseconds to the final response.
    pub setup_ms: u32,
}

impl Notebook {
    /// Writes down from here on.
    pub(crate) fn record(&mut self, settings: RecordSettings, spool: Arc<Spool>) {
        self.spool = Some((settings, spool));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(crate) fn records(&self) -> bool {
        self.spool.is_some()
    }

    /// Writes a question down.
    pub(crate) fn ask(&mut self, asked: Asked<'_>) {
        let Ok(call) = asked.event.call.parse::<ConsultationId>() else {
            return;
        };
        let draft = Draft::open(asked.id, asked.now, asked.time_ms, asked.event);
        let Ok(draft) = draft else { return };
        self.make_room();
        self.bytes += draft.size();
        let slot = asked.id.index;
        if let Some(known) = self.calls.get_mut(&slot)
            && known.call == call
        {
            known.drafts.push(Box::new(draft));
            return;
        }
        self.let_go(slot);
        let drafts = SmallVec::from_iter([Box::new(draft)]);
        self.calls.insert(slot, Call { call, drafts });
        self.order.push_back((slot, call.label));
    }

    /// The body of a question that has no decision yet, where it is written down.
    pub(crate) fn body(&self, id: ConsultationId) -> Option<&[u8]> {
        let draft = self.calls.get(&id.index)?.drafts.last()?;
        draft.is_open(id).then(|| draft.body())
    }

    /// Writes the decision about the latest question with this id down, and shows the question and
    /// the document, as JSON, to `look`.
    pub(crate) fn decide(
        &mut self,
        decision: &Decision<'_>,
        look: impl FnOnce(&[u8], Option<&[u8]>),
    ) {
        let slot = decision.id.index;
        let Some(draft) = open_draft(&mut self.calls, decision.id) else {
            return;
        };
        let before = draft.size();
        let closing = closing(decision, draft.begun);
        let has_failed = |attempt: &RecordedAttempt<'_>| is_failure(attempt.result);
        draft.failed = closing.attempts.iter().any(has_failed)
            || (decision.has_pools && is_substitute(decision.cause));
        draft.decide(decision.document, &closing);
        self.bytes += draft.size() - before.min(draft.size());
        look(draft.event(), draft.document());
        if !self.records() {
            self.let_go(slot);
        }
    }

    /// Puts what is on record about a call into the spool.
    pub(crate) fn finish(&mut self, outcome: &CallOutcome) {
        let slot = outcome.call.index;
        let is_it = self
            .calls
            .get(&slot)
            .is_some_and(|known| known.call == outcome.call);
        let Some(call) = is_it.then(|| self.take(slot)).flatten() else {
            return;
        };
        let Some((settings, spool)) = &self.spool else {
            return;
        };
        let sampled = is_sampled(settings.sample, outcome.call);
        let has_failed = outcome.code.is_some_and(|code| code / 100 == 5);
        let recorded = RecordedOutcome {
            code: outcome.code,
            target: outcome.target.as_deref().map(text),
            branch_flags: outcome.branch_flags,
            branches: outcome.branches,
            pdd_ms: outcome.pdd_ms,
            setup_ms: outcome.setup_ms,
            duration_ms: None,
        };
        let drafts = call.drafts.into_iter();
        let drafts = drafts.filter(|draft| draft.state == State::Decided);
        for mut draft in drafts {
            if sampled || (settings.failures && (has_failed || draft.failed)) {
                spool.push(draft.finish(Some(&recorded)));
            }
        }
    }

    /// Writes down that a call is over.
    pub(crate) fn ended(&self, call: ConsultationId, ended: Ended<'_>) {
        let Some((settings, spool)) = &self.spool else {
            return;
        };
        if is_sampled(settings.sample, call)
            && let Ok(line) = serde_json::to_vec(&Line::Ended(ended))
        {
            spool.push(&line);
        }
    }

    /// Gives everything that waits for its outcome away.
    pub(crate) fn flush(&mut self) {
        let slots: Vec<u32> = self.calls.keys().copied().collect();
        for slot in slots {
            self.let_go(slot);
        }
    }

    fn make_room(&mut self) {
        let most = self
            .spool
            .as_ref()
            .map_or(usize::MAX, |(it, _)| it.waiting_bytes);
        while let Some((slot, label)) = self.order.front().copied() {
            let is_over = self
                .calls
                .get(&slot)
                .is_none_or(|known| known.call.label != label);
            if !is_over && self.bytes <= most {
                return;
            }
            self.order.pop_front();
            if !is_over {
                self.let_go(slot);
            }
        }
    }

    fn take(&mut self, slot: u32) -> Option<Call> {
        let call = self.calls.remove(&slot)?;
        let sizes = call.drafts.iter().map(|draft| draft.size());
        self.bytes = self.bytes.saturating_sub(sizes.sum());
        Some(call)
    }

    /// No outcome is waited for any more.
    fn let_go(&mut self, slot: u32) {
        let Some(call) = self.take(slot) else { return };
        let Some((settings, spool)) = &self.spool else {
            return;
        };
        let sampled = is_sampled(settings.sample, call.call);
        for mut draft in call.drafts {
            let wanted = sampled || (settings.failures && draft.failed);
            if wanted && draft.state == State::Decided {
                spool.count_without_outcome();
                spool.push(draft.finish(None));
            }
        }
    }
}

fn open_draft(
    calls: &mut HashMap<u32, Call, foldhash::fast::RandomState>,
    id: ConsultationId,
) -> Option<&mut Draft> {
    let call = calls.get_mut(&id.index)?;
    let last = call.drafts.last_mut()?;
    last.is_open(id).then_some(&mut **last)
}

fn closing<'a>(decision: &Decision<'a>, begun: Instant) -> Closing<'a> {
    let application = decision.by.map(|attempt| RecordedApplication {
        name: name_of(attempt).into(),
        release: release_of(attempt),
    });
    let attempts = decision.replaced.iter().chain(decision.asked);
    let attempts = attempts.map(|attempt| describe(attempt, decision, begun));
    let mut attempts: Vec<_> = attempts.collect();
    attempts.sort_by_key(|attempt| attempt.at_us);
    Closing {
        application,
        tier: if decision.tier.is_empty() {
            NOTHING
        } else {
            decision.tier
        },
        cause: decision.cause,
        latency_us: micros(decision.at.saturating_duration_since(begun)),
        attempts,
    }
}

fn describe<'a>(
    attempt: &'a Attempt,
    decision: &Decision<'a>,
    begun: Instant,
) -> RecordedAttempt<'a> {
    let decided = decision.by.is_some_and(|by| std::ptr::eq(by, attempt));
    let ended = attempt.ended.unwrap_or(decision.at);
    RecordedAttempt {
        application: name_of(attempt).into(),
        release: release_of(attempt),
        at_us: micros(attempt.at.saturating_duration_since(begun)),
        took_us: micros(ended.saturating_duration_since(attempt.at)),
        result: match (decided, attempt.result, attempt.state) {
            (true, ..) => AttemptResult::Answered,
            (_, Some(result), _) => result,
            (_, None, pending::State::Overdue) => AttemptResult::Timeout,
            (_, None, _) => AttemptResult::Withdrawn,
        },
        detail: attempt.detail.as_deref().map(Into::into),
    }
}

fn name_of(attempt: &Attempt) -> &str {
    &attempt.seat.member.name
}

fn release_of(attempt: &Attempt) -> Option<std::borrow::Cow<'static, str>> {
    let release = attempt.seat.application.release_name()?;
    Some(String::clone(&release).into())
}

fn is_failure(result: AttemptResult) -> bool {
    !matches!(result, AttemptResult::Answered | AttemptResult::Withdrawn)
}

/// Something decided in the place of applications.
fn is_substitute(cause: DecisionCause) -> bool {
    use DecisionCause::{Deadline, Document, Stale, Unavailable};
    matches!(cause, Deadline | Document | Stale | Unavailable)
}

/// All consultations of a call are, or none.
fn is_sampled(share: f64, call: ConsultationId) -> bool {
    if share >= 1.0 {
        return true;
    }
    let hash = FixedState::with_seed(0).hash_one((call.instance, call.index, call.label));
    // The upper 32 bits are exact as f64.
    ((hash >> 32) as f64) < share * 4_294_967_296.0
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
