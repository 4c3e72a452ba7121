//! What becomes of a value, by the way in which it is masked.

use super::*;

#[test]
fn digits_keep_the_prefix_by_which_a_number_is_routed() {
    for (value, wanted) in [
        ("+4930123456", "+4930120000"),
        (
            "tel:+1-201-555-0123;phone-context=+1",
            "tel:+1-201-555-0000;phone-context=+1",
        ),
        (
            "sip:+4930123456@192.0.2.20:15060;user=phone",
            "sip:+4930120000@192.0.2.20:15060;user=phone",
        ),
        (
            "\"030 123456\" <sip:030123456@a.example>;tag=a",
            "\"030 120000\" <sip:030120000@a.example>;tag=a",
        ),
        ("sip:201@example.com", "sip:201@example.com"),
        ("Alice", "Alice"),
        ("", ""),
    ] {
        assert_eq!(one(How::Digits(4), value), wanted);
    }
    assert_eq!(one(How::Digits(99), "+49 30 123456"), "+00 00 000000");
}

#[test]
fn a_hash_leaves_of_a_uri_all_but_its_number() {
    let Value::String(word) = one(How::Hash, "4930123456") else {
        panic!("it is no text any more");
    };
    assert!(
        word.bytes().all(|letter| letter.is_ascii_lowercase()),
        "{word}"
    );
    for (value, wanted) in [
        (
            "sip:+4930123456@192.0.2.20:5060",
            format!("sip:+{word}@192.0.2.20:5060"),
        ),
        ("tel:+49-30-123456", format!("tel:+{word}")),
        (
            "\"+49 (30) 123456\" <sip:a@b>",
            format!("\"+{word}\" <sip:a@b>"),
        ),
    ] {
        assert_eq!(one(How::Hash, value), wanted);
    }
    assert_ne!(one(How::Hash, "4930123457"), word);
}

#[test]
fn another_key_gives_another_word() {
    let rules = [MaskRule {
        pointer: "/tier".to_owned(),
        how: How::Hash,
    }];
    let word = |key| {
        let masks = Masks::new(&rules, true, key).unwrap();
        apply(&masks, r#"{"tier":"4930123456"}"#).unwrap()
    };
    assert_eq!(word("one"), word("one"));
    assert_ne!(word("one"), word("two"));
}

#[test]
fn what_is_no_number_is_hashed_as_a_whole() {
    for value in [json!("Alice"), json!("201"), json!(201), json!(-1.5)] {
        let hashed = one(How::Hash, value.clone());
        assert!(
            hashed.as_str().is_some_and(|word| word.len() == 16),
            "{value}: {hashed}"
        );
    }
}

#[test]
fn a_number_of_json_stays_one_when_its_digits_go() {
    for (value, wanted) in [
        (json!(4_930_123_456_u64), json!(4_930_120_000_u64)),
        (json!(-12345), json!(-10000)),
        (json!(201), json!(201)),
    ] {
        assert_eq!(one(How::Digits(4), value), wanted);
    }
    assert_eq!(one(How::Digits(9), json!(123_456)), json!(0));
    assert_eq!(one(How::Digits(9), json!(-123_456)), json!(0));
}

#[test]
fn redacted_is_the_whole_whatever_it_is() {
    assert_eq!(one(How::Redact, "sip:alice@example.com"), "[masked]");
    for value in [
        json!(201),
        json!(true),
        json!({"number": "+4930123456"}),
        json!(["a"]),
    ] {
        assert_eq!(one(How::Redact, value), Value::Null);
    }
}

#[test]
fn removed_is_the_whole_with_its_name() {
    let rules = [
        ("/event/attributes/*", How::Remove),
        ("/event/request/from/display", How::Remove),
    ];
    let record = json!({
        "event": {"attributes": {"a": 1, "b": {"c": "d"}}, "request": {"from": {"display": "A", "uri": "a"}}},
    });
    let wanted = json!({
        "event": {"attributes": {}, "request": {"from": {"uri": "a"}}},
        "masked": ["/event/attributes/a", "/event/attributes/b", "/event/request/from/display"],
    });
    assert_eq!(masked(&rules, &record), wanted);
}

#[test]
fn numbers_are_masked_in_all_that_is_inside_names_included() {
    let value = json!({"+4930123456": ["x", {"n": 4_930_123_456_u64}, null, "sip:+4930123456@a"]});
    let wanted = json!({"+4930120000": ["x", {"n": 4_930_120_000_u64}, null, "sip:+4930120000@a"]});
    assert_eq!(one(How::Digits(4), value.clone()), wanted);
    let hashed = one(How::Hash, value).to_string();
    assert!(
        !hashed.contains("3012") && hashed.contains("\"x\""),
        "{hashed}"
    );
}

#[test]
fn the_preset_leaves_no_number_of_anybody() {
    let uri = "sip:+4930123456@a.example";
    let headers = json!([
        ["f", uri],
        ["P-Asserted-Identity", "<tel:+49-30-123456>"],
        ["Subject", "030123456"]
    ]);
    let target = json!({"uri": uri, "headers": {"set": {"X-A": uri}, "append": [["X-B", uri]], "extra": format!("X-C: {uri}\r\n")}});
    let record = json!({
        "event": {
            "request": {"uri": uri, "from": {"display": "030 123456", "uri": uri}, "headers": headers,
                "contact": uri, "body": format!("a={uri}")},
            "attempts": [{"target": uri, "contacts": [{"uri": uri}]}],
            "attributes": {"account": [4_930_123_456_u64]},
        },
        "document": {
            "routes": [target, {"routes": [target, {"routes": [target]}]}],
            "on_exhausted": {"routes": [target], "on_exhausted": {"reply": {"headers": [["X-D", uri]]}}},
        },
        "outcome": {"target": uri},
    });
    let rules = number_places(How::Digits(4)).into_iter();
    let rules: Vec<_> = rules
        .map(|pointer| MaskRule {
            pointer,
            how: How::Digits(4),
        })
        .collect();
    let masks = Masks::new(&rules, true, "").unwrap();
    let line = apply(&masks, record.to_string()).unwrap();
    assert!(!line.contains("3456"), "{line}");
    let found: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(found["masked"].as_array().unwrap().len(), 29, "{line}");
}
