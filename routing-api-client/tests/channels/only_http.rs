//! What only HTTP has.

use std::time::{Duration, Instant};

use routing_api_client::{
    Asked, Dial, Dialect, EvapiDialect, Failure, Inbound, Settings, TlsClient, Verdict,
};
use serde_json::json;
use tidegate_schemas::call::CallEventKind;

use crate::common::{document, event, id, policy_of};
use crate::far::Far;
use crate::way::{Bench, Shown, Terms, Way, quick};

async fn asked() -> (Bench, Far) {
    let mut bench = Bench::start(Way::Http).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    far.receive().await;
    (bench, far)
}

async fn failure(bench: &mut Bench) -> Failure {
    match bench.proxy.inbound().await {
        Inbound::Failed { id: n, failure, .. } => {
            assert_eq!(n, id(1));
            failure
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_question_is_a_post_with_its_id_as_idempotency_key() {
    let mut bench = Bench::start(Way::Http).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    let request = far.request().await;
    assert!(request.head.starts_with("POST /route?x=1 HTTP/1.1\r\n"));
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    assert_eq!(request.header("Idempotency-Key"), Some(&*id(1).to_string()));
    assert_eq!(request.header("Authorization"), None);
    request.respond(200, r#"{"routes":[{"uri":"sip:102@example.com"}]}"#);
    bench.proxy.answered(1).await;
}

#[tokio::test]
async fn any_2xx_is_a_hello_and_its_connection_is_kept() {
    for (status, body) in [(200, "OK"), (204, ""), (201, "{}")] {
        let mut bench = Bench::start(Way::Http).await;
        let mut far = bench.far(&Shown::default()).await.unwrap();
        far.request().await.respond(status, body);
        bench.proxy.up().await;
        for n in [1, 2] {
            bench.proxy.ask(n).unwrap();
            let request = far.request().await;
            assert_eq!(request.connection, 1);
            request.respond(200, &document(n).to_string());
            bench.proxy.answered(n).await;
        }
    }
}

#[tokio::test]
async fn one_that_refuses_the_hello_is_greeted_again() {
    let mut bench = Bench::start(Way::Http).await;
    let mut far = bench.far(&Shown::default()).await.unwrap();
    far.request().await.respond(503, "");
    let again = far.request().await;
    assert_eq!(again.body["type"], "hello");
    assert_eq!(bench.proxy.registry.stats().dial_failed, 1);
    again.respond(200, "");
    bench.proxy.up().await;
}

#[tokio::test]
async fn status_codes_tell_how_it_failed() {
    for (status, expected) in [
        (400, Failure::ClientError(400)),
        (429, Failure::ClientError(429)),
        (500, Failure::ServerError(500)),
        (302, Failure::ServerError(302)),
    ] {
        let (mut bench, mut far) = asked().await;
        far.asked(1).respond(status, &document(1).to_string());
        assert_eq!(failure(&mut bench).await, expected);
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_invalid() {
    for (status, body, pointer) in [
        (204, String::new(), ""),
        (200, String::new(), ""),
        (200, document(2).to_string(), "/id"),
        (
            200,
            json!({"routes": [{"uri": 5}]}).to_string(),
            "/routes/0/uri",
        ),
        (200, json!({"type": "pong"}).to_string(), "/type"),
    ] {
        let (mut bench, mut far) = asked().await;
        far.asked(1).respond(status, &body);
        match bench.proxy.inbound().await {
            Inbound::Answer {
                document: Err(error),
                ..
            } => assert_eq!(error.pointer, pointer, "{body}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_idle_connection_closed_under_a_request_costs_nothing() {
    let (mut bench, mut far) = asked().await;
    let first = far.asked(1);
    let (connection, key) = (
        first.connection,
        first.header("Idempotency-Key").unwrap().to_owned(),
    );
    first.close();
    let again = far.request().await;
    assert_ne!(again.connection, connection);
    assert_eq!(again.header("Idempotency-Key"), Some(&*key));
    again.respond(200, &document(1).to_string());
    bench.proxy.answered(1).await;
    assert_eq!(bench.proxy.registry.stats().repeated, 1);
}

#[tokio::test]
async fn a_request_is_repeated_once_at_most() {
    let (mut bench, mut far) = asked().await;
    far.asked(1).close();
    far.request().await.close();
    assert_eq!(failure(&mut bench).await, Failure::Refused);
    assert_eq!(bench.proxy.registry.stats().repeated, 1);
}

#[tokio::test]
async fn a_request_on_a_new_connection_is_not_repeated() {
    let (mut bench, mut far) = asked().await;
    bench.proxy.ask(2).unwrap();
    let second = far.request().await;
    assert_eq!(second.connection, 2);
    second.close();
    match bench.proxy.inbound().await {
        Inbound::Failed { id: n, failure, .. } => {
            assert_eq!((n, failure), (id(2), Failure::Refused))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.proxy.registry.stats().repeated, 0);
}

#[tokio::test]
async fn nothing_is_repeated_once_the_head_of_a_response_is_there() {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"routes\":[";
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    for half in [head, whole] {
        let (mut bench, mut far) = asked().await;
        let bytes = half.as_bytes().to_vec();
        far.asked(1).write_and_close(bytes);
        assert_eq!(failure(&mut bench).await, Failure::Refused);
        assert_eq!(bench.proxy.registry.stats().repeated, 0);
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_not_repeated() {
    let (mut bench, mut far) = asked().await;
    far.asked(1)
        .write_and_close(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec());
    assert_eq!(failure(&mut bench).await, Failure::Refused);
    assert_eq!(bench.proxy.registry.stats().repeated, 0);
}

#[tokio::test]
async fn a_request_is_given_up_at_its_deadline() {
    let mut bench = Bench::start(Way::Http).await;
    let mut far = bench.application("b").await;
    let now = Instant::now();
    let deadline = now + Duration::from_millis(100);
    let asked = bench
        .proxy
        .dispatcher
        .ask(id(1), now, deadline, 0, &event());
    assert!(matches!(asked, Asked::Waiting(_)));
    far.receive().await;
    far.asked(1).given_up().await;
    assert!(now.elapsed() < Duration::from_secs(2));
    assert_eq!(bench.proxy.registry.applications().len(), 1);
}

#[tokio::test]
async fn one_that_drained_is_greeted_until_it_takes_questions_again() {
    let settings = Settings {
        heartbeat: Duration::from_millis(20),
        heartbeat_timeout: Duration::from_secs(5),
        ..quick()
    };
    let mut bench = Bench::with(Way::Http, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    far.request().await.respond(200, r#"{"type":"drain"}"#);
    assert_eq!(bench.proxy.gone().await, []);
    for refusal in [(503, ""), (200, r#"{"type":"drain"}"#)] {
        let request = far.request_of("hello").await;
        request.respond(refusal.0, refusal.1);
        assert_eq!(bench.proxy.registry.applications(), []);
    }
    far.request_of("hello").await.respond(200, "");
    bench.proxy.up().await;
}

#[tokio::test]
async fn a_ping_that_is_refused_is_no_sign_of_life() {
    let settings = Settings {
        heartbeat: Duration::from_millis(30),
        heartbeat_timeout: Duration::from_millis(90),
        ..quick()
    };
    let mut bench = Bench::with(Way::Http, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    let refusing = async {
        loop {
            far.request().await.respond(503, "");
        }
    };
    tokio::select! {
        () = refusing => {}
        again = bench.proxy.gone() => assert_eq!(again, []),
    }
    assert_eq!(bench.proxy.registry.stats().silent, 1);
}

#[tokio::test]
async fn an_application_without_hello_is_asked_at_once_and_lost_when_it_refuses_connections() {
    let mut bench = Bench::start(Way::Http).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dialect = EvapiDialect {
        template: r#"{"event":"sip-routing","callee":"$rU"}"#.parse().unwrap(),
        document_path: "rtjson".into(),
        ..EvapiDialect::kamailio()
    };
    let dial = Dial {
        endpoint: format!("http://{address}/1.0/kamailio/routing")
            .parse()
            .unwrap(),
        dialect: Dialect::Evapi(dialect.into()),
        token: None,
        tls: TlsClient::default(),
        notify: None,
    };
    bench.proxy.registry.reconfigure(policy_of([("w", dial)]));
    bench.proxy.up().await;
    // The probe of the way to it.
    drop(listener.accept().await.unwrap());

    bench.proxy.ask(1).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (requests, mut received) = tokio::sync::mpsc::unbounded_channel();
    let serving = tokio::spawn(crate::http::serve(Box::new(stream), 1, requests));
    let request = received.recv().await.unwrap();
    assert_eq!(
        request.body,
        json!({"event": "sip-routing", "callee": "102"})
    );
    request.respond(
        200,
        r#"{"auth":null,"rtjson":{"routing":"serial","routes":[{"uri":"sip:a@b"}]}}"#,
    );
    assert_eq!(bench.proxy.answered(1).await, "w");

    drop(listener);
    serving.abort();
    let _ = serving.await;
    bench.proxy.ask(2).unwrap();
    assert_eq!(bench.proxy.verdict().await, Verdict::AskAgain(vec![id(2)]));
    assert_eq!(bench.proxy.gone().await, []);
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    bench.proxy.up().await;
    drop(listener);
}

fn notification(n: u32) -> (String, bytes::Bytes) {
    let id = format!("e{n}");
    let text =
        json!({"type": "call", "event_id": id, "call": "c", "event": "answered"}).to_string();
    (id, text.into())
}

#[tokio::test]
async fn notifications_are_posted_in_their_order_until_they_are_taken() {
    let settings = Settings {
        ack_timeout: Duration::from_millis(300),
        ..quick()
    };
    let mut bench = Bench::with(Way::Http, settings, Terms::default()).await;
    let registry = std::sync::Arc::clone(&bench.proxy.registry);
    tokio::spawn(routing_api_client::keep_notifying(
        registry,
        bench.proxy.stop.subscribe(),
    ));
    let mut far = bench.far(&Shown::default()).await.unwrap();
    let wants = json!({"name": "b", "subscribe": ["answered"]});
    far.introduce(Way::Http, &wants).await;
    bench.proxy.up().await;
    for n in [1, 2, 3] {
        let (id, text) = notification(n);
        let notifications = bench.proxy.registry.notifications();
        notifications.push(Instant::now(), CallEventKind::Answered, &id, &text);
    }
    let first = far.request().await;
    assert_eq!(first.header("Idempotency-Key"), Some("e1"));
    first.respond(500, "");
    for n in [1, 2, 3] {
        let request = far.request().await;
        assert_eq!(request.body["event_id"], format!("e{n}"));
        request.respond(204, "");
    }
    let taken = async {
        while bench.proxy.registry.notifications().stats().acked < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(crate::common::PATIENCE, taken)
        .await
        .unwrap();
}

#[tokio::test]
async fn questions_share_a_connection_where_http_2_is_spoken() {
    let mut bench = Bench::start(Way::Https).await;
    let mut questions = bench.http_2().await;
    bench.proxy.up().await;
    for n in [1, 2, 3] {
        bench.proxy.ask(n).unwrap();
    }
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(questions.recv().await.unwrap());
    }
    for (id, answer) in waiting {
        let _ = answer.send(json!({"id": id, "routes": []}).to_string());
    }
    for _ in 0..3 {
        assert!(matches!(
            bench.proxy.verdict().await,
            Verdict::Answered { .. }
        ));
    }
}
