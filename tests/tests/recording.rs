//! The recording: every decision on record with its outcome, in a file and in a Redis Stream.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashSet;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_tests::{
    Agent, Application, Callee, Caller, Language, PATIENCE, Proxy, Redis, Request, Router,
    Settings, serial, target,
};

const STREAM: &str = "test:decisions";

#[test]
fn every_decision_is_written_to_file_and_stream_with_its_outcome() {
    let mut bench = Bench::new("durations = true");
    let callee = Callee::start("callee", false);
    let mut router = bench.example(&callee);
    bench.call("bob", 20);
    let refused = bench.be_refused("77", 404);
    router.kill();
    let admin = bench.proxy.admin();
    admin.wait_for("node", |it| it["state"] != "up");
    let undecided = bench.be_refused("carol", 503);
    bench.stop();

    let lines = bench.lines();
    let records = of_type(&lines, "consultation");
    assert_eq!(records.len(), 22);
    let calls: HashSet<_> = records.iter().copied().map(call).collect();
    assert_eq!(calls.len(), 22);
    for record in &records {
        assert_eq!(record["event"]["call"], record["call"]);
        assert_eq!(record["event"]["id"], record["id"]);
        assert_eq!(record["event"]["request"]["method"], "INVITE");
        assert_eq!(record["event"]["source"]["transport"], "udp");
        let outcome = &record["outcome"];
        let [pdd, setup] = ["pdd_ms", "setup_ms"].map(|name| outcome[name].as_u64().unwrap());
        assert!(pdd <= setup, "{outcome}");
    }
    let target = callee.uri().replace("sip:", "sip:bob@");
    let (answered, others) = records.split_at(20);
    for record in answered {
        let [event, outcome] = ["event", "outcome"].map(|name| &record[name]);
        assert_eq!(event["request"]["uri"], bench.proxy.uri("bob"));
        assert_eq!(event["request"]["from"]["display"], "A caller");
        let agent = json!(["User-Agent", "load"]);
        assert!(headers(record).contains(&agent), "{event}");
        assert_eq!(record["document"]["routes"][0]["uri"], target);
        assert_eq!(record["application"]["name"], "node");
        expect_decision(record, "node", "answered");
        assert_eq!(record["attempts"][0]["result"], "answered");
        assert_eq!(
            (&outcome["code"], &outcome["branches"]),
            (&json!(200), &json!(1))
        );
        assert_eq!(outcome["target"], target);
    }
    expect_question(others[0], &refused);
    expect_decision(others[0], "node", "answered");
    assert_eq!(others[0]["document"]["reply"]["code"], 404);
    expect_own_reply(others[0], 404);
    expect_question(others[1], &undecided);
    expect_decision(others[1], "none", "unavailable");
    assert_eq!(
        (&others[1]["document"], &others[1]["application"]),
        (&Value::Null, &Value::Null)
    );
    expect_own_reply(others[1], 503);

    let ended = of_type(&lines, "ended");
    let ends: HashSet<_> = ended.iter().copied().map(call).collect();
    let talked: HashSet<_> = answered.iter().copied().map(call).collect();
    assert_eq!((ends, ended.len()), (talked, 20));
    assert!(ended.iter().all(|it| it["cause"] == "caller_hung_up"));
    assert_eq!(entries(&bench.redis), lines);
}

#[test]
fn while_redis_is_away_no_call_fails_and_recording_resumes() {
    const CALLS: u32 = 500;
    let mut bench = Bench::new("durations = true");
    let callee = Callee::start("callee", false);
    let _router = bench.example(&callee);
    let caller = Caller::start("caller", bench.proxy.sip(), "bob", false, CALLS, 100);
    caller.wait_for(CALLS / 5);
    bench.wait_until("entries in the stream", || {
        !entries(&bench.redis).is_empty()
    });

    let port = bench.redis.url().rsplit(':').next().unwrap().to_owned();
    // A new one is started beside it, and takes its port once it is dead.
    drop(std::mem::replace(&mut bench.redis, Redis::start()));
    bench.wait_until("errors", || bench.count("redis_errors") > 0);
    let [before, by_then] = ["redis_written", "file_written"].map(|it| bench.count(it));
    bench.wait_until("calls meanwhile", || {
        bench.count("file_written") > by_then + 200
    });
    assert_eq!(bench.count("redis_written"), before, "it is away");
    bench.redis.command(&["CONFIG", "SET", "port", &port]);
    bench.wait_until("entries again", || !entries(&bench.redis).is_empty());

    caller.finish().assert_all(CALLS);
    // Each has a line for its decision and one for its end.
    let lines = u64::from(2 * CALLS);
    bench.wait_until("all are written", || {
        bench.count("redis_written") == lines && bench.count("file_written") == lines
    });
    assert!(bench.count("redis_reconnects") > 0);
    for lost in [
        "redis_dropped",
        "file_dropped",
        "spool_dropped",
        "without_outcome",
    ] {
        assert_eq!(bench.count(lost), 0, "{lost}");
    }
    bench.stop();

    let written = bench.lines();
    for kind in ["consultation", "ended"] {
        let calls: HashSet<_> = of_type(&written, kind).into_iter().map(call).collect();
        assert_eq!(calls.len(), CALLS as usize, "every call is in the file");
    }
    let text = |lines: &[Value]| lines.iter().map(Value::to_string).collect::<HashSet<_>>();
    let (written, resumed) = (text(&written), text(&entries(&bench.redis)));
    // Those before are gone with the Redis that had them.
    assert_eq!(resumed.len() as u64, lines - before, "none is lost");
    assert!(resumed.is_subset(&written));
}

#[test]
fn an_operator_sees_which_sink_fails_since_when_and_why_and_that_it_works_again() {
    let mut bench = Bench::new("");
    bench.be_refused("first", 503);
    let both = bench.sinks_until("both written", |[file, redis]| {
        let is_done = |it: &&Value| it["written"] == 1 && it["waiting"] == 0;
        [file, redis].iter().all(is_done)
    });
    for (sink, name) in both.iter().zip(["file", "redis"]) {
        let expected = json!({
            "name": name, "state": "working", "waiting": 0, "waiting_bytes": 0,
            "written": 1, "dropped": 0, "errors": 0, "renewed": 0,
        });
        assert_eq!(*sink, expected);
    }

    let port = bench.redis.url().rsplit(':').next().unwrap().to_owned();
    let before = unix_ms();
    // A new one is started beside it, and takes its port below.
    drop(std::mem::replace(&mut bench.redis, Redis::start()));
    bench.be_refused("second", 503);
    // What was asked last over the old connection tells of its end, what is asked next of the port.
    let [file, redis] = bench.sinks_until("the file alone written", |[file, redis]| {
        file["written"] == 2 && redis["error"].to_string().contains("refused")
    });
    assert_eq!(
        [&file["state"], &file["error"]],
        [&json!("working"), &Value::Null]
    );
    assert_eq!(
        [&redis["state"], &redis["written"], &redis["waiting"]],
        [&json!("failing"), &json!(1), &json!(1)]
    );
    assert!(redis["waiting_bytes"].as_u64().unwrap() > 500, "{redis}");
    assert!(redis["errors"].as_u64().unwrap() > 0, "{redis}");
    let since = redis["failing_since_ms"].as_u64().unwrap();
    assert!((before..=unix_ms()).contains(&since), "{redis}");
    let said = bench.proxy.admin().ctl(&["recording"]);
    for part in ["working", "failing for ", "redis fails: ", "2 lines came"] {
        assert!(said.contains(part), "{part}: {said}");
    }

    bench.redis.command(&["CONFIG", "SET", "port", &port]);
    let [_, redis] = bench.sinks_until("Redis written", |[_, redis]| {
        redis["state"] == "working" && redis["waiting"] == 0
    });
    assert_eq!(
        [&redis["written"], &redis["renewed"], &redis["dropped"]],
        [&json!(2), &json!(1), &json!(0)]
    );
    assert!(redis.get("failing_since_ms").is_none(), "{redis}");
    let answer: Value = parse(&bench.proxy.admin().ctl(&["recording", "--json"]));
    assert_eq!(
        [&answer["enabled"], &answer["recorded"], &answer["dropped"]],
        [&json!(true), &json!(2), &json!(0)]
    );
    bench.stop();
}

#[test]
fn a_file_that_can_t_be_written_is_seen_before_the_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::with(&Settings {
        more: format!("[recording.file]\npath = {:?}\n", folder.path()),
        ..Settings::default()
    });
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = proxy.admin().order("GET", "/v1/recording", &Value::Null);
        let file = &answer["sinks"][0];
        if file["state"] == "failing" {
            let error = file["error"].as_str().unwrap();
            assert!(error.ends_with("is no regular file"), "{error}");
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn numbers_are_masked_before_they_are_written() {
    let (from, to) = ("4930556677", "4989112233");
    let mut bench = Bench::new("[[recording.mask]]\npreset = \"numbers\"\nhow = \"digits\"");
    let application = Application::connect(bench.proxy.channel());
    let (mut caller, mut callee) = (Agent::udp(), Agent::udp());
    let invite = caller
        .request("INVITE", &bench.proxy.uri(to))
        .replacing(
            "From",
            &format!("\"+{from}\" <sip:{from}@caller.example>;tag=1"),
        )
        .with("P-Asserted-Identity", &format!("<tel:+{from}>"));
    caller.send(&invite, bench.proxy.sip());
    application.decide(serial(&[target(&callee.uri(to))]));
    let arrived = callee.expect_request("INVITE");
    assert_eq!(
        arrived.uri(),
        callee.uri(to),
        "the call itself is not masked"
    );
    callee.reply(&arrived, 200);
    let answer = caller.expect_final();
    caller.send(&invite.in_dialog("ACK", 1, &answer), bench.proxy.sip());
    let _ = callee.expect_request("ACK");
    bench.stop();

    let lines = bench.lines();
    let [record] = &lines[..] else {
        panic!("{lines:?}");
    };
    let text = record.to_string();
    assert!(!text.contains(from) && !text.contains(to), "{text}");
    let masked = callee.uri("4989110000");
    assert_eq!(
        record["event"]["request"]["uri"],
        bench.proxy.uri("4989110000")
    );
    assert_eq!(
        record["event"]["request"]["from"]["uri"],
        "sip:4930550000@caller.example"
    );
    assert_eq!(record["document"]["routes"][0]["uri"], masked);
    assert_eq!(record["outcome"]["target"], masked);
    let places = record["masked"].as_array().unwrap();
    assert!(places.contains(&json!("/event/request/uri")), "{places:?}");
    assert_eq!(entries(&bench.redis), lines);
}

/// A proxy that records, into a file and a Redis of its own.
struct Bench {
    proxy: Proxy,
    redis: Redis,
    file: PathBuf,
    _folder: TempDir,
}

impl Bench {
    /// With these keys of `[recording]`, and tables below it.
    fn new(settings: &str) -> Self {
        let redis = Redis::start();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("decisions.jsonl");
        // Transactions linger for 64 times T1; nobody shall wait half a minute for the end.
        let more = format!(
            "[sip.timers]\nt1 = 100\nt2 = 400\nt4 = 400\n\
             [recording]\n{settings}\n\
             [recording.file]\npath = {file:?}\n\
             [recording.redis]\nurl = \"{}\"\nstream = \"{STREAM}\"\nmax_len = 10000\n",
            redis.url()
        );
        let proxy = Proxy::with(&Settings {
            more,
            // What is tested here is not how fast a loaded machine decides.
            deadline_ms: 5000,
            ..Settings::default()
        });
        Self {
            proxy,
            redis,
            file,
            _folder: folder,
        }
    }

    /// One that routes names to the callee and refuses most numbers.
    fn example(&self, callee: &Callee) -> Router {
        let router = Router::example(self.proxy.channel(), &[&callee.uri()]);
        let name = Language::Node.name();
        self.proxy.admin().wait_for(name, |it| it["state"] == "up");
        router
    }

    fn call(&self, user: &str, times: u32) {
        let caller = Caller::start("caller", self.proxy.sip(), user, false, times, 100);
        caller.finish().assert_all(times);
    }

    /// The request that was refused.
    fn be_refused(&self, user: &str, code: u16) -> Request {
        let mut caller = Agent::udp();
        let invite = caller
            .request("INVITE", &self.proxy.uri(user))
            .with("X-Trunk", "north")
            .with("X-Trunk", "south");
        caller.send(&invite, self.proxy.sip());
        let refusal = caller.expect_final();
        assert_eq!(refusal.status(), Some(code));
        caller.send(&invite.ack(&refusal), self.proxy.sip());
        invite
    }

    fn count(&self, counter: &str) -> u64 {
        self.proxy.admin().counter("recording", counter)
    }

    fn wait_until(&self, what: &str, reached: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !reached() {
            let counters = self.proxy.admin().counters("recording");
            assert!(Instant::now() < deadline, "{what}: {counters}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// File and Redis as the admin API tells of them, once they are as wanted.
    fn sinks_until(&self, what: &str, reached: impl Fn(&[Value; 2]) -> bool) -> [Value; 2] {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let admin = self.proxy.admin();
            let answer = admin.order("GET", "/v1/recording", &Value::Null);
            let sinks = serde_json::from_value(answer["sinks"].clone()).unwrap();
            if reached(&sinks) {
                return sinks;
            }
            assert!(Instant::now() < deadline, "{what}: {answer}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the proxy as an operator does.
    fn stop(&mut self) {
        self.proxy.terminate();
        assert!(self.proxy.wait_for_end().success());
    }

    /// What the file holds.
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.file).unwrap();
        assert!(text.ends_with('\n'), "the last line is whole");
        text.lines().map(parse).collect()
    }
}

fn unix_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since_1970.as_millis().try_into().unwrap()
}

/// What the stream holds.
fn entries(redis: &Redis) -> Vec<Value> {
    let words = redis.command(&["XRANGE", STREAM, "-", "+"]);
    words.chunks(7).map(entry).collect()
}

/// One entry: its id, then its fields.
fn entry(words: &[String]) -> Value {
    let [_, kind, its_type, call, its_call, line, text] = words else {
        panic!("{words:?}");
    };
    assert_eq!([kind, call, line], ["type", "call", "line"]);
    let line = parse(text);
    assert_eq!(
        (&line["type"], &line["call"]),
        (&json!(its_type), &json!(its_call))
    );
    line
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).expect("a line of JSON")
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

/// The call that a line is about.
fn call(line: &Value) -> String {
    line["call"].as_str().unwrap().to_owned()
}

fn headers(record: &Value) -> &Vec<Value> {
    record["event"]["request"]["headers"].as_array().unwrap()
}

/// It was asked about this request, with all its headers in their order.
fn expect_question(record: &Value, request: &Request) {
    let asked = &record["event"]["request"];
    assert_eq!(asked["uri"], request.uri);
    assert_eq!(asked["call_id"], request.header("Call-ID"));
    let mut sent: Vec<_> = request.headers.iter().map(|field| json!(field)).collect();
    sent.push(json!(["Content-Length", "0"]));
    assert_eq!(*headers(record), sent);
}

fn expect_decision(record: &Value, tier: &str, cause: &str) {
    assert_eq!([&record["tier"], &record["cause"]], [tier, cause]);
}

/// The caller got this from the proxy itself.
fn expect_own_reply(record: &Value, code: u16) {
    let outcome = &record["outcome"];
    assert_eq!(
        (&outcome["code"], &outcome["branches"]),
        (&json!(code), &json!(0))
    );
    assert_eq!(outcome["target"], Value::Null);
    assert_eq!(outcome["pdd_ms"], outcome["setup_ms"]);
}
