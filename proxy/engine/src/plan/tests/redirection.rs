//! Following a 3xx (RFC 3261 section 16.7 step 4).

use serde_json::{Value, json};

use super::super::{BranchOutcome, Plan, Progress, TargetId};

const OWN: &[u8] = b"sip:own@example.com";

fn start(document: Value) -> (Plan, Vec<TargetId>) {
    let mut plan = super::plan(document);
    let mut launch = Vec::new();
    plan.start(&mut launch);
    (plan, launch)
}

fn follow(plan: &mut Plan, from: TargetId, contacts: &[(&str, u16)]) -> Option<Vec<String>> {
    let mut launch = Vec::new();
    let contacts = contacts.iter().map(|(uri, q)| (uri.as_bytes(), *q));
    plan.redirect(from, OWN, contacts, &mut launch)
        .then(|| uris(plan, &launch))
}

fn uris(plan: &Plan, launch: &[TargetId]) -> Vec<String> {
    let uri = |&id: &TargetId| plan.target(id).uri.as_deref().unwrap_or(OWN);
    launch
        .iter()
        .map(|id| String::from_utf8(uri(id).to_vec()).unwrap())
        .collect()
}

fn fail(plan: &mut Plan, id: u16) -> (Vec<String>, Progress) {
    let mut launch = Vec::new();
    let progress = plan.finished(TargetId(id), BranchOutcome::Timeout, &mut launch);
    (uris(plan, &launch), progress)
}

#[test]
fn contacts_are_tried_by_q_and_equal_ones_together() {
    let (mut plan, launch) =
        start(json!({ "routes": [{ "uri": "sip:a@h" }, { "uri": "sip:z@h" }] }));
    let contacts = [
        ("sip:low@h", 100),
        ("sip:b@h", 700),
        ("sip:top@h", 1000),
        ("sip:c@h", 700),
    ];
    assert_eq!(
        follow(&mut plan, launch[0], &contacts).unwrap(),
        ["sip:top@h"]
    );
    assert_eq!(fail(&mut plan, 2).0, ["sip:b@h", "sip:c@h"]);
    assert!(fail(&mut plan, 3).0.is_empty());
    assert_eq!(fail(&mut plan, 4).0, ["sip:low@h"]);
    assert_eq!(fail(&mut plan, 5).0, ["sip:z@h"]);
    assert_eq!(fail(&mut plan, 1).1, Progress::Exhausted);
}

/// RFC 3261 section 16.5.
#[test]
fn no_uri_is_tried_twice() {
    let (mut plan, launch) = start(json!({ "routes": [{}, { "uri": "sip:z@h" }] }));
    let contacts = [
        ("sip:own@EXAMPLE.com", 1000),
        ("sip:z@h", 1000),
        ("sip:new@h", 1000),
        ("sip:new@H", 900),
    ];
    assert_eq!(
        follow(&mut plan, launch[0], &contacts).unwrap(),
        ["sip:new@h"]
    );
    assert!(plan.has_uri(b"sip:new@h", OWN) && plan.has_uri(OWN, OWN));
    assert_eq!(follow(&mut plan, TargetId(2), &contacts), None);
    assert!(!plan.has_uri(b"sip:other@h", OWN));
}

#[test]
fn a_redirected_target_may_be_redirected_again_inside_its_group() {
    let (mut plan, launch) = start(json!({ "routing": "parallel",
        "routes": [{ "uri": "sip:a@h" }, { "uri": "sip:b@h" }] }));
    assert_eq!(
        follow(&mut plan, launch[0], &[("sip:c@h", 1000)]).unwrap(),
        ["sip:c@h"]
    );
    assert_eq!(
        follow(&mut plan, TargetId(2), &[("sip:d@h", 1000)]).unwrap(),
        ["sip:d@h"]
    );
    assert_eq!(fail(&mut plan, 3).1, Progress::Running);
    assert_eq!(fail(&mut plan, 1).1, Progress::Exhausted);
}

#[test]
fn a_secure_call_stays_secure() {
    let (mut plan, launch) = start(json!({ "routes": [{ "uri": "sips:a@h" }] }));
    let contacts = [("sip:b@h", 1000), ("sips:c@h", 500)];
    assert_eq!(
        follow(&mut plan, launch[0], &contacts).unwrap(),
        ["sips:c@h"]
    );
}

#[test]
fn what_can_not_be_called_is_left_out() {
    let (mut plan, launch) = start(json!({ "routes": [{ "uri": "sip:a@h" }] }));
    let contacts = [
        ("tel:+4930", 1000),
        ("mailto:a@h", 1000),
        ("junk", 1000),
        ("sip:b@h;method=BYE?x=y", 1),
    ];
    assert_eq!(
        follow(&mut plan, launch[0], &contacts).unwrap(),
        ["sip:b@h"]
    );
    assert!(plan.has_uri(b"sip:b@h;method=BYE?x=y", OWN));
}

#[test]
fn without_a_new_contact_the_redirection_is_the_outcome() {
    let (mut plan, launch) =
        start(json!({ "routes": [{ "uri": "sip:a@h" }, { "uri": "sip:b@h" }] }));
    assert_eq!(follow(&mut plan, launch[0], &[("sip:a@h", 1000)]), None);
    let progress = plan.finished(launch[0], BranchOutcome::Status(302), &mut Vec::new());
    assert_eq!(progress, Progress::Stopped);
}

#[test]
fn only_a_running_target_of_a_running_plan_is_redirected() {
    let (mut plan, launch) =
        start(json!({ "routes": [{ "uri": "sip:a@h" }, { "uri": "sip:b@h" }] }));
    assert_eq!(follow(&mut plan, TargetId(1), &[("sip:c@h", 1000)]), None);
    assert_eq!(follow(&mut plan, TargetId(99), &[("sip:c@h", 1000)]), None);
    plan.finished(launch[0], BranchOutcome::Status(486), &mut Vec::new());
    assert_eq!(follow(&mut plan, launch[0], &[("sip:c@h", 1000)]), None);
}

#[test]
fn redirections_can_not_exceed_the_number_of_targets() {
    let (mut plan, launch) = start(json!({ "routes": [{ "uri": "sip:a@h" }] }));
    let many: Vec<String> = (0..100).map(|n| format!("sip:{n}@h")).collect();
    let many: Vec<(&str, u16)> = many.iter().map(|uri| (uri.as_str(), 1000)).collect();
    assert_eq!(follow(&mut plan, launch[0], &many).unwrap().len(), 31);
    assert_eq!(follow(&mut plan, TargetId(5), &[("sip:z@h", 1000)]), None);
}

#[test]
fn headers_and_timers_are_inherited_but_not_the_way() {
    let (mut plan, launch) = start(json!({ "routes": [{ "uri": "sip:a@h", "dst_uri": "sip:gw",
        "path": "<sip:edge;lr>", "socket": "udp:192.0.2.1:5060", "fr_timer": 5000, "branch_flags": 8,
        "headers": { "remove": ["X"] }, "continue_on": ["404"] }, { "uri": "sip:z@h" }] }));
    follow(&mut plan, launch[0], &[("sip:b@h", 1000)]).unwrap();
    let target = plan.target(TargetId(2));
    assert_eq!(
        (&target.dst_uri, &target.path, target.socket),
        (&None, &None, None)
    );
    assert_eq!(
        (target.fr_timer, target.branch_flags),
        (Some(5000), Some(8))
    );
    assert!(target.headers.is_some());
    let mut launch = Vec::new();
    plan.finished(TargetId(2), BranchOutcome::Status(404), &mut launch);
    assert_eq!(launch, [TargetId(1)]);
}
