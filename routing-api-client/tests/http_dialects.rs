//! Wazo's router and drachtio's request handler, each a server that is asked over HTTP.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use common::{Proxy, dialling, native, settings};
use routing_api_client::{
    Dialect, DrachtioDialect, DrachtioMethod, Verdict, WazoDialect, keep_connected,
};
use serde_json::{Value, json};
use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::{Action, Route};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What arrived at the server.
#[derive(Debug)]
struct Request {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

struct Handler {
    requests: mpsc::Sender<Request>,
    answer: String,
}

async fn handle(
    State(handler): State<Arc<Handler>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> String {
    let request = Request {
        method,
        uri,
        headers,
        body,
    };
    handler.requests.send(request).await.unwrap();
    handler.answer.clone()
}

/// Asks a server that gives this answer. What it was asked, and what the proxy understood.
async fn ask(dialect: Dialect, answer: &Value) -> (Request, Verdict) {
    let (requests, mut arrived) = mpsc::channel(8);
    let handler = Arc::new(Handler {
        requests,
        answer: answer.to_string(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/routing?x=y", listener.local_addr().unwrap());
    let server = Router::new().fallback(handle).with_state(handler);
    tokio::spawn(async move { axum::serve(listener, server).await });

    let mut proxy = Proxy::start(native(), settings()).await;
    proxy.registry.reconfigure(dialling(&url, dialect));
    tokio::spawn(keep_connected(
        Arc::clone(&proxy.registry),
        proxy.inboxes.clone(),
        proxy.stop.subscribe(),
        |_: &str| true,
    ));
    proxy.up().await;
    proxy.ask(7).unwrap();
    let request = arrived.recv().await.unwrap();
    let verdict = proxy.verdict().await;
    (request, verdict)
}

fn document(verdict: Verdict) -> Box<RouteDocument> {
    match verdict {
        Verdict::Answered { document, .. } => document,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn wazo_gets_a_sip_routing_event_and_answers_with_rtjson() {
    let answer = json!({"auth": null, "rtjson": {
        "success": true, "version": "1.0", "routing": "serial",
        "routes": [{"dst_uri": "sip:192.0.2.20:5060", "path": "", "fr_timer": 5000}],
    }});
    let (request, verdict) = ask(Dialect::Wazo(WazoDialect::default()), &answer).await;
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri, "/routing?x=y");
    assert_eq!(request.headers["content-type"], "application/json");
    let question: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(question["event"], "sip-routing");
    assert_eq!(question["source_port"], 5071);
    let document = document(verdict);
    let Some(Route::Target(target)) = document.routes.first() else {
        panic!("{document:?}");
    };
    assert_eq!(target.dst_uri.as_deref(), Some("sip:192.0.2.20:5060"));
}

#[tokio::test]
async fn wazo_refuses_a_call() {
    let answer = json!({"rtjson": {"success": false}});
    let (_, verdict) = ask(Dialect::Wazo(WazoDialect::default()), &answer).await;
    assert_eq!(document(verdict).reply.unwrap().code, 404);
}

#[tokio::test]
async fn drachtio_gets_the_request_in_the_query() {
    let answer = json!({"action": "proxy", "data": {
        "destination": ["sip:a@192.0.2.1", "sip:b@192.0.2.2"], "simultaneous": true,
    }});
    let (request, verdict) = ask(Dialect::Drachtio(DrachtioDialect::default()), &answer).await;
    assert_eq!(request.method, Method::GET);
    let query = request.uri.query().unwrap();
    assert!(
        query.starts_with("x=y&method=INVITE&domain=example.com&protocol=udp&"),
        "{query}"
    );
    assert_eq!(document(verdict).routes.len(), 2);
}

#[tokio::test]
async fn drachtio_gets_the_request_itself_in_a_post() {
    let dialect = DrachtioDialect {
        method: DrachtioMethod::Post,
    };
    let answer = json!({"action": "redirect", "data": {"contact": "sip:foo@example.net"}});
    let (request, verdict) = ask(Dialect::Drachtio(dialect), &answer).await;
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.headers["content-type"], "text/plain");
    let expected = "INVITE sip:102@example.com SIP/2.0\r\nCall-ID: c\r\n\r\n";
    assert_eq!(request.body, expected);
    assert_eq!(document(verdict).action, Some(Action::Redirect));
}

#[tokio::test]
async fn an_instruction_that_is_not_spoken_here_is_asked_of_the_next() {
    let answer = json!({"action": "route", "data": {"uri": "192.0.2.9:4000"}});
    let (_, verdict) = ask(Dialect::Drachtio(DrachtioDialect::default()), &answer).await;
    assert!(matches!(verdict, Verdict::AskAgain(_)), "{verdict:?}");
}
