//! The decisions of a recording, found by the key of a question.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tidegate_schemas::document::RouteDocument;
use tidegate_schemas::record::{DecisionCause, Line, Record};
use tidegate_schemas::{ConsultationId, RouteEvent};

use super::key::Key;
use super::miss::Miss;
use super::summary::Summary;

/// So many questions are remembered, to answer them alike when they are asked again.
const REMEMBERED: usize = 10_000;

/// What follows when all records with one key have been served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// They are served once more from the first on, so that a test can be run again.
    #[default]
    Cycle,
    /// The last of them is served from then on.
    Last,
    /// The question is unmatched: nothing is served more often than it was recorded.
    Fail,
}

/// The decisions of a recording.
#[derive(Debug)]
pub struct Recorded {
    key: Key,
    repeat: Repeat,
    keys: HashMap<Arc<str>, Series>,
    records: usize,
    /// Pointers of the key that some record has a value for.
    found: HashSet<String>,
    remembered: HashMap<Asked, (Arc<str>, usize)>,
    remembered_in_order: VecDeque<Asked>,
    served: u64,
}

/// In a chain each step is asked under the same id.
type Asked = (ConsultationId, Option<String>);

/// The records of one key, in the order in which they were asked.
#[derive(Debug, Default)]
struct Series {
    records: Vec<Kept>,
    next: usize,
}

#[derive(Debug)]
struct Kept {
    time_ms: u64,
    place: String,
    decision: Decision,
    /// Pointers of the key whose values are masked.
    masked: Vec<String>,
    was_asked: bool,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// This.
    Document(Box<RouteDocument>),
    /// Nothing in time: there was no answer before the deadline, or before the caller hung up.
    Silence,
    /// Nothing, because no application could answer.
    Unavailable,
}

/// A line that is none of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadLine {
    /// Which, counted from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

impl Recorded {
    /// Nothing yet.
    #[must_use]
    pub fn new(key: Key, repeat: Repeat) -> Self {
        Self {
            key,
            repeat,
            keys: HashMap::new(),
            records: 0,
            found: HashSet::new(),
            remembered: HashMap::new(),
            remembered_in_order: VecDeque::new(),
            served: 0,
        }
    }

    /// Adds the lines of a recording. Empty lines and ends of calls are passed over.
    ///
    /// # Errors
    /// A line is none of a recording.
    pub fn add_lines(
        &mut self,
        lines: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), BadLine> {
        for (line, text) in (1..).zip(lines) {
            let text = text.as_ref().trim();
            if text.is_empty() {
                continue;
            }
            let wrong = |error: serde_json::Error| BadLine {
                line,
                reason: error.to_string(),
            };
            match serde_json::from_str(text).map_err(wrong)? {
                Line::Consultation(record) => self.add(&record, &format!("line {line}")),
                Line::Ended(_) => {}
            }
        }
        Ok(())
    }

    /// Adds a record; `place` tells people where it stands.
    pub fn add(&mut self, record: &Record<'_>, place: &str) {
        let event = as_value(&record.event);
        let values = self.key.values(&event);
        for (pointer, value) in self.key.pointers().iter().zip(&values) {
            if !value.is_null() && !self.found.contains(&pointer.to_string()) {
                self.found.insert(pointer.to_string());
            }
        }
        let kept = Kept {
            time_ms: record.time_ms,
            place: place.to_owned(),
            decision: Decision::of(record),
            masked: self.key.masked(&record.masked, &event),
            was_asked: false,
        };
        let series = self.keys.entry(text(&values)).or_default();
        // Lines stand in the order in which calls got their final responses.
        let after = |earlier: &Kept| earlier.time_ms <= kept.time_ms;
        series
            .records
            .insert(series.records.partition_point(after), kept);
        self.records += 1;
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Pointers of the key that were chosen and lead nowhere in any record: most likely they are
    /// misspelt.
    #[must_use]
    pub fn leading_nowhere(&self) -> Vec<String> {
        let pointers = self.key.pointers().iter().map(ToString::to_string);
        let chosen = pointers.filter(|text| !Key::DEFAULT.contains(&text.as_str()));
        chosen.filter(|text| !self.found.contains(text)).collect()
    }

    /// The decision for a question. The same question again, as after a lost connection, gets the
    /// same decision.
    ///
    /// # Errors
    /// There is no record for it.
    pub fn decide(&mut self, event: &RouteEvent<'_>) -> Result<Decision, Miss> {
        let asked = (event.id, event.step.as_deref().map(str::to_owned));
        if let Some((key, index)) = self.remembered.get(&asked)
            && let Some(kept) = self
                .keys
                .get(key)
                .and_then(|series| series.records.get(*index))
        {
            return Ok(kept.decision.clone());
        }
        let values = self.key.values(&as_value(event));
        let Some((key, series)) = self.keys.get_key_value(&text(&values)) else {
            return Err(self.miss(&values));
        };
        let Some(index) = series.choose(self.repeat) else {
            return Err(Miss::exhausted(&self.key, &values, series.records.len()));
        };
        let key = Arc::clone(key);
        self.remember(asked, (Arc::clone(&key), index));
        self.serve(&key, index)
            .ok_or_else(|| Miss::exhausted(&self.key, &values, 0))
    }

    fn serve(&mut self, key: &Arc<str>, index: usize) -> Option<Decision> {
        let series = self.keys.get_mut(key)?;
        series.next = index + 1;
        let kept = series.records.get_mut(index)?;
        kept.was_asked = true;
        self.served += 1;
        Some(kept.decision.clone())
    }

    fn remember(&mut self, asked: Asked, place: (Arc<str>, usize)) {
        if self.remembered_in_order.len() >= REMEMBERED
            && let Some(oldest) = self.remembered_in_order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
        self.remembered_in_order.push_back(asked.clone());
        self.remembered.insert(asked, place);
    }

    fn miss(&self, values: &[Value]) -> Miss {
        let known = self.keys.iter().filter_map(|(key, series)| {
            let first = series.records.first()?;
            Some((&**key, first.place.as_str(), first.masked.as_slice()))
        });
        Miss::unknown(&self.key, values, known)
    }

    /// What was served, and what was never asked for.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let all = self.keys.values().flat_map(|series| &series.records);
        let mut left: Vec<_> = all.filter(|kept| !kept.was_asked).collect();
        left.sort_by_key(|kept| kept.time_ms);
        Summary::new(
            self.records,
            self.served,
            left.iter().map(|kept| kept.place.as_str()),
        )
    }
}

impl Series {
    fn choose(&self, repeat: Repeat) -> Option<usize> {
        let last = self.records.len().checked_sub(1)?;
        match repeat {
            _ if self.next <= last => Some(self.next),
            Repeat::Cycle => Some(0),
            Repeat::Last => Some(last),
            Repeat::Fail => None,
        }
    }
}

impl Decision {
    fn of(record: &Record<'_>) -> Self {
        match (&record.document, record.cause) {
            (Some(document), _) => Self::Document(document.clone()),
            (None, DecisionCause::Cancelled | DecisionCause::Deadline) => Self::Silence,
            (None, _) => Self::Unavailable,
        }
    }
}

/// An event always is JSON.
fn as_value(event: &RouteEvent<'_>) -> Value {
    serde_json::to_value(event).unwrap_or_default()
}

fn text(values: &[Value]) -> Arc<str> {
    Value::from(values).to_string().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing;

    fn event(id: u32, uri: &str) -> Value {
        let mut event = testing::question(&format!("00000001-00000002-{id:08x}"));
        event["request"]["uri"] = uri.into();
        event
    }

    fn line(time_ms: u64, uri: &str, code: u16) -> Value {
        json!({
            "type": "consultation", "version": "1.0", "time_ms": time_ms,
            "id": "00000001-00000002-000000ff", "call": "c", "node": "edge",
            "event": event(255, uri), "document": {"action": "reply", "reply": {"code": code}},
            "tier": "app", "cause": "answered", "latency_us": 1,
        })
    }

    fn recorded(repeat: Repeat, lines: &[Value]) -> Recorded {
        let mut recorded = Recorded::new(Key::default(), repeat);
        recorded
            .add_lines(lines.iter().map(Value::to_string))
            .unwrap();
        recorded
    }

    fn decide(recorded: &mut Recorded, question: &Value) -> Result<Decision, Miss> {
        let text = question.to_string();
        recorded.decide(&serde_json::from_str(&text).unwrap())
    }

    fn code(recorded: &mut Recorded, question: &Value) -> Option<u16> {
        match decide(recorded, question) {
            Ok(Decision::Document(document)) => document.reply?.code.into(),
            _ => None,
        }
    }

    #[test]
    fn records_with_one_key_are_served_in_the_order_in_which_they_were_asked() {
        let lines = [line(2, "sip:b@h", 402), line(1, "sip:b@h", 401)];
        for (repeat, after) in [
            (Repeat::Cycle, [Some(401), Some(402)]),
            (Repeat::Last, [Some(402), Some(402)]),
            (Repeat::Fail, [None, None]),
        ] {
            let mut recorded = recorded(repeat, &lines);
            let mut ask = |id| code(&mut recorded, &event(id, "sip:b@h"));
            assert_eq!((ask(1), ask(2)), (Some(401), Some(402)));
            assert_eq!([ask(3), ask(4)], after, "{repeat:?}");
        }
    }

    #[test]
    fn the_same_question_again_gets_the_same_decision() {
        let lines = [line(1, "sip:b@h", 401), line(2, "sip:b@h", 402)];
        let mut recorded = recorded(Repeat::Fail, &lines);
        let question = event(1, "sip:b@h");
        assert_eq!(code(&mut recorded, &question), Some(401));
        assert_eq!(code(&mut recorded, &question), Some(401));
        assert_eq!(code(&mut recorded, &event(2, "sip:b@h")), Some(402));
        assert_eq!(recorded.summary().served, 2);
    }

    #[test]
    fn what_was_not_decided_is_not_decided_again() {
        let mut undecided = line(1, "sip:b@h", 401);
        undecided["document"] = Value::Null;
        for (cause, decision) in [
            ("cancelled", Decision::Silence),
            ("deadline", Decision::Silence),
            ("unavailable", Decision::Unavailable),
        ] {
            undecided["cause"] = cause.into();
            let mut recorded = recorded(Repeat::Cycle, &[undecided.clone()]);
            let decided = decide(&mut recorded, &event(1, "sip:b@h"));
            assert_eq!(decided.ok(), Some(decision), "{cause}");
        }
    }

    #[test]
    fn a_question_without_a_record_is_told_its_key_and_what_comes_nearest() {
        let mut masked = line(2, "sip:**@h", 401);
        masked["masked"] = json!(["/event/request/uri"]);
        let lines = [line(1, "sip:carol@h", 401), masked];
        let mut recorded = recorded(Repeat::Cycle, &lines);
        let miss = decide(&mut recorded, &event(1, "sip:bob@h")).unwrap_err();
        let text = miss.to_string();
        for part in [
            r#"/request/uri="sip:bob@h""#,
            r#"line 1 has /request/uri="sip:carol@h""#,
            "line 2",
            "masked in the recording",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn what_was_never_asked_for_is_said() {
        let lines = [line(1, "sip:a@h", 401), line(2, "sip:b@h", 401)];
        let mut recorded = recorded(Repeat::Cycle, &lines);
        decide(&mut recorded, &event(1, "sip:b@h")).unwrap();
        let summary = recorded.summary();
        assert_eq!((summary.records, summary.served), (2, 1));
        assert_eq!(
            (summary.never_asked, summary.never_asked_at),
            (1, vec!["line 1".into()])
        );
    }

    #[test]
    fn a_chosen_pointer_that_leads_nowhere_is_noticed() {
        let pointer = |text: &str| text.parse().unwrap();
        let chosen = ["/step", "/request/headers/Subject", "/request/form/uri"];
        let key = Key::new(chosen.map(pointer).to_vec());
        let mut recorded = Recorded::new(key, Repeat::Cycle);
        recorded
            .add_lines([line(1, "sip:b@h", 401).to_string()])
            .unwrap();
        assert_eq!(recorded.leading_nowhere(), ["/request/form/uri"]);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let mut recorded = Recorded::new(Key::default(), Repeat::Cycle);
        let lines = [
            "",
            &line(1, "sip:b@h", 401).to_string(),
            r#"{"type":"dance"}"#,
        ];
        let bad = recorded.add_lines(lines).unwrap_err();
        assert_eq!(bad.line, 3);
        assert!(bad.reason.contains("dance"), "{bad}");
    }
}
