//! Applications that only look on: real ones beside a real one that decides, whatever they do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_tests::{
    Admin, Agent, Application, Callee, Caller, Language, PATIENCE, Proxy, Router, Settings, calls,
    free_port, serial, target,
};

#[test]
fn agreement_and_difference_are_counted_per_field_and_shown() {
    let bench = Bench::new(
        &["python", "reference-router"],
        "ignore = [\"headers.set.x-routed-by\", \"tags\"]",
    );
    let elsewhere = "sip:127.0.0.1:9";
    let _node = bench.example(Language::Node, elsewhere);
    let _python = bench.example(Language::Python, "sip:127.0.0.1:10");
    let _reference = bench.reference();
    bench.call("bob", 30);
    bench.call("200", 20);
    bench.be_refused("77", 10);

    let python = bench.wait_for("python", |it| answers(it) == 60);
    assert_eq!(count(&python, "asked"), 60);
    assert_eq!(
        [count(&python, "agreed"), count(&python, "differed")],
        [40, 20]
    );
    assert_eq!(python["fields"], json!({ "uri": 20 }));
    assert_eq!(lost_or_dropped(&python), 0);
    assert_eq!(count(&python, "samples"), 20);
    let reference = bench.wait_for("reference-router", |it| answers(it) == 60);
    assert_eq!(
        [count(&reference, "agreed"), count(&reference, "differed")],
        [10, 50],
        "{reference}"
    );
    assert_eq!(reference["fields"], json!({ "action": 50 }));

    let samples = bench.get("/v1/shadows/python/samples");
    let sample = &samples["samples"][0];
    assert_eq!(sample["decided_by"], "node");
    let uri = |user: &str, at: &str| at.replace("sip:", &format!("sip:{user}@"));
    assert_eq!(
        sample["expected"]["routes"][1]["uri"],
        uri("200", elsewhere)
    );
    assert_eq!(sample["found"]["routes"][1]["uri"], "sip:200@127.0.0.1:10");
    let [difference] = &sample["differences"].as_array().unwrap()[..] else {
        panic!("{sample}");
    };
    assert_eq!(difference["field"], "uri");
    assert_eq!(difference["expected"], uri("200", elsewhere));
    assert!(
        sample["event"]["request"]["uri"]
            .as_str()
            .unwrap()
            .contains("200")
    );
    bench.look();
}

#[test]
fn a_shadow_gets_its_percentage_of_the_calls_and_no_other_is_affected() {
    let bench = Bench::with(&[("python", 30)], "ignore = [\"headers.set.x-routed-by\"]");
    let _node = bench.example(Language::Node, "sip:127.0.0.1:9");
    let _python = bench.example(Language::Python, "sip:127.0.0.1:9");
    bench.call("bob", 200);
    let python = bench.wait_for("python", |it| count(it, "asked") == answers(it));
    assert!((30..90).contains(&count(&python, "asked")), "{python}");
    assert_eq!(count(&python, "asked"), count(&python, "agreed"));
    let node = bench.admin().application("node");
    assert_eq!(node["counts"]["asked"], 200);
}

#[test]
fn a_shadow_that_hangs_floods_lies_or_dies_affects_no_call() {
    let names = ["hanging", "flooding", "lying", "python"];
    let bench = Bench::new(&names, "max_in_flight = 20");
    let _node = bench.example(Language::Node, "sip:127.0.0.1:9");
    let mut dying = bench.example(Language::Python, "sip:127.0.0.1:9");
    let hanging = Onlooker::start(&bench.proxy, "hanging", hang);
    let lying = Onlooker::start(&bench.proxy, "lying", lie);
    let flood = Flood::start(&bench.proxy);
    names.iter().for_each(|name| bench.wait_until_up(name));

    let calls = calls().max(400);
    let caller = Caller::start("caller", bench.proxy.sip(), "bob", false, calls, 100);
    caller.wait_for(calls / 4);
    dying.kill();
    caller.finish().assert_all(calls);

    let calls = u64::from(calls);
    let hung = bench.settled("hanging", calls);
    assert_eq!(
        [answers(&hung), hung["failed"]["timeout"].as_u64().unwrap()],
        [0, count(&hung, "asked")]
    );
    assert!(hung["dropped"]["busy"].as_u64().unwrap() > 0, "{hung}");
    let flooded = bench.settled("flooding", calls);
    assert_eq!(answers(&flooded), 0, "{flooded}");
    let lied = bench.settled("lying", calls);
    assert!(count(&lied, "invalid") > 0, "{lied}");
    assert_eq!(answers(&lied), count(&lied, "invalid"), "{lied}");
    let died = bench.settled("python", calls);
    assert!(died["dropped"]["down"].as_u64().unwrap() > 0, "{died}");
    assert!(answers(&died) > 0, "{died}");
    for counter in [
        "unknown",
        "late",
        "duplicate",
        "invalid",
        "ejected",
        "reasked",
    ] {
        assert_eq!(bench.admin().counter("routing", counter), 0, "{counter}");
    }
    assert_eq!(bench.admin().application("node")["counts"]["asked"], calls);
    drop((flood, lying, hanging));
}

#[test]
fn a_shadow_can_t_change_a_call() {
    let bench = Bench::new(&["s"], "");
    let decider = bench.connect("d");
    let shadow = bench.connect("s");
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    caller.send(
        &caller.request("INVITE", &bench.proxy.uri("bob")),
        bench.proxy.sip(),
    );
    let question = decider.expect_question();
    // The id of a question that it never got.
    shadow.answer(
        &question,
        json!({ "action": "reply", "reply": { "code": 603 } }),
    );
    assert_eq!(shadow.expect("error")["code"], "unknown_id");
    decider.answer(&question, serial(&[target(&callee.uri("bob"))]));
    let invite = callee.expect_request("INVITE");
    let copy = shadow.expect_question();
    assert_ne!(copy["id"], question["id"]);
    for part in ["call", "attempt", "reason", "request", "source"] {
        assert_eq!(copy[part], question[part], "{part}");
    }
    shadow.answer(&copy, serial(&[target(&callee.uri("alice"))]));
    callee.reply(&invite, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
    bench.wait_for("s", |it| count(it, "differed") == 1);
    for order in [
        json!({ "type": "terminate", "call": question["call"], "ref": "t" }),
        json!({ "type": "calls", "ref": "c" }),
    ] {
        shadow.send(&order);
        let refused = shadow.expect("error");
        assert_eq!(refused["code"], "shadow");
        assert_eq!(refused["ref"], order["ref"]);
    }
}

#[test]
fn a_pool_of_shadows_has_nobody_who_decides() {
    let bench = Bench::new(&["s"], "");
    let shadow = bench.connect("s");
    let mut caller = Agent::udp();
    caller.send(
        &caller.request("INVITE", &bench.proxy.uri("bob")),
        bench.proxy.sip(),
    );
    assert_eq!(caller.expect_final().status(), Some(503));
    assert!(shadow.question_within(Duration::from_millis(200)).is_none());
    let s = bench.wait_for("s", |it| count(it, "undecided") == 1);
    assert_eq!(count(&s, "asked"), 0);
    let health = bench.get("/v1/health");
    assert_eq!(health["applications"], 0);
}

#[test]
fn one_that_dials_in_is_promoted_to_a_canary_and_to_the_only_one_while_calls_run() {
    let bench = Bench::new(&["python"], "");
    let _python = bench.example(Language::Python, "sip:127.0.0.1:9");
    promote(&bench);
}

#[test]
fn one_that_is_asked_over_http_is_promoted_while_calls_run() {
    let bench = Bench::new(&[], "");
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let callee = bench.callee.uri();
    let arguments = ["http", "--listen", &listen, "--first", &callee];
    let url = format!("http://{listen}/route");
    bench
        .admin()
        .ctl(&["add", "python", "--at", &url, "--shadow", "100"]);
    let _python = Router::example_in(Language::Python, &arguments, "");
    bench.wait_until_up("python");
    promote(&bench);
}

/// From looking on to deciding 10 of 100 calls, then half, then all.
fn promote(bench: &Bench) {
    let admin = bench.admin();
    let _node = bench.example(Language::Node, "sip:127.0.0.1:9");
    let calls = calls();
    let caller = Caller::start("caller", bench.proxy.sip(), "bob", false, calls, 100);
    let of = |name: &str| admin.application(name)["counts"]["asked"].as_u64().unwrap();
    let wait_until = |what: &str, reached: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !reached() {
            assert!(Instant::now() < deadline, "{what}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    let calls_of_100 = |n: u32| u64::from(calls * n / 100);
    wait_until("looking on", &|| of("node") >= calls_of_100(20));
    let shadow = bench.get("/v1/shadows/python");
    assert!(answers(&shadow) > 0, "{shadow}");
    let decided = |name: &str| bench.decided_by(name);
    assert_eq!(decided("python"), 0);

    let canary = admin.order(
        "POST",
        "/v1/applications/python/promote",
        &json!({ "canary": 10 }),
    );
    assert_eq!(
        (&canary["canary"], &canary["shadow"]),
        (&json!(10), &Value::Null)
    );
    assert_eq!(bench.get("/v1/shadows")["shadows"], json!([]));
    wait_until("a canary", &|| decided("python") > 0);
    let (node, python) = (decided("node"), decided("python"));
    assert!(python < node, "{python} of {node}");

    admin.ctl(&["promote", "python"]);
    assert_eq!(admin.application("python")["canary"], Value::Null);
    wait_until("a full member", &|| decided("python") > python + 10);
    admin.ctl(&["promote", "python", "--alone"]);
    admin.wait_for("node", |it| {
        it["state"] == "draining" && it["in_flight"] == 0
    });
    let node = decided("node");
    caller.finish().assert_all(calls);
    assert_eq!(decided("node"), node, "no question since it drains");
}

/// A proxy with shadows, and where calls lead.
struct Bench {
    proxy: Proxy,
    callee: Callee,
}

impl Bench {
    /// Shadows that get all questions, and keys of `[routing.shadow]`.
    fn new(shadows: &[&str], settings: &str) -> Self {
        let shadows: Vec<_> = shadows.iter().map(|name| (*name, 100)).collect();
        Self::with(&shadows, settings)
    }

    fn with(shadows: &[(&str, u8)], settings: &str) -> Self {
        let mut more = format!("[routing.shadow]\n{settings}\n");
        for (name, percent) in shadows {
            more += &format!("[[routing.application]]\nname = \"{name}\"\nshadow = {percent}\n");
        }
        let proxy = Proxy::with(&Settings {
            more,
            // What is measured here is not how fast a loaded machine decides.
            deadline_ms: 5000,
            ..Settings::default()
        });
        let callee = Callee::start("callee", false);
        Self { proxy, callee }
    }

    /// An example over TCP, which routes names to the callee and 2xx there first.
    fn example(&self, language: Language, second: &str) -> Router {
        let proxy = self.proxy.channel().to_string();
        let callee = self.callee.uri();
        let arguments = [
            "tcp", "--proxy", &proxy, "--first", &callee, "--second", second,
        ];
        let router = Router::example_in(language, &arguments, "");
        self.wait_until_up(language.name());
        router
    }

    /// One that refuses all as the examples refuse unknown numbers.
    fn reference(&self) -> (Router, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.toml");
        let text = "[default]\nreply = { code = 404, reason = \"Unknown Number\" }\n";
        std::fs::write(&rules, text).unwrap();
        let router = Router::reference(self.proxy.channel(), &rules);
        self.wait_until_up("reference-router");
        (router, folder)
    }

    fn connect(&self, name: &str) -> Application {
        let hello = json!({ "type": "hello", "version": "1.0", "name": name });
        let application = Application::connect_as(self.proxy.channel(), &hello);
        self.wait_until_up(name);
        application
    }

    fn admin(&self) -> Admin {
        self.proxy.admin()
    }

    fn get(&self, path: &str) -> Value {
        self.admin().order("GET", path, &Value::Null)
    }

    fn wait_until_up(&self, name: &str) {
        self.admin().wait_for(name, |it| it["state"] == "up");
    }

    fn call(&self, user: &str, times: u32) {
        let caller = Caller::start("caller", self.proxy.sip(), user, false, times, 100);
        caller.finish().assert_all(times);
    }

    fn be_refused(&self, user: &str, times: u32) {
        for _ in 0..times {
            let mut caller = Agent::udp();
            let invite = caller.request("INVITE", &self.proxy.uri(user));
            caller.send(&invite, self.proxy.sip());
            let refusal = caller.expect_final();
            assert_eq!(refusal.status(), Some(404));
            caller.send(&invite.ack(&refusal), self.proxy.sip());
        }
    }

    fn wait_for(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shadow = self.get(&format!("/v1/shadows/{name}"));
            if wanted(&shadow) {
                return shadow;
            }
            assert!(Instant::now() < deadline, "{shadow}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// When it is known what came of all questions.
    fn settled(&self, name: &str, calls: u64) -> Value {
        let settled = |it: &Value| {
            let dropped = sum(&it["dropped"]);
            answers(it) + sum(&it["failed"]) + dropped == calls
                && count(it, "asked") + dropped == calls
        };
        self.wait_for(name, settled)
    }

    /// Calls that an application decided: what it was asked but as a shadow.
    fn decided_by(&self, name: &str) -> u64 {
        let application = self.admin().application(name);
        let asked = application["counts"]["asked"].as_u64().unwrap();
        let looked_on = self.admin().counter("shadow", "asked") * u64::from(name == "python");
        asked.saturating_sub(looked_on)
    }

    /// What people and Prometheus see.
    fn look(&self) {
        let admin = self.admin();
        let text = admin.ctl(&["shadows"]);
        assert!(
            text.contains("66.67 %") && text.contains("16.67 %"),
            "{text}"
        );
        let text = admin.ctl(&["shadows", "python", "--samples"]);
        assert!(text.contains("- uri at /routes/1/uri: "), "{text}");
        let (head, page) = admin.text("/metrics");
        assert!(head.contains("text/plain; version=0.0.4"), "{head}");
        for line in [
            "tidegate_shadow_agree_total{application=\"python\"} 40",
            "tidegate_shadow_differ_total{application=\"python\",field=\"uri\"} 20",
            "tidegate_routing_asked_total 60",
        ] {
            assert!(page.lines().any(|it| it == line), "{line} in\n{page}");
        }
        admin.order("DELETE", "/v1/shadows/python/samples", &Value::Null);
        let python = self.get("/v1/shadows/python");
        assert_eq!(
            (count(&python, "samples"), count(&python, "asked")),
            (0, 60)
        );
        admin.ctl(&["shadows", "python", "--reset"]);
        assert_eq!(count(&self.get("/v1/shadows/python"), "asked"), 0);
        assert_eq!(admin.ask("GET", "/v1/shadows/node", &Value::Null).0, 404);
    }
}

fn count(shadow: &Value, what: &str) -> u64 {
    shadow[what].as_u64().unwrap_or_else(|| panic!("{shadow}"))
}

fn sum(counts: &Value) -> u64 {
    let counts = counts.as_object().unwrap().values();
    counts.map(|it| it.as_u64().unwrap()).sum()
}

fn answers(shadow: &Value) -> u64 {
    ["agreed", "differed", "invalid"]
        .map(|it| count(shadow, it))
        .iter()
        .sum()
}

fn lost_or_dropped(shadow: &Value) -> u64 {
    sum(&shadow["failed"]) + sum(&shadow["dropped"]) + count(shadow, "undecided")
}

/// Writes all that is wrong, as fast as it is read.
struct Flood {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    fn start(proxy: &Proxy) -> Self {
        let mut stream = TcpStream::connect(proxy.channel()).unwrap();
        let wait = Some(Duration::from_millis(50));
        stream.set_write_timeout(wait).unwrap();
        stream
            .write_all(b"{\"type\":\"hello\",\"version\":\"1.0\",\"name\":\"flooding\"}\n")
            .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let messages = [
            "this is no JSON",
            "{\"routes\":[{\"uri\":\"sip:x@127.0.0.1\"}]}",
            "{\"id\":\"00000000-00000000-00000000\",\"routes\":[]}",
            "{\"id\":\"00000000-ff000000-00000000\",\"routes\":[]}",
            "{\"type\":\"terminate\",\"call\":\"00000000-00000000-00000000\"}",
            "{\"type\":\"calls\"}",
            "{\"type\":\"nonsense\"}",
        ];
        let page = format!("{}\n", messages.join("\n")).repeat(50);
        let thread = thread::spawn(move || {
            let mut at = 0;
            while !stopped.load(Ordering::Relaxed) {
                // What is written in part goes on where it stopped: frames stay whole.
                match stream.write(&page.as_bytes()[at..]) {
                    Ok(written) => at = (at + written) % page.len(),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Does with each question what it is told to do.
struct Onlooker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Onlooker {
    fn start(proxy: &Proxy, name: &str, act: fn(&Application, &Value)) -> Self {
        let hello = json!({ "type": "hello", "version": "1.0", "name": name });
        let application = Application::connect_as(proxy.channel(), &hello);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let question = application.any_question_within(Duration::from_millis(50));
                question.iter().for_each(|it| act(&application, it));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Onlooker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Says nothing.
fn hang(_: &Application, _: &Value) {}

/// Answers with what is no route document, or none that a call could be routed by.
fn lie(application: &Application, question: &Value) {
    let lies = [
        json!({ "routes": "none" }),
        json!({ "routing": "serial", "routes": [{ "uri": 7 }] }),
        json!({ "routes": [{ "uri": "no uri at all" }] }),
    ];
    let label = question["id"].as_str().unwrap().as_bytes();
    let which = usize::from(label[label.len() - 1]) % lies.len();
    application.answer(question, lies[which].clone());
}
