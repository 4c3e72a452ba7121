use serde_json::{Value, json};
use tidegate_schemas::document::DocumentError;

use super::*;
use crate::config::Config;

fn asked(document: Value) -> Asked {
    let mut asked = Asked::of(serde_json::from_value(document).unwrap());
    asked.judge(&engine(&Config::default(), false, None), true);
    asked
}

fn drawn(document: Value) -> String {
    let asked = asked(document);
    assert!(asked.is_good(), "{:?}", asked.problem);
    let text = draw(&asked);
    let (_, plan) = text.split_once("The answer can be used.\n").unwrap();
    plan.trim().to_owned()
}

#[test]
fn a_plan_is_a_tree_with_times_and_what_follows() {
    let plan = drawn(json!({
        "routes": [
            { "uri": "sip:a@192.0.2.7", "fr_timer": 2500, "headers": { "set": { "X-A": "1" } } },
            { "routing": "parallel", "routes": [{ "uri": "sip:b@h" }, { "uri": "sip:c@h" }] },
        ],
        "on_exhausted": { "action": "reply", "reply": { "code": 480 } },
    }));
    let expected = "\
The plan
one after the other
├─ 1. sip:a@192.0.2.7  (at once)
│     = X-A: 1
│     waits 2.5 s for any response, then 185 s (Timer C) for a final one
│     408, 480, 5xx, timeout, transport  → next: 2 and 3
│     3xx, 4xx except 408 and 480        → the end: the caller gets the best response
│     6xx                                → the end: the caller gets the best response
└─ all at once
   ├─ 2. sip:b@h  (after 2.5 s of silence)
   │     waits 32 s (Timer B) for any response, then 185 s (Timer C) for a final one
   │     408, 480, 5xx, timeout, transport  → waits for the others (goes on)
   │     3xx, 4xx except 408 and 480        → waits for the others (stops)
   │     6xx                                → the end: the caller gets the best response
   ├─ 3. sip:c@h  (after 2.5 s of silence)
   │     waits 32 s (Timer B) for any response, then 185 s (Timer C) for a final one
   │     408, 480, 5xx, timeout, transport  → waits for the others (goes on)
   │     3xx, 4xx except 408 and 480        → waits for the others (stops)
   │     6xx                                → the end: the caller gets the best response
   └─ when all have ended, the best of their responses decides:
        one that goes on  → the routes ran out, see below
        one that stops    → the end: the caller gets the best response
2xx of any target: the call is answered, all others are cancelled.
Nobody says anything: the routes ran out, see below, 34.5 s after the start.
The proxy stays on the path of the dialog (Record-Route).

When the routes ran out (on_exhausted):
The caller gets 480 Temporarily Unavailable.";
    assert_eq!(plan, expected);
}

#[test]
fn an_answer_that_can_not_be_executed_says_where_and_why() {
    let asked = asked(json!({ "routes": [{ "uri": "sip:a@h", "socket": "udp:192.0.2.1:5060" }] }));
    assert!(!asked.is_good());
    let text = draw(&asked);
    assert!(text.contains("Not usable: /routes/0/socket: "), "{text}");
}

#[test]
fn what_an_application_writes_has_no_control_over_the_terminal() {
    let asked = Asked::invalid(&DocumentError::new("/a", "\u{1b}[2J"));
    let text = draw(&asked);
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn what_differs_from_the_recorded_decision_is_named() {
    let mut asked = asked(json!({ "routes": [{ "uri": "sip:a@h", "fr_timer": 2000 }] }));
    let recorded = json!({ "routes": [{ "uri": "sip:a@h", "fr_timer": 3000 }] });
    asked.compare(&serde_json::from_value(recorded).unwrap());
    assert!(!asked.is_good());
    let text = draw(&asked);
    assert!(
        text.contains("  fr_timer: expected 3000, found 2000"),
        "{text}"
    );
}
