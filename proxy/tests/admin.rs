//! The admin API, reload and `tidegate ctl` on a running proxy with an application that dials in.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use common::PATIENCE;
use common::managed::{Managed, TOKEN};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

const FILE: &str = r#"
[admin]
listen = "127.0.0.1:0"
token = "a-secret-for-the-tests"

[[listen]]
transport = "udp"
address = "127.0.0.1:0"

[[routing.listen]]
address = "127.0.0.1:0"

[[routing.pool]]
name = "core"

[[routing.application]]
name = "core-b"
url = "tcp://127.0.0.1:9"
weight = 3
"#;

/// A proxy with this file, and what speaks with its admin API.
type World = Managed;

impl World {
    fn new() -> Self {
        Self::start(FILE)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.request(&method, &format!("/v1/{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let body = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// An application that has dialled in and can be asked.
    async fn dial_in(&self, name: &str) -> Application {
        let address = self.proxy.routing_addresses()[0];
        let (read, write) = TcpStream::connect(address).await.unwrap().into_split();
        let mut application = Application {
            lines: BufReader::new(read).lines(),
            write,
        };
        let hello = json!({ "type": "hello", "version": "1.0", "name": name });
        application.say(&hello).await;
        self.wait_for(name, |it| it["state"] == "up").await;
        application
    }

    async fn wait_for(&self, name: &str, wanted: impl Fn(&Value) -> bool) {
        let path = format!("applications/{name}");
        let reached = async {
            while !wanted(&self.ask(Method::GET, &path, None).await.1) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, reached).await.expect(name);
    }

    /// Runs `tidegate ctl` and waits for its end.
    async fn ctl(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(["ctl", "--url", &self.url(), "--token", TOKEN]);
        command.args(arguments);
        let run = move || command.output().unwrap();
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}

struct Application {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl Application {
    async fn say(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.write.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next question that it is asked.
    async fn question(&mut self) -> Value {
        let found = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("a question");
                let message: Value = serde_json::from_str(&line).unwrap();
                match message["type"].as_str() {
                    Some("route") => return message,
                    Some("ping") => self.say(&json!({ "type": "pong" })).await,
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, found).await.expect("a question")
    }

    /// Answers the next question with these keys.
    async fn answer(mut self, mut document: Value) -> Self {
        let question = self.question().await;
        document["id"] = question["id"].clone();
        self.say(&document).await;
        self
    }
}

fn text(output: &Output) -> String {
    let bytes = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn nobody_without_the_secret_gets_an_answer() {
    let world = World::new();
    for path in ["health", "applications", "config", "nowhere"] {
        let stranger = || world.stranger(&Method::GET, &format!("/v1/{path}"));
        for request in [stranger(), stranger().bearer_auth("wrong")] {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["error"]["code"], "unauthorized");
        }
    }
    world.proxy.stop().await;
}

#[tokio::test]
async fn the_proxy_shows_itself_without_its_secrets() {
    let world = World::new();
    let health = world.get("health").await;
    assert_eq!(
        (&health["status"], &health["node"]),
        (&json!("running"), &json!("tidegate"))
    );
    let config = world.get("config").await;
    assert_eq!(config["routing"]["application"][0]["weight"], 3);
    assert!(!config.to_string().contains(TOKEN));
    let counters = world.get("counters").await;
    assert!(counters["engine"]["requests"].is_u64(), "{counters}");
    assert_eq!(world.get("calls").await, json!({ "calls": [] }));
    let recording = world.get("recording").await;
    assert_eq!(
        (&recording["enabled"], &recording["sinks"]),
        (&json!(false), &json!([]))
    );
    let call = "calls/00000001-00000001-00000001";
    for (method, path) in [
        (Method::GET, call.to_owned()),
        (Method::POST, format!("{call}/terminate")),
    ] {
        let (status, body) = world.ask(method, &path, Some(json!({}))).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::NOT_FOUND, &json!("unknown_call"))
        );
    }
    world.proxy.stop().await;
}

#[tokio::test]
async fn applications_are_added_changed_and_removed() {
    let world = World::new();
    let added = json!({ "name": "core-c", "url": "tcp://127.0.0.1:9", "canary": 5 });
    let (status, body) = world.post("applications", added.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    assert_eq!(
        (&body["origin"], &body["pool"]),
        (&json!("runtime"), &json!("core"))
    );
    let (status, body) = world.post("applications", added).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (StatusCode::CONFLICT, &json!("exists"))
    );
    let change = json!({ "weight": 7, "canary": null });
    let (status, body) = world
        .ask(Method::PATCH, "applications/core-c", Some(change))
        .await;
    assert_eq!(
        (status, &body["weight"], &body["canary"]),
        (StatusCode::OK, &json!(7), &Value::Null)
    );
    let (_, body) = world
        .post("applications/core-c/promote", json!({ "alone": true }))
        .await;
    assert_eq!(body["weight"], 7);
    let config = world.get("config").await;
    let other = &config["routing"]["application"][0];
    assert_eq!(
        (&other["name"], &other["draining"]),
        (&json!("core-b"), &json!(true))
    );
    let (status, _) = world.ask(Method::DELETE, "applications/core-c", None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, body) = world.ask(Method::GET, "applications/core-c", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    world.proxy.stop().await;
}

#[tokio::test]
async fn a_shadow_becomes_a_canary_and_then_a_full_member() {
    let world = World::new();
    let added = json!({ "name": "next", "url": "tcp://127.0.0.1:9", "shadow": 100 });
    let (status, body) = world.post("applications", added).await;
    assert_eq!(
        (status, &body["shadow"]),
        (StatusCode::CREATED, &json!(100))
    );
    assert_eq!(body["agreement"]["agreed"], 0);
    let promote = async |body: Value| {
        let (status, body) = world.post("applications/next/promote", body).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        [body["shadow"].clone(), body["canary"].clone()]
    };
    assert_eq!(promote(json!({})).await, [Value::Null, json!(5)]);
    assert_eq!(
        promote(json!({ "canary": 20 })).await,
        [Value::Null, json!(20)]
    );
    assert_eq!(promote(json!({})).await, [Value::Null, Value::Null]);
    let change = async |body: Value| {
        let (_, body) = world
            .ask(Method::PATCH, "applications/next", Some(body))
            .await;
        [body["shadow"].clone(), body["canary"].clone()]
    };
    assert_eq!(
        change(json!({ "shadow": 20 })).await,
        [json!(20), Value::Null]
    );
    let shadows = world.get("shadows").await;
    assert_eq!(shadows["shadows"][0]["name"], "next");
    assert_eq!(shadows["shadows"][0]["state"], "down");
    assert_eq!(
        change(json!({ "canary": 5 })).await,
        [Value::Null, json!(5)]
    );
    assert_eq!(world.get("shadows").await["shadows"], json!([]));
    for (body, pointer) in [
        (json!({ "shadow": 5, "canary": 5 }), "/shadow"),
        (json!({ "shadow": 0 }), "/shadow"),
    ] {
        let (status, answer) = world
            .ask(Method::PATCH, "applications/next", Some(body))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!(answer["error"]["pointer"], pointer);
    }
    let both = json!({ "alone": true, "canary": 5 });
    let (status, _) = world.post("applications/next/promote", both).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, answer) = world.ask(Method::GET, "shadows/next/samples", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(answer["error"]["code"], "unknown_shadow");
    world.proxy.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_a_pointer() {
    let world = World::new();
    for (body, pointer, part) in [
        (json!({ "name": "x", "url": "router" }), "/url", "scheme"),
        (
            json!({ "name": "x", "pool": "y" }),
            "/pool",
            "there are: core",
        ),
        (
            json!({ "name": "x", "canary": 101 }),
            "/canary",
            "at most 100",
        ),
        (json!({ "name": "x", "weight": "much" }), "/weight", "u32"),
    ] {
        let (status, answer) = world.post("applications", body).await;
        let error = &answer["error"];
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!(error["pointer"], pointer, "{answer}");
        assert!(
            error["message"].as_str().unwrap().contains(part),
            "{answer}"
        );
    }
    let url = format!("{}/v1/applications", world.url());
    // A client of its own: its connection is of no further use.
    let large = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(&url)
        .bearer_auth(TOKEN)
        .json(&"x".repeat(2 << 20));
    // The answer comes before the body has been read; who goes on writing may find nobody there.
    if let Ok(answer) = large.send().await {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert_eq!(
        world.ask(Method::GET, "health", None).await.0,
        StatusCode::OK
    );
    let form = world
        .request(&Method::POST, "/v1/applications")
        .body("{\"name\":\"x\"}");
    assert_eq!(
        form.send().await.unwrap().status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(
        world.ask(Method::PUT, "applications", None).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    world.proxy.stop().await;
}

#[tokio::test]
async fn an_application_that_dials_in_is_drained_resumed_and_asked() {
    let world = World::new();
    let application = world.dial_in("core-a").await;
    let (_, body) = world.post("applications/core-a/drain", json!({})).await;
    assert_eq!(body["state"], "draining", "{body}");
    let (_, body) = world.post("applications/core-a/resume", json!({})).await;
    assert_eq!(body["state"], "up", "{body}");
    let good = json!({ "routes": [{ "dst_uri": "sip:192.0.2.7" }] });
    let question = json!({ "uri": "sip:112@example.com" });
    let path = "applications/core-a/ask";
    let (application, (status, body)) =
        tokio::join!(application.answer(good), world.post(path, question.clone()));
    assert_eq!(
        (status, &body["valid"]),
        (StatusCode::OK, &json!(true)),
        "{body}"
    );
    assert_eq!(body["event"]["request"]["uri"], "sip:112@example.com");
    let bad = json!({ "routes": [{ "uri": "mailto:x" }] });
    let (_application, (_, body)) =
        tokio::join!(application.answer(bad), world.post(path, question));
    assert_eq!(body["valid"], false, "{body}");
    assert_eq!(body["problem"]["pointer"], "/routes/0/uri", "{body}");
    world.proxy.stop().await;
}

#[tokio::test]
async fn a_reload_is_shown_and_applied_and_the_newer_word_counts() {
    let world = World::new();
    let patch = Some(json!({ "weight": 9 }));
    world.ask(Method::PATCH, "applications/core-b", patch).await;
    std::fs::write(world.file(), format!("{FILE}\n[sip.timers]\nt1 = 250\n")).unwrap();
    let (_, dry) = world.post("reload?dry_run=true", json!({})).await;
    let change = json!([{ "key": "sip.timers.t1", "old": 500, "new": 250 }]);
    assert_eq!(
        (&dry["applied"], &dry["changes"]),
        (&json!(false), &change),
        "{dry}"
    );
    let (_, done) = world.post("reload", json!({})).await;
    assert_eq!(
        (&done["applied"], &done["changes"]),
        (&json!(true), &change),
        "{done}"
    );
    let (_, again) = world.post("reload", json!({})).await;
    assert_eq!(again["changes"], json!([]));
    assert_eq!(world.get("applications/core-b").await["weight"], 9);
    std::fs::write(world.file(), FILE.replace("weight = 3", "weight = 4")).unwrap();
    let (_, done) = world.post("reload", json!({})).await;
    assert_eq!(done["overruled"], json!(["core-b"]), "{done}");
    assert_eq!(world.get("applications/core-b").await["weight"], 4);
    world.proxy.stop().await;
}

#[tokio::test]
async fn a_bad_file_leaves_all_as_it_was_and_the_next_good_one_works() {
    let world = World::new();
    let before = world.get("config").await;
    let bad = FILE.replace("weight = 3", "pool = \"none\"");
    std::fs::write(world.file(), format!("{bad}[sip]\nmax_forwards = 0\n")).unwrap();
    let (status, body) = world.post("reload", json!({})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    let message = body["error"]["message"].as_str().unwrap();
    for part in [
        "tidegate.toml:",
        "routing.application[0].pool",
        "sip.max_forwards",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    std::fs::write(
        world.file(),
        FILE.replace("core-b", "core-x") + "[log]\nformat = \"json\"\n",
    )
    .unwrap();
    let (status, body) = world.post("reload", json!({})).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (StatusCode::CONFLICT, &json!("needs_restart"))
    );
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("log.format"),
        "{body}"
    );
    assert_eq!(world.get("config").await, before);
    std::fs::write(world.file(), FILE.replace("core-b", "core-x")).unwrap();
    assert!(world.proxy.reload().await.unwrap().applied);
    assert_eq!(world.get("applications/core-x").await["weight"], 3);
    world.proxy.stop().await;
}

#[tokio::test]
async fn ctl_shows_and_changes_what_there_is() {
    let world = World::new();
    let application = world.dial_in("core-a").await;
    let table = text(&world.ctl(&["applications"]).await);
    assert!(table.starts_with("NAME"), "{table}");
    assert!(table.contains("core-a  core  up"), "{table}");
    let weight = world.ctl(&["weight", "core-b", "8"]).await;
    assert!(weight.status.success(), "{}", text(&weight));
    assert_eq!(world.get("applications/core-b").await["weight"], 8);
    let add = [
        "add",
        "core-c",
        "--at",
        "tcp://127.0.0.1:9",
        "--canary",
        "5",
        "--json",
    ];
    let added: Value = serde_json::from_slice(&world.ctl(&add).await.stdout).unwrap();
    assert_eq!(added["canary"], 5);
    for (arguments, part) in [
        (&["canary", "core-c", "none"][..], "core-c"),
        (&["recording"], "Nothing is recorded."),
        (&["promote", "core-c"], "core-c"),
        (&["drain", "core-c", "--wait"], "draining"),
        (&["resume", "core-c"], "core-c"),
        (&["remove", "core-c"], "removed"),
        (&["calls"], "No call"),
        (&["counters", "channels"], "channels.connected 1"),
        (&["reload", "--dry-run"], "dry run"),
        (&["reload"], "Applied"),
        (&["config"], "\"routing\""),
        (&["health"], "\"running\""),
    ] {
        let output = world.ctl(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        assert!(
            text(&output).contains(part),
            "{arguments:?}: {}",
            text(&output)
        );
    }
    let wrong = json!({ "routes": [{ "uri": "mailto:x" }] });
    let (_application, asked) = tokio::join!(
        application.answer(wrong),
        world.ctl(&["ask", "core-a", "--uri", "sip:1@x"])
    );
    assert_eq!(asked.status.code(), Some(1));
    assert!(
        text(&asked).contains("Not valid at /routes/0/uri"),
        "{}",
        text(&asked)
    );
    world.proxy.stop().await;
}

#[tokio::test]
async fn ctl_tells_scripts_what_went_wrong() {
    let world = World::new();
    let unknown = world.ctl(&["drain", "nobody"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        text(&unknown).contains("no application `nobody`"),
        "{}",
        text(&unknown)
    );
    assert_eq!(
        world.ctl(&["weight", "core-b", "much"]).await.status.code(),
        Some(2)
    );
    let url = format!("http://{}", common::closed_tcp().await);
    let mut nobody = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    nobody.args(["ctl", "--url", &url, "health"]);
    let output = tokio::task::spawn_blocking(move || nobody.output().unwrap());
    assert_eq!(output.await.unwrap().status.code(), Some(3));
    world.proxy.stop().await;
}

/// `tidegate run`, ended when dropped, with the lines of its log.
struct Program {
    process: Child,
    log: mpsc::Receiver<String>,
}

impl Program {
    fn run(file: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(["run", "--config"]).arg(file);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = std::io::BufReader::new(process.stderr.take().unwrap()).lines();
        let (to, log) = mpsc::channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| to.send(line))
        });
        Self { process, log }
    }

    /// The next line with this in it.
    fn until(&self, part: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE).expect(part);
            if line.contains(part) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let process = self.process.id().to_string();
        let sent = Command::new("kill").args([name, &process]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

#[test]
fn a_hangup_signal_reads_the_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidegate.toml");
    std::fs::write(&file, FILE).unwrap();
    let mut program = Program::run(&file);
    program.until("admin API");
    std::fs::write(&file, "nonsense").unwrap();
    program.signal("-HUP");
    program.until("was not reloaded");
    std::fs::write(&file, FILE.replace("weight = 3", "weight = 5")).unwrap();
    program.signal("-HUP");
    let changed = program.until("configuration changed");
    assert!(
        changed.contains("routing.application[core-b].weight"),
        "{changed}"
    );
    program.until("configuration reloaded");
    program.signal("-TERM");
    assert!(program.process.wait().unwrap().success());
}
