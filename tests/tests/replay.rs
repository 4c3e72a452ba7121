//! `tidegate replay` and `tidegate ask` with the example in node.js: a recording of what it decides.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_tests::{Language, Router, Said, Tool, free_port};

const FIRST: &str = "sip:127.0.0.1:5070";
const SECOND: &str = "sip:127.0.0.1:5071";
const THIRD: &str = "sip:127.0.0.1:5072";

/// What `examples/node` decides about a user.
fn decided(user: &str) -> Value {
    let target = |host: &str| {
        json!({
            "uri": host.replace("sip:", &format!("sip:{user}@")),
            "fr_timer": 2000,
            "headers": { "set": { "X-Routed-By": "examples/node" } },
        })
    };
    let route = |routing: &str, to: &[&str], tariff: &str| {
        let routes: Vec<Value> = to.iter().map(|it| target(it)).collect();
        json!({ "routing": routing, "routes": routes, "tags": { "tariff": tariff } })
    };
    let reply = |code: u16, reason: &str| json!({ "action": "reply", "reply": { "code": code, "reason": reason } });
    match (user.as_bytes()[0], user.len()) {
        (b'1', 3) => route("parallel", &[FIRST, SECOND], "office"),
        (b'2', 3) => route("serial", &[FIRST, SECOND], "failover"),
        (b'9', _) => reply(403, "Not From Here"),
        (b'a'..=b'z', _) => route("serial", &[FIRST], "names"),
        _ => reply(404, "Unknown Number"),
    }
}

/// One line of a recording.
fn line(number: usize, user: &str) -> String {
    let uri = format!("sip:{user}@example.com");
    let id = format!("0000000a-00000000-{number:08x}");
    let event = json!({
        "id": id, "call": id, "node": "edge", "deadline_ms": 2000, "attempt": 1, "reason": "new",
        "source": { "transport": "udp", "ip": "192.0.2.1", "port": 5060,
                    "listener": "udp:192.0.2.9:5060" },
        "request": { "method": "INVITE", "uri": uri, "from": { "uri": "sip:alice@example.org" },
                     "to": { "uri": uri }, "call_id": id, "cseq": 1,
                     "headers": [["Call-ID", id]] },
    });
    let code = if number.is_multiple_of(4) { 486 } else { 200 };
    let record = json!({
        "type": "consultation", "version": "1.0", "time_ms": 1_790_000_000_000_u64 + number as u64,
        "id": id, "call": id, "node": "edge", "event": event, "document": decided(user),
        "application": { "name": "node" }, "tier": "node", "cause": "answered", "latency_us": 900,
        "outcome": { "code": code, "branches": 1, "pdd_ms": 20, "setup_ms": 500 },
    });
    record.to_string()
}

/// Users of all lines of the table; those of the first two lead to the second target.
fn users() -> Vec<String> {
    let mut users = Vec::new();
    for n in 0..100 {
        users.extend([
            format!("1{n:02}"),
            format!("2{n:02}"),
            format!("9{n}"),
            format!("bob{n}"),
            format!("49{n:05}"),
        ]);
    }
    users
}

struct Bench {
    folder: TempDir,
    recording: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("decisions.jsonl");
        let lines = users()
            .iter()
            .enumerate()
            .map(|(n, user)| line(n, user) + "\n")
            .collect::<String>();
        std::fs::write(&recording, lines).unwrap();
        Self { folder, recording }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn replay(&self, more: &[&str]) -> Said {
        self.start(more).end()
    }

    fn start(&self, more: &[&str]) -> Tool {
        let mut arguments = vec!["replay", text(&self.recording)];
        arguments.extend(more);
        Tool::start(&arguments, "")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The example on a channel where it listens: it, and its URL.
fn listening(channel: &str, second: &str) -> (Router, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let arguments = [
        channel, "--listen", &address, "--first", FIRST, "--second", second,
    ];
    let router = Router::listening(Language::Node, &arguments);
    let scheme = if channel == "http" { "http" } else { "ws" };
    (router, format!("{scheme}://{address}/"))
}

fn no_difference(said: &Said) {
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("500 questions asked"), "{}", said.out);
    assert!(said.out.contains("No difference."), "{}", said.out);
}

#[test]
fn the_same_rules_decide_the_same_over_tcp_where_the_application_dials_in() {
    let bench = Bench::new();
    let address = format!("127.0.0.1:{}", free_port());
    let replay = bench.start(&["--listen", &format!("tcp://{address}")]);
    let arguments = [
        "tcp", "--proxy", &address, "--first", FIRST, "--second", SECOND,
    ];
    let _router = Router::example_in(Language::Node, &arguments, "");
    no_difference(&replay.end());
}

#[test]
fn the_same_rules_decide_the_same_over_websocket() {
    let (_router, url) = listening("websocket", SECOND);
    no_difference(&Bench::new().replay(&["--router", &url]));
}

#[test]
fn the_same_rules_decide_the_same_over_http() {
    let (_router, url) = listening("http", SECOND);
    no_difference(&Bench::new().replay(&["--router", &url, "--rate", "2000"]));
}

#[test]
fn a_changed_rule_is_found_in_just_the_calls_and_fields_that_it_changes() {
    let bench = Bench::new();
    let (_router, url) = listening("http", THIRD);
    let (all, page, json) = (
        bench.file("all"),
        bench.file("page.html"),
        bench.file("json"),
    );
    let said = bench.replay(&[
        "--router",
        &url,
        "--differences",
        text(&all),
        "--html",
        text(&page),
        "--json",
        text(&json),
    ]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out.contains("200 answers differ from the recording."),
        "{}",
        said.out
    );
    let expected = users();
    let expected = expected
        .iter()
        .filter(|it| it.len() == 3 && it.starts_with(['1', '2']));
    let expected: BTreeSet<String> = expected.map(|it| format!("sip:{it}@example.com")).collect();
    let lines = std::fs::read_to_string(&all).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let found: BTreeSet<String> = lines
        .iter()
        .map(|it| it["uri"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, expected);
    let fields = lines
        .iter()
        .flat_map(|it| it["differences"].as_array().unwrap());
    let fields: BTreeSet<&str> = fields.map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(fields, BTreeSet::from(["uri"]));
    let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["fields"][0]["questions"], 200);
    assert_eq!(
        report["fields"][0]["stakes"],
        json!({ "answered": 150, "failed": 50, "unknown": 0 })
    );
    let page = std::fs::read_to_string(&page).unwrap();
    assert!(
        page.contains("<mark class=\"was\">&quot;sip:100@127.0.0.1:5071&quot;</mark>"),
        "{page}"
    );
    let tolerated = bench.replay(&["--router", &url, "--ignore", "uri"]);
    no_difference(&tolerated);
    let some = bench.replay(&["--router", &url, "--max-percent", "40"]);
    assert_eq!(some.code, Some(0), "{some:?}");
}

#[test]
fn a_dead_application_is_no_difference_but_a_failure_that_says_what_to_do() {
    let url = format!("tcp://127.0.0.1:{}", free_port());
    let said = Bench::new().replay(&["--router", &url, "--within", "0.5"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    for part in [&*url, "can't be reached", "refused", "is it running"] {
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
}

#[test]
fn a_recording_that_is_not_there_is_named() {
    let said = Tool::start(
        &["replay", "/nonexistent", "--router", "tcp://127.0.0.1:9"],
        "",
    )
    .end();
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("/nonexistent: "), "{}", said.err);
}

#[test]
fn an_application_that_is_asked_once_has_its_plan_drawn() {
    let address = format!("127.0.0.1:{}", free_port());
    let listen = format!("tcp://{address}");
    let ask = Tool::start(
        &["ask", "--listen", &listen, "--uri", "sip:201@example.com"],
        "",
    );
    let arguments = [
        "tcp", "--proxy", &address, "--first", FIRST, "--second", SECOND,
    ];
    let _router = Router::example_in(Language::Node, &arguments, "");
    let said = ask.end();
    assert_eq!(said.code, Some(0), "{said:?}");
    for part in [
        "The answer can be used.",
        "├─ 1. sip:201@127.0.0.1:5070  (at once)",
        "└─ 2. sip:201@127.0.0.1:5071  (after 2 s of silence)",
        "= X-Routed-By: examples/node",
        "408, 480, 5xx, timeout, transport  → next: 2",
        "4 s after the start",
    ] {
        assert!(said.out.contains(part), "{part} in\n{}", said.out);
    }
}

#[test]
fn a_recorded_question_is_asked_again_and_its_answer_compared() {
    let bench = Bench::new();
    let (_router, url) = listening("http", THIRD);
    let call = "0000000a-00000000-00000001";
    let said = Tool::start(
        &[
            "ask",
            "--recording",
            text(&bench.recording),
            "--call",
            call,
            "--router",
            &url,
        ],
        "",
    )
    .end();
    assert_eq!(said.code, Some(1), "{said:?}");
    let expected = "uri: expected \"sip:200@127.0.0.1:5071\", found \"sip:200@127.0.0.1:5072\"";
    assert!(said.out.contains(expected), "{}", said.out);
}

#[test]
fn a_document_is_looked_at_without_asking_anybody() {
    let document = json!({ "routes": [{ "uri": "sip:a@192.0.2.7", "fr_timer": 90_000_000 }] });
    let said = Tool::start(&["ask", "--document", "-"], &document.to_string()).end();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out.contains("Not usable: /routes/0/fr_timer: "),
        "{}",
        said.out
    );
    let said = Tool::start(
        &["ask", "--document", "-", "--json"],
        "{\"action\":\"drop\"}",
    )
    .end();
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["plan"], json!({ "action": "drop" }));
}
