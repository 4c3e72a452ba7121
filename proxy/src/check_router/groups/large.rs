//! Large events, and all the ways in which bytes may arrive.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::check_router::bench::{Bench, Exchange};
use crate::check_router::catalogue::{
    Check, LARGE_EVENT, LARGE_PIECES, LARGE_TOGETHER, LARGE_UTF8,
};
use crate::check_router::events::{Question, merge};

/// Nearly all that fits into a SIP message over UDP.
const LARGE: usize = 60 * 1024;

/// Not a multiple of what a character takes, so that reads split some.
const PIECE: usize = 1021;

/// So many bytes, and with such pauses between their pieces that the kernel can't join them.
const HEAD: usize = 8;
const PAUSE: Duration = Duration::from_millis(5);

pub(super) async fn run(bench: &mut Bench) {
    let body = "v=0 ".repeat(LARGE / 4);
    let large = question(bench, json!({"request": {"body": body}}));
    let exchange = bench.ask_one(large).await;
    bench.judge_for(&LARGE_EVENT, &exchange);
    utf8(bench).await;
    let is_stream = bench
        .connected()
        .await
        .is_some_and(|(line, _)| line.wire.framing().is_some());
    if is_stream {
        pieces(bench).await;
        together(bench).await;
    } else {
        for check in [&LARGE_PIECES, &LARGE_TOGETHER] {
            bench.report.skip(
                check,
                "only on TCP and TLS: here the library has the frames",
            );
        }
    }
}

fn question(bench: &mut Bench, change: Value) -> Question {
    let mut event = base(bench);
    merge(&mut event, change);
    bench.asking.question(&event)
}

fn base(bench: &Bench) -> Map<String, Value> {
    let given = bench.given.first().cloned();
    given.unwrap_or_else(|| bench.asking.invite("201"))
}

async fn utf8(bench: &mut Bench) {
    let display = "Jürgen 東京 🦀 ".repeat(LARGE / 32);
    let question = question(bench, json!({"request": {"from": {"display": display}}}));
    let exchange = written(bench, question, PIECE).await;
    bench.judge_for(&LARGE_UTF8, &exchange);
}

async fn pieces(bench: &mut Bench) {
    let question = bench.plain();
    let exchange = written(bench, question, 1).await;
    bench.judge_for(&LARGE_PIECES, &exchange);
}

/// Asks with writes of `piece` bytes, where there are writes.
async fn written(bench: &mut Bench, question: Question, piece: usize) -> Exchange {
    let framed = match bench.connected().await {
        Some((line, _)) => line.wire.framed(&question.text),
        None => None,
    };
    let (Some(bytes), Some(line)) = (framed, &mut bench.line) else {
        return bench.ask_one(question).await;
    };
    let strays = line.strays;
    line.expect(&question);
    let slowly = if piece < HEAD { HEAD } else { 0 };
    let (head, rest) = bytes.split_at(slowly.min(bytes.len()));
    for piece in head.chunks(piece) {
        line.send_bytes(piece, piece.len()).await;
        sleep(PAUSE).await;
    }
    line.send_bytes(rest, piece).await;
    bench.collected(question, strays).await
}

async fn together(bench: &mut Bench) {
    let questions: Vec<_> = (0..5).map(|_| bench.plain()).collect();
    let Some((line, _)) = bench.connected().await else {
        return;
    };
    let strays = line.strays;
    let mut bytes = Vec::new();
    for question in &questions {
        line.expect(question);
        bytes.extend(line.wire.framed(&question.text).unwrap_or_default());
    }
    let all = bytes.len();
    line.send_bytes(&bytes, all).await;
    for exchange in bench.collect(questions, strays).await {
        let check: &'static Check = &LARGE_TOGETHER;
        bench.judge_for(check, &exchange);
    }
}
