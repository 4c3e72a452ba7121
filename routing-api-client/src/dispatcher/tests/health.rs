//! Applications that are left out, and how they come back.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Two failures leave an application out for a second.
fn with_eject(otherwise: &[Otherwise]) -> Bench {
    let pool = policy::Pool {
        eject: Eject {
            failures: 2,
            slower_than: None,
            pause: SECOND,
            max_pause: SECOND * 4,
        },
        ..pool()
    };
    Bench::configured(policy([pool], only_step(otherwise)))
}

fn eject(bench: &mut Bench, application: &Arc<Application>) {
    for n in 900..902 {
        bench.registry.reweight("other", 0).ok();
        assert_eq!(
            bench.ask_about(n, &samples::event()),
            Asked::Waiting(application.id)
        );
        bench.refuse(n, application);
        bench.dispatcher.cancel(id(n), bench.now);
    }
    bench.registry.reweight("other", 1).ok();
}

#[test]
fn failures_in_a_row_leave_an_application_out() {
    let mut bench = with_eject(&[]);
    let (a, other) = (bench.join("a", 9), bench.join("other", 9));
    eject(&mut bench, &a);
    assert_eq!(bench.stats().ejected, 1);
    for n in 0..9 {
        assert_eq!(
            bench.ask_about(n, &samples::event()),
            Asked::Waiting(other.id)
        );
    }
    let report = &bench.registry.members_at(bench.now)[0];
    let remaining = SECOND;
    assert_eq!(report.status, crate::MemberStatus::Ejected { remaining });
}

#[test]
fn after_the_pause_one_question_tries_it_and_its_success_brings_it_back() {
    let mut bench = with_eject(&[]);
    let (a, other) = (bench.join("a", 9), bench.join("other", 9));
    eject(&mut bench, &a);
    bench.now += SECOND;
    assert_eq!(bench.ask_about(1, &samples::event()), Asked::Waiting(a.id));
    for n in 2..5 {
        assert_eq!(
            bench.ask_about(n, &samples::event()),
            Asked::Waiting(other.id)
        );
    }
    assert_answered(&bench.answer(1, &a), 1, "a");
    bench
        .dispatcher
        .accepted(id(1), a.id, bench.now, &RouteDocument::default());
    assert_eq!((bench.stats().probes, bench.stats().recovered), (1, 1));
    assert_eq!(bench.ask_about(5, &samples::event()), Asked::Waiting(a.id));
    assert_eq!(bench.ask_about(6, &samples::event()), Asked::Waiting(a.id));
}

#[test]
fn a_trial_that_fails_doubles_the_pause_and_its_call_is_asked_of_others() {
    let mut bench = with_eject(&[]);
    let (a, other) = (bench.join("a", 9), bench.join("other", 9));
    eject(&mut bench, &a);
    bench.now += SECOND;
    assert_eq!(bench.ask_about(1, &samples::event()), Asked::Waiting(a.id));
    bench.refuse(1, &a);
    assert_eq!(
        bench.ask_about(1, &samples::event()),
        Asked::Waiting(other.id)
    );
    bench.now += SECOND;
    assert_eq!(
        bench.ask_about(2, &samples::event()),
        Asked::Waiting(other.id)
    );
    bench.now += SECOND;
    assert_eq!(bench.ask_about(3, &samples::event()), Asked::Waiting(a.id));
}

#[test]
fn a_document_that_is_refused_by_the_engine_is_a_trial_that_failed() {
    let mut bench = with_eject(&[]);
    let (a, other) = (bench.join("a", 9), bench.join("other", 9));
    eject(&mut bench, &a);
    bench.now += SECOND;
    bench.ask_about(1, &samples::event());
    bench.answer(1, &a);
    let error = DocumentError::new("", "no");
    bench.dispatcher.reject(id(1), a.id, &error);
    bench.now += SECOND;
    assert_eq!(
        bench.ask_about(2, &samples::event()),
        Asked::Waiting(other.id)
    );
    assert_eq!(bench.stats().ejected, 2);
}

#[test]
fn a_trial_whose_caller_hung_up_is_repeated_with_the_next_call() {
    let mut bench = with_eject(&[]);
    let (a, _other) = (bench.join("a", 9), bench.join("other", 9));
    eject(&mut bench, &a);
    bench.now += SECOND;
    assert_eq!(bench.ask_about(1, &samples::event()), Asked::Waiting(a.id));
    bench.dispatcher.cancel(id(1), bench.now);
    assert_eq!(bench.ask_about(2, &samples::event()), Asked::Waiting(a.id));
}

#[test]
fn the_last_one_is_asked_when_nothing_else_decides() {
    let mut bench = with_eject(&[]);
    let a = bench.join("a", 9);
    eject(&mut bench, &a);
    assert_eq!(bench.ask_about(1, &samples::event()), Asked::Waiting(a.id));
    assert_answered(&bench.answer(1, &a), 1, "a");
    bench
        .dispatcher
        .accepted(id(1), a.id, bench.now, &RouteDocument::default());
    assert_eq!(bench.stats().recovered, 1);
}

#[test]
fn the_last_one_is_left_out_when_something_else_decides() {
    let mut bench = with_eject(&[a_document()]);
    let a = bench.join("a", 9);
    eject(&mut bench, &a);
    assert_decided(&bench.ask_about(1, &samples::event()), "carrier");
}

#[test]
fn health_survives_the_connection() {
    let mut bench = with_eject(&[]);
    let (a, other) = (bench.join("a", 9), bench.join("other", 9));
    eject(&mut bench, &a);
    bench.lose(&a);
    bench.join("a", 9);
    for n in 1..4 {
        assert_eq!(
            bench.ask_about(n, &samples::event()),
            Asked::Waiting(other.id)
        );
    }
}

#[test]
fn one_lost_connection_is_one_failure_whatever_it_held() {
    let mut bench = with_eject(&[]);
    let a = bench.join("a", 9);
    for n in 0..5 {
        bench.ask_about(n, &samples::event());
    }
    bench.lose(&a);
    assert_eq!((bench.stats().lost, bench.stats().ejected), (5, 0));
}

#[test]
fn one_that_lags_is_left_out_while_another_is_faster() {
    let pool = policy::Pool {
        eject: Eject {
            slower_than: Some(Duration::from_millis(50)),
            ..Eject::default()
        },
        ..pool()
    };
    let mut bench = Bench::configured(policy([pool], only_step(&[])));
    let slow = bench.join("slow", 9);
    for n in 0..30 {
        bench.ask_and_answer(n, &[&slow], 100);
    }
    assert_eq!(bench.stats().ejected, 0);
    let fast = bench.join("fast", 9);
    bench.registry.reweight("slow", 0).unwrap();
    for n in 30..60 {
        bench.ask_and_answer(n, &[&fast], 1);
    }
    bench.registry.reweight("slow", 1).unwrap();
    bench.now += SECOND;
    for n in 60..70 {
        assert_eq!(&*bench.ask_and_answer(n, &[&fast, &slow], 1), "fast");
    }
    assert_eq!(bench.stats().ejected, 1);
    bench.now += SECOND * 5;
    assert_eq!(&*bench.ask_and_answer(70, &[&fast, &slow], 100), "slow");
    assert_eq!(bench.stats().ejected, 2);
    bench.now += SECOND * 10;
    assert_eq!(&*bench.ask_and_answer(71, &[&fast, &slow], 1), "slow");
    assert_eq!(bench.stats().recovered, 1);
}
