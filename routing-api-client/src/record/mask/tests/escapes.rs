//! One text has many forms in JSON (RFC 8259 section 7); a rule holds for all of them.

use super::*;

fn applied(rules: &[(&str, How)], line: &str) -> Value {
    let line = apply(&masks(rules), line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn an_escaped_name_does_not_uncover_credentials() {
    for name in [
        r"\u0041uthorization",
        r"A\u0075thorization",
        r"Authori\u007aation",
        r"Authori\u005Aation",
        r"Proxy\u002dAuthorization",
        r"\u0050roxy-Authorization",
    ] {
        let line = format!(
            r#"{{"event":{{"request":{{"headers":[["{name}","s3cret"]]}}}},
            "document":{{"routes":[{{"headers":{{"set":{{"{name}":"s3cret"}},
            "extra":"{name}: s3cret\r\n"}}}}]}}}}"#
        );
        let found = apply(&masks(&[]), &line).unwrap();
        assert!(!found.contains("s3cret"), "{found}");
    }
}

#[test]
fn an_escaped_key_does_not_slip_past_a_rule() {
    let rules = [("/event/request/from/uri", How::Redact)];
    let line = r#"{"\u0065vent":{"request":{"\u0066rom":{"ur\u0069":"sip:a@b"}}}}"#;
    let found = applied(&rules, line);
    assert_eq!(found["event"]["request"]["from"]["uri"], "[masked]");
}

#[test]
fn escaped_digits_are_digits() {
    let line = r#"{"tier":"\u002b\u0034930123\u0034\u0035\u0036"}"#;
    assert_eq!(
        applied(&[("/tier", How::Digits(4))], line)["tier"],
        "+4930120000"
    );
    let hashed = applied(&[("/tier", How::Hash)], line)["tier"].take();
    assert_eq!(
        hashed,
        applied(&[("/tier", How::Hash)], r#"{"tier":"+4930123456"}"#)["tier"]
    );
}

#[test]
fn an_escaped_line_break_ends_a_header_line() {
    let line = r#"{"document":{"routes":[{"headers":{"extra":"X: 1\u000d\u000aAuthorization: s3cret\u000D\u000AY: 2"}}]}}"#;
    let found = applied(&[], line);
    assert_eq!(
        found["document"]["routes"][0]["headers"]["extra"],
        "X: 1\r\nAuthorization: [masked]\r\nY: 2"
    );
}

#[test]
fn letters_of_two_escapes_survive() {
    let line = r#"{"tier":"\ud83d\ude00 +4930123456 \"\\\u0000"}"#;
    let found = applied(&[("/tier", How::Digits(4))], line);
    assert_eq!(found["tier"], "😀 +4930120000 \"\\\0");
}

#[test]
fn half_of_such_a_letter_is_no_text() {
    for half in [r"\ud83d", r"\ude00", r"\ud83d\u0041", r"\ude00\ud83d"] {
        let line = format!(r#"{{"tier":"{half}4930123456"}}"#);
        assert_eq!(
            apply(&masks(&[("/tier", How::Digits(4))]), &line),
            None,
            "{half}"
        );
        let line = format!(r#"{{"event":{{"{half}":1}}}}"#);
        assert_eq!(
            apply(&masks(&[("/event/step", How::Redact)]), &line),
            None,
            "{half}"
        );
    }
}

#[test]
fn each_of_several_equal_keys_is_masked() {
    let line = r#"{"tier":"one","t\u0069er":"two","tier":"three"}"#;
    let found = apply(&masks(&[("/tier", How::Redact)]), line).unwrap();
    let wanted = r#"{"tier":"[masked]","tier":"[masked]","tier":"[masked]","masked":["/tier","/tier","/tier"]}"#;
    assert_eq!(found, wanted);
}
