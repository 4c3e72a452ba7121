//! What differs between the routes of two documents.

use serde_json::Value;
use tidegate_schemas::document::{Routing, Target};

use super::pairing::Pairing;
use super::report::{At, Found, Report, given, join};
use super::tree::{Kind, Members, Node};
use super::{headers, uri};

/// Targets of a group that are looked at for one that another group has too.
const MOST_LOOKS: usize = 64;

/// Compares all routes. Where one document has around all its routes a group that the other one
/// does without, the reading with fewer differences is meant.
pub(super) fn compare(expected: &Node<'_>, found: &Node<'_>, report: &mut Report<'_>) {
    let (inner_expected, inner_found) = (expected.only_group(), found.only_group());
    let mut readings = vec![(expected, found)];
    readings.extend(inner_expected.as_ref().map(|inner| (inner, found)));
    readings.extend(inner_found.as_ref().map(|inner| (expected, inner)));
    let reports = readings.into_iter().map(|(expected, found)| {
        let mut report = report.another();
        node(expected, found, &mut report);
        report
    });
    if let Some(least) = reports.min_by_key(|report| report.differences.len()) {
        report.take(least);
    }
}

fn node(expected: &Node<'_>, found: &Node<'_>, report: &mut Report<'_>) {
    match (&expected.kind, &found.kind) {
        (Kind::Target(one), Kind::Target(two)) => {
            let at = At {
                expected: &expected.at,
                found: &found.at,
            };
            target(one, two, at, report);
            expected.outcomes.compare(found.outcomes, at, report);
        }
        (Kind::Group(one), Kind::Group(two)) => group((expected, one), (found, two), report),
        _ => match (expected.only_target(), found.only_target()) {
            (Some(expected), Some(found)) => node(&expected, &found, report),
            _ => node(
                &expected.clone().into_group(),
                &found.clone().into_group(),
                report,
            ),
        },
    }
}

fn group(
    (expected, one): (&Node<'_>, &Members<'_>),
    (found, two): (&Node<'_>, &Members<'_>),
    report: &mut Report<'_>,
) {
    let at = At {
        expected: &expected.at,
        found: &found.at,
    };
    expected.outcomes.compare(found.outcomes, at, report);
    let at = At {
        expected: &one.at,
        found: &two.at,
    };
    let both_have_several = one.nodes.len() > 1 && two.nodes.len() > 1;
    if both_have_several && one.routing != two.routing {
        let (one, two) = (word(one.routing), word(two.routing));
        report.value("routing", at, Some(one), Some(two));
    }
    let in_order = [one, two]
        .iter()
        .all(|members| members.routing == Routing::Serial);
    members(
        one,
        two,
        at,
        in_order && !report.tolerances.any_order,
        report,
    );
}

fn members(
    one: &Members<'_>,
    two: &Members<'_>,
    at: At<'_>,
    in_order: bool,
    report: &mut Report<'_>,
) {
    let pairing = Pairing::new(&one.nodes, &two.nodes, in_order);
    if in_order && !pairing.is_in_order() {
        order(one, two, &pairing, at, report);
    }
    for (expected, found) in pairing.pairs() {
        if let (Some(expected), Some(found)) = (one.nodes.get(expected), two.nodes.get(found)) {
            node(expected, found, report);
        }
    }
    for missing in pairing.missing().filter_map(|index| one.nodes.get(index)) {
        report.differ("targets", missing.shown(), None);
    }
    for extra in pairing.extra().filter_map(|index| two.nodes.get(index)) {
        report.differ("targets", None, extra.shown());
    }
}

/// Reports in which order those are tried that both have.
fn order(
    one: &Members<'_>,
    two: &Members<'_>,
    pairing: &Pairing,
    at: At<'_>,
    report: &mut Report<'_>,
) {
    let labels = |members: &Members<'_>, indices: Vec<usize>, at: &str| -> Found {
        let nodes = indices
            .into_iter()
            .filter_map(|index| members.nodes.get(index));
        Some((
            join(at, "routes"),
            nodes.map(Node::label).collect::<Value>(),
        ))
    };
    let mut found: Vec<usize> = pairing.pairs().map(|(_, found)| found).collect();
    found.sort_unstable();
    let expected = pairing.pairs().map(|(expected, _)| expected).collect();
    report.differ(
        "order",
        labels(one, expected, at.expected),
        labels(two, found, at.found),
    );
}

fn target(expected: &Target, found: &Target, at: At<'_>, report: &mut Report<'_>) {
    report.text("uri", at, (&expected.uri, &found.uri), uri::uri);
    report.text("dst_uri", at, (&expected.dst_uri, &found.dst_uri), uri::uri);
    report.text("path", at, (&expected.path, &found.path), uri::path);
    report.text("socket", at, (&expected.socket, &found.socket), uri::socket);
    let (one, two) = (expected.headers.as_ref(), found.headers.as_ref());
    headers::compare(one, two, at, report);
    report.value(
        "branch_flags",
        at,
        expected.branch_flags,
        found.branch_flags,
    );
    report.timer("fr_timer", at, (expected.fr_timer, found.fr_timer));
    let inv_timers = (expected.fr_inv_timer, found.fr_inv_timer);
    report.timer("fr_inv_timer", at, inv_timers);
}

fn word(routing: Routing) -> &'static str {
    match routing {
        Routing::Parallel => "parallel",
        Routing::Serial => "serial",
    }
}

/// Whether two nodes have a place in common that they lead to.
pub(super) fn are_related(one: &Node<'_>, two: &Node<'_>) -> bool {
    match (&one.kind, &two.kind) {
        (Kind::Target(one), Kind::Target(two)) => {
            let same = |one: &Option<String>, two: &Option<String>| {
                given(one).is_some() && given(one).map(uri::uri) == given(two).map(uri::uri)
            };
            same(&one.uri, &two.uri) || same(&one.dst_uri, &two.dst_uri)
        }
        _ => {
            let others = two.destinations(MOST_LOOKS);
            one.destinations(MOST_LOOKS)
                .iter()
                .any(|one| others.contains(one))
        }
    }
}
