//! Applications in a row.

use super::*;

fn two_steps(otherwise: &[Otherwise]) -> Bench {
    let pools = [policy::Pool::named("auth"), policy::Pool::named("routing")];
    let steps = vec![
        Step {
            deadline: Some(Duration::from_millis(300)),
            ..step("authorise", &[0], otherwise)
        },
        step("route", &[1], &[]),
    ];
    Bench::configured(policy(pools, steps))
}

fn pass(attributes: &Value) -> Value {
    json!({"action": "pass", "attributes": attributes})
}

#[test]
fn each_step_sees_its_name_and_what_was_passed_on() {
    let mut bench = two_steps(&[]);
    let auth = bench.join_in("auth", "auth", 9);
    let routing = bench.join_in("routing", "routing", 9);
    assert_eq!(bench.ask(1), Ok(auth.id));
    let question = &told(&auth)[0];
    assert_eq!(
        (&question["step"], &question["deadline_ms"]),
        (&json!("authorise"), &json!(300))
    );
    assert_eq!(question.get("attributes"), None);
    let verdict = bench.answer_with(1, &auth, pass(&json!({"account": 7})));
    assert_eq!(verdict, Verdict::AskAgain(vec![id(1)]));
    assert_eq!(auth.in_flight(), 0);
    assert_eq!(bench.ask_at(1, 100), Ok(routing.id));
    let question = &told(&routing)[0];
    assert_eq!(
        (&question["step"], &question["deadline_ms"]),
        (&json!("route"), &json!(900))
    );
    assert_eq!(question["attributes"], json!({"account": 7}));
    assert_answered(&bench.answer(1, &routing), 1, "routing");
    assert_eq!((bench.stats().passed, bench.stats().answered), (1, 1));
}

#[test]
fn the_later_attribute_wins() {
    let steps = ["one", "two", "three"].map(|name| step(name, &[0], &[]));
    let mut bench = Bench::configured(policy([pool()], steps.into()));
    let a = bench.join("a", 9);
    for attributes in [
        json!({"x": 1, "y": 1}),
        json!({"x": 2, "z": {"deep": true}}),
    ] {
        assert_eq!(bench.ask(1), Ok(a.id));
        bench.answer_with(1, &a, pass(&attributes));
    }
    assert_eq!(bench.ask(1), Ok(a.id));
    let all = json!({"x": 2, "y": 1, "z": {"deep": true}});
    assert_eq!(told(&a)[2]["attributes"], all);
}

#[test]
fn a_step_without_an_answer_fails_closed() {
    let mut bench = two_steps(&[]);
    let auth = bench.join_in("auth", "auth", 9);
    bench.join_in("routing", "routing", 9);
    bench.ask(1).unwrap();
    assert_eq!(bench.time_out_at(300), [id(1)]);
    assert_eq!(bench.ask_at(1, 300), Err(Unavailable));
    assert_eq!(auth.in_flight(), 0);
}

#[test]
fn a_step_without_an_answer_fails_open_where_the_policy_says_so() {
    let mut bench = two_steps(&[Otherwise::Pass]);
    let auth = bench.join_in("auth", "auth", 9);
    let routing = bench.join_in("routing", "routing", 9);
    bench.ask(1).unwrap();
    assert_eq!(bench.time_out_at(300), [id(1)]);
    assert_eq!(bench.ask_at(1, 300), Ok(routing.id));
    assert_eq!(bench.stats().otherwise_pass, 1);
    assert_eq!(
        bench.answer_with(1, &auth, pass(&json!({"late": 1}))),
        Verdict::Nothing
    );
    assert_eq!(bench.stats().late, 1);
    assert_answered(&bench.answer(1, &routing), 1, "routing");
}

#[test]
fn a_step_may_decide_instead_of_passing() {
    let mut bench = two_steps(&[]);
    let auth = bench.join_in("auth", "auth", 9);
    let routing = bench.join_in("routing", "routing", 9);
    bench.ask(1).unwrap();
    assert_answered(&bench.answer(1, &auth), 1, "auth");
    assert_eq!(told(&routing).len(), 0);
}

#[test]
fn in_the_last_step_there_is_nobody_to_pass_to() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    let verdict = bench.answer_with(1, &a, pass(&json!({})));
    assert_eq!(verdict, Verdict::AskAgain(vec![id(1)]));
    assert_eq!(told(&a)[1]["pointer"], "/action");
    assert_eq!(bench.stats().invalid, 1);
    assert_eq!(bench.ask(1), Ok(b.id));
}

#[test]
fn who_still_owes_an_answer_to_one_step_is_not_asked_in_the_next() {
    let steps = ["one", "two"].map(|name| step(name, &[0], &[]));
    let mut bench = Bench::configured(policy([pool()], steps.into()));
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    bench.time_out_at(500);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    bench.answer_with(1, &b, pass(&json!({})));
    assert_eq!(bench.ask_at(1, 510), Ok(b.id));
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_answered(&bench.answer(1, &b), 1, "b");
}

#[test]
fn a_rule_names_another_chain() {
    let pools = [pool(), policy::Pool::named("other")];
    let mut policy = policy(pools, only_step(&[]));
    policy.chains.push(Chain {
        name: "other".into(),
        steps: vec![step("", &[1], &[])],
    });
    let mut bench = Bench::configured(policy);
    let a = bench.join("a", 9);
    let b = bench.join_in("other", "b", 9);
    let deadline = bench.at(1000);
    let ask = |bench: &mut Bench, n, chain| {
        let event = samples::event();
        bench
            .dispatcher
            .ask(id(n), bench.start, deadline, chain, &event)
    };
    assert_eq!(ask(&mut bench, 1, 0), Asked::Waiting(a.id));
    assert_eq!(ask(&mut bench, 2, 1), Asked::Waiting(b.id));
    assert_eq!(ask(&mut bench, 3, 7), Asked::Waiting(a.id));
}
