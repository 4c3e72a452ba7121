//! The caller hangs up while the application thinks.

use std::time::Duration;

use serde_json::{Value, json};

use crate::check_router::bench::{Bench, Way};
use crate::check_router::catalogue::{CANCELLED_OPEN, CANCELLED_UNKNOWN};
use crate::check_router::report::Finding;

/// How often: each time at another moment of the work.
const TIMES: u64 = 3;

/// Messages that may come for each cancelled question: its answer, a complaint, and what other
/// checks find fault with.
const MESSAGES: usize = 4;

pub(super) async fn run(bench: &mut Bench) {
    if bench.is_http() {
        bench.report.skip(
            &CANCELLED_UNKNOWN,
            "over HTTP the connection is closed instead",
        );
        return over_http(bench).await;
    }
    let mut last = Value::Null;
    let before = bench.connected().await.map_or(0, |(line, _)| line.heard);
    for time in 0..TIMES {
        last = cancel(bench, time).await;
    }
    bench.settle(Duration::from_millis(50)).await;
    let heard = bench.line.as_ref().map_or(0, |line| line.heard) - before;
    let most = MESSAGES * TIMES as usize;
    if heard > most {
        let why = format!("{heard} messages came for {TIMES} cancelled questions");
        return bench
            .report
            .find(&CANCELLED_OPEN, Finding::new(why).sent(&last));
    }
    bench
        .still_works(&CANCELLED_OPEN, &last, "after `cancelled`")
        .await;
    unknown(bench).await;
}

/// Asks and takes it back, with a little time in between.
async fn cancel(bench: &mut Bench, milliseconds: u64) -> Value {
    let question = bench.plain();
    let cancelled = json!({"type": "cancelled", "id": question.id.to_string()});
    if let Some((line, _)) = bench.connected().await {
        line.ask(&question).await;
    }
    if milliseconds > 0 {
        bench.settle(Duration::from_millis(milliseconds)).await;
    }
    if let Some(line) = &mut bench.line {
        line.send(&cancelled.to_string()).await;
        line.give_up(question.id);
    }
    cancelled
}

async fn unknown(bench: &mut Bench) {
    let id = bench.asking.id();
    let cancelled = json!({"type": "cancelled", "id": id.to_string()});
    bench.tell(&cancelled).await;
    bench.settle(Duration::from_millis(50)).await;
    bench
        .still_works(
            &CANCELLED_UNKNOWN,
            &cancelled,
            "after `cancelled` for an unknown id",
        )
        .await;
}

/// The request is given up, which closes its connection.
async fn over_http(bench: &mut Bench) {
    let mut last = Value::Null;
    for time in 0..TIMES {
        let question = bench.plain();
        last = (*question.event).clone();
        if let Way::Http(http, _) = &bench.way {
            let key = question.id.to_string();
            let _ = http
                .post(&question.text, Some(&key), Duration::from_millis(1 + time))
                .await;
        }
    }
    bench
        .still_works(
            &CANCELLED_OPEN,
            &last,
            "after a request whose connection was closed",
        )
        .await;
}
