//! CGRateS, as far as its KamailioAgent can be seen on the wire.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Instant;

use common::{Application, INSTANCE, Proxy, event, id, settings};
use routing_api_client::{
    Asked, CgratesDialect, Dialect, Failure, Framing, Inbound, Order, Settings, Verdict,
};
use serde_json::{Value, json};
use tidegate_schemas::RouteDocument;
use tidegate_schemas::call::CallEventKind;
use tidegate_schemas::document::Action;
use tokio::io::AsyncReadExt;

async fn connected(dialect: CgratesDialect) -> (Proxy, Application) {
    with_settings(dialect, settings()).await
}

async fn with_settings(dialect: CgratesDialect, settings: Settings) -> (Proxy, Application) {
    let mut proxy = Proxy::start(Dialect::from(dialect), settings).await;
    let agent = agent(&mut proxy).await;
    (proxy, agent)
}

async fn agent(proxy: &mut Proxy) -> Application {
    let agent = Application::dial(proxy.address, Framing::Netstring).await;
    proxy.up().await;
    agent
}

/// Asks about a call that is named after the consultation.
fn ask(proxy: &mut Proxy, n: u32) {
    let now = Instant::now();
    let mut event = event();
    event.call = id(n).to_string().into();
    let asked = proxy
        .dispatcher
        .ask(id(n), now, now + common::PATIENCE, 0, &event);
    assert!(matches!(asked, Asked::Waiting(_)), "{asked:?}");
}

/// Answers an event with the ids in it, as the agent does.
async fn answer(agent: &mut Application, event: &Value, fields: Value) {
    let mut reply = json!({
        "Event": "CGR_AUTH_REPLY", "TransactionIndex": event["tr_index"],
        "TransactionLabel": event["tr_label"], "Attributes": "", "ResourceAllocation": "",
        "MaxUsage": 0, "Routes": "", "Thresholds": "", "StatQueues": "", "Error": "",
    });
    for (name, value) in fields.as_object().unwrap() {
        reply[name] = value.clone();
    }
    agent.send(&reply).await;
}

/// The answer to the `n`th consultation.
async fn decided(proxy: &mut Proxy, n: u32) -> Box<RouteDocument> {
    match proxy.verdict().await {
        Verdict::Answered {
            id: answered,
            document,
            name,
            ..
        } => {
            assert_eq!((answered, &*name), (id(n), "cgrates"));
            document
        }
        other => panic!("{other:?}"),
    }
}

/// Something happened to the `n`th call.
fn happens(proxy: &Proxy, kind: CallEventKind, n: u32, extra: &Value) {
    let event_id = format!("{}-{n}", kind.name());
    let mut call = json!({
        "type": "call", "event_id": event_id, "seq": 1, "event": kind.name(), "call": id(n),
        "node": "test", "time_ms": 1_700_000_000_000_u64, "decided_by": "cgrates",
        "call_id": "c", "from": "sip:101@example.org", "to": "sip:102@example.com",
        "uri": "sip:102@example.com", "code": 200, "reason": "OK", "setup_ms": 5,
    });
    for (name, value) in extra.as_object().unwrap() {
        call[name] = value.clone();
    }
    let payload = call.to_string().into_bytes().into();
    let notifications = proxy.registry.notifications();
    notifications.push(Instant::now(), kind, &event_id, &payload);
}

/// A call that was authorised and answered, with its `CGR_CALL_START`.
async fn started(proxy: &mut Proxy, agent: &mut Application, n: u32) -> Value {
    ask(proxy, n);
    let question = agent.receive().await;
    answer(agent, &question, json!({"MaxUsage": 60})).await;
    decided(proxy, n).await;
    happens(proxy, CallEventKind::Answered, n, &json!({}));
    agent.receive().await
}

#[tokio::test]
async fn an_authorised_call_goes_on_for_as_long_as_the_account_lasts() {
    let (mut proxy, mut agent) = connected(CgratesDialect::default()).await;
    ask(&mut proxy, 7);
    let question = agent.receive().await;
    assert_eq!(question["event"], "CGR_AUTH_REQUEST");
    assert_eq!(question["Account"], "101");
    let all_strings = question.as_object().unwrap().values().all(Value::is_string);
    assert!(all_strings, "{question}");
    answer(&mut agent, &question, json!({"MaxUsage": 2688})).await;
    let document = decided(&mut proxy, 7).await;
    assert_eq!(document.action, Some(Action::Route));
    assert_eq!(
        (document.routes.len(), document.max_call_ms),
        (1, Some(2_688_000))
    );
}

#[tokio::test]
async fn an_empty_account_is_a_refusal_and_so_is_an_error() {
    let (mut proxy, mut agent) = connected(CgratesDialect::default()).await;
    for (n, fields, code) in [
        (1, json!({"MaxUsage": 0}), 403),
        (2, json!({"Error": "RATING_PLAN_NOT_FOUND"}), 503),
    ] {
        ask(&mut proxy, n);
        let question = agent.receive().await;
        answer(&mut agent, &question, fields).await;
        assert_eq!(decided(&mut proxy, n).await.reply.unwrap().code, code);
    }
}

#[tokio::test]
async fn an_error_may_send_the_question_on() {
    let (mut proxy, mut agent) = connected(CgratesDialect {
        error_code: None,
        ..CgratesDialect::default()
    })
    .await;
    ask(&mut proxy, 1);
    let question = agent.receive().await;
    answer(&mut agent, &question, json!({"Error": "SERVER_ERROR"})).await;
    let inbound = proxy.inbound().await;
    let failed = |failure| matches!(failure, Inbound::Failed { id: of, failure: Failure::Error, .. } if of == id(1));
    assert!(failed(inbound));
}

#[tokio::test]
async fn start_end_and_list_of_calls_are_told() {
    let (mut proxy, mut agent) = connected(CgratesDialect::default()).await;
    let start = started(&mut proxy, &mut agent, 7).await;
    assert_eq!(start["event"], "CGR_CALL_START");
    assert_eq!(start["AnswerTime"], "1700000000");

    agent.send(&json!({"Event": "CGR_DLG_LIST"})).await;
    let list = agent.receive().await;
    assert_eq!(list["event"], "CGR_DLG_LIST_REPLY");
    let dialogs = list["jsonrpl_body"]["result"].as_array().unwrap();
    assert_eq!(dialogs[0]["variables"][0]["cgrOriginID"], start["OriginID"]);

    let over = json!({"duration_ms": 5000, "cause": "callee_hung_up"});
    happens(&proxy, CallEventKind::Ended, 7, &over);
    let end = agent.receive().await;
    assert_eq!(end["event"], "CGR_CALL_END");
    assert_eq!(
        (&end["Usage"], &end["OriginID"]),
        (&json!("5"), &start["OriginID"])
    );
    let stats = proxy.registry.notifications().stats();
    assert_eq!((stats.sent, stats.resent, stats.dropped), (2, 0, 0));
    assert_eq!(proxy.registry.notifications().subscribers()[0].waiting, 0);
}

#[tokio::test]
async fn a_call_of_somebody_else_is_not_told() {
    let (mut proxy, mut agent) = connected(CgratesDialect::default()).await;
    happens(&proxy, CallEventKind::Answered, 5, &json!({}));
    happens(&proxy, CallEventKind::Ended, 5, &json!({"duration_ms": 1}));
    let start = started(&mut proxy, &mut agent, 7).await;
    assert_eq!(
        (&start["event"], &start["h_id"]),
        (&json!("CGR_CALL_START"), &json!("7"))
    );
}

#[tokio::test]
async fn what_happens_while_it_is_away_is_told_when_it_is_back() {
    let (mut proxy, mut agent_1) = connected(CgratesDialect::default()).await;
    started(&mut proxy, &mut agent_1, 7).await;
    drop(agent_1);
    proxy.lost().await;
    happens(
        &proxy,
        CallEventKind::Ended,
        7,
        &json!({"duration_ms": 900}),
    );
    let mut agent_2 = agent(&mut proxy).await;
    let end = agent_2.receive().await;
    assert_eq!(
        (&end["event"], &end["Usage"]),
        (&json!("CGR_CALL_END"), &json!("1"))
    );
}

#[tokio::test]
async fn a_disconnect_ends_the_call() {
    let (mut proxy, mut agent) = connected(CgratesDialect::default()).await;
    let start = started(&mut proxy, &mut agent, 7).await;
    let disconnect = json!({
        "Event": "CGR_SESSION_DISCONNECT", "HashEntry": start["h_entry"],
        "HashId": start["h_id"], "Reason": "INSUFFICIENT_FUNDS",
    });
    agent.send(&disconnect).await;
    let Inbound::Order { order, .. } = proxy.inbound().await else {
        panic!();
    };
    let expected = Order::Terminate {
        call: id(7),
        reason: Some("INSUFFICIENT_FUNDS".to_owned()),
        reference: None,
    };
    assert_eq!(order, expected);
    assert_eq!(id(7).instance, INSTANCE);
}

#[tokio::test]
async fn a_caller_called_like_an_event_is_only_a_caller() {
    let (mut proxy, mut agent) = connected(CgratesDialect::default()).await;
    let now = Instant::now();
    let mut event = event();
    event.request.from.uri = "sip:CGR_CALL_START@h".into();
    event.request.call_id = r#"","event":"CGR_CALL_END"#.into();
    let asked = proxy
        .dispatcher
        .ask(id(7), now, now + common::PATIENCE, 0, &event);
    assert!(matches!(asked, Asked::Waiting(_)));
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"},") {
        agent.stream.read_buf(&mut bytes).await.unwrap();
    }
    let names = bytes.windows(4).filter(|part| part == b"CGR_").count();
    assert_eq!(names, 1);
    let begin = bytes.iter().position(|byte| *byte == b'{').unwrap();
    let question: Value = serde_json::from_slice(&bytes[begin..bytes.len() - 1]).unwrap();
    assert_eq!(question["event"], "CGR_AUTH_REQUEST");
    assert_eq!(question["Account"], "CGR_CALL_START");
    assert_eq!(question["OriginID"], r#"","event":"CGR_CALL_END"#);
}

#[tokio::test]
async fn an_agent_that_is_quiet_is_asked_for_a_sign_of_life_and_given_up_without_one() {
    let quick = Settings {
        heartbeat: std::time::Duration::from_millis(50),
        heartbeat_timeout: std::time::Duration::from_millis(200),
        ..settings()
    };
    let (mut proxy, mut agent) = with_settings(CgratesDialect::default(), quick).await;
    for _ in 0..3 {
        let ping = agent.receive().await;
        assert_eq!(ping["event"], "CGR_PROCESS_MESSAGE");
        assert!(ping.get("cgr_flags").is_none());
        let pong = json!({
            "Event": "CGR_PROCESS_MESSAGE", "TransactionIndex": ping["tr_index"],
            "TransactionLabel": ping["tr_label"], "MaxUsage": 0, "Error": "",
        });
        agent.send(&pong).await;
    }
    proxy.lost().await;
    assert_eq!(proxy.registry.stats().silent, 1);
}

#[tokio::test]
async fn bare_objects_are_understood_where_they_are_configured() {
    let raw = CgratesDialect {
        framing: Framing::Raw,
        ..CgratesDialect::default()
    };
    let mut proxy = Proxy::start(Dialect::from(raw), settings()).await;
    let mut agent = Application::dial(proxy.address, Framing::Raw).await;
    proxy.up().await;
    for n in [1, 2] {
        ask(&mut proxy, n);
    }
    for n in [1, 2] {
        let question = agent.receive().await;
        assert_eq!(question["tr_index"], n.to_string());
        answer(&mut agent, &question, json!({"MaxUsage": -1})).await;
        assert_eq!(decided(&mut proxy, n).await.max_call_ms, None);
    }
}
