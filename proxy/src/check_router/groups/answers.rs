//! An answer for every event.

use crate::check_router::bench::{Bench, Outcome, trouble};
use crate::check_router::catalogue::{
    ANSWERS_ANSWERED, ANSWERS_CONTENT_TYPE, ANSWERS_MESSAGE, ANSWERS_ONCE, ANSWERS_STATUS,
};

/// Questions without an answer, after which the others are not asked.
const ENOUGH: usize = 3;

pub(super) async fn run(bench: &mut Bench) {
    match bench.is_http() {
        true => bench
            .report
            .skip(&ANSWERS_ONCE, "over HTTP there is one response"),
        false => {
            bench.report.skip(&ANSWERS_STATUS, "only over HTTP");
            bench.report.skip(&ANSWERS_CONTENT_TYPE, "only over HTTP");
        }
    }
    if !baseline(bench).await {
        return;
    }
    let events = match bench.given.is_empty() {
        true => bench.asking.embedded(),
        false => bench.given.clone(),
    };
    let mut silent = 0;
    for event in events {
        let question = bench.asking.question(&event);
        let exchange = bench.ask_one(question).await;
        bench.judge(&exchange);
        silent += usize::from(trouble(&exchange.outcome).is_some());
        if silent >= ENOUGH || bench.unfit.is_some() {
            break;
        }
    }
    bench.settle(std::time::Duration::from_millis(100)).await;
    if !bench.report.has_found(&ANSWERS_MESSAGE) {
        bench.report.pass(&ANSWERS_MESSAGE);
    }
}

/// Whether a plain question is answered: all else is about what disturbs that.
async fn baseline(bench: &mut Bench) -> bool {
    let question = bench.plain();
    let exchange = bench.ask_one(question).await;
    bench.judge(&exchange);
    let fine = matches!(exchange.outcome, Outcome::Answered(_));
    if !fine {
        let found = bench.report.has_found(&ANSWERS_ANSWERED);
        let why = if found {
            "a plain question is not answered"
        } else {
            "no answer can be told to be one"
        };
        bench.unfit = Some(why.to_owned());
    }
    fine
}
