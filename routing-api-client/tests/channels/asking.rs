//! Asking one application outside of any proxy, on all channels.

use std::time::Duration;

use futures_util::future::join_all;
use routing_api_client::{Asker, AskerSettings, SampleError};
use serde_json::{Value, json};

use crate::common::{PATIENCE, event};
use crate::far::Far;
use crate::way::{Bench, Shown, Way, quick};

macro_rules! everywhere {
    ($($module:ident = $way:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $module() {
            hundreds_of_questions_at_once(Way::$way).await;
            one_that_comes_back_is_asked_again(Way::$way).await;
        }
    )*};
}

everywhere!(
    tcp = Tcp,
    lines = Lines,
    tls = Tls,
    ws = Ws,
    wss = Wss,
    tcp_dialled = TcpDialled,
    tls_dialled = TlsDialled,
    ws_dialled = WsDialled,
    wss_dialled = WssDialled,
    http = Http,
    https = Https,
);

fn settings() -> AskerSettings {
    AskerSettings {
        within: PATIENCE,
        settings: quick(),
    }
}

/// An asker and its application.
async fn meet(way: Way) -> (Asker, Far, Bench) {
    let (bench, reach) = Bench::for_an_asker(way).await;
    let asker = tokio::spawn(Asker::connect(reach, settings()));
    let far = enter(&bench).await;
    (asker.await.unwrap().unwrap(), far, bench)
}

async fn enter(bench: &Bench) -> Far {
    let mut far = bench.far(&Shown::default()).await.unwrap();
    far.introduce(bench.way, &json!({"name": "b", "release": "7"}))
        .await;
    far
}

async fn next_question(far: &mut Far) -> Value {
    loop {
        let message = far.receive().await;
        if message["type"] == "route" {
            return message;
        }
    }
}

/// Routes to the user that it was asked about.
fn document(question: &Value) -> Value {
    json!({ "id": question["id"], "routes": [{ "uri": question["request"]["uri"] }] })
}

async fn hundreds_of_questions_at_once(way: Way) {
    let (asker, mut far, _bench) = meet(way).await;
    let application = asker.application().unwrap();
    assert_eq!(application.release.as_deref(), Some("7"));
    let count = 300_usize.min(usize::try_from(application.max_in_flight).unwrap());
    let answers = (0..count).map(|n| {
        let mut event = event();
        event.request.uri = format!("sip:{n}@example.com").into();
        asker.ask(&event, PATIENCE)
    });
    let answers = tokio::spawn(join_all(answers.collect::<Vec<_>>()));
    for _ in 0..count {
        let question = next_question(&mut far).await;
        far.send(&document(&question)).await;
    }
    for (n, answer) in answers.await.unwrap().into_iter().enumerate() {
        let document = serde_json::to_value(answer.unwrap().document).unwrap();
        let uri = format!("sip:{n}@example.com");
        assert_eq!(document["routes"], json!([{ "uri": uri }]));
    }
}

async fn one_that_comes_back_is_asked_again(way: Way) {
    let (asker, far, bench) = meet(way).await;
    if way.is_http() {
        // There is no connection that could be lost.
        return;
    }
    let unanswered = asker.ask(&event(), PATIENCE);
    drop(far);
    let error = unanswered.await.unwrap_err();
    assert_eq!(error, SampleError::Lost);
    let mut far = enter(&bench).await;
    asker.wait(PATIENCE).await.unwrap();
    let answer = tokio::spawn(asker.ask(&event(), PATIENCE));
    let question = next_question(&mut far).await;
    far.send(&document(&question)).await;
    assert!(answer.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_silent_one_costs_its_time_and_no_more() {
    let (asker, mut far, _bench) = meet(Way::Tcp).await;
    let answer = asker.ask(&event(), Duration::from_millis(20)).await;
    assert_eq!(answer, Err(SampleError::TimedOut));
    let question = next_question(&mut far).await;
    assert_eq!(question["deadline_ms"], 20);
    assert_eq!(far.receive().await["type"], "cancelled");
    asker.close().await;
    assert_eq!(far.closed().await.unwrap()["type"], "drain");
}
