//! What each kind of failure leads to, and what counts it.

use super::*;

fn with_table(edit: impl FnOnce(&mut policy::FailureTable), otherwise: &[Otherwise]) -> Bench {
    let mut pool = pool();
    edit(&mut pool.on_failure);
    Bench::configured(policy([pool], only_step(otherwise)))
}

type Counter = fn(&Stats) -> u64;

#[test]
fn each_kind_of_failure_moves_a_counter_of_its_own() {
    let kinds: [(Failure, Counter); 4] = [
        (Failure::Error, |s| s.error),
        (Failure::Refused, |s| s.refused),
        (Failure::ClientError(404), |s| s.http_4xx),
        (Failure::ServerError(502), |s| s.http_5xx),
    ];
    for (failure, counter) in kinds {
        let mut bench = Bench::new();
        let (a, b) = (bench.join("a", 9), bench.join("b", 9));
        bench.ask(1).unwrap();
        let verdict = bench.fail(1, &a, failure);
        assert_eq!(verdict, Verdict::AskAgain(vec![id(1)]), "{failure:?}");
        assert_eq!(bench.ask(1), Ok(b.id));
        let all = kinds.map(|(_, counter)| counter(&bench.stats()));
        assert_eq!((counter(&bench.stats()), all.iter().sum()), (1, 1_u64));
        assert_eq!(bench.registry.members()[0].errors, 1);
    }
}

#[test]
fn retry_asks_the_same_application_once_more_and_then_the_next() {
    let mut bench = with_table(|table| table.http_5xx = OnFailure::Retry, &[]);
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.fail(1, &a, Failure::ServerError(503));
    assert_eq!(bench.ask(1), Ok(a.id));
    assert_eq!(types(&a), ["route", "route"]);
    assert_eq!((a.in_flight(), bench.stats().retried), (1, 1));
    bench.fail(1, &a, Failure::ServerError(503));
    assert_eq!(bench.ask(1), Ok(b.id));
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0, 1]);
}

#[test]
fn retry_takes_another_connection_where_there_is_one() {
    let mut bench = with_table(|table| table.refused = OnFailure::Retry, &[]);
    let [a1, a2] = ["a", "a"].map(|name| bench.join(name, 9));
    bench.join("b", 9);
    assert_eq!(bench.ask(1), Ok(a1.id));
    assert_eq!(bench.lose(&a1), Verdict::AskAgain(vec![id(1)]));
    assert_eq!(bench.ask(1), Ok(a2.id));
}

#[test]
fn retry_after_a_timeout_gives_the_open_question_more_time() {
    let mut bench = with_table(|table| table.timeout = OnFailure::Retry, &[]);
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    assert_eq!(bench.time_out_at(500), [id(1)]);
    assert_eq!(bench.ask_at(1, 500), Ok(a.id));
    assert_eq!(types(&a), ["route"]);
    assert_eq!(bench.time_out_at(750), [id(1)]);
    assert_eq!(bench.ask_at(1, 750), Ok(b.id));
    assert_answered(&bench.answer(1, &a), 1, "a");
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0; 2]);
}

#[test]
fn otherwise_asks_nobody_else() {
    let mut bench = with_table(|table| table.error = OnFailure::Otherwise, &[a_document()]);
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.fail(1, &a, Failure::Error);
    assert_decided(&bench.ask_about(1, &samples::event()), "carrier");
    assert_eq!(told(&b).len(), 0);
    assert_eq!(bench.stats().otherwise_document, 1);
}

#[test]
fn refuse_lets_nothing_decide() {
    let mut bench = with_table(|table| table.http_4xx = OnFailure::Refuse, &[a_document()]);
    let (a, _b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.fail(1, &a, Failure::ClientError(402));
    assert_eq!(bench.ask(1), Err(Unavailable));
    assert_eq!((bench.stats().given_up, bench.dispatcher.open()), (1, 0));
}

#[test]
fn an_invalid_document_has_its_row_too() {
    let table = |table: &mut policy::FailureTable| table.invalid = OnFailure::Otherwise;
    let mut bench = with_table(table, &[a_document()]);
    let (a, _b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.answer(1, &a);
    bench
        .dispatcher
        .reject(id(1), a.id, &DocumentError::new("/routes", "no"));
    assert_decided(&bench.ask_about(1, &samples::event()), "carrier");
    assert_eq!(bench.registry.members()[0].invalid, 1);
}

#[test]
fn a_timeout_has_its_row_too() {
    let table = |table: &mut policy::FailureTable| table.timeout = OnFailure::Otherwise;
    let mut bench = with_table(table, &[a_document()]);
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    let again = bench.time_out_at(495);
    assert_eq!((again, bench.stats().attempt_timed_out), (vec![id(1)], 1));
    bench.now = bench.at(495);
    assert_decided(&bench.ask_about(1, &samples::event()), "carrier");
    assert_eq!(
        (types(&a), types(&b).len()),
        (vec!["route".to_owned(), "cancelled".to_owned()], 0)
    );
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!((bench.stats().late, a.in_flight()), (1, 0));
}
