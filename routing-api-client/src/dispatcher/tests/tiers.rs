//! What decides when no application does.

use super::*;

#[test]
fn a_document_decides_at_once_when_nobody_is_connected() {
    let mut bench = Bench::configured(policy([pool()], only_step(&[a_document()])));
    let Asked::Decided { tier, document } = bench.ask_about(1, &samples::event()) else {
        panic!("it is not decided");
    };
    assert_eq!((&*tier, document.routes.len()), ("carrier", 1));
    assert_eq!(
        (bench.dispatcher.open(), bench.dispatcher.next_timeout()),
        (0, None)
    );
}

#[test]
fn it_decides_before_the_end_of_the_consultation() {
    let mut bench = Bench::configured(policy([pool()], only_step(&[a_document()])));
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(told(&a)[0]["deadline_ms"], 990);
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(990)));
    assert_eq!(bench.time_out_at(990), [id(1)]);
    bench.now = bench.at(990);
    assert_decided(&bench.ask_about(1, &samples::event()), "carrier");
    assert_eq!(types(&a).len(), 0);
    assert_eq!((a.in_flight(), bench.dispatcher.open()), (0, 0));
}

#[test]
fn a_tier_that_cannot_be_honoured_gives_way_to_the_next() {
    let second = Otherwise::Document("second".into(), Arc::default());
    let steps = only_step(&[Otherwise::Cached, a_document(), second]);
    let mut bench = Bench::configured(policy([pool()], steps));
    assert_decided(&bench.ask_about(1, &samples::event()), "carrier");
    bench.dispatcher.reject_tier(id(1));
    assert_decided(&bench.ask_about(1, &samples::event()), "second");
    bench.dispatcher.reject_tier(id(1));
    assert_eq!(bench.ask(1), Err(Unavailable));
    assert_eq!((bench.stats().invalid, bench.dispatcher.open()), (2, 0));
}

#[test]
fn pass_in_the_last_step_decides_nothing() {
    let mut bench = Bench::configured(policy([pool()], only_step(&[Otherwise::Pass])));
    assert_eq!(bench.ask(1), Err(Unavailable));
}

#[test]
fn every_pool_is_tried_before() {
    let pools = [pool(), policy::Pool::named("second")];
    let steps = vec![step("", &[0, 1], &[a_document()])];
    let mut bench = Bench::configured(policy(pools, steps));
    let a = bench.join("a", 9);
    let b = bench.join_in("second", "b", 9);
    assert_eq!(bench.ask(1), Ok(a.id));
    bench.refuse(1, &a);
    assert_eq!(bench.ask(1), Ok(b.id));
    bench.refuse(1, &b);
    assert_decided(&bench.ask_about(1, &samples::event()), "carrier");
}
