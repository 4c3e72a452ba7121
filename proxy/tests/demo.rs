//! `tidegate demo`, as its user runs it.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use serde_json::Value;

const CALLS: [&str; 8] = [
    "plain", "fork", "failover", "ask", "silence", "hangup", "refusal", "tcp",
];

#[test]
fn every_call_ends_as_it_should_and_is_drawn_as_a_ladder() {
    let output = demo(&[]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let heads = text
        .lines()
        .filter(|line| line.trim_start().starts_with("alice ") && line.contains(" tidegate "));
    assert_eq!(heads.count(), CALLS.len(), "{text}");
    assert!(text.contains("8 of 8 calls ended as they should"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colours into a pipe");
}

#[test]
fn the_trace_is_there_for_programs() {
    let output = demo(&["--json", "--call", "fork", "--call", "tcp"]);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all["ok"], true, "{all:#}");
    let names: Vec<_> = all["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| &call["name"])
        .collect();
    assert_eq!(names, ["fork", "tcp"]);
    let trace = all["calls"][0]["trace"].as_array().unwrap();
    let cancel = trace
        .iter()
        .find(|entry| entry["label"] == "CANCEL")
        .unwrap();
    assert_eq!(
        (&cancel["from"], &cancel["to"]),
        (&"tidegate".into(), &"carol".into())
    );
    assert!(
        cancel["message"]
            .as_str()
            .unwrap()
            .contains("Call completed elsewhere")
    );
}

#[test]
fn the_calls_are_listed_and_an_unknown_one_is_refused_with_their_names() {
    let list = text(&demo(&["--list"]));
    let listed: Vec<_> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(listed, CALLS);
    let output = demo(&["--call", "conference"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("failover"));
}

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.arg("demo").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
