//! The calls that CGRateS authorised.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::{CallEvent, CallEventKind};

use super::CgratesDialect;
use super::ledger::Ledger;
use super::text::{self, Event};
use crate::dialect::pick::pick;

/// Questions without an answer that are kept in mind.
const MAX_QUESTIONS: usize = 1 << 16;

/// What is asked, and which calls came of it.
#[derive(Debug)]
pub(super) struct Calls(Mutex<State>);

#[derive(Debug)]
struct State {
    questions: Ledger<ConsultationId, (Question, Instant)>,
    authorised: Ledger<ConsultationId, Authorised>,
}

/// A question that waits for its answer.
#[derive(Debug)]
pub(super) struct Question {
    /// The call; nothing where its name is none of the proxy's.
    pub(super) call: Option<ConsultationId>,
    pub(super) is_invite: bool,
    /// Fields for all events about the call.
    pub(super) about: Arc<[u8]>,
    pub(super) deadline: Duration,
}

#[derive(Debug)]
struct Authorised {
    about: Arc<[u8]>,
    /// Seconds since 1970.
    answered: Option<u64>,
}

impl Calls {
    pub(super) fn new(most: usize) -> Self {
        Self(Mutex::new(State {
            questions: Ledger::new(MAX_QUESTIONS),
            authorised: Ledger::new(most),
        }))
    }

    pub(super) fn asked(&self, id: ConsultationId, question: Question) {
        let until = Instant::now() + question.deadline;
        self.lock().questions.insert(id, (question, until));
    }

    /// Nobody waits for the answer any more.
    pub(super) fn forget_question(&self, id: ConsultationId) {
        self.lock().questions.remove(&id);
    }

    /// The question is answered. What it was, if the answer came in time.
    pub(super) fn answered(&self, id: ConsultationId) -> Option<Question> {
        let (question, until) = self.lock().questions.remove(&id)?;
        (until >= Instant::now()).then_some(question)
    }

    /// The call may take place.
    pub(super) fn authorise(&self, question: &Question) {
        let Some(call) = question.call.filter(|_| question.is_invite) else {
            return;
        };
        let authorised = Authorised {
            about: Arc::clone(&question.about),
            answered: None,
        };
        self.lock().authorised.insert(call, authorised);
    }

    /// `CGR_CALL_START` or `CGR_CALL_END`.
    pub(super) fn notification(&self, settings: &CgratesDialect, json: &[u8]) -> Option<Vec<u8>> {
        let notification = Notification::read(json)?;
        let call = notification.call;
        let mut state = self.lock();
        let authorised = state.authorised.get_mut(&call)?;
        let event = match notification.kind {
            CallEventKind::Answered => start(settings, call, authorised, &notification),
            CallEventKind::Ended => end(settings, authorised, &notification),
            CallEventKind::Progress | CallEventKind::Failed => return None,
        };
        let mut out = Vec::new();
        event.finish(&mut out);
        Some(out)
    }

    /// That event was written, or none was needed.
    pub(super) fn notified(&self, json: &[u8]) {
        let Some(notification) = Notification::read(json) else {
            return;
        };
        let mut state = self.lock();
        match notification.kind {
            CallEventKind::Answered => {
                if let Some(call) = state.authorised.get_mut(&notification.call) {
                    call.answered = Some(notification.seconds);
                }
            }
            CallEventKind::Ended | CallEventKind::Failed => {
                state.authorised.remove(&notification.call);
            }
            CallEventKind::Progress => {}
        }
    }

    /// `CGR_DLG_LIST_REPLY` with the calls that were answered.
    pub(super) fn list(&self) -> Vec<u8> {
        let state = self.lock();
        let live = state.authorised.values().filter(|it| it.answered.is_some());
        let dialogs: Vec<_> = live.map(|it| dialog(&it.about)).collect();
        let body = json!({"id": 1, "jsonrpc": "2.0", "result": dialogs}).to_string();
        let mut out = b"{\"event\":\"CGR_DLG_LIST_REPLY\",\"jsonrpl_body\":".to_vec();
        text::defuse(body.as_bytes(), &mut out);
        out.push(b'}');
        out
    }

    /// Nothing in here panics with the lock held.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(
    settings: &CgratesDialect,
    call: ConsultationId,
    authorised: &Authorised,
    notification: &Notification,
) -> Event {
    let mut event = Event::new("CGR_CALL_START");
    let (entry, id) = hash_pair(call);
    event.number("h_entry", entry);
    event.number("h_id", id);
    event.flags(&settings.start_flags);
    event.fields(&authorised.about);
    event.number("AnswerTime", notification.seconds);
    event
}

fn end(settings: &CgratesDialect, authorised: &Authorised, notification: &Notification) -> Event {
    let duration_s = notification.duration_ms.div_ceil(1000);
    let answered = notification.seconds.saturating_sub(duration_s);
    let mut event = Event::new("CGR_CALL_END");
    event.flags(&settings.end_flags);
    event.fields(&authorised.about);
    event.number("AnswerTime", authorised.answered.unwrap_or(answered));
    event.number("Usage", duration_s);
    event.field("DisconnectCause", &notification.cause);
    event
}

/// One dialog as the agent reads it.
fn dialog(about: &[u8]) -> serde_json::Value {
    let fields = about.strip_prefix(b",").unwrap_or(about);
    let object = [b"{", fields, b"}"].concat();
    let [id, host] = match pick(&object, ["OriginID", "OriginHost"]) {
        Ok(found) => found.map(|value| value.and_then(|v| serde_json::from_str(v.get()).ok())),
        Err(_) => [None, None],
    };
    let [id, host]: [String; 2] = [id, host].map(Option::unwrap_or_default);
    json!({
        "call-id": id,
        "caller": {"tag": ""},
        "variables": [{"cgrOriginID": id}, {"cgrOriginHost": host}],
    })
}

/// What Kamailio calls a dialog's hash entry and hash id. It is opaque to the agent, so that which
/// start of the proxy it was can be in it: a session that outlived the proxy ends no later call.
fn hash_pair(call: ConsultationId) -> (u64, u32) {
    let entry = u64::from(call.instance) << 32 | u64::from(call.index);
    (entry, call.label)
}

/// The call of a hash pair.
pub(super) fn call_of(entry: &str, id: &str) -> Option<ConsultationId> {
    let entry: u64 = entry.trim().parse().ok()?;
    Some(ConsultationId {
        instance: u32::try_from(entry >> 32).ok()?,
        index: (entry & u64::from(u32::MAX)) as u32,
        label: id.trim().parse().ok()?,
    })
}

/// What is of use in a notification.
struct Notification {
    kind: CallEventKind,
    call: ConsultationId,
    seconds: u64,
    duration_ms: u64,
    cause: String,
}

impl Notification {
    fn read(json: &[u8]) -> Option<Self> {
        let event = CallEvent::deserialize(&mut serde_json::Deserializer::from_slice(json)).ok()?;
        let cause = serde_json::to_value(event.cause).ok();
        Some(Self {
            kind: event.event,
            call: event.call.parse().ok()?,
            seconds: event.time_ms / 1000,
            duration_ms: event.duration_ms.unwrap_or(0),
            cause: cause
                .and_then(|cause| cause.as_str().map(str::to_owned))
                .unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_pair_leads_back_to_its_call_and_to_no_other() {
        let call = ConsultationId {
            instance: u32::MAX,
            index: 0x0300_0007,
            label: u32::MAX - 1,
        };
        let (entry, id) = hash_pair(call);
        assert_eq!(call_of(&entry.to_string(), &id.to_string()), Some(call));
        for (entry, id) in [
            ("", "1"),
            ("1", ""),
            ("-1", "1"),
            ("1", "4294967296"),
            ("x", "1"),
        ] {
            assert_eq!(call_of(entry, id), None, "{entry} {id}");
        }
    }
}
