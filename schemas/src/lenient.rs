//! Reading documents with the habits of rtjson, for applications that were written for Kamailio.
//!
//! Keys are matched without regard to case and the first of several wins; empty strings are absent;
//! numbers may be strings, their fractions are cut; a timer of 0 is absent; `"routing": "none"`
//! is a plan without routes; `version` is not read, nor is an `id` that is not one of the proxy's. All else
//! is as strict as [`RouteDocument::from_json`], and pointers have the keys as the contract spells
//! them.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::document::{DocumentError, RouteDocument};
use crate::id::ConsultationId;
use crate::loose::Loose;
use crate::parse;

/// Reads a route document as rtjson would.
///
/// # Errors
/// The first value that can't be understood even so.
pub fn document_from_json(json: &[u8]) -> Result<RouteDocument, DocumentError> {
    let loose: Loose<'_> = parse::from_slice_any(json)?;
    document(loose)
}

/// Reads a route document that stands in a larger answer.
///
/// # Errors
/// The first value that can't be understood even so; the pointer begins at `value`.
pub fn document_from_value(value: &Value) -> Result<RouteDocument, DocumentError> {
    document(Loose::from(value))
}

fn document(mut loose: Loose<'_>) -> Result<RouteDocument, DocumentError> {
    tidy(&mut loose, Shape::Document);
    parse::from_loose(&loose)
}

/// What a key holds, as far as its habits differ.
#[derive(Clone, Copy)]
enum Shape {
    AsIs,
    Document,
    Id,
    Number,
    Object(&'static [(&'static str, Self)]),
    Objects(&'static [(&'static str, Self)]),
    Routes,
    Timer,
    Words,
}

const DOCUMENT: &[(&str, Shape)] = &[
    ("id", Shape::Id),
    ("action", Shape::AsIs),
    ("routing", Shape::AsIs),
    ("routes", Shape::Routes),
    ("continue_on", Shape::Words),
    ("stop_on", Shape::Words),
    ("ask_on", Shape::Words),
    ("on_redirect", Shape::AsIs),
    ("on_exhausted", Shape::Document),
    ("reply", Shape::Object(REPLY)),
    ("contacts", Shape::Objects(CONTACT)),
    ("context", Shape::AsIs),
    ("tags", Shape::AsIs),
    ("record_route", Shape::AsIs),
    ("attributes", Shape::AsIs),
    ("cache", Shape::Object(CACHE)),
    ("notify", Shape::AsIs),
    ("max_call_ms", Shape::Timer),
    ("location", Shape::AsIs),
];

const ROUTE: &[(&str, Shape)] = &[
    ("uri", Shape::AsIs),
    ("dst_uri", Shape::AsIs),
    ("path", Shape::AsIs),
    ("socket", Shape::AsIs),
    ("headers", Shape::Object(HEADERS)),
    ("branch_flags", Shape::Number),
    ("fr_timer", Shape::Timer),
    ("fr_inv_timer", Shape::Timer),
    ("routing", Shape::AsIs),
    ("routes", Shape::Routes),
    ("continue_on", Shape::Words),
    ("stop_on", Shape::Words),
    ("ask_on", Shape::Words),
];

const HEADERS: &[(&str, Shape)] = &[
    ("from", Shape::Object(IDENTITY)),
    ("to", Shape::Object(IDENTITY)),
    ("extra", Shape::AsIs),
    ("set", Shape::AsIs),
    ("append", Shape::AsIs),
    ("remove", Shape::AsIs),
];

const IDENTITY: &[(&str, Shape)] = &[("display", Shape::AsIs), ("uri", Shape::AsIs)];

const REPLY: &[(&str, Shape)] = &[
    ("code", Shape::Number),
    ("reason", Shape::AsIs),
    ("headers", Shape::AsIs),
    ("body", Shape::AsIs),
    ("content_type", Shape::AsIs),
];

const CACHE: &[(&str, Shape)] = &[
    ("ttl_ms", Shape::Number),
    ("key", Shape::AsIs),
    ("stale_if_error_ms", Shape::Number),
];

const CONTACT: &[(&str, Shape)] = &[("uri", Shape::AsIs), ("q", Shape::AsIs)];

/// Brings a value into the form that strict reading takes, or leaves it for that to refuse.
fn tidy(value: &mut Loose<'_>, shape: Shape) {
    if matches!(value, Loose::Text(text) if text.is_empty()) {
        *value = Loose::Null;
    }
    match (shape, value) {
        (Shape::Document, Loose::Object(entries)) => tidy_document(entries),
        (Shape::Id, value) => drop_foreign_id(value),
        (Shape::Number, value) => tidy_number(value),
        (Shape::Object(keys), Loose::Object(entries)) => tidy_keys(entries, keys),
        (Shape::Objects(keys), Loose::Array(items)) => tidy_each(items, Shape::Object(keys)),
        (Shape::Routes, Loose::Array(items)) => tidy_each(items, Shape::Object(ROUTE)),
        (Shape::Timer, value) => tidy_timer(value),
        (Shape::Words, Loose::Array(items)) => items.iter_mut().for_each(number_to_word),
        _ => {}
    }
}

fn tidy_each(items: &mut [Loose<'_>], shape: Shape) {
    for item in items {
        tidy(item, shape);
    }
}

fn tidy_document(entries: &mut Vec<(Cow<'_, str>, Loose<'_>)>) {
    tidy_keys(entries, DOCUMENT);
    let none = |(key, value): &(Cow<'_, str>, Loose<'_>)| {
        key == "routing" && matches!(value, Loose::Text(word) if word == "none")
    };
    if entries.iter().any(none) {
        entries.retain(|(key, _)| key != "routing" && key != "routes");
        entries.push((
            Cow::Borrowed("routing"),
            Loose::Text(Cow::Borrowed("serial")),
        ));
    }
}

fn tidy_keys(entries: &mut Vec<(Cow<'_, str>, Loose<'_>)>, keys: &[(&'static str, Shape)]) {
    let mut tidied = Vec::with_capacity(entries.len().min(keys.len()));
    for (name, shape) in keys {
        let found = entries
            .iter_mut()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        if let Some((_, value)) = found {
            tidy(value, *shape);
            tidied.push((Cow::Borrowed(*name), std::mem::take(value)));
        }
    }
    *entries = tidied;
}

fn drop_foreign_id(value: &mut Loose<'_>) {
    let ours = matches!(value, Loose::Text(text) if text.parse::<ConsultationId>().is_ok());
    if !ours {
        *value = Loose::Null;
    }
}

fn tidy_timer(value: &mut Loose<'_>) {
    tidy_number(value);
    if matches!(value, Loose::Number(number) if number.as_u64() == Some(0)) {
        *value = Loose::Null;
    }
}

fn tidy_number(value: &mut Loose<'_>) {
    let number = match value {
        Loose::Number(number) => number.as_f64(),
        Loose::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    if let Some(number) = number.and_then(cut_fraction) {
        *value = Loose::Number(Number::from(number));
    }
}

fn cut_fraction(number: f64) -> Option<u32> {
    let whole = number.trunc();
    let fits = (0.0..=f64::from(u32::MAX)).contains(&whole);
    fits.then_some(whole as u32)
}

fn number_to_word(value: &mut Loose<'_>) {
    if let Loose::Number(number) = value {
        *value = Loose::Text(Cow::Owned(number.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::document::{Outcome, Route, Routing, Target};

    fn read(value: &Value) -> RouteDocument {
        document_from_value(value).unwrap()
    }

    fn first_target(document: &RouteDocument) -> &Target {
        match document.routes.first() {
            Some(Route::Target(target)) => target,
            other => panic!("no target: {other:?}"),
        }
    }

    #[test]
    fn keys_match_without_case_and_the_first_wins() {
        let json = br#"{"ROUTES":[{"Uri":"sip:a@x","URI":"sip:b@x","uri":"sip:c@x"}],
                        "routes":[],"Routing":"parallel"}"#;
        let document = document_from_json(json).unwrap();
        assert_eq!(first_target(&document).uri.as_deref(), Some("sip:a@x"));
        assert_eq!(document.routing, Some(Routing::Parallel));
    }

    #[test]
    fn empty_strings_are_absent() {
        let document = read(&json!({"routes": [{
            "uri": "", "dst_uri": "sip:h", "path": "", "socket": "", "fr_timer": "",
            "headers": {"from": {"display": "", "uri": ""}, "to": "", "extra": ""},
        }]}));
        let target = first_target(&document);
        assert_eq!(target.dst_uri.as_deref(), Some("sip:h"));
        assert_eq!(
            (&target.uri, &target.path, &target.socket),
            (&None, &None, &None)
        );
        let headers = target.headers.as_ref().unwrap();
        assert_eq!(headers.from.as_ref().unwrap().display, None);
        assert_eq!((&headers.to, &headers.extra), (&None, &None));
    }

    #[test]
    fn numbers_may_be_strings_and_lose_their_fraction() {
        let document = read(&json!({
            "routes": [{"fr_timer": "5000", "fr_inv_timer": 30000.9, "branch_flags": " 8 "}],
            "continue_on": [408, "5xx"],
            "reply": {"code": "404"},
        }));
        let target = first_target(&document);
        assert_eq!(target.fr_timer, Some(5000));
        assert_eq!(target.fr_inv_timer, Some(30000));
        assert_eq!(target.branch_flags, Some(8));
        let words = ["408", "5xx"].map(|word| Outcome(word.to_owned()));
        assert_eq!(document.continue_on.as_deref(), Some(words.as_slice()));
        assert_eq!(document.reply.map(|reply| reply.code), Some(404));
    }

    #[test]
    fn timers_of_zero_are_absent() {
        let document = read(&json!({"routes": [{"fr_timer": 0, "fr_inv_timer": "0.4"}]}));
        let target = first_target(&document);
        assert_eq!((target.fr_timer, target.fr_inv_timer), (None, None));
    }

    #[test]
    fn routing_none_means_no_routes() {
        let document = read(&json!({"version": "1.0", "routing": "none", "routes": [{}]}));
        let empty = RouteDocument {
            routing: Some(Routing::Serial),
            ..RouteDocument::default()
        };
        assert_eq!(document, empty);
    }

    #[test]
    fn what_belongs_to_the_application_is_not_read() {
        let document = read(&json!({
            "version": 1.0, "id": 42, "success": true, "xtra": {"tindex": 1},
            "routes": [{"uri": "sip:a@x", "note": null}],
        }));
        assert_eq!(first_target(&document).uri.as_deref(), Some("sip:a@x"));
        assert_eq!(document.id, None);
    }

    #[test]
    fn groups_and_the_document_behind_are_read_with_the_same_habits() {
        let document = read(&json!({
            "routes": [{"Routing": "parallel", "Routes": [{"FR_TIMER": "10"}]}],
            "on_exhausted": {"ACTION": "ask"},
        }));
        let Some(Route::Group(group)) = document.routes.first() else {
            panic!("no group: {document:?}");
        };
        assert_eq!(group.routing, Some(Routing::Parallel));
        assert!(
            document
                .on_exhausted
                .is_some_and(|next| next.action.is_some())
        );
    }

    #[test]
    fn what_can_not_be_understood_is_refused_with_a_pointer() {
        for (value, pointer) in [
            (json!([]), ""),
            (json!({"routing": "random"}), "/routing"),
            (json!({"routes": {}}), "/routes"),
            (
                json!({"Routes": [{"uri": "sip:a@x"}, {"FR_timer": "soon"}]}),
                "/routes/1/fr_timer",
            ),
            (json!({"routes": [{"fr_timer": -1}]}), "/routes/0/fr_timer"),
            (
                json!({"routes": [{"routes": [], "uri": "sip:a@x"}]}),
                "/routes/0/uri",
            ),
            (
                json!({"routes": [{"headers": {"to": {"uri": 1}}}]}),
                "/routes/0/headers/to/uri",
            ),
        ] {
            let error = document_from_value(&value).unwrap_err();
            assert_eq!(error.pointer, pointer, "{value}: {error}");
        }
    }

    #[test]
    fn junk_behind_the_document_is_refused() {
        let error = document_from_json(b"{\"routes\":[]} x").unwrap_err();
        assert!(error.reason.contains("trailing"), "{error}");
    }

    #[test]
    fn a_document_of_endless_depth_is_refused() {
        let deep = "{\"on_exhausted\":".repeat(100_000);
        assert!(document_from_json(deep.as_bytes()).is_err());
    }

    #[test]
    fn loose_values_read_like_strict_ones() {
        let value = json!({"tags": {"a": [1, -2, 0.5, true, null, "x", {"b": {}}]}});
        assert_eq!(Value::deserialize(&Loose::from(&value)).unwrap(), value);
    }
}
