//! A second application beside a slow one.

use super::*;

/// `a` usually answers in 20 ms and is asked next.
fn bench() -> (Bench, Arc<Application>, Arc<Application>) {
    let pool = policy::Pool {
        hedge: true,
        ..pool()
    };
    let mut bench = Bench::configured(policy([pool], only_step(&[])));
    let a = bench.join("a", 9);
    for n in 100..130 {
        bench.ask_and_answer(n, &[&a], 20);
    }
    bench.now += Duration::from_secs(1);
    let b = bench.join("b", 9);
    bench.registry.reweight("b", 0).unwrap();
    assert_eq!(bench.ask_about(1, &samples::event()), Asked::Waiting(a.id));
    bench.registry.reweight("b", 1).unwrap();
    (bench, a, b)
}

fn hedge(bench: &mut Bench, after: u64) -> Vec<ConsultationId> {
    bench.now += Duration::from_millis(after);
    let mut again = Vec::new();
    bench.dispatcher.on_timeout(bench.now, &mut again);
    for _ in &again {
        bench.ask_about(1, &samples::event());
    }
    again
}

#[test]
fn the_second_is_asked_when_the_first_takes_longer_than_usual() {
    let (mut bench, a, b) = bench();
    told(&a);
    assert_eq!(hedge(&mut bench, 15), []);
    assert_eq!(hedge(&mut bench, 10), [id(1)]);
    assert_eq!(types(&b), ["route"]);
    assert_eq!([&a, &b].map(|x| x.in_flight()), [1, 1]);
    assert_answered(&bench.answer(1, &b), 1, "b");
    assert_eq!(types(&a), ["cancelled"]);
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0, 0]);
    assert_eq!((bench.stats().hedged, bench.stats().hedge_won), (1, 1));
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!(bench.stats().late, 1);
}

#[test]
fn the_first_may_still_be_the_first_to_answer() {
    let (mut bench, a, b) = bench();
    hedge(&mut bench, 25);
    assert_answered(&bench.answer(1, &a), 1, "a");
    assert_eq!(types(&b), ["route", "cancelled"]);
    assert_eq!((bench.stats().hedged, bench.stats().hedge_won), (1, 0));
    assert_eq!(bench.stats().late_attempt, 0);
}

#[test]
fn a_failure_of_one_leaves_the_other_at_work() {
    let (mut bench, a, b) = bench();
    hedge(&mut bench, 25);
    assert_eq!(bench.refuse(1, &a), Verdict::Nothing);
    assert_answered(&bench.answer(1, &b), 1, "b");
}

#[test]
fn the_failure_of_both_asks_on() {
    let (mut bench, a, b) = bench();
    hedge(&mut bench, 25);
    assert_eq!(bench.refuse(1, &b), Verdict::Nothing);
    assert_eq!(bench.refuse(1, &a), Verdict::AskAgain(vec![id(1)]));
    assert_eq!(bench.ask_about(1, &samples::event()), Asked::Unavailable);
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0, 0]);
}

#[test]
fn without_a_second_one_the_first_is_waited_for() {
    let (mut bench, a, b) = bench();
    bench.lose(&b);
    assert_eq!(hedge(&mut bench, 25), [id(1)]);
    assert_eq!(bench.stats().hedged, 0);
    assert_eq!(hedge(&mut bench, 100), []);
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn nobody_is_slow_of_whom_little_is_known() {
    let pool = policy::Pool {
        hedge: true,
        ..pool()
    };
    let mut bench = Bench::configured(policy([pool], only_step(&[])));
    let (a, _b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(500)));
}
