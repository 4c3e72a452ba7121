//! `tidegate replay-router`: SIP with recorded decisions, always the same.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_tests::{
    Agent, Application, Message, Proxy, Request, Router, Settings, free_port, serial, target,
};

/// How many times in a row the ladder has to be the same.
const TIMES: usize = 100;

/// A proxy, and who calls and is called through it.
struct Scene {
    proxy: Proxy,
    caller: Agent,
    office: Agent,
    desk: Agent,
    mobile: Agent,
    folder: TempDir,
}

/// Every message that an agent got, in its order: what it says, and how it came there.
#[derive(Default)]
struct Ladder(Vec<String>);

impl Ladder {
    fn add(&mut self, agent: &str, message: &Message) {
        let hops = message.all("Via").len();
        let (number, method) = message.cseq();
        let forwards = message.header("Max-Forwards").unwrap_or("-");
        let label = message.header("X-Label").unwrap_or("-");
        let start = &message.start;
        self.0.push(format!(
            "{agent}: {start} | {number} {method} | Via {hops} | Max-Forwards {forwards} | {label}"
        ));
    }
}

fn until_final(caller: &mut Agent, ladder: &mut Ladder) -> Message {
    loop {
        let message = caller.receive();
        ladder.add("caller", &message);
        if message.status().is_some_and(|status| status >= 200) {
            return message;
        }
    }
}

impl Scene {
    fn start(more: String) -> Self {
        let settings = Settings {
            more,
            ..Settings::default()
        };
        Self {
            proxy: Proxy::with(&settings),
            caller: Agent::udp(),
            office: Agent::udp(),
            desk: Agent::udp(),
            mobile: Agent::udp(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The office first; when it is busy, the application is asked again.
    fn first_document(&self) -> Value {
        let mut document = serial(&[json!({
            "uri": self.office.uri("office"), "headers": {"set": {"X-Label": "first"}},
        })]);
        document["continue_on"] = json!(["486"]);
        document["on_exhausted"] = json!({"action": "ask"});
        document["context"] = json!("tried-office");
        document
    }

    /// Desk and mobile at once.
    fn second_document(&self) -> Value {
        let mut document = serial(&[json!({"routing": "parallel", "routes": [
            {"uri": self.desk.uri("desk"), "headers": {"set": {"X-Label": "second"}}},
            target(&self.mobile.uri("mobile")),
        ]})]);
        document["tags"] = json!({"plan": "fork"});
        document
    }

    fn invite(&self) -> Request {
        let invite = self.caller.request("INVITE", &self.proxy.uri("bob"));
        self.caller.send(&invite, self.proxy.sip());
        invite
    }

    /// A call that fails over to a fork, is answered, and ended. `decide` is called when a question
    /// is due.
    fn call(&mut self, mut decide: impl FnMut(&Self)) -> Vec<String> {
        let mut ladder = Ladder::default();
        let invite = self.invite();
        decide(self);
        let first = self.office.expect_request("INVITE");
        ladder.add("office", &first);
        self.office.reply(&first, 486);
        ladder.add("office", &self.office.expect_request("ACK"));
        decide(self);
        let to_desk = self.desk.expect_request("INVITE");
        ladder.add("desk", &to_desk);
        let to_mobile = self.mobile.expect_request("INVITE");
        ladder.add("mobile", &to_mobile);
        self.mobile.reply(&to_mobile, 180);
        for status in [100, 180] {
            ladder.add("caller", &self.caller.expect_status(status));
        }
        self.desk.reply(&to_desk, 200);
        let answer = until_final(&mut self.caller, &mut ladder);
        let ack = invite.in_dialog("ACK", 1, &answer);
        self.caller.send(&ack, self.proxy.sip());
        ladder.add("desk", &self.desk.expect_request("ACK"));
        let cancel = self.mobile.expect_request("CANCEL");
        ladder.add("mobile", &cancel);
        self.mobile.reply(&cancel, 200);
        self.mobile.reply(&to_mobile, 487);
        ladder.add("mobile", &self.mobile.expect_request("ACK"));
        let bye = invite.in_dialog("BYE", 2, &answer);
        self.caller.send(&bye, self.proxy.sip());
        let arrived = self.desk.expect_request("BYE");
        ladder.add("desk", &arrived);
        self.desk.reply(&arrived, 200);
        ladder.add("caller", &self.caller.expect_status(200));
        ladder.0
    }

    /// The call with an application that is there: its ladder, and the recording of its decisions.
    fn record(&mut self) -> Vec<String> {
        let application = Application::connect(self.proxy.channel());
        let mut lines = Vec::new();
        let ladder = self.call(|scene| {
            let question = application.expect_question();
            let document = match &question["attempt"] {
                first if *first == 1 => scene.first_document(),
                _ => scene.second_document(),
            };
            application.answer(&question, document.clone());
            lines.push(line(lines.len(), question, &document).to_string());
        });
        // The lines of a recording come in the order in which calls got their final responses.
        lines.reverse();
        std::fs::write(self.file("calls.jsonl"), lines.join("\n")).unwrap();
        ladder
    }

    fn replay(&self, arguments: &[&str], ready: &str) -> Router {
        let (recording, summary) = (self.file("calls.jsonl"), self.file("summary.json"));
        Router::replay(&recording, &summary, arguments, ready)
    }

    fn end(&self, mut router: Router) -> (Option<i32>, Value) {
        router.terminate();
        self.ended(&mut router)
    }

    fn ended(&self, router: &mut Router) -> (Option<i32>, Value) {
        let code = router.wait_for_end().code();
        let summary = std::fs::read_to_string(self.file("summary.json")).unwrap();
        (code, serde_json::from_str(&summary).unwrap())
    }
}

/// What a proxy records of a consultation.
fn line(number: usize, mut event: Value, document: &Value) -> Value {
    let id = event["id"].clone();
    event.as_object_mut().unwrap().remove("type");
    event.as_object_mut().unwrap().remove("version");
    json!({
        "type": "consultation", "version": "1.0", "time_ms": 1_795_388_400_000_u64 + number as u64,
        "id": id, "call": event["call"], "node": event["node"], "event": event,
        "document": document, "tier": "test", "cause": "answered", "latency_us": 900,
    })
}

#[test]
fn a_call_with_recorded_decisions_is_the_same_a_hundred_times_in_a_row() {
    let mut scene = Scene::start(String::new());
    let recorded = scene.record();
    assert!(recorded[0].ends_with("| first"), "{recorded:#?}");
    let channel = scene.proxy.channel().to_string();
    let router = scene.replay(&["--proxy", &channel], "says hello");
    for time in 0..TIMES {
        let ladder = scene.call(|_| {});
        assert_eq!(ladder, recorded, "time {time}");
    }
    let (code, summary) = scene.end(router);
    assert_eq!(code, Some(0), "{summary}");
    assert_eq!(
        (
            &summary["served"],
            &summary["unmatched"],
            &summary["never_asked"]
        ),
        (&json!(2 * TIMES), &json!(0), &json!(0))
    );
}

#[test]
fn it_is_the_same_over_websocket_and_http_too() {
    for scheme in ["ws", "http"] {
        let address = format!("127.0.0.1:{}", free_port());
        let mut scene = Scene::start(format!(
            "[[routing.application]]\nname = \"recorded\"\nurl = \"{scheme}://{address}/route\"\n"
        ));
        let recorded = scene.record();
        let arguments = ["--listen", &address, "--exit-when-idle", "4"];
        let mut router = scene.replay(&arguments, "listening");
        scene
            .proxy
            .admin()
            .wait_for("recorded", |application| application["state"] == "up");
        for _ in 0..5 {
            assert_eq!(scene.call(|_| {}), recorded, "{scheme}");
        }
        let (code, summary) = scene.ended(&mut router);
        assert_eq!(
            (code, &summary["served"]),
            (Some(0), &json!(10)),
            "{summary}"
        );
    }
}

#[test]
fn a_question_without_a_record_fails_loudly() {
    let mut scene = Scene::start(String::new());
    let _ = scene.record();
    let channel = scene.proxy.channel().to_string();
    let router = scene.replay(&["--proxy", &channel], "says hello");
    let stranger = scene.proxy.uri("nobody");
    let invite = scene.caller.request("INVITE", &stranger);
    scene.caller.send(&invite, scene.proxy.sip());
    let refusal = scene.caller.expect_final();
    assert_eq!(refusal.status(), Some(503));
    scene.caller.send(&invite.ack(&refusal), scene.proxy.sip());
    let logged = router.log().wait_for("unmatched");
    assert!(logged.contains("ERROR"), "{logged}");
    let (code, summary) = scene.end(router);
    assert_eq!(
        (code, &summary["unmatched"]),
        (Some(1), &json!(1)),
        "{summary}"
    );
    let failure = summary["failures"][0].as_str().unwrap();
    let bob = scene.proxy.uri("bob");
    for part in [&*stranger, &*bob, "calls.jsonl", "/request/uri"] {
        assert!(failure.contains(part), "{part} in {failure}");
    }
}

#[test]
fn a_key_that_leads_nowhere_and_a_recording_that_is_none_are_refused() {
    let mut scene = Scene::start(String::new());
    let _ = scene.record();
    let mut misspelt = scene.replay(&["--key", "/request/form/uri"], "/request/form/uri");
    assert_eq!(misspelt.wait_for_end().code(), Some(2));
    std::fs::write(scene.file("calls.jsonl"), "{\"type\": \"dance\"}\n").unwrap();
    let mut none = scene.replay(&[], "line 1");
    assert_eq!(none.wait_for_end().code(), Some(3));
}
