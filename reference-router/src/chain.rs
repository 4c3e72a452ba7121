//! One question through the modules.

use std::time::SystemTime;

use routing_application::Answer;
use tidegate_schemas::RouteEvent;
use tidegate_schemas::document::{Action, RouteDocument};

use crate::ask::Ask;
use crate::modules::{Name, Step, by_rule};
use crate::setup::Setup;
use crate::steps::Selection;

/// Asks the selected modules one after the other; the first that decides has decided.
///
/// Prepaid comes last wherever it stands, because only a call that goes somewhere is worth a
/// reservation.
pub(crate) async fn decide(
    setup: &Setup,
    selection: &Selection,
    event: &RouteEvent<'_>,
    now: SystemTime,
) -> Answer {
    let mut ask = Ask::new(event, now);
    let others = selection
        .modules
        .iter()
        .filter(|name| **name != Name::Prepaid);
    let mut found = None;
    for name in others {
        match run(setup, *name, &mut ask).await {
            Step::Done(document) => {
                found = Some(*document);
                break;
            }
            Step::Next => {}
            Step::Unable(reason) => return Answer::unable(reason),
        }
    }
    if found.is_none() && selection.is_final {
        found = Some(by_rule::default(&mut ask, &setup.rules));
    }
    let goes_somewhere = found
        .as_ref()
        .is_none_or(|document| !document.routes.is_empty());
    if goes_somewhere && selection.modules.contains(&Name::Prepaid) {
        match run(setup, Name::Prepaid, &mut ask).await {
            Step::Done(document) => found = Some(*document),
            Step::Next => {}
            Step::Unable(reason) => return Answer::unable(reason),
        }
    }
    let document = match found {
        Some(document) => ask.finish(document),
        None => ask.pass(),
    };
    Answer::Document(Box::new(document))
}

async fn run(setup: &Setup, name: Name, ask: &mut Ask<'_>) -> Step {
    match name {
        Name::Block => match &setup.block {
            Some(block) => block.decide(ask).await,
            None => Step::Next,
        },
        Name::Hours => hours(setup, ask),
        Name::Lnp => match &setup.lnp {
            Some(lnp) => lnp.decide(ask).await,
            None => Step::Next,
        },
        Name::Did => match &setup.did {
            Some(did) => did.decide(ask).await,
            None => Step::Next,
        },
        Name::Rules => by_rule::first_match(ask, &setup.rules).map_or(Step::Next, Step::done),
        Name::Lcr => match &setup.lcr {
            Some(lcr) => lcr.decide(ask).await,
            None => Step::Next,
        },
        Name::Prepaid => match &setup.prepaid {
            Some(prepaid) => prepaid.decide(ask).await,
            None => Step::Next,
        },
    }
}

fn hours(setup: &Setup, ask: &mut Ask<'_>) -> Step {
    for hours in &setup.hours {
        if let Step::Done(document) = hours.decide(ask) {
            return Step::Done(document);
        }
    }
    Step::Next
}

/// What kind of answer it is, for counters.
pub(crate) fn kind(document: &RouteDocument) -> Action {
    document.action.unwrap_or(Action::Route)
}
