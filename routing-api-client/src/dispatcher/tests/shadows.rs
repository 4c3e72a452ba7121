//! Applications that only look on.

use super::*;

fn shadow(name: &str, percentage: u8) -> Member {
    Member {
        shadow: Some(percentage),
        ..member(name)
    }
}

fn bench(applications: Vec<Member>, otherwise: &[Otherwise]) -> Bench {
    let hedging = policy::Pool {
        hedge: true,
        ..pool()
    };
    Bench::configured(Policy {
        applications,
        ..policy([hedging], only_step(otherwise))
    })
}

/// An event of call `n`, as the proxy names calls.
fn question(n: u32) -> RouteEvent<'static> {
    let mut event = call(n);
    event.id = id(n);
    event.call = id(n).to_string().into();
    event
}

fn ask(bench: &mut Bench, n: u32) -> Asked {
    let (now, deadline) = (bench.at(0), bench.at(1000));
    bench.dispatcher.ask(id(n), now, deadline, 0, &question(n))
}

/// The application answers, and the answer is honoured.
fn decide(bench: &mut Bench, n: u32, by: &Application) {
    assert_answered(&bench.answer(n, by), n, &by.name());
    let document = RouteDocument::default();
    bench
        .dispatcher
        .accepted(id(n), by.id, bench.now, &document);
}

fn offers(bench: &Bench) -> Vec<(Vec<String>, String)> {
    bench.registry.shadows().take_offers()
}

#[test]
fn a_shadow_is_never_asked_to_decide() {
    let mut bench = bench(vec![shadow("s", 100)], &[]);
    let (s, a) = (bench.join("s", 99), bench.join("a", 1));
    assert_eq!(waiting(ask(&mut bench, 1)), Ok(a.id));
    assert_eq!(waiting(ask(&mut bench, 2)), Err(Unavailable));
    bench.registry.leave(a.id);
    assert_eq!(waiting(ask(&mut bench, 3)), Err(Unavailable));
    assert_eq!((s.in_flight(), told(&s).len()), (0, 0));
}

#[test]
fn a_pool_of_shadows_has_nobody() {
    let mut bench = bench(vec![shadow("s", 100)], &[a_document()]);
    bench.join("s", 99);
    assert_decided(&ask(&mut bench, 1), "carrier");
}

#[test]
fn a_shadow_is_offered_what_was_decided() {
    let mut bench = bench(vec![shadow("s", 100), shadow("t", 100)], &[]);
    let a = bench.join("a", 9);
    ask(&mut bench, 1);
    assert!(offers(&bench).is_empty());
    decide(&mut bench, 1, &a);
    let names = ["s", "t"].map(str::to_owned).to_vec();
    assert_eq!(offers(&bench), [(names, "a".to_owned())]);
}

#[test]
fn a_shadow_gets_nothing_to_compare_with_what_no_application_decided() {
    let mut bench = bench(vec![shadow("s", 100)], &[a_document()]);
    let asked = ask(&mut bench, 1);
    let Asked::Decided { tier, document } = asked else {
        panic!("{asked:?}");
    };
    let now = bench.now;
    bench.dispatcher.accepted_tier(id(1), now, &tier, &document);
    bench.join("a", 9);
    ask(&mut bench, 2);
    bench.dispatcher.cancel(id(2), now);
    assert!(offers(&bench).is_empty());
    let counts = bench.registry.shadow_reports().remove(0).counts;
    assert_eq!((counts.undecided, counts.asked), (2, 0));
}

#[test]
fn a_shadow_gets_its_percentage_of_the_calls_with_all_their_questions() {
    let mut bench = bench(vec![shadow("s", 20)], &[]);
    let a = bench.join("a", 9);
    let mut offered = Vec::new();
    for _ in 0..2 {
        let looked_at = (0..1000).filter(|n| {
            ask(&mut bench, *n);
            decide(&mut bench, *n, &a);
            told(&a);
            !offers(&bench).is_empty()
        });
        offered.push(looked_at.collect::<Vec<_>>());
    }
    assert_eq!(offered[0], offered[1]);
    assert!(
        (150..250).contains(&offered[0].len()),
        "{}",
        offered[0].len()
    );
}

#[test]
fn what_becomes_a_shadow_still_answers_what_it_was_asked() {
    let mut bench = bench(vec![], &[]);
    let a = bench.join("a", 9);
    ask(&mut bench, 1);
    bench.registry.set_shadow("a", Some(100)).unwrap();
    assert!(a.may_decide());
    decide(&mut bench, 1, &a);
    assert!(!a.may_decide());
    assert_eq!(waiting(ask(&mut bench, 2)), Err(Unavailable));
    bench.registry.set_shadow("a", None).unwrap();
    assert_eq!(waiting(ask(&mut bench, 3)), Ok(a.id));
}

#[test]
fn who_is_too_many_is_not_held_against_the_shard() {
    let mut bench = bench(vec![shadow("s", 100)], &[]);
    let a = bench.join("a", 99);
    bench.registry.shadows().configure(crate::ShadowSettings {
        queue: 3,
        ..crate::ShadowSettings::default()
    });
    for n in 0..10 {
        ask(&mut bench, n);
        decide(&mut bench, n, &a);
    }
    assert_eq!(offers(&bench).len(), 3);
    let counts = bench.registry.shadow_reports().remove(0).counts;
    assert_eq!(counts.queue_full, 7);
}
