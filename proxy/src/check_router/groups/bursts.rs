//! Many questions at once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use tidegate_schemas::RouteDocument;

use super::unknown::bare;
use crate::check_router::bench::{Bench, Exchange, Outcome, trouble};
use crate::check_router::catalogue::{BURSTS_ANSWERED, BURSTS_BEYOND, BURSTS_MIXED};
use crate::check_router::report::Finding;

const BURST: usize = 500;

/// Questions beyond what the application wants.
const BEYOND: usize = 20;

/// A larger limit is not tried out.
const LARGEST_LIMIT: usize = 2000;

/// An application that chooses at random gets so many chances to explain an answer.
const CHANCES: usize = 8;

const USERS: [&str; 12] = [
    "101",
    "102",
    "201",
    "202",
    "alice",
    "bob",
    "carol",
    "4930123456",
    "4930123457",
    "900",
    "7042",
    "dave",
];

pub(super) async fn run(bench: &mut Bench) {
    let variants = variants(bench);
    let alone = alone(bench, &variants).await;
    let count = BURST.min(bench.max_in_flight);
    let questions: Vec<_> = (0..count)
        .filter_map(|index| variants.get(index % variants.len().max(1)))
        .map(|event| bench.asking.question(event))
        .collect();
    let exchanges = bench.ask(questions).await;
    for exchange in &exchanges {
        bench.judge_for(&BURSTS_ANSWERED, exchange);
    }
    measure(bench, &exchanges);
    mixed(bench, &variants, &alone, &exchanges).await;
    bench.settle(Duration::from_millis(50)).await;
    beyond(bench, &variants).await;
}

/// Events that may lead to different decisions.
fn variants(bench: &Bench) -> Vec<Map<String, Value>> {
    match bench.given.len() {
        0 | 1 => USERS.iter().map(|user| bench.asking.invite(user)).collect(),
        _ => bench.given.iter().take(BURST).cloned().collect(),
    }
}

/// What is decided when nothing else is going on.
async fn alone(bench: &mut Bench, variants: &[Map<String, Value>]) -> Vec<Option<RouteDocument>> {
    let mut documents = Vec::new();
    for event in variants {
        let question = bench.asking.question(event);
        let exchange = bench.ask_one(question).await;
        documents.push(bare(&exchange));
    }
    documents
}

fn measure(bench: &mut Bench, exchanges: &[Exchange]) {
    let answers = exchanges.iter().filter_map(Exchange::answer);
    let mut times: Vec<_> = answers.map(|answer| answer.took).collect();
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
    if let (Some(p50), Some(p99)) = (at(50), at(99)) {
        let text = |time: &Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
        let figure = format!(
            "{} questions: p50 {}, p99 {}",
            times.len(),
            text(p50),
            text(p99)
        );
        bench.report.figures.push(("burst", figure));
    }
}

/// An answer that is another question's.
async fn mixed(
    bench: &mut Bench,
    variants: &[Map<String, Value>],
    alone: &[Option<RouteDocument>],
    exchanges: &[Exchange],
) {
    let mut documents = alone.iter().flatten();
    let first = documents.next();
    if !documents.any(|other| Some(other) != first) {
        let why = "all questions get the same document";
        return bench.report.skip(&BURSTS_MIXED, why);
    }
    let mut found = None;
    for (variant, suspect) in suspects(alone, exchanges) {
        let event = variants.get(variant).cloned().unwrap_or_default();
        let chosen = again(bench, &event).await;
        if bare(suspect).is_some_and(|document| !chosen.contains(&document)) {
            found = Some(confused(suspect));
            break;
        }
    }
    bench.report.verify(&BURSTS_MIXED, found);
}

/// For each variant the first answer that is what another one got alone.
fn suspects<'a>(
    alone: &[Option<RouteDocument>],
    exchanges: &'a [Exchange],
) -> BTreeMap<usize, &'a Exchange> {
    let mut suspects = BTreeMap::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        let variant = index % alone.len().max(1);
        let own = alone.get(variant).and_then(Option::as_ref);
        let is_others = |document: &RouteDocument| {
            own != Some(document) && alone.iter().flatten().any(|other| other == document)
        };
        if bare(exchange).is_some_and(|document| is_others(&document)) {
            suspects.entry(variant).or_insert(exchange);
        }
    }
    suspects
}

fn confused(exchange: &Exchange) -> Finding {
    let raw = exchange.answer().map(|answer| answer.raw.clone());
    let why = "this is the decision about another question of the burst";
    let finding = Finding::new(why).sent(&exchange.question.event).at("");
    finding.came(&raw.unwrap_or_default())
}

/// What is decided about an event, several times.
async fn again(bench: &mut Bench, event: &Map<String, Value>) -> Vec<RouteDocument> {
    let mut documents = Vec::new();
    for _ in 0..CHANCES {
        let question = bench.asking.question(event);
        documents.extend(bare(&bench.ask_one(question).await));
    }
    documents
}

async fn beyond(bench: &mut Bench, variants: &[Map<String, Value>]) {
    if bench.is_http() {
        return bench
            .report
            .skip(&BURSTS_BEYOND, "over HTTP connections are the limit");
    }
    if bench.max_in_flight > LARGEST_LIMIT {
        return bench
            .report
            .skip(&BURSTS_BEYOND, "its max_in_flight is above 2000");
    }
    if bench.report.has_found(&BURSTS_ANSWERED) {
        return bench.report.skip(
            &BURSTS_BEYOND,
            "not even max_in_flight questions are answered",
        );
    }
    let questions: Vec<_> = (0..bench.max_in_flight + BEYOND)
        .filter_map(|index| variants.get(index % variants.len().max(1)))
        .map(|event| bench.asking.question(event))
        .collect();
    let exchanges = bench.ask(questions).await;
    let bad = exchanges
        .iter()
        .find(|it| !matches!(it.outcome, Outcome::Astray) && trouble(&it.outcome).is_some());
    let found = bad.map(|exchange| {
        let why = trouble(&exchange.outcome).unwrap_or_default();
        Finding::new(why).sent(&exchange.question.event)
    });
    bench.report.verify(&BURSTS_BEYOND, found);
}
