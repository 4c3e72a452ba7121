//! Applications that were written for Kamailio's evapi.

mod common;

use std::sync::Arc;

use common::{Application, Proxy, id, settings};
use routing_api_client::{Dialect, EvapiDialect, Framing, Verdict};
use serde_json::json;
use tokio::io::AsyncWriteExt;

fn kamailio() -> Dialect {
    Dialect::Evapi(Arc::new(EvapiDialect::kamailio()))
}

async fn connected() -> (Proxy, Application) {
    let mut proxy = Proxy::start(kamailio(), settings()).await;
    let application = Application::dial(proxy.address, Framing::Netstring).await;
    proxy.up().await;
    (proxy, application)
}

#[tokio::test]
async fn nobody_says_hello_and_questions_are_asked_at_once() {
    let (mut proxy, mut application) = connected().await;
    proxy.ask(7).unwrap();
    let event = application.receive().await;
    let expected = json!({
        "event": "sip-routing", "tindex": 7, "tlabel": 7, "caller": "101", "callee": "102",
        "ruri": "sip:102@example.com", "srcip": "192.0.2.9", "srcport": "5071", "callid": "c",
    });
    assert_eq!(event, expected);
    let document = json!({"version": "1.0", "routing": "serial", "routes": [{"uri": "sip:b@c"}]});
    let answer = json!({"tindex": "7", "tlabel": 7, "xdata": document});
    application.send(&answer).await;
    let name = application.stream.local_addr().unwrap().to_string();
    assert_eq!(proxy.answered(7).await, name);
}

#[tokio::test]
async fn what_is_no_answer_is_counted_and_the_stream_goes_on() {
    let (mut proxy, mut application) = connected().await;
    proxy.ask(7).unwrap();
    application
        .stream
        .write_all(b"0:,\r\n5:hello, 2:{},")
        .await
        .unwrap();
    application
        .send(&json!({"tindex": 7, "tlabel": 7, "xdata": {"routes": []}}))
        .await;
    proxy.answered(7).await;
    assert_eq!(proxy.registry.stats().bad_message, 3);
}

#[tokio::test]
async fn an_answer_without_a_document_is_asked_of_the_next() {
    let (mut proxy, mut application) = connected().await;
    proxy.ask(7).unwrap();
    application.send(&json!({"tindex": 7, "tlabel": 7})).await;
    assert_eq!(proxy.verdict().await, Verdict::AskAgain(vec![id(7)]));
    assert_eq!(proxy.dispatcher.stats().invalid, 1);
}

#[tokio::test]
async fn nothing_but_events_is_ever_sent() {
    let (mut proxy, mut application) = connected().await;
    proxy.ask(1).unwrap();
    proxy.dispatcher.cancel(id(1), std::time::Instant::now());
    application
        .send(&json!({"tindex": 9, "tlabel": 9, "xdata": {}}))
        .await;
    assert_eq!(proxy.verdict().await, Verdict::Nothing);
    proxy.ask(2).unwrap();
    assert_eq!(application.receive().await["tindex"], 1);
    assert_eq!(application.receive().await["tindex"], 2);
}
