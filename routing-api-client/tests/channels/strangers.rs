//! Who is let in, and to whom the proxy speaks.

use routing_api_client::{Dialect, EvapiDialect, Settings};
use serde_json::{Value, json};

use crate::common::Proxy;
use crate::way::{Bench, Shown, Terms, Way, quick};

const ACCEPTED: [Way; 4] = [Way::Tcp, Way::Tls, Way::Ws, Way::Wss];
const SECURE: [Way; 2] = [Way::Tls, Way::Wss];

fn with_token() -> Terms {
    Terms {
        token: Some("s3cret"),
        ..Terms::default()
    }
}

fn mutual() -> Terms {
    Terms {
        mutual: true,
        ..Terms::default()
    }
}

fn hello(token: Option<&str>) -> Value {
    json!({"type": "hello", "version": "1.0", "name": "b", "token": token})
}

#[track_caller]
fn turned_away(proxy: &Proxy) {
    assert_eq!(proxy.registry.applications(), []);
    assert_eq!(proxy.registry.stats().turned_away, 1);
}

#[tokio::test]
async fn the_right_token_in_the_hello_opens_every_channel() {
    for way in ACCEPTED {
        let mut bench = Bench::with(way, quick(), with_token()).await;
        let mut far = bench.far(&Shown::default()).await.unwrap();
        far.send(&hello(Some("s3cret"))).await;
        bench.proxy.up().await;
        assert_eq!(far.receive().await.get("token"), None);
    }
}

#[tokio::test]
async fn a_wrong_token_or_none_in_the_hello_opens_none() {
    for way in ACCEPTED {
        for token in [None, Some("guess")] {
            let bench = Bench::with(way, quick(), with_token()).await;
            let mut far = bench.far(&Shown::default()).await.unwrap();
            far.send(&hello(token)).await;
            assert_eq!(far.closed().await.unwrap()["code"], "unauthorized");
            turned_away(&bench.proxy);
        }
    }
}

#[tokio::test]
async fn a_listeners_own_token_replaces_the_common_one() {
    let settings = Settings {
        token: Some(routing_api_client::Token::new("common")),
        ..quick()
    };
    let bench = Bench::with(Way::Tcp, settings, with_token()).await;
    let mut far = bench.far(&Shown::default()).await.unwrap();
    far.send(&hello(Some("common"))).await;
    assert_eq!(far.closed().await.unwrap()["code"], "unauthorized");
}

#[tokio::test]
async fn a_bearer_token_suffices_on_websocket() {
    for way in [Way::Ws, Way::Wss] {
        let mut bench = Bench::with(way, quick(), with_token()).await;
        let shown = Shown {
            bearer: Some("s3cret"),
            ..Shown::default()
        };
        let mut far = bench.far(&shown).await.unwrap();
        far.send(&hello(None)).await;
        bench.proxy.up().await;
    }
}

#[tokio::test]
async fn where_no_hello_is_said_websocket_needs_the_bearer_token() {
    for (bearer, opens) in [
        (None, false),
        (Some("guess"), false),
        (Some("s3cret"), true),
    ] {
        let evapi = Dialect::Evapi(EvapiDialect::kamailio().into());
        let mut bench = Bench::speaking(evapi, Way::Ws, quick(), with_token()).await;
        let shown = Shown {
            bearer,
            ..Shown::default()
        };
        let far = bench.far(&shown).await;
        assert_eq!(far.is_ok(), opens);
        if opens {
            bench.proxy.up().await;
            bench.proxy.ask(7).unwrap();
            assert_eq!(far.unwrap().receive().await["tindex"], 7);
        }
    }
}

#[tokio::test]
async fn a_wrong_bearer_token_is_refused_before_the_upgrade() {
    let bench = Bench::with(Way::Ws, quick(), with_token()).await;
    let shown = Shown {
        bearer: Some("guess"),
        ..Shown::default()
    };
    let error = bench.far(&shown).await.err().unwrap();
    assert!(error.contains("401"), "{error}");
    bench.until(|stats| stats.turned_away == 1).await;
    turned_away(&bench.proxy);
}

#[tokio::test]
async fn a_wrong_subprotocol_is_refused() {
    for subprotocol in ["", "tidegate.routing.v2", "chat"] {
        let bench = Bench::start(Way::Ws).await;
        let shown = Shown {
            subprotocol: Some(subprotocol),
            ..Shown::default()
        };
        let error = bench.far(&shown).await.err().unwrap();
        assert!(error.contains("400"), "{error}");
        bench.until(|stats| stats.turned_away == 1).await;
        turned_away(&bench.proxy);
    }
}

#[tokio::test]
async fn one_that_answers_with_another_subprotocol_is_not_asked() {
    for subprotocol in ["", "chat"] {
        let bench = Bench::start(Way::WsDialled).await;
        let shown = Shown {
            subprotocol: Some(subprotocol),
            ..Shown::default()
        };
        let _ = bench.far(&shown).await;
        bench.until(|stats| stats.dial_failed > 0).await;
        assert_eq!(bench.proxy.registry.applications(), []);
    }
}

#[tokio::test]
async fn without_a_certificate_or_with_a_strangers_one_nobody_passes_mutual_tls() {
    for way in SECURE {
        for certificate in [None, Some("stranger")] {
            let bench = Bench::with(way, quick(), mutual()).await;
            let shown = Shown {
                certificate,
                ..Shown::default()
            };
            // With TLS 1.3 the refusal may come behind the handshake.
            if let Ok(mut far) = bench.far(&shown).await {
                assert_eq!(far.closed().await, None);
            }
            bench.until(|stats| stats.tls_failed == 1).await;
            assert_eq!(bench.proxy.registry.applications(), []);
        }
    }
}

#[tokio::test]
async fn the_right_certificate_passes_mutual_tls() {
    for way in SECURE {
        let mut bench = Bench::with(way, quick(), mutual()).await;
        let shown = Shown {
            certificate: Some("client"),
            ..Shown::default()
        };
        let mut far = bench.far(&shown).await.unwrap();
        far.send(&hello(None)).await;
        bench.proxy.up().await;
    }
}

#[tokio::test]
async fn one_that_speaks_no_tls_is_refused() {
    let bench = Bench::start(Way::Tls).await;
    let mut plain = crate::far::Far::on(
        Box::new(bench.plain().await),
        routing_api_client::Framing::Lines,
    );
    plain.send(&hello(None)).await;
    bench.until(|stats| stats.tls_failed == 1).await;
}

#[tokio::test]
async fn the_proxy_shows_token_and_certificate_where_it_dials() {
    for way in [
        Way::TcpDialled,
        Way::TlsDialled,
        Way::WsDialled,
        Way::WssDialled,
        Way::Http,
        Way::Https,
    ] {
        let terms = Terms {
            token: Some("s3cret"),
            mutual: way.is_secure(),
            certificate: Some("client"),
        };
        let mut bench = Bench::with(way, quick(), terms).await;
        let shown = Shown {
            bearer: Some("s3cret"),
            ..Shown::default()
        };
        let mut far = bench.far(&shown).await.unwrap();
        let said = match way.is_http() {
            true => {
                let request = far.request().await;
                assert_eq!(request.header("Authorization"), Some("Bearer s3cret"));
                let said = request.body.clone();
                request.respond(204, "");
                said
            }
            false => far.introduce(way, &json!({"name": "b"})).await,
        };
        assert_eq!(said["token"], "s3cret");
        bench.proxy.up().await;
    }
}

#[tokio::test]
async fn one_that_shows_a_strangers_certificate_is_not_asked() {
    for way in [Way::TlsDialled, Way::WssDialled, Way::Https] {
        let bench = Bench::start(way).await;
        let shown = Shown {
            certificate: Some("stranger"),
            ..Shown::default()
        };
        let _ = bench.stream(&shown).await;
        bench.until(|stats| stats.dial_failed > 0).await;
        assert_eq!(bench.proxy.registry.applications(), []);
    }
}

#[tokio::test]
async fn without_its_certificate_the_proxy_does_not_pass_mutual_tls() {
    for way in [Way::TlsDialled, Way::WssDialled, Way::Https] {
        let bench = Bench::with(way, quick(), mutual()).await;
        let _ = bench.stream(&Shown::default()).await;
        bench
            .until(|stats| stats.dial_failed + stats.disconnected > 0)
            .await;
        assert_eq!(bench.proxy.registry.applications(), []);
    }
}
