//! Who is asked first.

use std::collections::HashMap;

use super::*;

fn weighted(weights: &[(&str, u32)], choose: Choose) -> Bench {
    let pool = policy::Pool { choose, ..pool() };
    let applications = weights.iter().map(|(name, weight)| Member {
        weight: *weight,
        ..member(name)
    });
    Bench::configured(Policy {
        applications: applications.collect(),
        ..policy([pool], only_step(&[]))
    })
}

#[test]
fn idle_applications_get_their_share_by_weight() {
    let mut bench = weighted(&[("a", 3), ("b", 1)], Choose::LeastInFlight);
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    let mut asked = HashMap::<_, u32>::new();
    for n in 0..400 {
        *asked
            .entry(bench.ask_and_answer(n, &[&a, &b], 0))
            .or_default() += 1;
    }
    assert_eq!((asked["a"], asked["b"]), (300, 100));
}

#[test]
fn busy_applications_have_questions_by_weight() {
    let mut bench = weighted(&[("a", 3), ("b", 1)], Choose::LeastInFlight);
    let (a, b) = (bench.join("a", 99), bench.join("b", 99));
    for n in 0..40 {
        bench.ask(n).unwrap();
    }
    assert_eq!((a.in_flight(), b.in_flight()), (30, 10));
}

#[test]
fn an_application_is_one_however_many_connections_it_has() {
    let mut bench = Bench::new();
    let [a1, a2, b] = ["a", "a", "b"].map(|name| bench.join(name, 99));
    for n in 0..40 {
        bench.ask(n).unwrap();
    }
    assert_eq!([&a1, &a2, &b].map(|x| x.in_flight()), [10, 10, 20]);
    assert_eq!(bench.registry.members()[0].connections, 2);
}

#[test]
fn another_application_comes_before_another_connection_of_the_same() {
    let mut bench = Bench::new();
    let [a1, a2] = ["a", "a"].map(|name| bench.join(name, 9));
    assert_eq!(bench.ask(1), Ok(a1.id));
    let b = bench.join("b", 9);
    bench.ask(2).unwrap();
    bench.ask(3).unwrap();
    bench.refuse(1, &a1);
    assert_eq!(bench.ask(1), Ok(b.id));
    bench.refuse(1, &b);
    assert_eq!(bench.ask(1), Ok(a2.id));
}

#[test]
fn weight_zero_gets_none() {
    let mut bench = weighted(&[("a", 0)], Choose::LeastInFlight);
    bench.join("a", 9);
    assert_eq!(bench.ask(1), Err(Unavailable));
    bench.registry.reweight("a", 1).unwrap();
    assert!(bench.ask(2).is_ok());
}

/// Whom each of these calls is given to.
fn given(bench: &mut Bench, calls: std::ops::Range<u32>) -> Vec<ApplicationId> {
    calls
        .map(|n| {
            let asked = bench.ask_about(n, &call(n));
            bench.dispatcher.cancel(id(n), bench.now);
            waiting(asked).unwrap()
        })
        .collect()
}

#[test]
fn sticky_calls_stay_and_only_those_of_one_that_is_gone_move() {
    let mut bench = weighted(&[], Choose::StickyByCall);
    let all = ["a", "b", "c"].map(|name| bench.join(name, 9));
    let first = given(&mut bench, 0..300);
    assert_eq!(first, given(&mut bench, 0..300));
    for application in &all {
        let share = first.iter().filter(|id| **id == application.id).count();
        assert!((60..140).contains(&share), "{share}");
    }
    bench.lose(&all[1]);
    let moved = given(&mut bench, 0..300);
    for (before, after) in first.iter().zip(moved) {
        assert!(*before == all[1].id || *before == after);
        assert!(after != all[1].id);
    }
}

#[test]
fn sticky_calls_follow_the_weights() {
    let mut bench = weighted(&[("a", 3), ("b", 1)], Choose::StickyByCall);
    let (a, _b) = (bench.join("a", 9), bench.join("b", 9));
    let given = given(&mut bench, 0..1000);
    let share = given.iter().filter(|id| **id == a.id).count();
    assert!((700..800).contains(&share), "{share}");
}

#[test]
fn a_sticky_call_goes_elsewhere_when_its_application_fails() {
    let mut bench = weighted(&[], Choose::StickyByCall);
    let all = ["a", "b"].map(|name| bench.join(name, 9));
    let first = bench.ask(1).unwrap();
    let [own, other] = if all[0].id == first { [0, 1] } else { [1, 0] };
    bench.refuse(1, &all[own]);
    assert_eq!(bench.ask(1), Ok(all[other].id));
}

fn with_canary(percentage: u8) -> Bench {
    Bench::configured(Policy {
        applications: vec![Member {
            canary: Some(percentage),
            shadow: None,
            ..member("canary")
        }],
        ..policy([pool()], only_step(&[]))
    })
}

#[test]
fn a_canary_gets_its_percentage_of_the_calls_and_always_the_same() {
    let mut bench = with_canary(10);
    let (canary, _) = (bench.join("canary", 9), bench.join("a", 9));
    let first = given(&mut bench, 0..1000);
    let share = first.iter().filter(|id| **id == canary.id).count();
    assert!((70..130).contains(&share), "{share}");
    assert_eq!(first, given(&mut bench, 0..1000));
}

#[test]
fn a_canary_gets_not_one_call_more_even_when_it_is_alone() {
    let mut bench = with_canary(10);
    let canary = bench.join("canary", 9);
    let asked = (0..1000).filter(|n| {
        let asked = bench.ask_about(*n, &call(*n));
        bench.dispatcher.cancel(id(*n), bench.now);
        asked == Asked::Waiting(canary.id)
    });
    assert!((70..130).contains(&asked.count()));
}

#[test]
fn the_calls_of_a_canary_that_fails_are_decided_by_the_others() {
    let mut bench = with_canary(100);
    let (canary, a) = (bench.join("canary", 9), bench.join("a", 9));
    assert_eq!(bench.ask(1), Ok(canary.id));
    bench.refuse(1, &canary);
    assert_eq!(bench.ask(1), Ok(a.id));
}

#[test]
fn a_promoted_canary_is_like_the_others() {
    let mut bench = with_canary(0);
    let (canary, a) = (bench.join("canary", 9), bench.join("a", 9));
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(a.id), Ok(a.id)));
    bench.registry.promote("canary").unwrap();
    assert_eq!(bench.ask(3), Ok(canary.id));
    let again = bench.registry.promote("canary");
    assert_eq!(again, Err(crate::ChangeError::NoCanary));
}

#[test]
fn an_application_has_no_more_questions_than_the_policy_allows() {
    let mut bench = Bench::configured(Policy {
        applications: vec![Member {
            max_in_flight: Some(3),
            ..member("a")
        }],
        ..policy([pool()], only_step(&[]))
    });
    let [a1, a2] = ["a", "a"].map(|name| bench.join(name, 99));
    for n in 0..3 {
        bench.ask(n).unwrap();
    }
    assert_eq!(bench.ask(3), Err(Unavailable));
    assert_eq!(a1.in_flight() + a2.in_flight(), 3);
    assert_eq!(bench.stats().limited, 1);
    bench.dispatcher.cancel(id(1), bench.now);
    assert!(bench.ask(4).is_ok());
}

#[test]
fn a_pool_has_no_more_questions_than_the_policy_allows_and_the_next_pool_helps() {
    let narrow = policy::Pool {
        max_in_flight: Some(1),
        ..pool()
    };
    let pools = [narrow, policy::Pool::named("second")];
    let mut bench = Bench::configured(policy(pools, vec![step("", &[0, 1], &[])]));
    let [a, b] = ["a", "b"].map(|name| bench.join(name, 9));
    let other = bench.join_in("second", "other", 9);
    assert_eq!(bench.ask(1), Ok(a.id));
    assert_eq!(bench.ask(2), Ok(other.id));
    assert_eq!(bench.stats().limited, 1);
    bench.answer(1, &a);
    assert_eq!(bench.ask(3), Ok(b.id));
}

#[test]
fn the_preferred_pool_is_asked_first_and_gets_its_share_of_the_time() {
    let hasty = policy::Pool {
        share: 0.25,
        ..pool()
    };
    let pools = [hasty, policy::Pool::named("second")];
    let mut bench = Bench::configured(policy(pools, vec![step("", &[0, 1], &[])]));
    let second = bench.join_in("second", "second", 9);
    let first = bench.join("first", 9);
    assert_eq!(bench.ask(1), Ok(first.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(250)));
    assert_eq!(bench.time_out_at(250), [id(1)]);
    assert_eq!(bench.ask_at(1, 250), Ok(second.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(1000)));
}

#[test]
fn one_that_drains_by_order_of_the_operator_gets_nothing_until_it_may_again() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.registry.drain("a").unwrap();
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(b.id), Ok(b.id)));
    bench.registry.resume("a").unwrap();
    assert_eq!(bench.ask(3), Ok(a.id));
}

#[test]
fn a_new_policy_holds_for_new_questions_while_the_old_ones_are_answered() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    let other = Policy {
        applications: vec![Member {
            pool: 1,
            ..member("a")
        }],
        ..policy([pool(), policy::Pool::named("other")], only_step(&[]))
    };
    bench.registry.reconfigure(Arc::new(other));
    assert_eq!(bench.ask(2), Err(Unavailable));
    assert_answered(&bench.answer(1, &a), 1, "a");
    assert_eq!(a.in_flight(), 0);
}

#[test]
fn a_consultation_ends_by_the_chain_with_which_it_began() {
    let mut bench = Bench::configured(policy([pool()], only_step(&[a_document()])));
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    let plain = policy([policy::Pool::named("first"), pool()], only_step(&[]));
    bench.registry.reconfigure(Arc::new(plain));
    bench.refuse(1, &a);
    assert_eq!(bench.ask(1), Ok(b.id));
    bench.refuse(1, &b);
    assert_decided(&bench.ask_about(1, &samples::event()), "carrier");
}
