//! What HTTP itself asks for.

use reqwest::Method;

use super::unknown::{bare, differences};
use crate::check_router::bench::{Bench, Way};
use crate::check_router::catalogue::{HTTP_KEEP_ALIVE, HTTP_KEY, HTTP_METHODS};
use crate::check_router::events::Question;
use crate::check_router::report::Finding;

pub(super) async fn run(bench: &mut Bench) {
    if !bench.is_http() {
        for check in [&HTTP_KEY, &HTTP_KEEP_ALIVE, &HTTP_METHODS] {
            bench.report.skip(check, "only over HTTP");
        }
        return;
    }
    key(bench).await;
    keep_alive(bench).await;
    methods(bench).await;
}

/// The same request twice.
async fn key(bench: &mut Bench) {
    let question = bench.plain();
    let first = bench.ask_one(question.clone()).await;
    let second = bench.ask_one(question).await;
    if bare(&first).is_none() || bare(&second).is_none() {
        return bench.report.skip(&HTTP_KEY, "no document to compare");
    }
    let found = differences(&first, &second).and_then(|found| found.into_iter().next());
    let found = found.map(|change| {
        let raw = second
            .answer()
            .map(|answer| answer.raw.clone())
            .unwrap_or_default();
        let why = format!(
            "the second decision is another one: {} differs",
            change.field
        );
        let finding = Finding::new(why).sent(&second.question.event).came(&raw);
        finding.at(&change.pointer)
    });
    bench.report.verify(&HTTP_KEY, found);
}

async fn keep_alive(bench: &mut Bench) {
    let questions: Vec<Question> = (0..4).map(|_| bench.plain()).collect();
    let Way::Http(http, _) = &bench.way else {
        return;
    };
    let mut fresh = 0;
    for question in &questions {
        let reply = http.post(&question.text, None, bench.deadline()).await;
        fresh += usize::from(reply.is_ok_and(|reply| reply.fresh));
    }
    // The first one may have found no connection.
    let found = (fresh > 1).then(|| {
        let why = format!("{fresh} of 4 requests in a row needed a new connection");
        Finding::new(why)
    });
    bench.report.verify(&HTTP_KEEP_ALIVE, found);
}

async fn methods(bench: &mut Bench) {
    for method in [Method::GET, Method::HEAD] {
        let reply = bench.request(method.clone()).await;
        let found = match reply {
            Some(Ok(reply)) if reply.body.windows(8).any(|it| it == b"\"routes\"") => {
                Some(format!("{method} is answered with a document"))
            }
            Some(Err(why)) => Some(format!("{method} is not answered: {why}")),
            _ => None,
        };
        bench.report.verify(&HTTP_METHODS, found.map(Finding::new));
    }
}
