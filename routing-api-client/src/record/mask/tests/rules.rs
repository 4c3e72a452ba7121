//! Which rules there may be, and which one counts.

use super::*;

fn refused(rules: &[(&str, How)]) -> InvalidMask {
    try_masks(rules).unwrap_err()
}

#[test]
fn the_first_of_two_rules_about_a_place_counts() {
    let record = json!({"tier": "+4930123456"});
    let rules = [("/tier", How::Digits(4)), ("/tier", How::Redact)];
    assert_eq!(masked(&rules, &record)["tier"], "+4930120000");
    let rules = [("/tier", How::Redact), ("/tier", How::Digits(4))];
    assert_eq!(masked(&rules, &record)["tier"], "[masked]");
}

#[test]
fn the_first_counts_however_the_place_is_written() {
    let record = json!({"event": {"request": {"uri": "+4930123456"}}});
    let other = ("/event/request/method", How::Digits(1));
    let star = ("/event/*/uri", How::Redact);
    let named = ("/event/request/uri", How::Digits(4));
    for (rules, wanted) in [
        ([other, star, named], "[masked]"),
        ([star, other, named], "[masked]"),
        ([other, named, star], "+4930120000"),
        ([named, star, other], "+4930120000"),
    ] {
        assert_eq!(
            masked(&rules, &record)["event"]["request"]["uri"],
            wanted,
            "{rules:?}"
        );
    }
}

#[test]
fn the_first_counts_for_a_header_by_two_names() {
    let record = request(&json!([["from", "+4930123456"]]));
    for (first, second) in [("f", "From"), ("FROM", "f")] {
        let [first, second] = [first, second].map(|name| format!("/event/request/headers/{name}"));
        let rules = [(&*first, How::Digits(4)), (&*second, How::Redact)];
        let found = masked(&rules, &record);
        assert_eq!(
            found["event"]["request"]["headers"][0][1], "+4930120000",
            "{first}"
        );
    }
}

#[test]
fn a_pointer_that_points_nowhere_is_refused_with_its_place() {
    let sound = ("/tier", How::Redact);
    for (pointer, wanted) in [
        ("", "begin with a slash"),
        ("tier", "begin with a slash"),
        ("/", "a record has no ``"),
        ("/*", "a record has no `*`"),
        ("/evnt/request", "a record has no `evnt`"),
        ("/type", "a record has no `type`"),
        ("/event//uri", "an empty part"),
        ("/event/request/", "an empty part"),
        ("/event/**/uri", "`**` is unknown"),
    ] {
        let InvalidMask { rule, why } = refused(&[sound, (pointer, How::Redact)]);
        assert!(
            rule == 1 && why.contains(wanted),
            "{pointer}: {rule}, {why}"
        );
    }
}

#[test]
fn a_rule_without_which_no_record_is_read_is_refused_with_its_place() {
    let sound = ("/tier", How::Redact);
    for rule in [
        ("/time_ms", How::Redact),
        ("/time_ms", How::Hash),
        ("/id", How::Redact),
        ("/id", How::Hash),
        ("/event", How::Remove),
        ("/event/request", How::Redact),
        ("/event/request/headers", How::Redact),
        ("/event/request/method", How::Remove),
        ("/event/request/cseq", How::Hash),
        ("/event/source/ip", How::Redact),
        ("/event/source", How::Hash),
        ("/cause", How::Hash),
        ("/latency_us", How::Remove),
        ("/outcome", How::Hash),
        ("/duration_ms", How::Redact),
        ("/duration_ms", How::Remove),
        ("/duration_ms", How::Hash),
    ] {
        let InvalidMask { rule: at, why } = refused(&[sound, rule, sound]);
        assert!(
            at == 1 && why.contains("could not be read"),
            "{rule:?}: {at}, {why}"
        );
    }
}

#[test]
fn rules_that_leave_a_record_are_taken() {
    for rule in [
        ("/time_ms", How::Digits(4)),
        ("/duration_ms", How::Digits(13)),
        ("/event/request/headers/*", How::Redact),
        ("/event/request/headers/*", How::Remove),
        ("/event/request/body", How::Remove),
        ("/event/attempts", How::Remove),
        ("/document", How::Remove),
        ("/outcome", How::Redact),
        ("/document/tags", How::Hash),
    ] {
        assert!(try_masks(&[rule]).is_ok(), "{rule:?}");
    }
}

#[test]
fn the_rules_of_headers_and_numbers_are_sound() {
    let named = CREDENTIALS
        .into_iter()
        .chain(["X-A/~b"])
        .flat_map(header_places);
    let named: Vec<String> = named.collect();
    for how in [How::Digits(4), How::Hash, How::Redact, How::Remove] {
        for pointer in &named {
            assert!(try_masks(&[(pointer, how)]).is_ok(), "{pointer} {how:?}");
        }
    }
    for how in [How::Digits(4), How::Digits(20), How::Hash] {
        for pointer in number_places(how) {
            let taken = try_masks(&[(&pointer, how)]);
            assert!(taken.is_ok(), "{pointer} {how:?}: {taken:?}");
        }
    }
}
