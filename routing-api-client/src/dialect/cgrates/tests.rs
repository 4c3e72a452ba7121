use serde_json::{Value, json};
use tidegate_schemas::document::{Action, Route};

use super::*;
use crate::samples::{self, INSTANCE};

fn dialect(settings: CgratesDialect) -> Cgrates {
    settings.into()
}

fn event() -> RouteEvent<'static> {
    let mut event = samples::event();
    event.call = samples::id(7).to_string().into();
    event
}

/// What goes over the wire for the `n`th consultation about the call of the sample event.
fn ask(dialect: &Cgrates, n: u32, event: &RouteEvent<'_>) -> Value {
    let mut out = Vec::new();
    dialect.question(Framing::Raw, samples::id(n), 1000, event, &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn reply(n: u32, fields: &Value) -> Value {
    let mut reply = json!({
        "Event": "CGR_AUTH_REPLY", "TransactionIndex": n.to_string(),
        "TransactionLabel": n.to_string(), "Attributes": "", "ResourceAllocation": "",
        "MaxUsage": 0, "Routes": "", "Thresholds": "", "StatQueues": "", "Error": "",
    });
    for (name, value) in fields.as_object().unwrap() {
        reply[name] = value.clone();
    }
    reply
}

fn say(dialect: &Cgrates, json: &Value) -> Option<Message> {
    dialect.message(INSTANCE, json.to_string().as_bytes())
}

/// Asks, and takes the answer.
fn answered(dialect: &Cgrates, fields: &Value) -> Result<Box<RouteDocument>, DocumentError> {
    ask(dialect, 7, &event());
    match say(dialect, &reply(7, fields)).unwrap() {
        Message::Answer { id, document } => {
            assert_eq!(id, samples::id(7));
            document
        }
        other => panic!("{other:?}"),
    }
}

fn notification(kind: &str, extra: &Value) -> Vec<u8> {
    let mut call = json!({
        "type": "call", "event_id": "e", "seq": 1, "event": kind, "call": samples::id(7),
        "node": "test", "time_ms": 1_700_000_010_400_u64, "decided_by": "cgrates", "call_id": "c",
        "from": "sip:a@b", "to": "sip:c@d", "uri": "sip:c@d", "code": 200, "reason": "OK",
        "setup_ms": 9,
    });
    for (name, value) in extra.as_object().unwrap() {
        call[name] = value.clone();
    }
    call.to_string().into_bytes()
}

/// The event that the agent gets of a notification.
fn notified(dialect: &Cgrates, kind: &str, extra: &Value) -> Option<Value> {
    let json = notification(kind, extra);
    let event = dialect.notification(&json);
    dialect.notified(&json);
    event.map(|event| serde_json::from_slice(&event).unwrap())
}

fn listed(dialect: &Cgrates) -> Value {
    let mut out = Vec::new();
    dialect.list(Framing::Raw, &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn no_fields() -> Value {
    json!({})
}

#[test]
fn the_question_is_an_auth_request_of_strings() {
    let mut settings = CgratesDialect {
        reply_route: Some("CGR_SESSIONAUTH_REPLY".to_owned()),
        ..CgratesDialect::default()
    };
    let trunk = "$hdr(X-Account)".parse().unwrap();
    settings.fields.push(("Trunk".to_owned(), trunk));
    let mut question = ask(&dialect(settings), 9, &event());
    let setup = question["SetupTime"].take();
    assert!(setup.as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    let expected = json!({
        "event": "CGR_AUTH_REQUEST", "tr_index": "9", "tr_label": "9",
        "cgr_flags": "*attributes;*accounts", "reply_route": "CGR_SESSIONAUTH_REPLY",
        "RequestType": "*prepaid", "Tenant": "cgrates.org", "Account": "101",
        "Destination": "102", "OriginID": "a84b4c76e66710", "OriginHost": "test",
        "SetupTime": null, "Trunk": "42",
    });
    assert_eq!(question, expected);
}

#[test]
fn a_caller_can_neither_break_the_question_nor_put_an_event_into_it() {
    let mut event = event();
    event.request.from.uri = "sip:CGR_CALL_START@h".into();
    event.request.call_id = r#"CGR_CALL_END","event":"CGR_PROCESS_CDR"#.into();
    let dialect = dialect(CgratesDialect::default());
    let mut out = Vec::new();
    dialect.question(Framing::Netstring, samples::id(7), 1000, &event, &mut out);
    let names: Vec<_> = memchr::memmem::find_iter(&out, "CGR_").collect();
    assert_eq!(names.len(), 1);
    assert!(out[names[0]..].starts_with(b"CGR_AUTH_REQUEST"));
    let read = ask(&dialect, 7, &event);
    assert_eq!(read["Account"], "CGR_CALL_START");
    assert_eq!(
        read["OriginID"],
        r#"CGR_CALL_END","event":"CGR_PROCESS_CDR"#
    );
}

#[test]
fn granted_seconds_pass_on_and_limit_the_call_where_nobody_follows() {
    let fields = json!({
        "MaxUsage": 2688, "Attributes": "Password:a,b,Account:1001", "Routes": "r1:x,r2",
        "ResourceAllocation": "SPECIAL_1002",
    });
    let mut document = answered(&dialect(CgratesDialect::default()), &fields).unwrap();
    assert_eq!(document.action, Some(Action::Pass));
    let attributes = Value::Object(document.attributes.clone().unwrap());
    let expected = json!({"cgrates": {
        "max_usage_s": 2688, "attributes": {"Password": "a,b", "Account": "1001"},
        "routes": ["r1", "r2"], "resource": "SPECIAL_1002",
    }});
    assert_eq!(attributes, expected);

    crate::dialect::decide_in_the_last_step(&mut document);
    assert_eq!(document.action, Some(Action::Route));
    assert_eq!(document.max_call_ms, Some(2_688_000));
    assert_eq!(document.routes, [Route::Target(Box::default())]);
    assert_eq!(document.attributes, None);
}

#[test]
fn routes_are_next_hops_of_a_table() {
    let hop = |name: &str, uri: &str| (name.to_owned(), uri.to_owned());
    let settings = CgratesDialect {
        routes: [hop("r1", "sip:192.0.2.1"), hop("r2", "sip:192.0.2.2")].into(),
        ..CgratesDialect::default()
    };
    let dialect = dialect(settings.clone());
    let both = json!({"MaxUsage": 1, "Routes": "r2,r1:p"});
    let document = answered(&dialect, &both).unwrap();
    let hops: Vec<_> = document
        .routes
        .iter()
        .map(|route| match route {
            Route::Target(target) => (target.uri.as_deref(), target.dst_uri.as_deref().unwrap()),
            Route::Group(_) => panic!(),
        })
        .collect();
    assert_eq!(hops, [(None, "sip:192.0.2.2"), (None, "sip:192.0.2.1")]);

    let dialect = Cgrates::from(settings);
    let unknown = json!({"MaxUsage": 1, "Routes": "r1,r3"});
    let error = answered(&dialect, &unknown).unwrap_err();
    assert_eq!(error.pointer, "/Routes");
    assert!(error.reason.contains("`r3`"), "{error}");
    assert_eq!(notified(&dialect, "answered", &no_fields()), None);
}

#[test]
fn no_second_granted_is_a_refusal() {
    let dialect = dialect(CgratesDialect::default());
    let document = answered(&dialect, &json!({"MaxUsage": 0})).unwrap();
    assert_eq!(document.reply.unwrap().code, 403);
    assert_eq!(notified(&dialect, "answered", &no_fields()), None);
}

#[test]
fn usage_that_was_not_asked_for_or_has_no_limit_limits_nothing() {
    let only_attributes = CgratesDialect {
        flags: "*attributes".to_owned(),
        ..CgratesDialect::default()
    };
    let document = answered(&dialect(only_attributes), &json!({"MaxUsage": 0})).unwrap();
    assert_eq!(
        (document.action, document.max_call_ms),
        (Some(Action::Pass), None)
    );
    for unlimited in [json!(-1), json!("-1"), json!(null), json!("")] {
        let fields = json!({"MaxUsage": unlimited});
        let document = answered(&dialect(CgratesDialect::default()), &fields).unwrap();
        assert_eq!(document.max_call_ms, None, "{unlimited}");
    }
    let months = answered(
        &dialect(CgratesDialect::default()),
        &json!({"MaxUsage": 9_000_000}),
    );
    assert_eq!(months.unwrap().max_call_ms, Some(u32::MAX));
}

#[test]
fn only_an_invite_begins_a_call_that_can_be_limited() {
    let dialect = dialect(CgratesDialect::default());
    let mut event = event();
    event.request.method = "MESSAGE".into();
    ask(&dialect, 7, &event);
    let Some(Message::Answer { document, .. }) = say(&dialect, &reply(7, &json!({"MaxUsage": 5})))
    else {
        panic!();
    };
    assert_eq!(document.unwrap().max_call_ms, None);
}

#[test]
fn an_error_is_a_refusal_with_its_words_for_the_log_alone() {
    let fields = json!({"Error": "ACCOUNT_NOT_FOUND", "MaxUsage": 5});
    let document = answered(&dialect(CgratesDialect::default()), &fields).unwrap();
    assert_eq!(document.tags.unwrap()["cgrates_error"], "ACCOUNT_NOT_FOUND");
    let reply = document.reply.unwrap();
    assert_eq!((reply.code, reply.reason), (503, None));
}

#[test]
fn an_error_may_be_a_failure_of_the_question_instead() {
    let dialect = dialect(CgratesDialect {
        error_code: None,
        ..CgratesDialect::default()
    });
    ask(&dialect, 7, &event());
    let said = say(&dialect, &reply(7, &json!({"Error": "SERVER_ERROR"}))).unwrap();
    assert!(
        matches!(said, Message::Failed { id, error } if id == samples::id(7) && error == "SERVER_ERROR")
    );
}

#[test]
fn what_is_no_verdict_is_refused_with_its_place() {
    for (fields, pointer) in [
        (json!({"MaxUsage": "soon"}), "/MaxUsage"),
        (json!({"MaxUsage": {}}), "/MaxUsage"),
        (json!({"Error": 5}), "/Error"),
        (json!({"MaxUsage": 1, "Routes": []}), "/Routes"),
    ] {
        let error = answered(&dialect(CgratesDialect::default()), &fields).unwrap_err();
        assert_eq!(error.pointer, pointer, "{fields}");
    }
}

#[test]
fn what_means_nothing_is_no_message() {
    let dialect = dialect(CgratesDialect::default());
    for wrong in [
        json!([]),
        json!({}),
        json!({"Event": 5}),
        json!({"Event": "CGR_NEWS"}),
        json!({"Event": "CGR_AUTH_REPLY", "TransactionIndex": "1"}),
        json!({"Event": "CGR_AUTH_REPLY", "TransactionIndex": "x", "TransactionLabel": "1"}),
        json!({"Event": "CGR_SESSION_DISCONNECT", "HashEntry": "x", "HashId": "1"}),
    ] {
        assert!(say(&dialect, &wrong).is_none(), "{wrong}");
    }
}

#[test]
fn start_and_end_of_a_call_have_what_its_question_had() {
    let dialect = dialect(CgratesDialect::default());
    answered(&dialect, &json!({"MaxUsage": 60})).unwrap();
    let mut start = notified(&dialect, "answered", &no_fields()).unwrap();
    let setup = start["SetupTime"].take();
    let entry = u64::from(INSTANCE) << 32 | 7;
    let expected = json!({
        "event": "CGR_CALL_START", "h_entry": entry.to_string(), "h_id": "7",
        "cgr_flags": "*accounts", "RequestType": "*prepaid", "Tenant": "cgrates.org",
        "Account": "101", "Destination": "102", "OriginID": "a84b4c76e66710",
        "OriginHost": "test", "SetupTime": null, "AnswerTime": "1700000010",
    });
    assert_eq!(start, expected);

    let over =
        json!({"time_ms": 1_700_000_012_000_u64, "duration_ms": 1600, "cause": "caller_hung_up"});
    let end = notified(&dialect, "ended", &over).unwrap();
    let expected = json!({
        "event": "CGR_CALL_END", "cgr_flags": "*accounts", "RequestType": "*prepaid",
        "Tenant": "cgrates.org", "Account": "101", "Destination": "102",
        "OriginID": "a84b4c76e66710", "OriginHost": "test", "SetupTime": setup,
        "AnswerTime": "1700000010", "Usage": "2", "DisconnectCause": "caller_hung_up",
    });
    assert_eq!(end, expected);
    assert_eq!(notified(&dialect, "ended", &over), None);
}

#[test]
fn it_hears_nothing_of_calls_that_it_did_not_authorise() {
    let dialect = dialect(CgratesDialect::default());
    assert_eq!(notified(&dialect, "answered", &no_fields()), None);
    ask(&dialect, 7, &event());
    assert_eq!(notified(&dialect, "answered", &no_fields()), None);
    dialect.cancelled(samples::id(7));
    say(&dialect, &reply(7, &json!({"MaxUsage": 60})));
    assert_eq!(notified(&dialect, "answered", &no_fields()), None);
}

#[test]
fn an_answer_after_the_deadline_authorises_nothing() {
    let dialect = dialect(CgratesDialect::default());
    let mut out = Vec::new();
    dialect.question(Framing::Raw, samples::id(7), 0, &event(), &mut out);
    std::thread::sleep(Duration::from_millis(2));
    say(&dialect, &reply(7, &json!({"MaxUsage": 60})));
    assert_eq!(notified(&dialect, "answered", &no_fields()), None);
}

#[test]
fn a_call_that_failed_is_forgotten() {
    let dialect = dialect(CgratesDialect::default());
    answered(&dialect, &json!({"MaxUsage": 60})).unwrap();
    assert_eq!(notified(&dialect, "failed", &no_fields()), None);
    assert_eq!(notified(&dialect, "answered", &no_fields()), None);
}

#[test]
fn an_event_that_could_not_be_written_is_there_again() {
    let dialect = dialect(CgratesDialect::default());
    answered(&dialect, &json!({"MaxUsage": 60})).unwrap();
    let ended = notification("ended", &json!({"duration_ms": 1000}));
    assert!(dialect.notification(&ended).is_some());
    assert!(dialect.notification(&ended).is_some());
}

#[test]
fn the_list_has_the_answered_calls_as_the_agent_reads_them() {
    let dialect = dialect(CgratesDialect::default());
    let empty = json!({
        "event": "CGR_DLG_LIST_REPLY", "jsonrpl_body": {"id": 1, "jsonrpc": "2.0", "result": []},
    });
    answered(&dialect, &json!({"MaxUsage": 60})).unwrap();
    assert_eq!(listed(&dialect), empty);
    notified(&dialect, "answered", &no_fields());
    let result = &listed(&dialect)["jsonrpl_body"]["result"];
    let expected = json!([{
        "call-id": "a84b4c76e66710", "caller": {"tag": ""},
        "variables": [{"cgrOriginID": "a84b4c76e66710"}, {"cgrOriginHost": "test"}],
    }]);
    assert_eq!(*result, expected);
    notified(&dialect, "ended", &no_fields());
    assert_eq!(listed(&dialect), empty);
}

#[test]
fn a_disconnect_names_the_call_whose_start_it_got() {
    let dialect = dialect(CgratesDialect::default());
    answered(&dialect, &json!({"MaxUsage": 60})).unwrap();
    let start = notified(&dialect, "answered", &no_fields()).unwrap();
    let disconnect = json!({
        "Event": "CGR_SESSION_DISCONNECT", "HashEntry": start["h_entry"], "HashId": start["h_id"],
        "Reason": "INSUFFICIENT_FUNDS",
    });
    let Some(Message::Disconnect { call, reason }) = say(&dialect, &disconnect) else {
        panic!();
    };
    assert_eq!(call, samples::id(7));
    assert_eq!(reason.as_deref(), Some("INSUFFICIENT_FUNDS"));
}

#[test]
fn a_ping_comes_back_as_a_sign_of_life() {
    let dialect = dialect(CgratesDialect::default());
    let mut out = Vec::new();
    dialect.ping(Framing::Raw, &mut out);
    let ping: Value = serde_json::from_slice(&out).unwrap();
    let expected = json!({"event": "CGR_PROCESS_MESSAGE", "tr_index": "0", "tr_label": "0"});
    assert_eq!(ping, expected);
    let pong =
        json!({"Event": "CGR_PROCESS_MESSAGE", "TransactionIndex": "0", "TransactionLabel": "0"});
    assert!(matches!(say(&dialect, &pong), Some(Message::Alive)));
}

#[test]
fn calls_are_no_part_of_what_makes_two_dialects_the_same() {
    let dialect = dialect(CgratesDialect::default());
    answered(&dialect, &json!({"MaxUsage": 60})).unwrap();
    assert_eq!(dialect, CgratesDialect::default().into());
}
