//! Applications that come, change and go while the proxy runs.

use std::sync::Arc;
use std::time::Duration;

use routing_api_client::{Dial, Policy, Settings, TlsClient, Verdict, keep_connected};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::certificates;
use crate::common::{PATIENCE, Proxy, Unavailable, native, policy_of};
use crate::far::Far;
use crate::way::{Bench, Terms, Way, quick};

/// An application that waits to be dialled.
struct Waiting(TcpListener);

impl Waiting {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn dial(&self) -> Dial {
        let address = self.0.local_addr().unwrap();
        Dial {
            endpoint: format!("tcp://{address}").parse().unwrap(),
            dialect: native(),
            token: None,
            tls: TlsClient::default(),
            notify: None,
        }
    }

    async fn dialled(&self, proxy: &mut Proxy) -> Far {
        let accepted = timeout(PATIENCE, self.0.accept()).await;
        let (stream, _) = accepted.expect("it is not dialled").unwrap();
        let mut far = Far::on(Box::new(stream), routing_api_client::Framing::Netstring);
        far.introduce(Way::TcpDialled, &json!({})).await;
        proxy.up().await;
        far
    }
}

async fn proxy(policy: Arc<Policy>) -> Proxy {
    let proxy = Proxy::start(native(), quick()).await;
    proxy.registry.reconfigure(policy);
    tokio::spawn(keep_connected(
        Arc::clone(&proxy.registry),
        proxy.inboxes.clone(),
        proxy.stop.subscribe(),
        |name| name != "of-another-shard",
    ));
    proxy
}

fn names(proxy: &Proxy) -> Vec<String> {
    let all = proxy.registry.applications();
    let mut names: Vec<_> = all.iter().map(|a| a.name.to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn one_that_is_removed_answers_what_it_was_asked_and_is_closed() {
    let b = Waiting::new().await;
    let mut proxy = proxy(policy_of([("b", b.dial())])).await;
    let mut far = b.dialled(&mut proxy).await;
    proxy.ask(1).unwrap();
    far.receive().await;
    proxy.registry.reconfigure(policy_of([]));
    assert_eq!(far.receive().await["type"], "drain");
    assert_eq!(proxy.verdict().await, Verdict::Nothing);
    assert_eq!(proxy.ask(2), Err(Unavailable));
    far.answer(1).await;
    proxy.answered(1).await;
    assert_eq!(far.closed().await, None);
    assert_eq!(proxy.gone().await, []);
}

#[tokio::test]
async fn one_that_is_removed_and_does_not_answer_is_closed_at_the_deadline() {
    let settings = Settings {
        deadline: Duration::from_millis(50),
        ..quick()
    };
    let mut bench = Bench::with(Way::TcpDialled, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    far.receive().await;
    bench.proxy.registry.reconfigure(policy_of([]));
    assert_eq!(far.closed().await.unwrap()["type"], "drain");
    assert_eq!(bench.proxy.gone().await, [crate::common::id(1)]);
}

#[tokio::test]
async fn one_that_moved_is_dialled_anew_while_the_old_one_drains() {
    let (old, new) = (Waiting::new().await, Waiting::new().await);
    let mut proxy = proxy(policy_of([("b", old.dial())])).await;
    let mut before = old.dialled(&mut proxy).await;
    proxy.ask(1).unwrap();
    before.receive().await;
    proxy.registry.reconfigure(policy_of([("b", new.dial())]));
    assert_eq!(before.receive().await["type"], "drain");
    assert_eq!(proxy.verdict().await, Verdict::Nothing);
    let mut after = new.dialled(&mut proxy).await;
    proxy.ask(2).unwrap();
    after.receive().await;
    before.answer(1).await;
    proxy.answered(1).await;
    after.answer(2).await;
}

#[tokio::test]
async fn one_that_did_not_change_keeps_its_connection() {
    let (b, c) = (Waiting::new().await, Waiting::new().await);
    let mut proxy = proxy(policy_of([("b", b.dial())])).await;
    let _b = b.dialled(&mut proxy).await;
    let other = policy_of([("b", b.dial()), ("c", c.dial())]);
    proxy.registry.reconfigure(other);
    let _c = c.dialled(&mut proxy).await;
    assert_eq!(names(&proxy), ["b", "c"]);
    let stats = proxy.registry.stats();
    assert_eq!((stats.connected, stats.disconnected), (2, 0));
}

#[tokio::test]
async fn only_those_of_the_shard_are_dialled() {
    let (b, other) = (Waiting::new().await, Waiting::new().await);
    let both = policy_of([("of-another-shard", other.dial()), ("b", b.dial())]);
    let mut proxy = proxy(both).await;
    let _b = b.dialled(&mut proxy).await;
    let none = timeout(Duration::ZERO, other.0.accept()).await;
    assert!(none.is_err());
}

#[tokio::test]
async fn one_that_refuses_connections_is_tried_until_it_is_there() {
    let b = Waiting::new().await;
    let (address, dial) = (b.0.local_addr().unwrap(), b.dial());
    drop(b);
    let mut proxy = proxy(policy_of([("b", dial)])).await;
    while proxy.registry.stats().dial_failed < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let b = Waiting(TcpListener::bind(address).await.unwrap());
    b.dialled(&mut proxy).await;
}

#[tokio::test]
async fn certificates_that_were_written_anew_are_shown_when_the_policy_is() {
    let dir = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        std::fs::copy(certificates::path(from), dir.path().join(to)).unwrap();
    };
    copy("stranger", "own");
    copy("stranger.key", "own.key");
    let terms = Terms {
        mutual: true,
        certificate: Some("stranger"),
        ..Terms::default()
    };
    let mut bench = Bench::with(Way::TlsDialled, quick(), terms).await;
    let policy = bench.proxy.registry.policy().borrow().clone();
    let mut dial = policy.applications[0].dial.clone().unwrap();
    dial.tls.certificate_file = Some(dir.path().join("own"));
    dial.tls.key_file = Some(dir.path().join("own.key"));
    let policy = policy_of([("b", dial)]);
    bench.proxy.registry.reconfigure(Arc::clone(&policy));
    copy("client", "own");
    copy("client.key", "own.key");
    bench.proxy.registry.reconfigure(policy);
    let shown = crate::way::Shown::default();
    let mut far = loop {
        // Those that showed the stranger's certificate come to nothing.
        if let Ok(far) = bench.far(&shown).await {
            break far;
        }
    };
    far.introduce(Way::TlsDialled, &json!({})).await;
    bench.proxy.up().await;
}
