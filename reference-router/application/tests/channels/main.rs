//! An application that answers as it was recorded, over every channel in both roles, asked by the
//! proxy's own client.

#![allow(clippy::unwrap_used, reason = "what can't be set up fails the test")]

mod certificates;

use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use routing_api_client::{
    Accept, AcceptTransport, Asker, AskerSettings, Dial, Dialect, Framing, NativeDialect, Reach,
    SampleError, Token,
};
use routing_application::args::{Channels, Open};
use routing_application::replay::{Key, Player, Recorded, Repeat};
use routing_application::{Host, Identity};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    channels: Channels,
}

fn event(uri: &str) -> Value {
    json!({
        "id": "00000001-00000002-00000003", "call": "c", "node": "edge", "deadline_ms": 5000,
        "attempt": 1, "reason": "new",
        "source": {"transport": "udp", "ip": "192.0.2.1", "port": 5060,
                   "listener": "udp:192.0.2.2:5060"},
        "request": {"method": "INVITE", "uri": uri, "from": {"uri": "sip:alice@example.com"},
                    "to": {"uri": uri}, "call_id": "x", "cseq": 1, "headers": []},
    })
}

fn player() -> Arc<Player> {
    let line = json!({
        "type": "consultation", "version": "1.0", "time_ms": 1, "latency_us": 900,
        "id": "00000001-00000002-00000003", "call": "c", "node": "edge",
        "event": event("sip:bob@example.com"), "tier": "app", "cause": "answered",
        "document": {"routes": [{"uri": "sip:bob@192.0.2.7"}]},
    });
    let mut recorded = Recorded::new(Key::default(), Repeat::default());
    recorded.add_lines([line.to_string()]).unwrap();
    let identity = Identity {
        release: Some("7.1".to_owned()),
        token: Some("s3cret".to_owned()),
        ..Identity::new("recorded")
    };
    Arc::new(Player::new(identity, recorded))
}

async fn open(player: &Arc<Player>, options: &[&str]) -> Open {
    let files = [
        "--ca-file",
        "ca",
        "--certificate-file",
        "application",
        "--key-file",
        "key",
    ];
    let files = files.chunks(2).flat_map(|pair| {
        let file = certificates::path(pair[1]).display().to_string();
        [pair[0].to_owned(), file]
    });
    let options = options.iter().map(|option| (*option).to_owned());
    let name = "application".to_owned();
    let line = Line::parse_from([name].into_iter().chain(options).chain(files));
    let host = Host::new(Arc::clone(player));
    line.channels.open(&host).await.unwrap()
}

/// The recorded decision comes, and a question without a record is refused, each of them counted.
async fn converse(reach: Reach, player: &Player, has_release: bool, what: &str) {
    let settings = AskerSettings {
        within: PATIENCE,
        ..AskerSettings::default()
    };
    let asker = Asker::connect(reach, settings).await.unwrap();
    asker.wait(PATIENCE).await.unwrap();
    if has_release {
        let release = asker.application().unwrap().release;
        assert_eq!(release.as_deref(), Some("7.1"), "{what}");
    }
    let ask = async |uri| {
        let event = event(uri).to_string();
        let event = serde_json::from_str(&event).unwrap();
        asker.ask(&event, PATIENCE).await
    };
    let answer = ask("sip:bob@example.com").await.unwrap();
    let document = serde_json::to_value(answer.document).unwrap();
    assert_eq!(document["routes"][0]["uri"], "sip:bob@192.0.2.7", "{what}");
    let refused: Result<_, SampleError> = ask("sip:carol@example.com").await;
    assert!(refused.is_err(), "{what}");
    let summary = player.summary();
    assert_eq!((summary.served, summary.unmatched), (1, 1), "{what}");
    assert!(
        summary.failures[0].contains("sip:carol@example.com"),
        "{summary}"
    );
    asker.close().await;
}

fn dialling(url: &str, framing: Option<Framing>) -> Reach {
    Reach::Dial(Box::new(Dial {
        endpoint: url.parse().unwrap(),
        dialect: Dialect::Native(NativeDialect { framing }),
        token: Some(Token::new("s3cret")),
        tls: certificates::client(),
        notify: None,
    }))
}

#[tokio::test]
async fn a_proxy_that_dials_is_answered_over_every_channel() {
    for (option, address, scheme, framing) in [
        ("--listen-tcp", "127.0.0.1:0", "tcp", Some(Framing::Lines)),
        (
            "--listen-tcp",
            "127.0.0.1:0",
            "tcp",
            Some(Framing::Netstring),
        ),
        (
            "--listen-tcp",
            "tls://127.0.0.1:0",
            "tls",
            Some(Framing::Lines),
        ),
        (
            "--listen-tcp",
            "tls://127.0.0.1:0",
            "tls",
            Some(Framing::Netstring),
        ),
        ("--listen", "127.0.0.1:0", "ws", None),
        ("--listen", "https://127.0.0.1:0", "wss", None),
        ("--listen", "127.0.0.1:0", "http", None),
        ("--listen", "https://127.0.0.1:0", "https", None),
    ] {
        let player = player();
        let open = open(&player, &[option, address]).await;
        let port = open.addresses()[0].port();
        let host = if address.contains("s://") {
            "localhost"
        } else {
            "127.0.0.1"
        };
        let path = if option == "--listen" { "/route" } else { "" };
        let url = format!("{scheme}://{host}:{port}{path}");
        converse(dialling(&url, framing), &player, path.is_empty(), &url).await;
        open.leave().await;
    }
}

#[tokio::test]
async fn a_proxy_is_dialled_over_every_channel() {
    for (scheme, transport, is_secure, framing) in [
        ("tcp", AcceptTransport::Tcp, false, "lines"),
        ("tcp", AcceptTransport::Tcp, false, "netstring"),
        ("tls", AcceptTransport::Tcp, true, "lines"),
        ("tls", AcceptTransport::Tcp, true, "netstring"),
        ("ws", AcceptTransport::WebSocket, false, "lines"),
        ("wss", AcceptTransport::WebSocket, true, "lines"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accept = Accept {
            transport,
            token: Some(Token::new("s3cret")),
            tls: is_secure.then(certificates::server),
            ..Accept::tcp(Dialect::Native(NativeDialect::default()))
        };
        let host = if is_secure { "localhost" } else { "127.0.0.1" };
        let url = format!("{scheme}://{host}:{port}");
        let player = player();
        let open = open(&player, &["--proxy", &url, "--framing", framing]).await;
        let reach = Reach::Accept(listener, Box::new(accept));
        converse(reach, &player, true, &url).await;
        open.leave().await;
    }
}

#[tokio::test]
async fn http_answers_carry_the_release() {
    let player = player();
    let open = open(&player, &["--listen", "127.0.0.1:0"]).await;
    let address = open.addresses()[0];
    let url = format!("http://{address}");
    let client = reqwest::Client::new();
    let mut hello = json!({"type": "ping"});
    for expected in [200, 400] {
        let asked = client.post(&url).bearer_auth("s3cret").json(&hello);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), expected);
        assert_eq!(answer.headers()["application-release"], "7.1");
        hello = json!({});
    }
    let counters = client.get(format!("{url}/counters")).send().await.unwrap();
    let counters: Value = counters.json().await.unwrap();
    assert_eq!(counters["never_asked"], 1);
    open.leave().await;
}
