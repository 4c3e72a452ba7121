//! Applications that speak the native dialect, over real connections.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Application, PATIENCE, Proxy, Unavailable, dialling, document, id, native, settings};
use routing_api_client::{
    Dialect, Framing, Inbound, NativeDialect, Settings, Token, Verdict, keep_connected,
};
use serde_json::json;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

#[tokio::test]
async fn a_question_goes_out_and_its_answer_comes_back() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    proxy.ask(1).unwrap();
    let question = application.receive().await;
    assert_eq!(question["type"], "route");
    assert_eq!(question["id"], id(1).to_string());
    application.answer(1).await;
    assert_eq!(proxy.answered(1).await, "a");
    assert_eq!(proxy.registry.applications()[0].in_flight, 0);
}

#[tokio::test]
async fn the_framing_is_that_of_the_first_byte() {
    for framing in [Framing::Lines, Framing::Netstring] {
        let mut proxy = Proxy::start(native(), settings()).await;
        let mut application = Application::dial(proxy.address, framing).await;
        application.hello("a").await;
        proxy.up().await;
        proxy.ask(1).unwrap();
        assert_eq!(application.receive().await["type"], "route");
    }
}

#[tokio::test]
async fn a_stream_may_be_split_at_every_byte() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    for n in [1, 2, 3] {
        proxy.ask(n).unwrap();
    }
    let bytes = [1, 2, 3].map(|n| application.framed(&document(n))).concat();
    for byte in bytes {
        application.stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    for n in [1, 2, 3] {
        proxy.answered(n).await;
    }
}

#[tokio::test]
async fn many_answers_may_come_in_one_write() {
    let mut proxy = Proxy::with_inbox(native(), settings(), 4).await;
    let mut application = proxy.application("a").await;
    let mut bytes = Vec::new();
    for n in 0..1000 {
        proxy.ask(n).unwrap();
        bytes.extend(application.framed(&document(n)));
    }
    // More than the inbox holds: the application waits, nothing is lost.
    let writing = tokio::spawn(async move {
        application.stream.write_all(&bytes).await.unwrap();
        application
    });
    for n in 0..1000 {
        proxy.answered(n).await;
    }
    drop(writing.await);
}

#[tokio::test]
async fn the_hello_lowers_the_credit() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = Application::dial(proxy.address, Framing::Lines).await;
    let hello = json!({"type": "hello", "version": "1.0", "name": "a", "max_in_flight": 1});
    application.send(&hello).await;
    proxy.up().await;
    proxy.ask(1).unwrap();
    assert_eq!(proxy.ask(2), Err(Unavailable));
}

async fn turned_away(settings: Settings, hello: serde_json::Value) -> String {
    let proxy = Proxy::start(native(), settings).await;
    let mut application = Application::dial(proxy.address, Framing::Lines).await;
    application.send(&hello).await;
    let last = application.closed().await.unwrap();
    assert_eq!(proxy.registry.applications(), []);
    assert_eq!(proxy.registry.stats().turned_away, 1);
    last["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_shows_no_good_hello_is_turned_away() {
    let with_token = || Settings {
        token: Some(Token::new("s3cret")),
        ..settings()
    };
    let wrong = json!({"type": "hello", "version": "1.0", "name": "a", "token": "guess"});
    assert_eq!(turned_away(with_token(), wrong).await, "unauthorized");
    let none = json!({"type": "hello", "version": "1.0", "name": "a"});
    assert_eq!(turned_away(with_token(), none).await, "unauthorized");
    let old = json!({"type": "hello", "version": "2.0", "name": "a"});
    assert_eq!(turned_away(settings(), old).await, "unsupported_version");
    assert_eq!(turned_away(settings(), document(1)).await, "hello_needed");
}

#[tokio::test]
async fn the_right_token_opens_and_is_not_sent_back() {
    let token = Some(Token::new("s3cret"));
    let mut proxy = Proxy::start(
        native(),
        Settings {
            token,
            ..settings()
        },
    )
    .await;
    let mut application = Application::dial(proxy.address, Framing::Lines).await;
    let hello = json!({"type": "hello", "version": "1.0", "name": "a", "token": "s3cret"});
    application.send(&hello).await;
    proxy.up().await;
    let answer = application.receive().await;
    assert_eq!(
        (&answer["name"], answer.get("token")),
        (&json!("tidegate"), None)
    );
}

#[tokio::test]
async fn an_application_killed_in_mid_flight_loses_its_questions_to_another() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut a = proxy.application("a").await;
    let mut b = proxy.application("b").await;
    proxy.ask(1).unwrap();
    a.receive().await;
    // Half an answer, then nothing: what a SIGKILL leaves.
    let half = a.framed(&document(1));
    a.stream.write_all(&half[..half.len() / 2]).await.unwrap();
    drop(a);
    assert_eq!(proxy.lost().await, [id(1)]);
    proxy.ask(1).unwrap();
    assert_eq!(b.receive().await["id"], id(1).to_string());
    b.answer(1).await;
    assert_eq!(proxy.answered(1).await, "b");
}

#[tokio::test]
async fn a_reset_connection_is_lost() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    proxy.ask(1).unwrap();
    application.receive().await;
    let socket = socket2::SockRef::from(&application.stream);
    socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(application);
    assert_eq!(proxy.lost().await, [id(1)]);
    assert_eq!(proxy.ask(1), Err(Unavailable));
}

async fn broken(bytes: &[u8], code: &str) -> routing_api_client::ChannelStats {
    let max_frame = 4096;
    let mut proxy = Proxy::start(
        native(),
        Settings {
            max_frame,
            ..settings()
        },
    )
    .await;
    let mut application = proxy.application("a").await;
    proxy.ask(1).unwrap();
    application.receive().await;
    application.stream.write_all(bytes).await.unwrap();
    assert_eq!(application.closed().await.unwrap()["code"], code);
    assert_eq!(proxy.lost().await, [id(1)]);
    proxy.registry.stats()
}

#[tokio::test]
async fn broken_framing_ends_the_connection() {
    for garbage in [
        "\0\0\0\0",
        "GET / HTTP/1.1\r\n\r\n",
        "5:hello;",
        "-1:,",
        "{}\n",
    ] {
        let stats = broken(garbage.as_bytes(), "bad_frame").await;
        assert_eq!(stats.bad_frame, 1, "{garbage}");
    }
}

#[tokio::test]
async fn an_oversized_frame_ends_the_connection_before_it_is_read() {
    let stats = broken(b"4097:{", "too_large").await;
    assert_eq!(stats.too_large, 1);
    broken(b"99999999999999999999999", "too_large").await;
}

#[tokio::test]
async fn a_first_byte_of_no_framing_ends_the_connection_with_a_netstring() {
    let proxy = Proxy::start(native(), settings()).await;
    let mut application = Application::dial(proxy.address, Framing::Netstring).await;
    application.stream.write_all(b"SSH-2.0\r\n").await.unwrap();
    assert_eq!(application.closed().await.unwrap()["code"], "bad_frame");
    assert_eq!(proxy.registry.stats().bad_frame, 1);
}

#[tokio::test]
async fn mistakes_are_answered_with_stable_codes_and_cost_nothing_else() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    for (mistake, code) in [
        (json!({"type": "dance"}), "unknown_type"),
        (json!({"routes": []}), "missing_id"),
        (json!({"id": "x", "routes": []}), "invalid_document"),
        (json!({"type": "error", "id": 1}), "invalid_message"),
        (json!([1]), "invalid_json"),
        (
            json!({"type": "hello", "version": "1.0"}),
            "unexpected_hello",
        ),
    ] {
        application.send(&mistake).await;
        let error = application.receive().await;
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("error"), &json!(code)),
            "{mistake}"
        );
    }
    application.stream.write_all(b"3:{x},").await.unwrap();
    assert_eq!(application.receive().await["code"], "invalid_json");
    proxy.ask(1).unwrap();
    application.receive().await;
    application.answer(1).await;
    proxy.answered(1).await;
}

#[tokio::test]
async fn an_invalid_answer_is_pointed_out_and_asked_of_the_next() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut a = proxy.application("a").await;
    let mut b = proxy.application("b").await;
    proxy.ask(1).unwrap();
    a.receive().await;
    a.send(&json!({"id": id(1).to_string(), "routes": [{"uri": 5}]}))
        .await;
    assert_eq!(proxy.verdict().await, Verdict::AskAgain(vec![id(1)]));
    let error = a.receive().await;
    assert_eq!(error["code"], "invalid_document");
    assert_eq!(error["pointer"], "/routes/0/uri");
    proxy.ask(1).unwrap();
    assert_eq!(b.receive().await["id"], id(1).to_string());
}

#[tokio::test]
async fn a_double_answer_and_one_to_no_question_are_harmless() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    proxy.ask(1).unwrap();
    application.receive().await;
    for n in [1, 1, 7] {
        application.answer(n).await;
    }
    proxy.answered(1).await;
    assert_eq!(proxy.verdict().await, Verdict::Nothing);
    assert_eq!(proxy.verdict().await, Verdict::Nothing);
    let stats = proxy.dispatcher.stats();
    assert_eq!((stats.answered, stats.duplicate, stats.unknown), (1, 1, 1));
    assert_eq!(application.receive().await["code"], "unknown_id");
}

#[tokio::test]
async fn a_refusal_asks_the_next_at_once() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    proxy.ask(1).unwrap();
    application.receive().await;
    let id_text = id(1).to_string();
    let error = json!({"type": "error", "id": id_text, "code": "busy", "message": "later"});
    application.send(&error).await;
    assert_eq!(proxy.verdict().await, Verdict::AskAgain(vec![id(1)]));
    assert_eq!(proxy.ask(1), Err(Unavailable));
}

#[tokio::test]
async fn an_application_that_drains_is_left_alone() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    proxy.ask(1).unwrap();
    application.receive().await;
    application.send(&json!({"type": "drain"})).await;
    assert_eq!(proxy.verdict().await, Verdict::Nothing);
    assert_eq!(proxy.ask(2), Err(Unavailable));
    application.answer(1).await;
    proxy.answered(1).await;
}

#[tokio::test]
async fn a_ping_is_answered() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    application.send(&json!({"type": "ping"})).await;
    assert_eq!(application.receive().await["type"], "pong");
}

#[tokio::test]
async fn a_slow_reader_stops_being_asked_and_never_blocks() {
    let limits = Settings {
        max_in_flight: u32::MAX,
        outgoing_queue: usize::MAX,
        outgoing_bytes: 64 * 1024,
        ..settings()
    };
    let mut proxy = Proxy::start(native(), limits).await;
    let mut application = proxy.application("a").await;
    let mut asked = 0;
    while proxy.ask(asked).is_ok() {
        asked += 1;
        // Lets the connection fill what the kernel takes.
        tokio::task::yield_now().await;
    }
    assert!(asked > 100, "{asked}");
    assert!(proxy.dispatcher.stats().queue_full > 0);
    for n in 0..asked {
        assert_eq!(application.receive().await["id"], id(n).to_string());
    }
    assert!(proxy.ask(asked).is_ok());
}

#[tokio::test]
async fn too_many_connections_are_turned_away() {
    let max_connections = 1;
    let mut proxy = Proxy::start(
        native(),
        Settings {
            max_connections,
            ..settings()
        },
    )
    .await;
    let _first = proxy.application("a").await;
    let mut second = Application::dial(proxy.address, Framing::Lines).await;
    assert_eq!(second.closed().await, None);
    assert_eq!(proxy.registry.stats().turned_away, 1);
}

#[tokio::test]
async fn the_end_of_the_proxy_drains_and_takes_the_last_answers() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    proxy.ask(1).unwrap();
    application.receive().await;
    proxy.stop.send(true).unwrap();
    assert_eq!(application.receive().await["type"], "drain");
    assert_eq!(proxy.verdict().await, Verdict::Nothing);
    assert_eq!(proxy.ask(2), Err(Unavailable));
    application.answer(1).await;
    proxy.answered(1).await;
    assert_eq!(application.closed().await, None);
    timeout(PATIENCE, proxy.server).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_proxy_dials_out_shows_its_token_and_comes_back() {
    let token = Some(Token::new("s3cret"));
    let mut proxy = Proxy::start(
        native(),
        Settings {
            token,
            ..settings()
        },
    )
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    proxy.registry.reconfigure(dialling(
        &format!("tcp://{address}"),
        Dialect::Native(NativeDialect {
            framing: Some(Framing::Lines),
        }),
    ));
    let dialling = tokio::spawn(keep_connected(
        Arc::clone(&proxy.registry),
        proxy.inboxes.clone(),
        proxy.stop.subscribe(),
        |_| true,
    ));
    for n in [1, 2] {
        let (stream, _) = listener.accept().await.unwrap();
        let mut application = Application::on(stream, Framing::Lines);
        assert_eq!(application.receive().await["token"], "s3cret");
        application
            .send(&json!({"type": "hello", "version": "1.0", "name": "b"}))
            .await;
        proxy.up().await;
        proxy.ask(n).unwrap();
        assert_eq!(application.receive().await["type"], "route");
        application.answer(n).await;
        assert_eq!(proxy.answered(n).await, "b");
        drop(application);
        assert_eq!(proxy.lost().await, []);
    }
    proxy.stop.send(true).unwrap();
    timeout(PATIENCE, dialling).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_of_a_shard_that_does_not_exist_is_counted() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut application = proxy.application("a").await;
    application
        .send(&json!({"id": "0000cafe-fe000001-00000001", "routes": []}))
        .await;
    let inbound = proxy.inbound().await;
    assert!(matches!(inbound, Inbound::Answer { .. }), "{inbound:?}");
    assert_eq!(
        proxy
            .dispatcher
            .on_inbound(std::time::Instant::now(), inbound),
        Verdict::Nothing
    );
    assert_eq!(proxy.dispatcher.stats().unknown, 1);
}
