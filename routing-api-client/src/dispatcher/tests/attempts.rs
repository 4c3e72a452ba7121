//! One step with one pool: who is asked, who answers, and what comes too late.

use super::*;

#[test]
fn without_an_application_nothing_waits() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(1), Err(Unavailable));
    assert_eq!(
        (bench.dispatcher.open(), bench.dispatcher.next_timeout()),
        (0, None)
    );
    assert_eq!(bench.stats().unavailable, 1);
}

#[test]
fn a_question_carries_its_id_and_the_time_that_is_left() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    assert_eq!(bench.ask_at(1, 300), Ok(a.id));
    let told = told(&a);
    assert_eq!(told[0]["type"], "route");
    assert_eq!(told[0]["id"], id(1).to_string());
    assert_eq!(told[0]["deadline_ms"], 700);
    assert_eq!(told[0]["request"]["method"], "INVITE");
}

#[test]
fn an_answer_ends_the_consultation_and_frees_the_place() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(a.in_flight(), 1);
    assert_answered(&bench.answer(1, &a), 1, "a");
    assert_eq!((a.in_flight(), bench.dispatcher.open()), (0, 0));
    assert_eq!(bench.dispatcher.next_timeout(), None);
    assert_eq!((bench.stats().asked, bench.stats().answered), (1, 1));
}

#[test]
fn the_application_with_the_fewest_questions_is_asked() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    bench.ask(2).unwrap();
    let b = bench.join("b", 9);
    assert_eq!(bench.ask(3), Ok(b.id));
    assert_eq!(bench.ask(4), Ok(b.id));
    bench.answer(1, &a);
    assert_eq!(bench.ask(5), Ok(a.id));
}

#[test]
fn equals_take_turns() {
    let mut bench = Bench::new();
    let ids = ["a", "b", "c"].map(|name| bench.join(name, 99).id);
    for n in 0..6 {
        let asked = bench.ask(n).unwrap();
        assert_eq!(asked, ids[n as usize % 3]);
    }
}

#[test]
fn credit_is_never_exceeded() {
    let mut bench = Bench::new();
    let a = bench.join("a", 2);
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(a.id), Ok(a.id)));
    assert_eq!(bench.ask(3), Err(Unavailable));
    bench.answer(1, &a);
    assert_eq!(bench.ask(4), Ok(a.id));
}

#[test]
fn shards_share_the_credit() {
    let mut bench = Bench::new();
    let a = bench.join("a", 1);
    let mut other = Dispatcher::new(Arc::clone(&bench.registry));
    assert_eq!(bench.ask(1), Ok(a.id));
    let (now, deadline) = (bench.at(0), bench.at(1000));
    let asked = other.ask(id(2), now, deadline, 0, &samples::event());
    assert_eq!(asked, Asked::Unavailable);
}

#[test]
fn an_application_that_drains_gets_no_new_questions_but_may_answer() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    a.drain();
    let draining = Inbound::Draining { application: a.id };
    assert_eq!(
        bench.dispatcher.on_inbound(bench.start, draining),
        Verdict::Nothing
    );
    assert_eq!((bench.ask(2), bench.ask(3)), (Ok(b.id), Ok(b.id)));
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn a_full_outgoing_queue_is_passed_over() {
    let mut bench = Bench::with(Settings {
        outgoing_queue: 1,
        ..Settings::default()
    });
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(a.id), Ok(b.id)));
    assert_eq!(bench.ask(3), Err(Unavailable));
    assert_eq!(bench.stats().queue_full, 3);
    assert_eq!(told(&b).len(), 1);
    assert_eq!(bench.ask(4), Ok(b.id));
}

#[test]
fn an_attempt_gets_half_of_what_remains_while_another_could_follow() {
    let mut bench = Bench::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| bench.join(name, 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(500)));
    assert_eq!(bench.time_out_at(499), []);
    assert_eq!(bench.time_out_at(500), [id(1)]);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(750)));
    assert_eq!(bench.time_out_at(750), [id(1)]);
    assert_eq!(bench.ask_at(1, 750), Ok(c.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(1000)));
    assert_eq!(bench.time_out_at(1000), []);
    assert_eq!(bench.dispatcher.open(), 0);
    assert_eq!([&a, &b, &c].map(|x| x.in_flight()), [0; 3]);
    let stats = bench.stats();
    assert_eq!(
        (stats.attempt_timed_out, stats.timed_out, stats.reasked),
        (2, 1, 2)
    );
}

#[test]
fn the_only_application_gets_all_of_the_time() {
    let mut bench = Bench::new();
    bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(1000)));
}

#[test]
fn an_earlier_attempt_may_still_answer_and_the_other_is_told() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.time_out_at(500);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    assert_answered(&bench.answer(1, &a), 1, "a");
    assert_eq!(bench.stats().late_attempt, 1);
    assert_eq!(types(&b), ["route", "cancelled"]);
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0; 2]);
    assert_eq!(bench.answer(1, &b), Verdict::Nothing);
    assert_eq!(bench.stats().late, 1);
}

#[test]
fn the_same_connection_is_not_asked_twice_but_waited_for() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.time_out_at(500);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    assert_eq!(bench.refuse(1, &b), Verdict::AskAgain(vec![id(1)]));
    assert_eq!(bench.ask_at(1, 600), Ok(a.id));
    assert_eq!(types(&a), ["route"]);
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(1000)));
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn an_application_that_refused_is_not_asked_again() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(bench.refuse(1, &a), Verdict::AskAgain(vec![id(1)]));
    assert_eq!(a.in_flight(), 0);
    assert_eq!(bench.ask_at(1, 1), Err(Unavailable));
    assert_eq!(bench.dispatcher.open(), 0);
    assert_eq!(bench.ask_at(2, 1), Ok(a.id));
}

#[test]
fn a_lost_application_gives_back_all_that_it_held() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    bench.ask(2).unwrap();
    let b = bench.join("b", 9);
    let Verdict::AskAgain(mut again) = bench.lose(&a) else {
        panic!("nothing to ask again");
    };
    again.sort();
    assert_eq!(again, [id(1), id(2)]);
    assert_eq!(
        (bench.ask_at(1, 10), bench.ask_at(2, 10)),
        (Ok(b.id), Ok(b.id))
    );
    assert_eq!(bench.stats().lost, 2);
    assert_answered(&bench.answer(1, &b), 1, "b");
}

#[test]
fn the_loss_of_the_last_application_leaves_nothing_waiting() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(bench.lose(&a), Verdict::AskAgain(vec![id(1)]));
    assert_eq!(bench.ask_at(1, 10), Err(Unavailable));
    assert_eq!(
        (bench.dispatcher.open(), bench.dispatcher.next_timeout()),
        (0, None)
    );
}

#[test]
fn the_loss_of_an_earlier_attempt_disturbs_nobody() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.time_out_at(500);
    bench.ask_at(1, 500).unwrap();
    assert_eq!(bench.lose(&a), Verdict::Nothing);
    assert_answered(&bench.answer(1, &b), 1, "b");
}

#[test]
fn an_application_that_came_back_can_be_asked_about_the_same_consultation() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    bench.lose(&a);
    let back = bench.join("a", 9);
    assert_eq!(bench.ask_at(1, 10), Ok(back.id));
}

#[test]
fn what_is_closed_before_its_loss_is_reported_is_passed_over() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    a.outgoing.close();
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(b.id), Ok(b.id)));
}

#[test]
fn answers_after_the_end_are_told_apart_and_harmless() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    bench.answer(1, &a);
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!(bench.stats().duplicate, 1);
    assert_eq!(bench.answer(1, &b), Verdict::Nothing);
    assert_eq!(bench.answer(99, &b), Verdict::Nothing);
    assert_eq!(bench.stats().unknown, 2);
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0; 2]);
    assert!(told(&b).iter().all(|m| m["code"] == "unknown_id"));
}

#[test]
fn an_answer_from_one_that_was_not_asked_is_not_taken_while_the_question_is_open() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    assert_eq!(bench.answer(1, &b), Verdict::Nothing);
    assert_eq!(bench.stats().unknown, 1);
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn an_answer_to_another_start_of_the_proxy_is_counted() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    let stale = ConsultationId {
        instance: 1,
        ..id(1)
    };
    let verdict = bench.dispatcher.on_inbound(
        bench.start,
        Inbound::Answer {
            application: a.id,
            id: stale,
            document: Ok(Box::default()),
        },
    );
    assert_eq!(
        (verdict, bench.stats().wrong_instance),
        (Verdict::Nothing, 1)
    );
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn a_caller_who_hung_up_is_reported_and_the_answer_is_late() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    bench.dispatcher.cancel(id(1), bench.now);
    bench.dispatcher.cancel(id(1), bench.now);
    let told = told(&a);
    assert_eq!(
        (told.len(), &told[1]["type"]),
        (2, &Value::from("cancelled"))
    );
    assert_eq!(told[1]["id"], id(1).to_string());
    assert_eq!((a.in_flight(), bench.dispatcher.next_timeout()), (0, None));
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!((bench.stats().cancelled, bench.stats().late), (1, 1));
}

#[test]
fn a_deadline_that_passed_elsewhere_is_told_to_nobody_and_the_answer_is_late() {
    let mut bench = Bench::new();
    let a = bench.join("a", 1);
    bench.ask(1).unwrap();
    told(&a);
    bench.dispatcher.expire(id(1), bench.at(999));
    assert!(told(&a).is_empty());
    assert_eq!((bench.dispatcher.open(), bench.stats().timed_out), (0, 1));
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!((bench.stats().late, bench.stats().answered), (1, 0));
    bench.ask(2).unwrap();
}

#[test]
fn an_answer_that_is_no_document_goes_back_and_the_next_is_asked() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    assert_eq!(bench.answer_badly(1, &a), Verdict::AskAgain(vec![id(1)]));
    let told = told(&a);
    assert_eq!(told[1]["code"], "invalid_document");
    assert_eq!(told[1]["pointer"], "/routes");
    assert_eq!(bench.ask_at(1, 1), Ok(b.id));
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!((bench.stats().invalid, bench.stats().duplicate), (1, 1));
}

#[test]
fn a_document_that_cannot_be_honoured_is_asked_of_others_only() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    assert_answered(&bench.answer(1, &a), 1, "a");
    let error = DocumentError::new("/routes/0/socket", "no such listener");
    bench.dispatcher.reject(id(1), a.id, &error);
    assert_eq!(told(&a)[1]["pointer"], "/routes/0/socket");
    assert_eq!(bench.ask_at(1, 1), Ok(b.id));
    assert_answered(&bench.answer(1, &b), 1, "b");
    bench.dispatcher.reject(id(1), b.id, &error);
    assert_eq!(bench.ask_at(1, 2), Err(Unavailable));
    assert_eq!(bench.stats().invalid, 2);
}

#[test]
fn one_that_let_a_question_time_out_comes_last_for_a_while() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    bench.time_out_at(500);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    bench.answer(1, &b);
    for n in 2..6 {
        assert_eq!(bench.ask_between(n, 600, 1600), Ok(b.id));
    }
    assert_eq!(bench.ask_between(7, 6000, 7000), Ok(a.id));
}

#[test]
fn an_answer_in_time_restores_trust() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(a.id), Ok(b.id)));
    bench.time_out_at(500);
    assert!(a.suspect(bench.registry.clock(bench.at(500))));
    bench.answer(1, &a);
    assert!(!a.suspect(bench.registry.clock(bench.at(500))));
}

#[test]
fn a_repetition_that_comes_too_late_gives_back_every_place() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    assert_eq!(bench.time_out_at(500), [id(1)]);
    assert_eq!(bench.ask_at(1, 1000), Err(Unavailable));
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0; 2]);
    assert_eq!(bench.dispatcher.open(), 0);
}

#[test]
fn documents_that_nobody_can_honour_are_asked_of_each_but_once() {
    let mut bench = Bench::new();
    let all: Vec<_> = (0..9).map(|n| bench.join(&n.to_string(), 9)).collect();
    for _ in 0..all.len() {
        let asked = bench.ask(1).unwrap();
        let application = all.iter().find(|a| a.id == asked).unwrap();
        bench.answer(1, application);
        let error = DocumentError::new("", "no");
        bench.dispatcher.reject(id(1), asked, &error);
    }
    assert_eq!(bench.ask(1), Err(Unavailable));
}

#[test]
fn a_question_past_its_deadline_is_not_asked() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    assert_eq!(bench.ask_at(1, 1000), Err(Unavailable));
    assert_eq!(told(&a).len(), 0);
}
