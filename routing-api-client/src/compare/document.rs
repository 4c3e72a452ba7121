//! What differs between two documents.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tidegate_schemas::RouteDocument;
use tidegate_schemas::cache::Cache;
use tidegate_schemas::call::CallEventKind;
use tidegate_schemas::document::{Action, RedirectContact, Reply};
use tidegate_sip::build::standard_reason;

use super::headers::Values;
use super::report::{At, Found, Report, given, join};
use super::tree::Node;
use super::{routes, uri, value};

/// Compares two documents. What belongs to an action alone is compared where both have that action.
pub(super) fn compare(
    expected: &RouteDocument,
    found: &RouteDocument,
    at: At<'_>,
    report: &mut Report<'_>,
) {
    let (one, two) = (action(expected), action(found));
    if one == two {
        parts_of_actions(expected, found, at, report);
    } else {
        report.value("action", at, Some(word(one)), Some(word(two)));
    }
    report.value(
        "context",
        at,
        expected.context.clone(),
        found.context.clone(),
    );
    object(
        "tags",
        at,
        (expected.tags.as_ref(), found.tags.as_ref()),
        report,
    );
    report.value(
        "record_route",
        at,
        expected.record_route,
        found.record_route,
    );
    cache(at, (useful(&expected.cache), useful(&found.cache)), report);
    notify(expected, found, at, report);
    report.value(
        "location",
        at,
        expected.location.clone(),
        found.location.clone(),
    );
}

fn parts_of_actions(
    expected: &RouteDocument,
    found: &RouteDocument,
    at: At<'_>,
    report: &mut Report<'_>,
) {
    let root = |document, at| Node::root(document, at);
    routes::compare(&root(expected, at.expected), &root(found, at.found), report);
    let redirect = |it: &RouteDocument| it.on_redirect.and_then(|it| serde_json::to_value(it).ok());
    report.value("on_redirect", at, redirect(expected), redirect(found));
    let timers = (expected.max_call_ms, found.max_call_ms);
    report.timer("max_call_ms", at, timers);
    reply(at, (expected.reply.as_ref(), found.reply.as_ref()), report);
    contacts(at, (&expected.contacts, &found.contacts), report);
    let attributes = (expected.attributes.as_ref(), found.attributes.as_ref());
    object("attributes", at, attributes, report);
    on_exhausted(expected, found, at, report);
}

/// `route` when absent.
fn action(document: &RouteDocument) -> Action {
    document.action.unwrap_or(Action::Route)
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Ask => "ask",
        Action::Drop => "drop",
        Action::Pass => "pass",
        Action::Redirect => "redirect",
        Action::Reply => "reply",
        Action::Route => "route",
    }
}

fn on_exhausted(
    expected: &RouteDocument,
    found: &RouteDocument,
    at: At<'_>,
    report: &mut Report<'_>,
) {
    let pointers = (
        join(at.expected, "on_exhausted"),
        join(at.found, "on_exhausted"),
    );
    match (&expected.on_exhausted, &found.on_exhausted) {
        (Some(expected), Some(found)) => {
            let mut below = report.below();
            let at = At {
                expected: &pointers.0,
                found: &pointers.1,
            };
            compare(expected, found, at, &mut below);
            report.take(below);
        }
        (one, two) => {
            let shown = |document: &Option<Box<RouteDocument>>, at: String| -> Found {
                Some((at, serde_json::to_value(document.as_ref()?).ok()?))
            };
            if one.is_some() || two.is_some() {
                report.differ(
                    "on_exhausted",
                    shown(one, pointers.0),
                    shown(two, pointers.1),
                );
            }
        }
    }
}

fn reply(at: At<'_>, (expected, found): (Option<&Reply>, Option<&Reply>), report: &mut Report<'_>) {
    let pointers = (join(at.expected, "reply"), join(at.found, "reply"));
    let (Some(one), Some(two)) = (expected, found) else {
        let shown = |reply: Option<&Reply>, at: String| -> Found {
            Some((at, serde_json::to_value(reply?).ok()?))
        };
        if expected.is_some() || found.is_some() {
            report.differ(
                "reply",
                shown(expected, pointers.0),
                shown(found, pointers.1),
            );
        }
        return;
    };
    let mut part = |key: &str, same: bool, expected: Option<Value>, found: Option<Value>| {
        if !same {
            let shown = |value: Option<Value>, at: &str| value.map(|value| (join(at, key), value));
            let (expected, found) = (shown(expected, &pointers.0), shown(found, &pointers.1));
            report.differ(&format!("reply.{key}"), expected, found);
        }
    };
    let text = |text: &Option<String>| given(text).map(Value::from);
    part(
        "code",
        one.code == two.code,
        Some(one.code.into()),
        Some(two.code.into()),
    );
    let same = given(&one.reason) == given(&two.reason) || reason(one) == reason(two);
    part("reason", same, text(&one.reason), text(&two.reason));
    part(
        "body",
        given(&one.body) == given(&two.body),
        text(&one.body),
        text(&two.body),
    );
    let types = (given(&one.content_type), given(&two.content_type));
    let same = types.0.map(str::trim) == types.1.map(str::trim);
    part(
        "content_type",
        same,
        text(&one.content_type),
        text(&two.content_type),
    );
    let headers = |reply, at| Values::of_pairs(reply, &join(at, "headers"));
    let found = headers(&two.headers, &pointers.1);
    headers(&one.headers, &pointers.0).compare(&found, "reply.headers", report);
}

/// The standard phrase of the code is as good as none.
fn reason(reply: &Reply) -> Option<&str> {
    let reason = given(&reply.reason).map(str::trim);
    reason.filter(|reason| *reason != standard_reason(reply.code))
}

/// The list of Contacts, in its order.
fn contacts(
    at: At<'_>,
    (expected, found): (&[RedirectContact], &[RedirectContact]),
    report: &mut Report<'_>,
) {
    let spelled = |contact: &RedirectContact| {
        let q = contact.q.map(|q| (q * 1000.0).round());
        format!("{} {q:?}", uri::uri(&contact.uri))
    };
    let differ = |(one, two): (&RedirectContact, &RedirectContact)| spelled(one) != spelled(two);
    let common = expected.len().min(found.len());
    let first = expected.iter().zip(found).position(differ);
    let one_is_longer = (expected.len() != found.len()).then_some(common);
    let Some(first) = first.or(one_is_longer) else {
        return;
    };
    let shown = |list: &[RedirectContact], at: &str| -> Found {
        let at = join(at, "contacts");
        let pointer = if first < common {
            join(&at, &first.to_string())
        } else {
            at
        };
        let rest = list.get(first..).filter(|rest| !rest.is_empty())?;
        let value = if first < common {
            serde_json::to_value(rest.first()?).ok()?
        } else {
            serde_json::to_value(rest).ok()?
        };
        Some((pointer, value))
    };
    report.differ(
        "contacts",
        shown(expected, at.expected),
        shown(found, at.found),
    );
}

/// An object whose keys an application chooses.
type Object<'a> = Option<&'a Map<String, Value>>;

/// Compares objects key by key; an empty one is absent.
fn object(
    field: &str,
    at: At<'_>,
    (expected, found): (Object<'_>, Object<'_>),
    report: &mut Report<'_>,
) {
    let keys = |map: Object<'_>| map.map(|map| map.keys().cloned().collect::<BTreeSet<String>>());
    let (mut all, others) = (keys(expected).unwrap_or_default(), keys(found));
    all.extend(others.unwrap_or_default());
    for key in all {
        let (one, two) = (get(expected, &key), get(found, &key));
        if one.zip(two).is_some_and(|(one, two)| value::same(one, two)) {
            continue;
        }
        let shown =
            |value: Option<&Value>, at: &str| Some((join(&join(at, field), &key), value?.clone()));
        let part = format!("{field}.{key}");
        report.differ_in(field, &part, shown(one, at.expected), shown(two, at.found));
    }
}

fn get<'a>(map: Object<'a>, key: &str) -> Option<&'a Value> {
    map?.get(key)
}

/// A decision that is kept for no time is not kept.
fn useful(cache: &Option<Cache>) -> Option<&Cache> {
    let lasts = |cache: &&Cache| cache.ttl_ms > 0 || cache.stale_if_error_ms.unwrap_or(0) > 0;
    cache.as_ref().filter(lasts)
}

fn cache(at: At<'_>, (expected, found): (Option<&Cache>, Option<&Cache>), report: &mut Report<'_>) {
    let pointers = (join(at.expected, "cache"), join(at.found, "cache"));
    let (Some(one), Some(two)) = (expected, found) else {
        let shown = |cache: Option<&Cache>, at: String| -> Found {
            Some((at, serde_json::to_value(cache?).ok()?))
        };
        if expected.is_some() || found.is_some() {
            report.differ(
                "cache",
                shown(expected, pointers.0),
                shown(found, pointers.1),
            );
        }
        return;
    };
    let mut part = |key: &str, same: bool, expected: Value, found: Value| {
        if !same {
            let expected = (join(&pointers.0, key), expected);
            let found = (join(&pointers.1, key), found);
            report.differ_in(
                "cache",
                &format!("cache.{key}"),
                Some(expected),
                Some(found),
            );
        }
    };
    part(
        "ttl_ms",
        one.ttl_ms == two.ttl_ms,
        one.ttl_ms.into(),
        two.ttl_ms.into(),
    );
    let key = |cache: &Cache| {
        cache
            .key
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    let words = |cache: &Cache| cache.key.iter().map(ToString::to_string).collect();
    part("key", key(one) == key(two), words(one), words(two));
    let stale = |cache: &Cache| cache.stale_if_error_ms.unwrap_or(0);
    part(
        "stale_if_error_ms",
        stale(one) == stale(two),
        stale(one).into(),
        stale(two).into(),
    );
}

/// All kinds when absent.
fn notify(expected: &RouteDocument, found: &RouteDocument, at: At<'_>, report: &mut Report<'_>) {
    let wanted = |document: &RouteDocument| {
        let kinds = document.notify.as_deref().unwrap_or(&CallEventKind::ALL);
        CallEventKind::ALL.map(|kind| kinds.contains(&kind))
    };
    if wanted(expected) == wanted(found) {
        return;
    }
    let shown = |document: &RouteDocument, at: &str| -> Found {
        let kinds = serde_json::to_value(document.notify.as_ref()?).ok()?;
        Some((join(at, "notify"), kinds))
    };
    report.differ(
        "notify",
        shown(expected, at.expected),
        shown(found, at.found),
    );
}
