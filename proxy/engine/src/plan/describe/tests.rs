//! A description says what happens.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::policy::Ruling;
use super::super::tree::Kind;
use super::super::{BranchOutcome, Progress, TargetId};
use super::*;
use crate::address::Transport;
use crate::config::Listener;

fn config() -> Config {
    Config::new(vec![Listener::new(
        Transport::Udp,
        "192.0.2.1:5060".parse().unwrap(),
    )])
}

fn describe(value: Value) -> Description {
    let document = serde_json::from_value(value).unwrap();
    super::describe(&document, &config(), true).unwrap()
}

fn route(value: Value) -> RouteDescription {
    match describe(value) {
        Description::Route(route) => *route,
        other => panic!("not a route: {other:?}"),
    }
}

fn to(user: &str) -> Value {
    json!({ "uri": format!("sip:{user}@example.com") })
}

fn then(route: &RouteDescription, target: usize, code: u16) -> Then {
    let target = route.tree.targets().nth(target).unwrap();
    let mut outcomes = target.outcomes.iter();
    let outcome = outcomes.find(|it| it.outcomes.has_code(code)).unwrap();
    outcome.then.clone()
}

fn starts(targets: &[u16]) -> Then {
    Then::Starts {
        targets: targets.to_vec(),
    }
}

#[test]
fn a_serial_group_goes_on_and_stops_by_the_defaults() {
    let route = route(json!({ "routes": [to("a"), to("b")], "on_exhausted": { "action": "ask" } }));
    assert_eq!(route.starts, [0]);
    assert_eq!(then(&route, 0, 503), starts(&[1]));
    assert_eq!(then(&route, 0, 486), Then::Stopped);
    assert_eq!(then(&route, 1, 480), Then::Exhausted);
    let first = route.tree.targets().next().unwrap();
    let words: Vec<_> = first
        .outcomes
        .iter()
        .map(|it| it.outcomes.to_string())
        .collect();
    let expected = [
        "408, 480, 5xx, timeout, transport",
        "3xx, 4xx except 408 and 480",
        "6xx",
    ];
    assert_eq!(words, expected);
    let ask = Description::Ask { context: None };
    assert_eq!(route.on_exhausted, Some(Box::new(ask)));
}

#[test]
fn a_parallel_group_waits_and_then_its_best_outcome_decides() {
    let group = json!({ "routing": "parallel", "routes": [to("a"), to("b")] });
    let route = route(json!({ "routes": [group, to("c")] }));
    assert_eq!(route.starts, [0, 1]);
    let group = route.tree.find(1).unwrap();
    assert_eq!(then(&route, 0, 503), Then::Waits { group: 1 });
    assert_eq!(then(&route, 0, 603), Then::Stopped);
    let ended: Vec<_> = group
        .ended
        .iter()
        .map(|it| (it.rule, it.then.clone()))
        .collect();
    let expected = [(Rule::GoesOn, starts(&[2])), (Rule::Stops, Then::Stopped)];
    assert_eq!(ended, expected);
}

#[test]
fn times_add_up_while_nobody_says_anything() {
    let mut first = to("a");
    first["fr_timer"] = json!(2000);
    let group = json!({ "routing": "parallel", "routes": [to("b"), first] });
    let route = route(json!({ "routes": [group, to("c")] }));
    let times: Vec<_> = route.tree.targets().map(|it| it.starts_ms).collect();
    assert_eq!(times, [Some(0), Some(0), Some(32_000)]);
    assert_eq!(route.silence.ends_ms, 64_000);
    assert_eq!(route.silence.then, Then::Exhausted);
    let timers: Vec<_> = route.tree.targets().map(|it| it.no_response.from).collect();
    assert_eq!(
        timers,
        [
            TimerSource::TimerB,
            TimerSource::Document,
            TimerSource::TimerB
        ]
    );
}

#[test]
fn a_target_behind_one_whose_silence_stops_never_starts_by_it() {
    let route = route(json!({ "routes": [to("a"), to("b")], "stop_on": ["timeout"] }));
    let times: Vec<_> = route.tree.targets().map(|it| it.starts_ms).collect();
    assert_eq!(times, [Some(0), None]);
    assert_eq!(route.silence.then, Then::Stopped);
}

#[test]
fn what_can_not_be_executed_is_not_described() {
    let document = serde_json::from_value(json!({ "routes": [{ "uri": "nonsense" }] })).unwrap();
    let error = super::describe(&document, &config(), true).unwrap_err();
    assert_eq!(error.pointer, "/routes/0/uri");
}

#[test]
fn every_verb_is_described() {
    let reply = describe(json!({ "action": "reply", "reply": { "code": 486 } }));
    assert!(
        matches!(reply, Description::Reply { code: 486, .. }),
        "{reply:?}"
    );
    assert_eq!(describe(json!({ "action": "drop" })), Description::Drop);
    assert_eq!(describe(json!({ "action": "pass" })), Description::Pass);
    let redirect = json!({ "action": "redirect", "contacts": [{ "uri": "sip:a@h", "q": 0.5 }] });
    let contact = "<sip:a@h>;q=0.5".to_owned();
    assert_eq!(describe(redirect), Description::Redirect { contact });
}

fn words() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec!["404", "486", "603", "3xx", "5xx", "6xx", "timeout"]);
    prop::collection::vec(word, 0..3).prop_map(|words| json!(words))
}

fn any_route() -> impl Strategy<Value = Value> {
    let target = (0..12_u8, words(), words(), words()).prop_map(|(user, go, stop, ask)| {
        json!({ "uri": format!("sip:{user}@h"), "continue_on": go, "stop_on": stop, "ask_on": ask })
    });
    target.prop_recursive(4, 24, 4, |inner| {
        let routes = prop::collection::vec(inner, 1..4);
        (any::<bool>(), routes, words(), words()).prop_map(|(parallel, routes, go, stop)| {
            let routing = if parallel { "parallel" } else { "serial" };
            json!({ "routing": routing, "routes": routes, "continue_on": go, "stop_on": stop })
        })
    })
}

fn any_outcome() -> impl Strategy<Value = BranchOutcome> {
    let code = (300..700_u16).prop_map(BranchOutcome::Status);
    let known = prop::sample::select(vec![302, 404, 408, 480, 486, 500, 503, 603]);
    prop_oneof![
        2 => code,
        4 => known.prop_map(BranchOutcome::Status),
        2 => Just(BranchOutcome::Timeout),
        1 => Just(BranchOutcome::Transport),
    ]
}

/// What is said to follow an outcome of a target.
fn described(route: &RouteDescription, target: TargetId, outcome: BranchOutcome) -> Then {
    let mut targets = route.tree.targets();
    let target = targets.find(|it| it.target == target.0).unwrap();
    let says = |it: &&OutcomeDescription| match outcome {
        BranchOutcome::Status(code) => it.outcomes.has_code(code),
        BranchOutcome::Timeout => it.outcomes.outcomes.iter().any(|it| it == "timeout"),
        BranchOutcome::Transport => it.outcomes.outcomes.iter().any(|it| it == "transport"),
    };
    let said: Vec<_> = target.outcomes.iter().filter(says).collect();
    assert_eq!(said.len(), 1, "one line for each outcome");
    said[0].then.clone()
}

/// Where a parallel group is said to wait and all its members have ended, what is said of its end.
fn resolved(route: &RouteDescription, plan: &Plan, mut then: Then) -> Then {
    while let Then::Waits { group } = then {
        let Kind::Group(state) = &plan.node(group).kind else {
            panic!("{group} is no group");
        };
        if state.open > 0 {
            break;
        }
        let best = state.best.unwrap().then;
        let described = route.tree.find(group).unwrap();
        let ended = described.ended.iter().filter(|it| match best {
            Ruling::GoOn => it.rule == Rule::GoesOn,
            Ruling::Stop => it.rule == Rule::Stops,
            Ruling::AskFailed => it.rule == Rule::Asks,
            Ruling::AskRedirected => it.rule == Rule::AsksRedirected,
        });
        let ended: Vec<_> = ended.collect();
        assert_eq!(ended.len(), 1, "one line for each ruling");
        then = ended[0].then.clone();
    }
    then
}

proptest! {
    /// Every step of every course of events is the one that the description names.
    #[test]
    fn a_plan_does_what_its_description_says(
        routes in prop::collection::vec(any_route(), 1..4),
        parallel in any::<bool>(),
        asks in any::<bool>(),
        course in prop::collection::vec((any::<usize>(), any_outcome()), 0..40),
    ) {
        let mut document = json!({ "routes": routes });
        document["routing"] = json!(if parallel { "parallel" } else { "serial" });
        document["on_redirect"] = json!(if asks { "ask" } else { "stop" });
        let route = route(document.clone());
        let document = serde_json::from_value(document).unwrap();
        let Ok(Decision::Route(mut plan)) = compile(&document, &Scope::of(&config(), true)) else {
            panic!("no plan");
        };
        let mut launch = Vec::new();
        let mut progress = plan.start(&mut launch);
        let numbers = |launch: &[TargetId]| launch.iter().map(|it| it.0).collect::<Vec<_>>();
        prop_assert_eq!(&route.starts, &numbers(&launch));
        let mut running = launch;
        for (place, outcome) in course {
            if running.is_empty() || progress != Progress::Running {
                break;
            }
            let target = running.swap_remove(place % running.len());
            let mut launch = Vec::new();
            progress = plan.finished(target, outcome, &mut launch);
            let said = resolved(&route, &plan, described(&route, target, outcome));
            let happened = match progress {
                Progress::Running if launch.is_empty() => matches!(said, Then::Waits { .. }),
                Progress::Running => said == Then::Starts { targets: numbers(&launch) },
                Progress::Asks(reason) => said == Then::Asked { reason },
                Progress::Exhausted => said == Then::Exhausted,
                Progress::Stopped => said == Then::Stopped,
            };
            prop_assert!(happened, "{outcome:?} of {target:?}: {said:?}, but {progress:?} {launch:?}");
            running.extend(launch);
        }
    }
}
