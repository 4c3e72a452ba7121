//! How the application introduces itself, and whom it lets in.

use std::time::Duration;

use routing_api_client::Token;
use routing_api_client::wire::{self, HttpWire, Reach};
use serde_json::{Value, json};
use tidegate_schemas::call::CallEventKind;
use tokio::time::Instant;

use crate::check_router::bench::{Bench, Way, ended};
use crate::check_router::catalogue::{
    Check, HELLO_FIRST, HELLO_MAX_IN_FLIGHT, HELLO_NAME, HELLO_RELEASE, HELLO_STRANGER,
    HELLO_SUBSCRIBE, HELLO_TOKEN, HELLO_VERSION,
};
use crate::check_router::line::{Line, hello};
use crate::check_router::report::Finding;

/// How long an application may take for its hello.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(bench: &mut Bench) {
    match bench.is_http() {
        true => over_http(bench).await,
        false => over_a_line(bench).await,
    }
    match strangers(bench) {
        Err(reason) => bench.report.skip(&HELLO_STRANGER, reason),
        Ok(reach) => {
            for secret in [Some("not-the-secret"), None] {
                refuses(bench, &reach, secret).await;
            }
        }
    }
}

async fn over_a_line(bench: &mut Bench) {
    let Some(mut line) = bench.line.take() else {
        return;
    };
    let greeted = bench.greet(&mut line, Instant::now() + PATIENCE).await;
    let Some(greeting) = line.hello.clone().filter(|_| greeted) else {
        let came = match line.heard {
            0 => ended(line.closing.as_ref()),
            _ => "another message came first".to_owned(),
        };
        bench.report.find(&HELLO_FIRST, Finding::new(came));
        bench.unfit = Some("it does not say hello".to_owned());
        return;
    };
    bench.report.pass(&HELLO_FIRST);
    introduce(bench, &greeting, false);
    judge_token(bench, &line, &greeting);
    bench.line = Some(line);
}

async fn over_http(bench: &mut Bench) {
    let Way::Http(http, _) = &bench.way else {
        return;
    };
    let own = hello(&bench.asking.node, None);
    let reply = match http.post(&own, None, PATIENCE).await {
        Ok(reply) if (200..300).contains(&reply.status) => reply,
        other => {
            let why =
                other.map_or_else(|why| why, |reply| format!("the status is {}", reply.status));
            let own = serde_json::from_str(&own).unwrap_or_default();
            let why = Finding::new(format!("`hello` is not taken: {why}"));
            bench.report.find(&HELLO_FIRST, why.sent(&own));
            bench.unfit = Some("it does not take `hello`".to_owned());
            return;
        }
    };
    bench.report.pass(&HELLO_FIRST);
    bench
        .report
        .skip(&HELLO_TOKEN, "over HTTP the proxy connects");
    let mut greeting: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if greeting["type"] != "hello" {
        greeting = json!({"type": "hello", "version": "1.0"});
    }
    if let Some(release) = reply.release {
        greeting["release"] = release.into();
    }
    introduce(bench, &greeting, true);
}

/// Judges a hello, and keeps what it says.
fn introduce(bench: &mut Bench, greeting: &Value, over_http: bool) {
    let text = |key: &str| greeting[key].as_str().unwrap_or_default();
    let version = text("version");
    let is_ours = version == "1" || version.starts_with("1.");
    bench.verify_hello(
        &HELLO_VERSION,
        greeting,
        is_ours,
        "version",
        "this is no version 1 of the contract",
    );
    match over_http {
        true => bench
            .report
            .skip(&HELLO_NAME, "over HTTP the configuration has its name"),
        false => {
            let named = !text("name").trim().is_empty();
            bench.verify_hello(&HELLO_NAME, greeting, named, "name", "it has no name");
        }
    }
    let limit = greeting["max_in_flight"].as_u64();
    bench.verify_hello(
        &HELLO_MAX_IN_FLIGHT,
        greeting,
        limit != Some(0),
        "max_in_flight",
        "it is 0",
    );
    bench.max_in_flight = limit.map_or(500, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    judge_subscription(bench, greeting);
    let released = !text("release").is_empty();
    bench.verify_hello(
        &HELLO_RELEASE,
        greeting,
        released,
        "release",
        "there is none",
    );
    let release = text("release");
    let name = match (text("name"), release) {
        ("", "") => None,
        (name, "") => Some(name.to_owned()),
        (name, release) => Some(format!("{name} {release}").trim().to_owned()),
    };
    bench.report.application = name;
}

fn judge_subscription(bench: &mut Bench, greeting: &Value) {
    let words = greeting["subscribe"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut known = Vec::new();
    for (index, word) in words.iter().enumerate() {
        match word
            .as_str()
            .filter(|word| CallEventKind::from_name(word).is_some())
        {
            Some(word) => known.push(word.to_owned()),
            None => {
                let finding = Finding::new(format!("{word} is none of the words"));
                let finding = finding.at(&format!("/subscribe/{index}"));
                let raw = greeting.to_string();
                bench
                    .report
                    .find(&HELLO_SUBSCRIBE, finding.came(raw.as_bytes()));
            }
        }
    }
    if known.len() == words.len() {
        bench.report.pass(&HELLO_SUBSCRIBE);
    }
    bench.subscribed = known;
}

fn judge_token(bench: &mut Bench, line: &Line, greeting: &Value) {
    if matches!(bench.way, Way::Dialled(_)) {
        return bench
            .report
            .skip(&HELLO_TOKEN, "it is dialled: the proxy connects");
    }
    let Some(token) = bench.token.clone() else {
        return bench.report.skip(&HELLO_TOKEN, "no --token is given");
    };
    let shown = line.wire.bearer().or_else(|| greeting["token"].as_str());
    let found = match shown {
        Some(shown) if Token::new(&*token) == Token::new(shown) => None,
        Some(_) => Some("it shows another secret"),
        None => Some("it shows no secret"),
    };
    bench.report.verify(&HELLO_TOKEN, found.map(Finding::new));
    if found.is_some() {
        bench.unfit = Some("the proxy would turn it away".to_owned());
    }
}

impl Bench {
    fn verify_hello(
        &mut self,
        check: &'static Check,
        greeting: &Value,
        holds: bool,
        key: &str,
        why: &str,
    ) {
        let raw = greeting.to_string();
        let found = || {
            Finding::new(why)
                .came(raw.as_bytes())
                .at(&format!("/{key}"))
        };
        self.report.verify(check, (!holds).then(found));
    }
}

/// How strangers reach it, or why none can be tried.
fn strangers(bench: &Bench) -> Result<Reach, &'static str> {
    match (&bench.way, &bench.token) {
        (_, None) => Err("no --token is given"),
        (_, Some(_)) if bench.unfit.is_some() => Err("it does not let friends in"),
        (Way::Awaited(_), _) => Err("it dials: the proxy is the one to refuse"),
        (Way::Dialled(reach) | Way::Http(_, reach), _) => Ok(reach.clone()),
    }
}

async fn refuses(bench: &mut Bench, reach: &Reach, secret: Option<&str>) {
    let stranger = Reach {
        token: secret.map(Token::new),
        ..reach.clone()
    };
    let shown = secret.map_or_else(
        || "without a secret".to_owned(),
        |it| format!("with the secret `{it}`"),
    );
    let let_in = match bench.is_http() {
        true => asks_over_http(bench, &stranger).await,
        false => asks_on_a_line(bench, &stranger, secret).await,
    };
    let found = let_in.then(|| Finding::new(format!("{shown} a question is answered")));
    bench.report.verify(&HELLO_STRANGER, found);
}

/// Whether a stranger gets an answer.
async fn asks_over_http(bench: &mut Bench, stranger: &Reach) -> bool {
    let question = bench.plain();
    let Ok(http) = HttpWire::new(stranger).await else {
        return false;
    };
    let reply = http.post(&question.text, None, bench.deadline()).await;
    reply.is_ok_and(|reply| (200..300).contains(&reply.status))
}

async fn asks_on_a_line(bench: &mut Bench, stranger: &Reach, secret: Option<&str>) -> bool {
    let question = bench.plain();
    let Ok(wire) = wire::dial(stranger).await else {
        return false;
    };
    let mut line = Line::new(wire);
    line.send(&hello(&bench.asking.node, secret)).await;
    line.ask(&question).await;
    let until = Instant::now() + bench.deadline();
    line.listen(&mut bench.report, until, Line::all_answered)
        .await
        && line
            .answer(question.id)
            .is_some_and(|answer| answer.is_document())
}
