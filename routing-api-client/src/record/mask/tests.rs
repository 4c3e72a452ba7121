//! What of a record is written, and what is not.

mod escapes;
mod headers;
mod hows;
mod rules;

use serde_json::{Value, json};

use super::*;

const KEY: &str = "a key of some length";

/// The line as it is written.
fn apply(masks: &Masks, line: impl AsRef<[u8]>) -> Option<String> {
    let line = masks.apply(&Bytes::copy_from_slice(line.as_ref()))?;
    Some(String::from_utf8(line.to_vec()).unwrap())
}

fn try_masks(rules: &[(&str, How)]) -> Result<Masks, InvalidMask> {
    let rules = rules.iter().map(|&(pointer, how)| MaskRule {
        pointer: pointer.to_owned(),
        how,
    });
    Masks::new(&rules.collect::<Vec<_>>(), true, KEY)
}

fn masks(rules: &[(&str, How)]) -> Masks {
    try_masks(rules).unwrap()
}

/// A record with these rules and the one for credentials.
fn masked(rules: &[(&str, How)], record: &Value) -> Value {
    let line = apply(&masks(rules), record.to_string()).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// What becomes of one value, wherever it stands.
fn one(how: How, value: impl Into<Value>) -> Value {
    let record = json!({"event": {"attributes": {"a": value.into()}}});
    masked(&[("/event/attributes/a", how)], &record)["event"]["attributes"]["a"].take()
}

/// A request with these headers.
fn request(headers: &Value) -> Value {
    json!({"event": {"request": {"headers": headers}}})
}

#[test]
fn without_rules_a_line_is_written_byte_for_byte() {
    let line = r#"{"type" : "consultation", "a":1.50, "b":"ä\/\r\n", "a":1}"#;
    assert_eq!(apply(&masks(&[]), line).as_deref(), Some(line));
}

#[test]
fn what_no_rule_is_about_is_written_byte_for_byte() {
    let rules = [("/event/request/from/uri", How::Redact)];
    let line = r#"{"event":{"x":"\u00e4\/","y":1.50,"request":{"from":{"uri":"a"},"z":[1e2,{}]}}}"#;
    let wanted = line.replace(
        r#""a"},"z":[1e2,{}]}}}"#,
        r#""[masked]"},"z":[1e2,{}]}},"masked":["/event/request/from/uri"]}"#,
    );
    assert_eq!(apply(&masks(&rules), line), Some(wanted));
}

#[test]
fn the_record_says_what_was_masked_and_only_that() {
    let rules = [
        ("/event/attributes/*", How::Digits(4)),
        ("/tier", How::Redact),
    ];
    let record = json!({
        "event": {"attributes": {"a/b~c": "+4930123456", "short": "201"}}, "tier": "core",
    });
    let found = masked(&rules, &record);
    assert_eq!(
        found["masked"],
        json!(["/event/attributes/a~1b~0c", "/tier"])
    );
    let nothing = json!({"event": {"attributes": {"short": "201"}}});
    assert_eq!(masked(&rules[..1], &nothing), nothing);
}

#[test]
fn a_line_that_is_no_object_of_json_is_not_written() {
    let masks = masks(&[("/tier", How::Redact)]);
    for line in [
        "",
        "{",
        "[]",
        "\"a\"",
        "null",
        "{} {}",
        "{\"tier\":}",
        "{\"tier\":\"a\"",
        "{\"tier\" \"a\"}",
        "{\"tier\":\"a\",}",
        "{'tier':'a'}",
        "{\"tier\":\"a\nb\"}",
    ] {
        assert_eq!(apply(&masks, line), None, "{line}");
    }
    assert_eq!(apply(&masks, b"{\"tier\":\"\xff\"}"), None);
}
