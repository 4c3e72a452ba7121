//! What is written down about consultations.

use tidegate_schemas::call::EndCause;
use tidegate_schemas::record::{AttemptResult, DecisionCause, Ended, Line, Record};

use super::*;
use crate::record::{CallOutcome, RecordSettings, Spool};

/// A bench that records, and what it has recorded.
struct Recorded {
    bench: Bench,
    spool: Arc<Spool>,
}

impl Recorded {
    fn new(settings: RecordSettings, policy: Policy) -> Self {
        let mut bench = Bench::configured(policy);
        let spool = Arc::new(Spool::new(1 << 20));
        bench.dispatcher.record(settings, Arc::clone(&spool));
        Self { bench, spool }
    }

    fn all() -> Self {
        Self::new(RecordSettings::default(), Policy::simple())
    }

    fn ask(&mut self, n: u32) -> Asked {
        self.bench.ask_about(n, &event(n))
    }

    /// `from` answers after 3 ms, and its document is honoured.
    fn decide(&mut self, n: u32, from: &Arc<Application>, document: Value) {
        self.bench.now += Duration::from_millis(3);
        let verdict = self.bench.answer_with(n, from, document);
        let Verdict::Answered { document, .. } = verdict else {
            panic!("{verdict:?}");
        };
        let now = self.bench.now;
        self.bench
            .dispatcher
            .accepted(id(n), from.id, now, &document);
    }

    fn finish(&mut self, n: u32, code: u16) {
        self.bench.dispatcher.finished(&outcome(n, code));
    }

    /// All lines since the last time.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.spool.drain(&mut lines);
        let lines = String::from_utf8(lines).unwrap();
        lines.lines().map(str::to_owned).collect()
    }
}

/// The event of a transaction in slot `n`.
fn event(n: u32) -> RouteEvent<'static> {
    RouteEvent {
        id: id(n),
        call: id(n).to_string().into(),
        ..samples::event()
    }
}

fn outcome(n: u32, code: u16) -> CallOutcome {
    CallOutcome {
        call: id(n),
        code: Some(code),
        target: Some(b"sip:102@192.0.2.7".as_slice().into()),
        branch_flags: Some(8),
        branches: 2,
        pdd_ms: 40,
        setup_ms: 900,
    }
}

#[track_caller]
fn record(line: &str) -> Record<'_> {
    match serde_json::from_str(line).unwrap() {
        Line::Consultation(record) => *record,
        Line::Ended(ended) => panic!("{ended:?}"),
    }
}

#[test]
fn a_line_has_question_decision_and_outcome() {
    let mut recorded = Recorded::all();
    let a = recorded.bench.join("a", 9);
    a.set_release("3.1");
    recorded.ask(1);
    recorded.decide(1, &a, json!({"routes": [{"uri": "sip:x@example.com"}]}));
    assert_eq!(recorded.lines(), [""; 0]);
    recorded.finish(1, 200);
    let lines = recorded.lines();
    let record = record(&lines[0]);
    assert_eq!(record.event, event(1));
    assert_eq!(record.document.as_ref().unwrap().routes.len(), 1);
    let application = record.application.unwrap();
    assert_eq!(
        (&*application.name, application.release.as_deref()),
        ("a", Some("3.1"))
    );
    assert_eq!(
        (&*record.tier, record.cause),
        ("a", DecisionCause::Answered)
    );
    assert_eq!(record.latency_us, 3000);
    let outcome = record.outcome.unwrap();
    assert_eq!((outcome.code, outcome.pdd_ms), (Some(200), 40));
    assert_eq!(outcome.target.as_deref(), Some("sip:102@192.0.2.7"));
}

#[test]
fn an_application_gets_the_same_question_whether_it_is_written_down_or_not() {
    let mut recorded = Recorded::all();
    let mut unrecorded = Bench::configured(Policy::simple());
    let written = recorded.bench.join("a", 9);
    let unwritten = unrecorded.join("a", 9);
    recorded.ask(1);
    unrecorded.ask_about(1, &event(1));
    assert_eq!(told(&written), told(&unwritten));
}

#[test]
fn applications_that_failed_are_named_with_what_was_wrong() {
    let mut recorded = Recorded::all();
    let a = recorded.bench.join("a", 9);
    let b = recorded.bench.join("b", 9);
    let Asked::Waiting(first) = recorded.ask(1) else {
        panic!("nobody is asked");
    };
    let (first, second) = if first == a.id { (&a, &b) } else { (&b, &a) };
    recorded.bench.answer_badly(1, first);
    recorded.ask(1);
    recorded.decide(1, second, json!({}));
    recorded.finish(1, 404);
    let lines = recorded.lines();
    let record = record(&lines[0]);
    let results: Vec<_> = record.attempts.iter().map(|it| it.result).collect();
    assert_eq!(results, [AttemptResult::Invalid, AttemptResult::Answered]);
    let detail = record.attempts[0].detail.as_deref().unwrap();
    assert!(detail.contains("/routes"), "{detail}");
}

#[test]
fn an_application_that_is_asked_once_more_has_two_attempts() {
    let mut pool = pool();
    pool.on_failure.http_5xx = OnFailure::Retry;
    let mut recorded = Recorded::new(RecordSettings::default(), policy([pool], only_step(&[])));
    let a = recorded.bench.join("a", 9);
    recorded.ask(1);
    recorded.bench.fail(1, &a, Failure::ServerError(503));
    recorded.bench.now += Duration::from_millis(5);
    recorded.ask(1);
    recorded.decide(1, &a, json!({}));
    recorded.finish(1, 404);
    let lines = recorded.lines();
    let attempts = record(&lines[0]).attempts.into_iter();
    let attempts: Vec<_> = attempts.map(|it| (it.at_us, it.result)).collect();
    let failed = AttemptResult::Http5xx;
    assert_eq!(attempts, [(0, failed), (5000, AttemptResult::Answered)]);
}

#[test]
fn an_answer_after_its_share_of_the_time_is_the_decision_all_the_same() {
    let mut recorded = Recorded::all();
    let a = recorded.bench.join("a", 9);
    let b = recorded.bench.join("b", 9);
    let Asked::Waiting(first) = recorded.ask(1) else {
        panic!("nobody is asked");
    };
    let slow = if first == a.id { &a } else { &b };
    recorded.bench.time_out_at(600);
    recorded.bench.now = recorded.bench.at(600);
    recorded.ask(1);
    recorded.decide(1, slow, json!({}));
    recorded.finish(1, 200);
    let lines = recorded.lines();
    let results = record(&lines[0]).attempts.into_iter().map(|it| it.result);
    assert_eq!(
        results.collect::<Vec<_>>(),
        [AttemptResult::Answered, AttemptResult::Withdrawn]
    );
}

#[test]
fn each_step_of_a_chain_has_a_line() {
    let steps = vec![step("lnp", &[0], &[]), step("route", &[0], &[])];
    let settings = RecordSettings::default();
    let mut recorded = Recorded::new(settings, policy([pool()], steps));
    let a = recorded.bench.join("a", 9);
    recorded.ask(1);
    let pass = json!({"action": "pass", "attributes": {"rn": "+491"}});
    recorded.bench.answer_with(1, &a, pass);
    recorded.ask(1);
    recorded.decide(1, &a, json!({}));
    recorded.finish(1, 200);
    let lines = recorded.lines();
    let steps: Vec<_> = lines.iter().map(|line| record(line).event.step).collect();
    assert_eq!(steps, [Some("lnp".into()), Some("route".into())]);
    let attributes = record(&lines[1]).event.attributes.unwrap().into_owned();
    assert_eq!(attributes["rn"], "+491");
}

#[test]
fn what_stands_in_for_applications_is_the_tier() {
    let mut recorded = Recorded::new(
        RecordSettings::default(),
        policy([pool()], only_step(&[a_document()])),
    );
    let Asked::Decided { tier, document } = recorded.ask(1) else {
        panic!("nothing decides");
    };
    let now = recorded.bench.now;
    recorded
        .bench
        .dispatcher
        .accepted_tier(id(1), now, &tier, &document);
    recorded.finish(1, 200);
    let lines = recorded.lines();
    let record = record(&lines[0]);
    assert_eq!(
        (&*record.tier, record.cause),
        ("carrier", DecisionCause::Document)
    );
    assert!(record.application.is_none());
}

#[test]
fn without_any_decision_the_line_says_so_or_has_the_proxys_own_document() {
    let mut recorded = Recorded::all();
    recorded.ask(1);
    recorded.finish(1, 503);
    let fallback = Arc::new(RouteDocument::default());
    recorded.bench.dispatcher.set_fallback(Some(fallback));
    recorded.ask(2);
    recorded.finish(2, 200);
    let lines = recorded.lines();
    let [one, two] = [&lines[0], &lines[1]].map(|line| record(line));
    assert_eq!(
        (&*one.tier, one.cause),
        ("none", DecisionCause::Unavailable)
    );
    assert!(one.document.is_none());
    assert_eq!(
        (&*two.tier, two.cause),
        ("static document", DecisionCause::Document)
    );
    assert!(two.document.is_some());
}

#[test]
fn a_caller_who_hangs_up_is_the_cause() {
    let mut recorded = Recorded::all();
    recorded.bench.join("a", 9);
    recorded.ask(1);
    let now = recorded.bench.now;
    recorded.bench.dispatcher.cancel(id(1), now);
    recorded.finish(1, 487);
    let lines = recorded.lines();
    let record = record(&lines[0]);
    assert_eq!(record.cause, DecisionCause::Cancelled);
    assert_eq!(record.attempts[0].result, AttemptResult::Withdrawn);
}

/// All questions about a call are recorded, or none of them.
#[test]
fn a_sample_has_whole_calls_and_failures_come_on_top() {
    let settings = RecordSettings {
        sample: 0.5,
        ..RecordSettings::default()
    };
    let mut recorded = Recorded::new(settings, Policy::simple());
    let a = recorded.bench.join("a", 9);
    for n in 1..=200 {
        recorded.ask(n);
        recorded.decide(n, &a, json!({}));
        recorded.finish(n, 200);
    }
    let sampled = recorded.lines().len();
    assert!((60..140).contains(&sampled), "{sampled}");
    for n in 201..=240 {
        recorded.ask(n);
        recorded.decide(n, &a, json!({}));
        recorded.finish(n, 503);
    }
    assert_eq!(recorded.lines().len(), 40);
}

#[test]
fn the_oldest_go_without_their_outcome_when_too_many_wait() {
    let settings = RecordSettings {
        waiting_bytes: 20_000,
        ..RecordSettings::default()
    };
    let mut recorded = Recorded::new(settings, Policy::simple());
    let a = recorded.bench.join("a", 99);
    for n in 1..=30 {
        recorded.ask(n);
        recorded.decide(n, &a, json!({}));
    }
    let lines = recorded.lines();
    assert!(!lines.is_empty());
    assert_eq!(record(&lines[0]).id, id(1));
    assert!(lines.iter().all(|line| record(line).outcome.is_none()));
    let counted = recorded.spool.stats().without_outcome;
    assert_eq!(counted, lines.len() as u64);
    recorded.finish(30, 200);
    assert!(record(&recorded.lines()[0]).outcome.is_some());
}

#[test]
fn the_end_of_a_call_is_a_line_of_its_own() {
    let recorded = Recorded::all();
    let ended = Ended {
        version: "1.0".into(),
        time_ms: 5,
        call: id(1).to_string().into(),
        node: "test".into(),
        duration_ms: 61_000,
        cause: EndCause::CallerHungUp,
    };
    recorded.bench.dispatcher.ended(id(1), ended.clone());
    let lines = recorded.lines();
    let line: Line<'_> = serde_json::from_str(&lines[0]).unwrap();
    assert!(matches!(line, Line::Ended(found) if found == ended));
}

#[test]
fn what_still_waits_at_the_end_is_written_as_it_is() {
    let mut recorded = Recorded::all();
    let a = recorded.bench.join("a", 9);
    recorded.ask(1);
    recorded.decide(1, &a, json!({}));
    recorded.ask(2);
    recorded.bench.dispatcher.close_records();
    let lines = recorded.lines();
    assert_eq!(lines.len(), 1);
    assert!(record(&lines[0]).outcome.is_none());
}
