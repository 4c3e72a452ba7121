//! What is no question and needs no answer.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_schemas::frame::Framing;

use crate::check_router::bench::Bench;
use crate::check_router::catalogue::{NOISE_BLANK, NOISE_ERROR};

pub(super) async fn run(bench: &mut Bench) {
    let id = bench.asking.id();
    let error = json!({"type": "error", "id": id.to_string(), "code": "invalid_document",
        "message": "this is a test: nothing is wrong", "pointer": "/routes/0"});
    if let Some((line, _)) = bench.connected().await {
        line.forbid(id, &NOISE_ERROR, &error);
    }
    bench.tell(&error).await;
    bench.settle(Duration::from_millis(50)).await;
    bench
        .still_works(&NOISE_ERROR, &error, "after `error`")
        .await;
    blank(bench).await;
}

async fn blank(bench: &mut Bench) {
    let framing = bench
        .connected()
        .await
        .and_then(|(line, _)| line.wire.framing());
    if framing != Some(Framing::Lines) {
        return bench
            .report
            .skip(&NOISE_BLANK, "only where a message is a line");
    }
    if let Some(line) = &mut bench.line {
        line.send_bytes(b"\n\r\n\n", 4).await;
    }
    bench.settle(Duration::from_millis(50)).await;
    let sent = Value::from("\n\r\n\n");
    bench
        .still_works(&NOISE_BLANK, &sent, "after empty lines")
        .await;
}
