//! Notifications about calls.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::check_router::bench::Bench;
use crate::check_router::catalogue::{CALLS_ACK, CALLS_REPEAT, Check};
use crate::check_router::report::Finding;

/// Without an `ack` for so long it would be sent again.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(bench: &mut Bench) {
    let notifications = notifications(bench);
    if notifications.is_empty() {
        for check in [&CALLS_ACK, &CALLS_REPEAT] {
            bench.report.skip(check, "it subscribes to nothing");
        }
        return;
    }
    if deliver(bench, &CALLS_ACK, &notifications).await {
        deliver(bench, &CALLS_REPEAT, &notifications).await;
    } else {
        bench
            .report
            .skip(&CALLS_REPEAT, "not even the first one is acknowledged");
    }
}

/// Whether all are acknowledged.
async fn deliver(bench: &mut Bench, check: &'static Check, notifications: &[Value]) -> bool {
    match bench.is_http() {
        true => post(bench, check, notifications).await,
        false => send(bench, check, notifications).await,
    }
}

async fn send(bench: &mut Bench, check: &'static Check, notifications: &[Value]) -> bool {
    let Some((line, report)) = bench.connected().await else {
        return false;
    };
    line.acks.clear();
    for notification in notifications {
        line.send(&notification.to_string()).await;
    }
    let acked = |acks: &[String], it: &Value| acks.iter().any(|ack| it["event_id"] == **ack);
    let until = Instant::now() + PATIENCE;
    let all = line
        .listen(report, until, |line| {
            notifications.iter().all(|it| acked(&line.acks, it))
        })
        .await;
    for notification in notifications {
        let missing = !acked(&line.acks, notification);
        let why = match (&line.closing, line.acks.last()) {
            (Some(closing), _) => closing.to_string(),
            (None, Some(ack)) => format!("no `ack` with this `event_id`; the last one had `{ack}`"),
            (None, None) => format!("no `ack` within {} s", PATIENCE.as_secs()),
        };
        report.verify(check, missing.then(|| Finding::new(why).sent(notification)));
    }
    all
}

/// Any 2xx is the acknowledgement.
async fn post(bench: &mut Bench, check: &'static Check, notifications: &[Value]) -> bool {
    let mut all = true;
    for notification in notifications {
        let found = match bench.tell(notification).await {
            Some(Ok(reply)) if (200..300).contains(&reply.status) => None,
            Some(Ok(reply)) => Some(format!("the status is {}", reply.status)),
            Some(Err(why)) => Some(why),
            None => None,
        };
        all &= found.is_none();
        let found = found.map(|why| Finding::new(why).sent(notification));
        bench.report.verify(check, found);
    }
    all
}

/// One of each kind that it wants, about two calls.
fn notifications(bench: &mut Bench) -> Vec<Value> {
    let (answered, failed) = (bench.asking.id().to_string(), bench.asking.id().to_string());
    let lives = [
        (&answered, 1, "progress", 180, "Ringing"),
        (&answered, 2, "answered", 200, "OK"),
        (&answered, 3, "ended", 200, "OK"),
        (&failed, 1, "failed", 486, "Busy Here"),
    ];
    let wanted = lives
        .iter()
        .filter(|life| bench.subscribed.iter().any(|word| word == life.2));
    let node = &bench.asking.node;
    wanted.map(|(call, seq, event, code, reason)| {
        let mut it = json!({
            "type": "call", "event_id": format!("{node}/{call}/{seq}"), "seq": seq, "event": event,
            "call": call, "node": node, "time_ms": 1_763_876_195_123_u64, "decided_by": "check-router",
            "call_id": format!("{call}@198.51.100.7"), "from": "sip:alice@example.com",
            "to": "sip:201@example.com", "uri": "sip:201@example.com", "target": "sip:201@192.0.2.7",
            "code": code, "reason": reason, "setup_ms": 4211,
        });
        if *event == "ended" {
            it["duration_ms"] = 61_034.into();
            it["cause"] = "caller_hung_up".into();
        }
        it
    }).collect()
}
