//! The proxy is about to end, and comes back.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::check_router::bench::{Bench, Way, trouble};
use crate::check_router::catalogue::{DRAIN_BACK, DRAIN_BACKOFF, DRAIN_IN_FLIGHT};
use crate::check_router::report::Finding;

/// Questions in front of `drain`.
const OPEN: usize = 20;

/// How long an application that dials is turned away.
const AWAY: Duration = Duration::from_secs(2);

/// Attempts in that time that are still patient.
const ATTEMPTS: u32 = 20;

pub(super) async fn run(bench: &mut Bench) {
    if bench.is_http() {
        for check in [&DRAIN_IN_FLIGHT, &DRAIN_BACK, &DRAIN_BACKOFF] {
            bench
                .report
                .skip(check, "over HTTP each request stands alone");
        }
        return;
    }
    in_flight(bench).await;
    bench.hang_up().await;
    match bench.way {
        Way::Awaited(_) => turn_away(bench).await,
        _ => bench
            .report
            .skip(&DRAIN_BACKOFF, "it is dialled: the proxy connects again"),
    }
    come_back(bench).await;
}

async fn in_flight(bench: &mut Bench) {
    let count = OPEN.min(bench.max_in_flight);
    let questions: Vec<_> = (0..count).map(|_| bench.plain()).collect();
    let Some((line, _)) = bench.connected().await else {
        return;
    };
    let strays = line.strays;
    let drain = r#"{"type":"drain"}"#;
    let mut bytes = Vec::new();
    for question in &questions {
        line.expect(question);
        bytes.extend(line.wire.framed(&question.text).unwrap_or_default());
    }
    bytes.extend(line.wire.framed(drain).unwrap_or_default());
    match bytes.is_empty() {
        false => line.send_bytes(&bytes, bytes.len()).await,
        true => {
            for question in &questions {
                line.send(&question.text).await;
            }
            line.send(drain).await;
        }
    }
    for exchange in bench.collect(questions, strays).await {
        bench.judge_for(&DRAIN_IN_FLIGHT, &exchange);
    }
}

/// Counts how often it comes while nobody lets it in.
async fn turn_away(bench: &mut Bench) {
    let Way::Awaited(door) = &bench.way else {
        return;
    };
    let until = Instant::now() + AWAY;
    let mut attempts = 0;
    while Instant::now() < until && attempts <= ATTEMPTS {
        let left = until.saturating_duration_since(Instant::now());
        attempts += u32::from(door.turn_away(left).await);
    }
    let found = (attempts > ATTEMPTS).then(|| {
        let why = format!("more than {ATTEMPTS} attempts within {} s", AWAY.as_secs());
        Finding::new(why)
    });
    bench.report.verify(&DRAIN_BACKOFF, found);
}

async fn come_back(bench: &mut Bench) {
    let question = bench.plain();
    let exchange = bench.ask_one(question).await;
    let found = trouble(&exchange.outcome).map(|why| {
        let why = format!("after `drain` and the end of the connection: {why}");
        Finding::new(why).sent(&json!({"type": "drain"}))
    });
    bench.report.verify(&DRAIN_BACK, found);
}
