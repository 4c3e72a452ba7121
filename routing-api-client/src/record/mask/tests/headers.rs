//! Headers are called by their names, wherever and however they stand.

use super::*;

#[test]
fn credentials_are_masked_unless_they_are_wanted() {
    let record = request(&json!([
        ["Authorization", "Digest username=\"a\""],
        ["PROXY-AUTHORIZATION", "Digest response=\"b\""],
        ["WWW-Authenticate", "Digest nonce=\"c\""],
    ]));
    let wanted = json!([
        ["Authorization", "[masked]"],
        ["PROXY-AUTHORIZATION", "[masked]"],
        ["WWW-Authenticate", "Digest nonce=\"c\""],
    ]);
    let found = masked(&[], &record);
    assert_eq!(found["event"]["request"]["headers"], wanted);
    assert_eq!(
        found["masked"],
        json!(["/event/request/headers/0/1", "/event/request/headers/1/1"])
    );
    let wanted = record.to_string();
    assert_eq!(
        apply(&Masks::new(&[], false, "").unwrap(), &wanted),
        Some(wanted)
    );
}

#[test]
fn credentials_are_masked_where_a_document_sets_them() {
    let secret = "Digest response=s3cret";
    let set = json!({
        "set": {"authorization": secret}, "append": [["Proxy-Authorization", secret]],
        "extra": format!("X-A: 1\r\nAuthorization \t:  {secret}\r\nX-B: 2\r\n"),
    });
    let reply = json!({"reply": {"headers": [["Authorization", secret]]}});
    let record = json!({"document": {
        "routes": [{"headers": set}, {"routes": [{"routes": [{"headers": set}]}]}],
        "on_exhausted": {"routes": [{"headers": set}], "on_exhausted": reply},
    }});
    let found = masked(&[], &record);
    assert!(!found.to_string().contains("s3cret"), "{found}");
    assert_eq!(
        found["document"]["routes"][0]["headers"]["extra"],
        "X-A: 1\r\nAuthorization: [masked]\r\nX-B: 2\r\n"
    );
    assert_eq!(found["masked"].as_array().unwrap().len(), 10);
}

#[test]
fn a_header_is_called_by_any_of_its_names() {
    let rules = [("/event/request/headers/From", How::Redact)];
    let record = request(&json!([
        ["f", "a"],
        ["FROM", "b"],
        ["From", "c"],
        ["For", "d"]
    ]));
    let wanted = json!([
        ["f", "[masked]"],
        ["FROM", "[masked]"],
        ["From", "[masked]"],
        ["For", "d"]
    ]);
    assert_eq!(
        masked(&rules, &record)["event"]["request"]["headers"],
        wanted
    );
    let rules = [("/event/request/headers/f", How::Redact)];
    assert_eq!(
        masked(&rules, &record)["event"]["request"]["headers"],
        wanted
    );
}

#[test]
fn a_header_is_removed_with_its_name() {
    let rules = [
        ("/event/request/headers/X-A", How::Remove),
        ("/document/routes/*/headers/set/X-A", How::Remove),
        ("/document/routes/*/headers/extra/X-A", How::Remove),
    ];
    let mut record = request(&json!([["X-A", "a"], ["X-B", "b"], ["x-a", "c"]]));
    let headers = json!({"set": {"X-A": "a", "X-B": "b"}, "extra": "X-B: b\r\nX-A: a\r\n"});
    record["document"] = json!({"routes": [{"headers": headers}]});
    let found = masked(&rules, &record);
    assert_eq!(found["event"]["request"]["headers"], json!([["X-B", "b"]]));
    let wanted = json!({"set": {"X-B": "b"}, "extra": "X-B: b\r\n"});
    assert_eq!(found["document"]["routes"][0]["headers"], wanted);
}

#[test]
fn a_star_is_the_values_of_all_headers_but_of_those_named_earlier() {
    let record = request(&json!([
        ["X-A", "+4930123456"],
        ["X-B", "+4930123456"],
        ["X-4930123456", "a"],
    ]));
    for (how, wanted) in [
        (
            How::Redact,
            json!([["X-B", "[masked]"], ["X-4930123456", "[masked]"]]),
        ),
        (
            How::Digits(4),
            json!([["X-B", "+4930120000"], ["X-4930123456", "a"]]),
        ),
        (How::Remove, json!([])),
    ] {
        let rules = [
            ("/event/request/headers/X-A", How::Remove),
            ("/event/request/headers/*", how),
        ];
        assert_eq!(
            masked(&rules, &record)["event"]["request"]["headers"],
            wanted,
            "{how:?}"
        );
    }
}

#[test]
fn no_rule_about_all_headers_uncovers_credentials() {
    let secret = "Digest username=\"+4930123456\", response=\"s3cret\"";
    let headers = json!({
        "set": {"Authorization": secret}, "append": [["Authorization", secret]],
        "extra": format!("Authorization: {secret}\r\n"),
    });
    let mut record = request(&json!([["Authorization", secret]]));
    record["document"] = json!({"routes": [{"headers": headers}]});
    for pointer in [
        "/event",
        "/event/request/headers",
        "/event/request/headers/*",
        "/event/request/headers/0",
        "/event/request/headers/*/1",
        "/event/request/headers/Authorization",
        "/document/routes/*/headers/set/*",
        "/document/routes/*/headers/append/*",
        "/document/routes/*/headers/append/*/1",
        "/document/routes/*/headers/extra",
        "/document/routes/*/headers/extra/*",
        "/document",
    ] {
        for how in [How::Digits(4), How::Hash] {
            let Ok(masks) = try_masks(&[(pointer, how)]) else {
                continue;
            };
            let line = apply(&masks, record.to_string()).unwrap();
            assert!(!line.contains("s3cret"), "{pointer}: {line}");
            assert_eq!(line.matches("[masked]").count(), 4, "{pointer}: {line}");
        }
    }
}

#[test]
fn header_lines_in_one_text_are_masked_each_by_its_own_rule() {
    let rules = [
        ("/document/routes/*/headers/extra/X-A", How::Redact),
        ("/document/routes/*/headers/extra", How::Digits(4)),
    ];
    let record = |extra: &str| json!({"document": {"routes": [{"headers": {"extra": extra}}]}});
    let found = masked(&rules, &record("X-A: one\r\nX-B: +4930123456\r\nx-a:two"));
    assert_eq!(
        found["document"]["routes"][0]["headers"]["extra"],
        "X-A: [masked]\r\nX-B: +4930120000\r\nx-a: [masked]\r\n"
    );
    assert_eq!(found["masked"], json!(["/document/routes/0/headers/extra"]));
}

#[test]
fn a_rule_about_a_header_is_none_about_other_places_of_that_name() {
    let record = json!({"event": {"attributes": {"From": "a"}, "request": {"from": {"uri": "b"}}}});
    assert_eq!(
        masked(&[("/event/request/headers/From", How::Redact)], &record),
        record
    );
}
