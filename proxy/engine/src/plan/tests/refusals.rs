//! Everything that is refused, where and why.

use serde_json::{Value, json};
use tidegate_schemas::document::{Outcome, RedirectContact, Reply, Route, RouteDocument};
use tidegate_schemas::{DocumentError, lenient};

use super::super::{Scope, compile};
use super::{config, document, invite};

fn refusal(document: &RouteDocument) -> DocumentError {
    match compile(document, &invite(&config())) {
        Ok(decision) => panic!("accepted: {document:?} as {decision:?}"),
        Err(error) => error,
    }
}

#[track_caller]
fn assert_refused(cases: &[(Value, &str, &str)]) {
    for (value, pointer, reason) in cases {
        let error = refusal(&document(value.clone()));
        assert_eq!(error.pointer, *pointer, "{value}: {error}");
        assert!(error.reason.contains(reason), "{value}: {error}");
    }
}

/// One route, the document around it and the place of its fault.
#[track_caller]
fn assert_target_refused(cases: &[(Value, &str, &str)]) {
    let cases: Vec<_> = cases
        .iter()
        .map(|(target, key, reason)| {
            let document = json!({ "routes": [{}, { "routing": "parallel", "routes": [target] }] });
            (document, format!("/routes/1/routes/0{key}"), *reason)
        })
        .collect();
    for (document, pointer, reason) in cases {
        assert_refused(&[(document, &pointer, reason)]);
    }
}

#[test]
fn verbs_without_what_they_need() {
    assert_refused(&[
        (json!({}), "", "neither `action` nor `routes`"),
        (
            json!({ "continue_on": ["486"] }),
            "",
            "neither `action` nor `routes`",
        ),
        (
            json!({ "action": "route" }),
            "/routes",
            "at least one route",
        ),
        (json!({ "action": "reply" }), "/reply", "needs a response"),
        (
            json!({ "action": "redirect" }),
            "/contacts",
            "at least one contact",
        ),
        (
            json!({ "action": "pass" }),
            "/action",
            "no next application",
        ),
        (
            json!({ "action": "ask" }),
            "/action",
            "only stands in `on_exhausted`",
        ),
        (
            json!({ "routes": [{ "routes": [] }] }),
            "/routes/0/routes",
            "at least one route",
        ),
    ]);
}

#[test]
fn verbs_with_what_belongs_to_another() {
    let reply = json!({ "code": 404 });
    let contacts = json!([{ "uri": "sip:a@h" }]);
    assert_refused(&[
        (
            json!({ "action": "reply", "reply": reply, "routes": [{}] }),
            "/routes",
            "action `route`",
        ),
        (
            json!({ "action": "reply", "reply": reply, "contacts": contacts }),
            "/contacts",
            "`redirect`",
        ),
        (
            json!({ "action": "reply", "reply": reply, "on_exhausted": {} }),
            "/on_exhausted",
            "`route`",
        ),
        (
            json!({ "action": "redirect", "contacts": contacts, "routes": [{}] }),
            "/routes",
            "`route`",
        ),
        (
            json!({ "action": "drop", "routes": [{}] }),
            "/routes",
            "action `route`",
        ),
        (
            json!({ "action": "drop", "reply": reply }),
            "/reply",
            "action `reply`",
        ),
        (
            json!({ "action": "route", "routes": [{}], "reply": reply }),
            "/reply",
            "action `reply`",
        ),
        (
            json!({ "routes": [{}], "contacts": contacts }),
            "/contacts",
            "action `redirect`",
        ),
        (
            json!({ "routing": "serial", "reply": reply }),
            "/reply",
            "action `reply`",
        ),
        (
            json!({ "routes": [{}], "on_exhausted": { "action": "ask", "routes": [{}] } }),
            "/on_exhausted/routes",
            "action `route`",
        ),
    ]);
}

#[test]
fn uris_that_can_not_be_used() {
    assert_target_refused(&[
        (json!({ "uri": "102" }), "/uri", "no usable URI"),
        (json!({ "uri": "sip:a b@h" }), "/uri", "no URI may hold"),
        (
            json!({ "uri": "sip:a@h\r\nVia: x" }),
            "/uri",
            "CR, LF and NUL",
        ),
        (
            json!({ "uri": "tel:+4930" }),
            "/uri",
            "without `dst_uri` or `path`",
        ),
        (
            json!({ "uri": "mailto:a@h", "dst_uri": "sip:h" }),
            "/uri",
            "can be called",
        ),
        (
            json!({ "uri": "sip:h;transport=sctp" }),
            "/uri",
            "transport",
        ),
        (json!({ "dst_uri": "tel:+4930" }), "/dst_uri", "next hop"),
        (
            json!({ "dst_uri": "192.0.2.7" }),
            "/dst_uri",
            "no usable URI",
        ),
        (
            json!({ "dst_uri": "sip:h\0" }),
            "/dst_uri",
            "CR, LF and NUL",
        ),
        (json!({ "path": "sip:edge;lr" }), "/path", "no Route value"),
        (
            json!({ "path": "<sip:edge;lr>,<tel:1>" }),
            "/path",
            "next hop",
        ),
        (
            json!({ "path": "<sip:edge;lr>\r\nX: y" }),
            "/path",
            "CR, LF and NUL",
        ),
        (json!({ "path": "<sip:edge>" }), "/path", "has no `lr`"),
        (json!({ "path": " , " }), "/path", "no Route value"),
    ]);
}

#[test]
fn sockets_that_can_not_be_used() {
    assert_target_refused(&[
        (
            json!({ "socket": "udp:192.0.2.9:5060" }),
            "/socket",
            "none of this proxy's sockets",
        ),
        (
            json!({ "socket": "tls:192.0.2.1:5060" }),
            "/socket",
            "none of this proxy's sockets",
        ),
        (
            json!({ "socket": "udp" , "uri": "sip:h" }),
            "/socket",
            "none of this proxy's sockets",
        ),
        (
            json!({ "socket": "udp:192.0.2.1:5060\n" }),
            "/socket",
            "CR, LF and NUL",
        ),
        (
            json!({ "socket": "udp:192.0.2.1:5060", "dst_uri": "sip:h;transport=tcp" }),
            "/socket",
            "can't be reached",
        ),
        (
            json!({ "socket": "udp:192.0.2.1:5060", "path": "<sips:h;lr>" }),
            "/socket",
            "can't be reached",
        ),
        (
            json!({ "socket": "udp:192.0.2.1:5060", "uri": "sips:h" }),
            "/socket",
            "can't be reached",
        ),
    ]);
}

#[test]
fn headers_that_can_not_be_changed() {
    assert_target_refused(&[
        (
            json!({ "headers": { "set": { "Via": "x" } } }),
            "/headers/set/Via",
            "needs it for itself",
        ),
        (
            json!({ "headers": { "set": { "l": "5" } } }),
            "/headers/set/l",
            "leaves the body alone",
        ),
        (
            json!({ "headers": { "set": { "a/b": "5" } } }),
            "/headers/set/a~1b",
            "no header name",
        ),
        (
            json!({ "headers": { "set": { "X": "a\nb" } } }),
            "/headers/set/X",
            "CR, LF and NUL",
        ),
        (
            json!({ "headers": { "set": { "s": "a", "SUBJECT": "b" } } }),
            "/headers/set/s",
            "twice",
        ),
        (
            json!({ "headers": { "append": [["X", "1"], ["f", "x"]] } }),
            "/headers/append/1/0",
            "`from`",
        ),
        (
            json!({ "headers": { "append": [["X", "1\r"]] } }),
            "/headers/append/0/1",
            "CR, LF and NUL",
        ),
        (
            json!({ "headers": { "remove": ["Route"] } }),
            "/headers/remove/0",
            "use `path`",
        ),
        (
            json!({ "headers": { "remove": ["X", "m"] } }),
            "/headers/remove/1",
            "belongs to the caller",
        ),
        (
            json!({ "headers": { "remove": vec!["X"; 65] } }),
            "/headers/remove",
            "more than 64",
        ),
        (
            json!({ "headers": { "extra": "Max-Forwards: 9\r\n" } }),
            "/headers/extra",
            "Max-Forwards",
        ),
        (
            json!({ "headers": { "extra": "X: 1\r\n\r\nbody" } }),
            "/headers/extra",
            "empty line",
        ),
        (
            json!({ "headers": { "extra": "X: 1\r\n Via: 2" } }),
            "/headers/extra",
            "folded",
        ),
        (
            json!({ "headers": { "extra": "X: 1\nY: 2\r\n" } }),
            "/headers/extra",
            "CR, LF and NUL",
        ),
        (
            json!({ "headers": { "extra": "nonsense" } }),
            "/headers/extra",
            "Name: value",
        ),
        (
            json!({ "headers": { "from": { "uri": "102" } } }),
            "/headers/from/uri",
            "no usable URI",
        ),
        (
            json!({ "headers": { "to": { "uri": "sip:a@h?x=y" } } }),
            "/headers/to/uri",
            "no headers",
        ),
        (
            json!({ "headers": { "to": { "display": "a\r\nb" } } }),
            "/headers/to/display",
            "CR, LF and NUL",
        ),
    ]);
}

#[test]
fn replies_that_can_not_be_sent() {
    let cases = [
        (json!({ "code": 200 }), "/code", "from 300 to 699"),
        (
            json!({ "code": 486, "reason": "a\r\nb" }),
            "/reason",
            "CR, LF and NUL",
        ),
        (
            json!({ "code": 486, "body": "x" }),
            "/body",
            "needs `content_type`",
        ),
        (
            json!({ "code": 486, "body": "x", "content_type": "text" }),
            "/content_type",
            "type/subtype",
        ),
        (
            json!({ "code": 486, "content_type": "a/b\r\n" }),
            "/content_type",
            "CR, LF and NUL",
        ),
        (
            json!({ "code": 486, "headers": [["To", "x"]] }),
            "/headers/0/0",
            "the proxy writes it",
        ),
        (
            json!({ "code": 486, "headers": [["X", "x\0"]] }),
            "/headers/0/1",
            "CR, LF and NUL",
        ),
    ];
    for (reply, key, reason) in cases {
        let document = json!({ "action": "reply", "reply": reply });
        assert_refused(&[(document, &format!("/reply{key}"), reason)]);
    }
}

#[test]
fn contacts_that_can_not_be_offered() {
    assert_refused(&[
        (
            json!({ "action": "redirect", "contacts": [{ "uri": "" }] }),
            "/contacts/0/uri",
            "no usable URI",
        ),
        (
            json!({ "action": "redirect", "contacts": [{ "uri": "sip:a@h" }, { "uri": "sip:a@h>" }] }),
            "/contacts/1/uri",
            "no URI may hold",
        ),
        (
            json!({ "action": "redirect", "contacts": vec![json!({ "uri": "sip:a@h" }); 33] }),
            "/contacts",
            "more than 32",
        ),
    ]);
}

/// The strict reader refuses these on its own; a document made elsewhere may still hold them.
#[test]
fn values_that_the_types_allow() {
    let mut word = document(json!({ "routes": [{}, {}] }));
    word.stop_on = Some(vec![
        Outcome("486".to_owned()),
        Outcome("busy\r\n".to_owned()),
    ]);
    assert_eq!(refusal(&word).pointer, "/stop_on/1");
    assert!(
        refusal(&word)
            .reason
            .contains("\"busy\\r\\n\" is no outcome")
    );

    let mut code = document(json!({ "action": "reply" }));
    for value in [0, 199, 700] {
        code.reply = Some(Reply {
            code: value,
            ..Reply::default()
        });
        assert_eq!(refusal(&code).pointer, "/reply/code");
    }

    let mut contact = document(json!({ "action": "redirect" }));
    for q in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        contact.contacts = vec![RedirectContact {
            uri: "sip:a@h".to_owned(),
            q: Some(q),
        }];
        assert_eq!(refusal(&contact).pointer, "/contacts/0/q");
    }
}

#[test]
fn what_is_too_long_or_too_deep() {
    assert_refused(&[
        (
            json!({ "routes": [{ "fr_timer": 86_400_001 }] }),
            "/routes/0/fr_timer",
            "24 hours",
        ),
        (
            json!({ "routes": [{ "fr_inv_timer": 86_400_001 }] }),
            "/routes/0/fr_inv_timer",
            "24 hours",
        ),
        (
            json!({ "routes": [{}], "context": "x".repeat(8193) }),
            "/context",
            "8192 bytes",
        ),
        (
            json!({ "routes": [{}], "tags": { "x": "x".repeat(4096) } }),
            "/tags",
            "4096 bytes",
        ),
        (
            json!({ "routes": vec![json!({}); 33] }),
            "/routes/32",
            "more than 32 targets",
        ),
        (
            json!({ "routes": vec![json!({}); 32], "on_exhausted": { "routes": [{}] } }),
            "/on_exhausted/routes/0",
            "more than 32 targets",
        ),
    ]);
}

#[test]
fn groups_nest_to_the_limit_and_no_deeper() {
    let nested = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({ "routes": [inner] }));
    assert!(compile(&document(nested(8)), &invite(&config())).is_ok());
    let pointer = "/routes/0".repeat(8);
    assert_refused(&[(nested(9), &pointer, "deeper than 8")]);
}

#[test]
fn what_follows_nests_to_the_limit_and_no_deeper() {
    let nested = |depth: usize| {
        let last = json!({ "routes": [{}] });
        (1..depth).fold(
            last,
            |next, _| json!({ "routes": [{}], "on_exhausted": next }),
        )
    };
    assert!(compile(&document(nested(8)), &invite(&config())).is_ok());
    let pointer = "/on_exhausted".repeat(8);
    assert_refused(&[(nested(9), &pointer, "deeper than 8 documents")]);
}

#[test]
fn a_fault_in_what_follows_is_found_at_once() {
    assert_refused(&[(
        json!({ "routes": [{}], "on_exhausted": { "routes": [{ "uri": "x" }] } }),
        "/on_exhausted/routes/0/uri",
        "no usable URI",
    )]);
}

#[test]
fn nobody_is_asked_where_nobody_listens() {
    let document = document(json!({ "routes": [{}], "on_exhausted": { "action": "ask" } }));
    let config = config();
    let scope = Scope {
        may_ask: false,
        ..invite(&config)
    };
    let error = compile(&document, &scope).unwrap_err();
    assert_eq!(error.pointer, "/on_exhausted/action");
    assert!(compile(&document, &invite(&config)).is_ok());
}

/// A route may be nested deeper than any stack: the limit is checked on the way down.
#[test]
fn depth_is_judged_before_it_is_entered() {
    let mut route = Route::Target(Box::default());
    for _ in 0..1000 {
        let mut group = match document(json!({ "routes": [{ "routes": [{}] }] }))
            .routes
            .remove(0)
        {
            Route::Group(group) => group,
            Route::Target(_) => panic!("a group became a target"),
        };
        group.routes = vec![route];
        route = Route::Group(group);
    }
    let deep = RouteDocument {
        routes: vec![route],
        ..RouteDocument::default()
    };
    assert!(refusal(&deep).reason.contains("deeper"));
}

#[test]
fn kamailio_documents_get_the_same_judgement() {
    let text = json!({ "Routing": "serial", "Routes": [{ "URI": "sip:a@h", "Socket": "udp:10.0.0.1:5060" }] });
    let error = refusal(&lenient::document_from_value(&text).unwrap());
    assert_eq!(error.pointer, "/routes/0/socket");
}

#[test]
fn what_could_not_be_honoured_for_the_call() {
    assert_refused(&[
        (
            json!({ "routes": [{}], "max_call_ms": 1000, "record_route": false }),
            "/max_call_ms",
            "record_route",
        ),
        (
            json!({ "action": "reply", "reply": { "code": 404 }, "max_call_ms": 1000 }),
            "/max_call_ms",
            "`route`",
        ),
        (
            json!({ "routes": [{}], "attributes": { "a": 1 } }),
            "/attributes",
            "`pass`",
        ),
        (
            json!({ "routes": [{}], "location": "users" }),
            "/location",
            "reserved",
        ),
        (
            json!({ "routes": [{}], "cache": { "ttl_ms": 1000, "key": [] } }),
            "/cache/key",
            "at least one",
        ),
    ]);
}
