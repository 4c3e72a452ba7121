//! What a later version of the contract may bring.

use std::time::Duration;

use routing_api_client::{Difference, Tolerances, compare};
use serde_json::{Map, Value, json};
use tidegate_schemas::RouteDocument;

use crate::check_router::bench::{Bench, Exchange};
use crate::check_router::catalogue::{UNKNOWN_KEYS, UNKNOWN_TYPE};
use crate::check_router::events::object;
use crate::check_router::report::Finding;

pub(super) async fn run(bench: &mut Bench) {
    keys(bench).await;
    types(bench).await;
}

/// The same event, with and without keys that nobody knows.
async fn keys(bench: &mut Bench) {
    let plain = bench.plain();
    let event = object((*plain.event).clone());
    let again = bench.asking.question(&event);
    let grown = bench.asking.question(&grown(&event));
    let before = bench.ask_one(plain).await;
    let again = bench.ask_one(again).await;
    let after = bench.ask_one(grown).await;
    let steady = differences(&before, &again).is_some_and(|found| found.is_empty());
    let change = differences(&before, &after).and_then(|found| found.into_iter().next());
    match change.filter(|_| steady) {
        None => bench.judge_for(&UNKNOWN_KEYS, &after),
        Some(change) => {
            let why = format!("the decision is another one: {} differs", change.field);
            let finding = Finding::new(why)
                .sent(&after.question.event)
                .at(&change.pointer);
            let raw = after
                .answer()
                .map(|answer| answer.raw.clone())
                .unwrap_or_default();
            bench.report.find(&UNKNOWN_KEYS, finding.came(&raw));
        }
    }
}

/// Keys at every level.
fn grown(event: &Map<String, Value>) -> Map<String, Value> {
    let mut value = Value::Object(event.clone());
    for place in ["", "/source", "/request", "/request/from", "/request/to"] {
        if let Some(Value::Object(object)) = value.pointer_mut(place) {
            object.insert("x_new".to_owned(), json!({"nested": [1, "two", null]}));
            object.insert("x_number".to_owned(), json!(1.5));
        }
    }
    object(value)
}

/// Nothing where one of them is no document.
pub(super) fn differences(one: &Exchange, other: &Exchange) -> Option<Vec<Difference>> {
    let (one, other) = (bare(one)?, bare(other)?);
    Some(compare(&one, &other, &Tolerances::default()))
}

/// The document without what belongs to the question.
pub(super) fn bare(exchange: &Exchange) -> Option<RouteDocument> {
    let document = exchange.answer()?.document()?;
    Some(RouteDocument {
        id: None,
        version: None,
        ..document.clone()
    })
}

async fn types(bench: &mut Bench) {
    let id = bench.asking.id();
    let message = json!({"type": "x_new", "version": "1.0", "id": id.to_string(), "routes": 3});
    if let Some((line, _)) = bench.connected().await {
        line.forbid(id, &UNKNOWN_TYPE, &message);
    }
    let reply = bench.tell(&message).await;
    bench.settle(Duration::from_millis(50)).await;
    if let Some(Ok(reply)) = &reply
        && reply.body.windows(8).any(|part| part == b"\"routes\"")
    {
        let finding = Finding::new("it was answered with a document, and is no question");
        let finding = finding.sent(&message).came(&reply.body);
        return bench.report.find(&UNKNOWN_TYPE, finding);
    }
    bench
        .still_works(
            &UNKNOWN_TYPE,
            &message,
            "after a message of an unknown type",
        )
        .await;
}
