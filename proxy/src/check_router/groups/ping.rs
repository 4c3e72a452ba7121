//! Signs of life.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::check_router::bench::Bench;
use crate::check_router::catalogue::{Check, PING_BUSY, PING_PONG};
use crate::check_router::report::Finding;

/// One interval of the proxy's heartbeat.
const PATIENCE: Duration = Duration::from_secs(5);

/// Questions in front of a ping.
const OPEN: usize = 50;

pub(super) async fn run(bench: &mut Bench) {
    let ping = json!({"type": "ping"});
    if bench.is_http() {
        let reply = bench.tell(&ping).await;
        let found = match reply {
            Some(Ok(reply)) if (200..300).contains(&reply.status) => None,
            Some(Ok(reply)) => Some(format!("the status is {}", reply.status)),
            Some(Err(why)) => Some(why),
            None => None,
        };
        bench
            .report
            .skip(&PING_BUSY, "over HTTP each request stands alone");
        let found = found.map(|why| Finding::new(why).sent(&ping));
        return bench.report.verify(&PING_PONG, found);
    }
    if !pings(bench, &PING_PONG, 0).await {
        return bench.report.skip(&PING_BUSY, "no ping is answered");
    }
    pings(bench, &PING_BUSY, OPEN.min(bench.max_in_flight)).await;
}

/// Whether a ping behind so many questions is answered.
async fn pings(bench: &mut Bench, check: &'static Check, open: usize) -> bool {
    let questions: Vec<_> = (0..open).map(|_| bench.plain()).collect();
    let Some((line, report)) = bench.connected().await else {
        return false;
    };
    let (pongs, strays) = (line.pongs, line.strays);
    for question in &questions {
        line.ask(question).await;
    }
    line.send(r#"{"type":"ping"}"#).await;
    let until = Instant::now() + PATIENCE;
    let answered = line.listen(report, until, |line| line.pongs > pongs).await;
    let why = match &line.closing {
        Some(closing) => format!("no pong: {closing}"),
        None => format!("no pong within {} s", PATIENCE.as_secs()),
    };
    let finding = || Finding::new(why).sent(&json!({"type": "ping"}));
    report.verify(check, (!answered).then(finding));
    bench.collect(questions, strays).await;
    answered
}
