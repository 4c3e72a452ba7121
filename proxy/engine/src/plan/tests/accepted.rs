//! What a document turns into.

use serde_json::json;
use tidegate_schemas::lenient;

use super::super::{Decision, HeaderValue, TargetId};
use super::{decide, plan};

fn pair(name: &str, value: &str) -> HeaderValue {
    (name.into(), value.into())
}

#[test]
fn every_key_of_a_target_arrives() {
    let plan = plan(json!({
        "routing": "serial", "context": "c", "record_route": false, "tags": { "b": 1, "a": "x" },
        "routes": [{
            "uri": "sip:102@example.com;method=BYE?Subject=x",
            "dst_uri": "sip:192.0.2.7:5060;transport=tcp",
            "path": "<sip:edge;lr>,<sip:core;lr>",
            "socket": "tcp:192.0.2.1:5060",
            "headers": {
                "from": { "display": "A \"B\"", "uri": "sip:a@example.com" },
                "to": { "display": "", "uri": "tel:+4930" },
                "extra": "X-A:b\r\nX-C: d",
                "set": { "P-Asserted-Identity": " <sip:a@example.com> " },
                "append": [["X-B", "c"], ["X-B", "d"]],
                "remove": ["X-Secret", "s"]
            },
            "branch_flags": 8, "fr_timer": 5000, "fr_inv_timer": 30000
        }]
    }));
    assert_eq!(plan.context.as_deref(), Some("c"));
    assert_eq!(plan.record_route, Some(false));
    assert_eq!(plan.labels.tags.as_deref(), Some(r#"{"a":"x","b":1}"#));
    let target = plan.target(TargetId(0));
    assert_eq!(target.uri.as_deref(), Some(&b"sip:102@example.com"[..]));
    assert_eq!(
        target.dst_uri.as_deref(),
        Some(&b"sip:192.0.2.7:5060;transport=tcp"[..])
    );
    assert_eq!(
        target.path.as_deref(),
        Some(&b"<sip:edge;lr>, <sip:core;lr>"[..])
    );
    assert_eq!(target.socket, Some(1));
    assert_eq!(
        (target.branch_flags, target.fr_timer, target.fr_inv_timer),
        (Some(8), Some(5000), Some(30_000))
    );
    let headers = target.headers.as_ref().unwrap();
    let from = headers.from.as_ref().unwrap();
    assert_eq!(from.display.as_deref(), Some(&br#""A \"B\"""#[..]));
    assert_eq!(from.uri.as_deref(), Some(&b"sip:a@example.com"[..]));
    let to = headers.to.as_ref().unwrap();
    assert_eq!(
        (to.display.as_deref(), to.uri.as_deref()),
        (None, Some(&b"tel:+4930"[..]))
    );
    assert_eq!(&*headers.extra, b"X-A: b\r\nX-C: d\r\n");
    assert_eq!(
        headers.set,
        [pair("P-Asserted-Identity", "<sip:a@example.com>")]
    );
    assert_eq!(headers.append, [pair("X-B", "c"), pair("X-B", "d")]);
    assert_eq!(headers.remove, ["X-Secret".into(), "s".into()]);
}

/// rtjson applications send every key, empty ones too.
#[test]
fn empty_strings_and_zero_timers_are_absent() {
    let document = json!({ "routing": "serial", "routes": [{
        "uri": "", "dst_uri": "", "path": "", "socket": "",
        "headers": { "from": { "display": "", "uri": "" }, "to": {}, "extra": "" },
        "branch_flags": 0
    }] });
    let mut document = lenient::document_from_value(&document).unwrap();
    if let Some(tidegate_schemas::document::Route::Target(target)) = document.routes.first_mut() {
        target.fr_timer = Some(0);
        target.fr_inv_timer = Some(0);
    }
    let Ok(Decision::Route(plan)) = super::compile(&document, &super::invite(&super::config()))
    else {
        panic!("refused");
    };
    let target = plan.target(TargetId(0));
    assert_eq!(
        (&target.uri, &target.dst_uri, &target.path),
        (&None, &None, &None)
    );
    assert_eq!(
        (target.socket, target.fr_timer, target.fr_inv_timer),
        (None, None, None)
    );
    assert_eq!(target.headers, None);
}

#[test]
fn targets_that_differ_in_their_way_are_kept() {
    let plan = plan(json!({ "routes": [
        {}, { "uri": "sip:own@example.com" },
        { "uri": "sip:a@h" }, { "uri": "sip:a@h", "dst_uri": "sip:gw1" },
        { "uri": "sip:a@h", "dst_uri": "sip:gw2" }, { "uri": "sip:a@h", "dst_uri": "sip:GW2" },
        { "uri": "sip:a@h;method=BYE?x=y", "dst_uri": "sip:gw2" }, { "uri": "sip:a@h", "path": "<sip:gw2;lr>" }, { "uri": "sip:a@h", "socket": "udp:192.0.2.1:5060" }
    ] }));
    assert_eq!(plan.targets.len(), 6);
}

#[test]
fn a_reply_arrives() {
    let Decision::Reply(reply) = decide(
        json!({ "action": "reply", "tags": { "why": "blocked" }, "reply": {
        "code": 403, "reason": "Blocked", "headers": [["Warning", "399 h \"no\""], ["Contact", "<sip:a@h>"]],
        "body": "a\r\nb", "content_type": "text/plain;charset=utf-8" } }),
    ) else {
        panic!("no reply");
    };
    assert_eq!(
        (reply.code, reply.reason.as_deref()),
        (403, Some("Blocked"))
    );
    assert_eq!(
        reply.headers,
        [
            pair("Warning", "399 h \"no\""),
            pair("Contact", "<sip:a@h>")
        ]
    );
    assert_eq!(
        (&*reply.body, reply.content_type.as_deref()),
        (&b"a\r\nb"[..], Some("text/plain;charset=utf-8"))
    );
    assert_eq!(reply.labels.tags.as_deref(), Some(r#"{"why":"blocked"}"#));
}

#[test]
fn only_a_request_that_is_no_invite_may_be_answered_with_success() {
    let document = super::document(json!({ "action": "reply", "reply": { "code": 200 } }));
    let config = super::config();
    let scope = super::Scope::of(&config, false);
    assert!(
        matches!(super::compile(&document, &scope), Ok(Decision::Reply(reply)) if reply.code == 200)
    );
    let error = super::compile(&document, &super::invite(&config)).unwrap_err();
    assert_eq!(error.pointer, "/reply/code");
}

#[test]
fn a_redirection_becomes_one_contact_header() {
    let Decision::Redirect(redirect) = decide(json!({ "action": "redirect", "contacts": [
        { "uri": "sip:a,1@h", "q": 0.1254 }, { "uri": "tel:+4930", "q": 1 }, { "uri": "sips:c@h" }] }))
    else {
        panic!("no redirection");
    };
    let contact = std::str::from_utf8(&redirect.contact).unwrap();
    assert_eq!(contact, "<sip:a,1@h>;q=0.125, <tel:+4930>;q=1, <sips:c@h>");
}

#[test]
fn what_follows_is_judged_beforehand_and_keeps_the_context() {
    let mut plan = plan(json!({ "context": "c1", "routes": [{}], "on_exhausted": {
        "routes": [{ "uri": "sip:b@h" }], "on_exhausted": { "action": "ask" } } }));
    let Some(Decision::Route(second)) = plan.on_exhausted.take().map(|next| *next) else {
        panic!("nothing follows");
    };
    assert_eq!(second.context.as_deref(), Some("c1"));
    let context = Some("c1".into());
    assert_eq!(
        second.on_exhausted.as_deref(),
        Some(&Decision::Ask { context })
    );
}

#[test]
fn a_drop_says_nothing() {
    assert_eq!(decide(json!({ "action": "drop" })), Decision::Drop);
}
