//! Decisions that are used again.

use tidegate_schemas::event::AskReason;

use super::*;

fn document(ttl: u32, stale: u32, key: &[&str]) -> Value {
    json!({
        "routes": [{"uri": "sip:b@example.com"}],
        "cache": {"ttl_ms": ttl, "stale_if_error_ms": stale, "key": key},
    })
}

fn bench() -> (Bench, Arc<Application>) {
    let steps = only_step(&[Otherwise::Cached]);
    let bench = Bench::configured(policy([pool()], steps));
    let a = bench.join("a", 9);
    (bench, a)
}

/// What a shard does with a document.
fn decide(bench: &mut Bench, n: u32, a: &Arc<Application>, event: &RouteEvent<'_>, with: Value) {
    assert_eq!(bench.ask_about(n, event), Asked::Waiting(a.id));
    let Verdict::Answered { document, .. } = bench.answer_with(n, a, with) else {
        panic!("it is not answered");
    };
    bench.dispatcher.remember(event, id(n), &document);
    bench.dispatcher.accepted(id(n), a.id, bench.now, &document);
}

#[test]
fn the_same_question_is_decided_without_asking_until_the_decision_is_stale() {
    let (mut bench, a) = bench();
    let event = samples::event();
    decide(&mut bench, 1, &a, &event, document(1000, 0, &["uri.user"]));
    bench.now += Duration::from_millis(999);
    let asked = bench.ask_about(2, &event);
    assert_decided(&asked, "cached decision");
    let Asked::Decided { document, .. } = asked else {
        panic!("{asked:?}");
    };
    assert_eq!((document.id, document.routes.len()), (None, 1));
    assert_eq!(
        (bench.stats().cache_stored, bench.stats().cache_hit),
        (1, 1)
    );
    bench.now += Duration::from_millis(1);
    assert_eq!(bench.ask_about(3, &event), Asked::Waiting(a.id));
}

#[test]
fn a_question_that_differs_in_any_part_of_the_key_is_asked() {
    let parts = [
        "method",
        "uri",
        "uri.user",
        "uri.host",
        "from",
        "from.user",
        "to",
        "to.user",
        "source.ip",
        "source.listener",
        "header:contact",
        "header:X-Account",
    ];
    let edits: [fn(&mut RouteEvent<'_>); 12] = [
        |e| e.request.method = "MESSAGE".into(),
        |e| e.request.uri = "sip:102@example.com".into(),
        |e| e.request.uri = "sip:103@example.com:5080;transport=tcp".into(),
        |e| e.request.uri = "sip:102@example.org:5080;transport=tcp".into(),
        |e| e.request.from.uri = "sips:101@example.org".into(),
        |e| e.request.from.uri = "sip:100@example.org".into(),
        |e| e.request.to.uri = "sips:102@example.com".into(),
        |e| e.request.to.uri = "sip:100@example.com".into(),
        |e| e.source.ip = [192, 0, 2, 10].into(),
        |e| e.source.listener = "udp:192.0.2.2:5060".into(),
        |e| e.request.headers.push(("m".into(), "<sip:x@y>".into())),
        |e| {
            e.request.headers.pop();
        },
    ];
    let event = samples::event();
    for (part, edit) in parts.iter().zip(edits) {
        let (mut bench, a) = bench();
        decide(&mut bench, 1, &a, &event, document(1000, 1000, &[part]));
        let mut other = event.clone();
        edit(&mut other);
        assert_eq!(bench.ask_about(2, &other), Asked::Waiting(a.id), "{part}");
        bench.refuse(2, &a);
        assert_eq!(bench.ask_about(2, &other), Asked::Unavailable, "{part}");
        assert_decided(&bench.ask_about(3, &event), "cached decision");
    }
}

#[test]
fn what_is_not_in_the_key_may_differ() {
    let (mut bench, a) = bench();
    decide(
        &mut bench,
        1,
        &a,
        &samples::event(),
        document(1000, 0, &["uri.user"]),
    );
    let mut other = call(7);
    other.request.from.uri = "sip:else@example.org".into();
    assert_decided(&bench.ask_about(2, &other), "cached decision");
}

#[test]
fn a_stale_decision_serves_when_nobody_answers() {
    let (mut bench, a) = bench();
    let event = samples::event();
    decide(&mut bench, 1, &a, &event, document(0, 5000, &["uri.user"]));
    bench.now += Duration::from_secs(4);
    assert_eq!(bench.ask_about(2, &event), Asked::Waiting(a.id));
    bench.refuse(2, &a);
    assert_decided(&bench.ask_about(2, &event), "cached decision");
    assert_eq!(bench.stats().otherwise_cached, 1);
    bench.now += Duration::from_secs(1);
    bench.ask_about(3, &event);
    bench.refuse(3, &a);
    assert_eq!(bench.ask_about(3, &event), Asked::Unavailable);
}

#[test]
fn what_the_engine_refused_is_not_kept() {
    let (mut bench, a) = bench();
    let event = samples::event();
    bench.ask_about(1, &event);
    let with = document(1000, 0, &["uri"]);
    let Verdict::Answered { document, .. } = bench.answer_with(1, &a, with) else {
        panic!("it is not answered");
    };
    bench.dispatcher.remember(&event, id(1), &document);
    let error = DocumentError::new("", "no");
    bench.dispatcher.reject(id(1), a.id, &error);
    assert_eq!(bench.ask_about(2, &event), Asked::Waiting(a.id));
}

#[test]
fn what_the_engine_refuses_later_is_forgotten_and_asked() {
    let (mut bench, a) = bench();
    let event = samples::event();
    decide(&mut bench, 1, &a, &event, document(1000, 0, &["uri"]));
    assert_decided(&bench.ask_about(2, &event), "cached decision");
    bench.dispatcher.reject_tier(id(2));
    assert_eq!(bench.ask_about(2, &event), Asked::Waiting(a.id));
    assert_eq!(bench.ask_about(3, &event), Asked::Waiting(a.id));
}

#[test]
fn a_call_that_is_asked_about_again_is_not_decided_as_before() {
    let (mut bench, a) = bench();
    let event = samples::event();
    decide(&mut bench, 1, &a, &event, document(1000, 1000, &["uri"]));
    let again = RouteEvent {
        reason: AskReason::Exhausted,
        ..event
    };
    assert_eq!(bench.ask_about(2, &again), Asked::Waiting(a.id));
    bench.refuse(2, &a);
    assert_eq!(bench.ask_about(2, &again), Asked::Unavailable);
}

#[test]
fn a_decision_belongs_to_its_step_and_to_what_was_passed_on() {
    let steps = ["one", "two"].map(|name| step(name, &[0], &[]));
    let mut bench = Bench::configured(policy([pool()], steps.into()));
    let a = bench.join("a", 9);
    let event = samples::event();
    let pass = |account: u32| json!({"action": "pass", "attributes": {"account": account}});
    bench.ask_about(1, &event);
    bench.answer_with(1, &a, pass(1));
    decide(&mut bench, 1, &a, &event, document(1000, 0, &["uri"]));
    assert_eq!(bench.ask_about(2, &event), Asked::Waiting(a.id));
    bench.answer_with(2, &a, pass(2));
    assert_eq!(bench.ask_about(2, &event), Asked::Waiting(a.id));
    assert_eq!(bench.ask_about(3, &event), Asked::Waiting(a.id));
    bench.answer_with(3, &a, pass(1));
    assert_decided(&bench.ask_about(3, &event), "cached decision");
}

#[test]
fn a_step_that_passed_may_be_used_again() {
    let steps = ["one", "two"].map(|name| step(name, &[0], &[]));
    let mut bench = Bench::configured(policy([pool()], steps.into()));
    let a = bench.join("a", 9);
    let event = samples::event();
    let pass = json!({
        "action": "pass", "attributes": {"account": 1},
        "cache": {"ttl_ms": 1000, "key": ["from.user"]},
    });
    bench.ask_about(1, &event);
    bench.answer_with(1, &a, pass);
    bench.ask_about(1, &event);
    bench.answer(1, &a);
    told(&a);
    assert_eq!(bench.ask_about(2, &event), Asked::Waiting(a.id));
    let question = &told(&a)[0];
    assert_eq!(question["step"], "two");
    assert_eq!(question["attributes"], json!({"account": 1}));
}

#[test]
fn all_shards_share_what_was_decided() {
    let (mut bench, a) = bench();
    let event = samples::event();
    decide(&mut bench, 1, &a, &event, document(1000, 0, &["uri"]));
    let mut other = Dispatcher::new(Arc::clone(&bench.registry));
    let deadline = bench.now + Duration::from_secs(1);
    let asked = other.ask(id(2), bench.now, deadline, 0, &event);
    assert_decided(&asked, "cached decision");
}

#[test]
fn the_cache_is_bounded() {
    let mut bench = Bench::with(Settings {
        cache_entries: 10,
        ..Settings::default()
    });
    let a = bench.join("a", 9);
    for n in 0..20 {
        let mut event = samples::event();
        event.request.uri = format!("sip:{n}@example.com").into();
        decide(&mut bench, n, &a, &event, document(1000, 0, &["uri"]));
    }
    assert_eq!(
        (bench.stats().cache_stored, bench.stats().cache_evicted),
        (20, 10)
    );
}
