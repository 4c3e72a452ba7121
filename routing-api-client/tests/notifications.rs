//! Notifications and orders about calls, over real connections.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Application, Proxy, id, native, settings};
use routing_api_client::{Framing, Inbound, Order, Settings, keep_notifying};
use serde_json::{Value, json};
use tidegate_schemas::call::CallEventKind;
use tidegate_schemas::message::FromProxy;

/// A connection of `billing`, which subscribes to this.
async fn subscriber(proxy: &mut Proxy, subscribe: &[&str]) -> Application {
    let mut application = Application::dial(proxy.address, Framing::Lines).await;
    let hello =
        json!({ "type": "hello", "version": "1.0", "name": "billing", "subscribe": subscribe });
    application.send(&hello).await;
    assert_eq!(application.receive().await["type"], "hello");
    proxy.up().await;
    application
}

fn push(proxy: &Proxy, kind: CallEventKind, event_id: &str) {
    let message = json!({ "type": "call", "event": kind.name(), "event_id": event_id });
    let payload = Bytes::from(message.to_string());
    let notifications = proxy.registry.notifications();
    notifications.push(Instant::now(), kind, event_id, &payload);
}

async fn ack(application: &mut Application, event_id: &Value) {
    let ack = json!({ "type": "ack", "event_id": event_id });
    application.send(&ack).await;
}

#[tokio::test]
async fn what_is_acknowledged_does_not_come_again_and_all_else_does() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut first = subscriber(&mut proxy, &["answered", "ended"]).await;
    push(&proxy, CallEventKind::Progress, "0");
    for event_id in ["1", "2", "3"] {
        push(&proxy, CallEventKind::Ended, event_id);
        assert_eq!(first.receive().await["event_id"], event_id);
    }
    ack(&mut first, &json!("2")).await;
    // What follows on the connection shows that the ack was read.
    first.send(&json!({ "type": "ping" })).await;
    assert_eq!(first.receive().await["type"], "pong");
    drop(first);
    proxy.lost().await;
    push(&proxy, CallEventKind::Answered, "4");
    let mut again = subscriber(&mut proxy, &["answered", "ended"]).await;
    for event_id in ["1", "3", "4"] {
        let event = again.receive().await;
        assert_eq!(event["event_id"], event_id);
        ack(&mut again, &event["event_id"]).await;
    }
    again.send(&json!({ "type": "ping" })).await;
    assert_eq!(again.receive().await["type"], "pong");
    let stats = proxy.registry.notifications().stats();
    assert_eq!((stats.pushed, stats.acked, stats.dropped), (4, 4, 0));
}

#[tokio::test]
async fn what_is_not_acknowledged_in_time_comes_again() {
    let settings = Settings {
        ack_timeout: Duration::from_millis(50),
        ..settings()
    };
    let mut proxy = Proxy::start(native(), settings).await;
    let registry = Arc::clone(&proxy.registry);
    let ticking = tokio::spawn(keep_notifying(registry, proxy.stop.subscribe()));
    let mut application = subscriber(&mut proxy, &["ended"]).await;
    push(&proxy, CallEventKind::Ended, "1");
    let first = application.receive().await;
    assert_eq!(application.receive().await, first);
    proxy.stop.send_replace(true);
    ticking.await.unwrap();
}

#[tokio::test]
async fn a_word_that_names_no_notification_is_complained_of_and_the_others_count() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = subscriber(&mut proxy, &["hangup", "ended"]).await;
    let error = application.receive().await;
    assert_eq!(error["code"], "unknown_subscription");
    assert_eq!(error["pointer"], "/subscribe");
    assert!(error["message"].as_str().unwrap().contains("`hangup`"));
    push(&proxy, CallEventKind::Ended, "1");
    assert_eq!(application.receive().await["event_id"], "1");
}

#[tokio::test]
async fn orders_about_calls_reach_the_shard_and_are_answered() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("billing").await;
    let call = id(7).to_string();
    let wish = json!({ "type": "terminate", "call": call, "reason": "no credit", "ref": "r1" });
    application.send(&wish).await;
    let Inbound::Order {
        application: from,
        order,
    } = proxy.inbound().await
    else {
        panic!("no order");
    };
    let expected = Order::Terminate {
        call: id(7),
        reason: Some("no credit".to_owned()),
        reference: Some("r1".to_owned()),
    };
    assert_eq!(order, expected);
    let answer = FromProxy::Terminated {
        reference: Some(Cow::Borrowed("r1")),
        call: Cow::Borrowed(&call),
    };
    assert!(proxy.registry.tell(from, &answer));
    let told = application.receive().await;
    assert_eq!(
        (&told["type"], &told["ref"]),
        (&json!("terminated"), &json!("r1"))
    );

    application
        .send(&json!({ "type": "calls", "ref": "r2" }))
        .await;
    let Inbound::Order { order, .. } = proxy.inbound().await else {
        panic!("no order");
    };
    let reference = Some("r2".to_owned());
    assert_eq!(order, Order::List { reference });
}

#[tokio::test]
async fn a_call_that_nobody_knows_is_an_error_with_the_reference() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("billing").await;
    let wish = json!({ "type": "terminate", "call": "yesterday's", "ref": "r1" });
    application.send(&wish).await;
    let error = application.receive().await;
    assert_eq!(
        (&error["code"], &error["ref"]),
        (&json!("unknown_call"), &json!("r1"))
    );
}
