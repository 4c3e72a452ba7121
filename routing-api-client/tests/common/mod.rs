//! A proxy's side of the channel without the proxy, and applications to connect to it.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use routing_api_client::{
    Accept, ApplicationId, Asked, Dial, Dialect, Dispatcher, Framing, Inbound, Inboxes, Member,
    NativeDialect, Policy, Registry, Settings, TlsClient, Verdict, serve,
};
use serde_json::{Value, json};
use tidegate_schemas::event::{AskReason, Party, Request, RouteEvent, Source};
use tidegate_schemas::{ConsultationId, frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) const INSTANCE: u32 = 0xcafe;
/// Longer than anything that works takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn id(n: u32) -> ConsultationId {
    ConsultationId {
        instance: INSTANCE,
        index: n,
        label: n,
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        instance: INSTANCE,
        ..Settings::default()
    }
}

pub(crate) fn native() -> Dialect {
    Dialect::Native(NativeDialect::default())
}

/// Nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unavailable;

/// One shard and one listener.
pub(crate) struct Proxy {
    pub(crate) registry: Arc<Registry>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) inboxes: Inboxes,
    pub(crate) address: SocketAddr,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) server: JoinHandle<()>,
    inbox: mpsc::Receiver<Inbound>,
}

impl Proxy {
    pub(crate) async fn start(dialect: Dialect, settings: Settings) -> Self {
        Self::with_inbox(dialect, settings, 64).await
    }

    pub(crate) async fn with_inbox(dialect: Dialect, settings: Settings, capacity: usize) -> Self {
        Self::serving(Accept::tcp(dialect), settings, capacity).await
    }

    pub(crate) async fn serving(accept: Accept, settings: Settings, capacity: usize) -> Self {
        let registry = Registry::new(settings);
        let (sender, inbox) = mpsc::channel(capacity);
        let inboxes = Inboxes::new(vec![sender]);
        let (stop, stopped) = watch::channel(false);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&registry);
        let serving = serve(listener, accept, shared, inboxes.clone(), stopped);
        Self {
            dispatcher: Dispatcher::new(Arc::clone(&registry)),
            registry,
            inboxes,
            address,
            stop,
            server: tokio::spawn(serving),
            inbox,
        }
    }

    /// Asks with a second of time.
    pub(crate) fn ask(&mut self, n: u32) -> Result<ApplicationId, Unavailable> {
        let now = Instant::now();
        let asked = self.dispatcher.ask(id(n), now, now + PATIENCE, 0, &event());
        match asked {
            Asked::Waiting(application) => Ok(application),
            Asked::Unavailable => Err(Unavailable),
            Asked::Decided { tier, .. } => panic!("decided by {tier}"),
        }
    }

    /// What the next thing that arrives means.
    pub(crate) async fn verdict(&mut self) -> Verdict {
        let inbound = self.inbound().await;
        self.dispatcher.on_inbound(Instant::now(), inbound)
    }

    pub(crate) async fn inbound(&mut self) -> Inbound {
        let inbound = timeout(PATIENCE, self.inbox.recv()).await;
        inbound
            .expect("nothing arrives")
            .expect("no sender is left")
    }

    pub(crate) async fn up(&mut self) -> ApplicationId {
        let inbound = self.inbound().await;
        let Inbound::Up { application } = inbound else {
            panic!("{inbound:?}");
        };
        self.dispatcher.on_inbound(Instant::now(), inbound);
        application
    }

    /// Waits for an answer to the `n`th consultation, and gives back who answered.
    pub(crate) async fn answered(&mut self, n: u32) -> String {
        match self.verdict().await {
            Verdict::Answered {
                id: answered, name, ..
            } => {
                assert_eq!(answered, id(n));
                name.to_string()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the end of a connection, and gives back what has to be asked again.
    pub(crate) async fn lost(&mut self) -> Vec<ConsultationId> {
        let inbound = self.inbound().await;
        assert!(matches!(inbound, Inbound::Lost { .. }), "{inbound:?}");
        match self.dispatcher.on_inbound(Instant::now(), inbound) {
            Verdict::AskAgain(ids) => ids,
            Verdict::Nothing => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the end of an application, and gives back all that has to be asked again.
    pub(crate) async fn gone(&mut self) -> Vec<ConsultationId> {
        let mut again = Vec::new();
        loop {
            let inbound = self.inbound().await;
            let over = matches!(inbound, Inbound::Lost { .. });
            if let Verdict::AskAgain(ids) = self.dispatcher.on_inbound(Instant::now(), inbound) {
                again.extend(ids);
            }
            if over {
                return again;
            }
        }
    }

    /// A connected application that said hello.
    pub(crate) async fn application(&mut self, name: &str) -> Application {
        let mut application = Application::dial(self.address, Framing::Netstring).await;
        application.hello(name).await;
        self.up().await;
        application
    }
}

/// The far end of a connection.
pub(crate) struct Application {
    pub(crate) stream: TcpStream,
    framing: Framing,
    decoder: frame::Decoder,
    buffer: BytesMut,
}

impl Application {
    pub(crate) async fn dial(address: SocketAddr, framing: Framing) -> Self {
        Self::on(TcpStream::connect(address).await.unwrap(), framing)
    }

    pub(crate) fn on(stream: TcpStream, framing: Framing) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            framing,
            decoder: frame::Decoder::new(framing),
            buffer: BytesMut::new(),
        }
    }

    /// Says hello and waits for the proxy's.
    pub(crate) async fn hello(&mut self, name: &str) {
        self.send(&json!({"type": "hello", "version": "1.0", "name": name}))
            .await;
        assert_eq!(self.receive().await["type"], "hello");
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        let bytes = self.framed(message);
        self.stream.write_all(&bytes).await.unwrap();
    }

    pub(crate) fn framed(&self, message: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::encode(self.framing, message.to_string().as_bytes(), &mut bytes);
        bytes
    }

    pub(crate) async fn answer(&mut self, n: u32) {
        self.send(&document(n)).await;
    }

    pub(crate) async fn receive(&mut self) -> Value {
        let received = timeout(PATIENCE, self.receive_or_end()).await;
        received
            .expect("nothing arrives")
            .expect("the connection ended")
    }

    /// Waits for the proxy to close the connection, and gives back the last message.
    pub(crate) async fn closed(&mut self) -> Option<Value> {
        let mut last = None;
        let end = async {
            while let Some(message) = self.receive_or_end().await {
                last = Some(message);
            }
        };
        timeout(PATIENCE, end)
            .await
            .expect("the connection stays open");
        last
    }

    async fn receive_or_end(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.decoder.next(&mut self.buffer).unwrap() {
                return Some(serde_json::from_slice(&message).unwrap());
            }
            if !matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..)) {
                return None;
            }
        }
    }
}

/// A policy with one application, `b`, that is dialled.
pub(crate) fn dialling(url: &str, dialect: Dialect) -> Arc<Policy> {
    let dial = Dial {
        endpoint: url.parse().unwrap(),
        dialect,
        token: None,
        tls: TlsClient::default(),
        notify: None,
    };
    policy_of([("b", dial)])
}

/// A policy with these applications in its only pool.
pub(crate) fn policy_of<const N: usize>(dialled: [(&str, Dial); N]) -> Arc<Policy> {
    let member = |(name, dial): (&str, Dial)| Member {
        name: name.into(),
        pool: 0,
        weight: 1,
        canary: None,
        shadow: None,
        max_in_flight: None,
        draining: false,
        dial: Some(dial),
    };
    Arc::new(Policy {
        applications: dialled.into_iter().map(member).collect(),
        ..Policy::simple()
    })
}

pub(crate) fn document(n: u32) -> Value {
    json!({
        "version": "1.0",
        "id": id(n).to_string(),
        "routes": [{"uri": "sip:102@example.com"}],
    })
}

pub(crate) fn event() -> RouteEvent<'static> {
    RouteEvent {
        id: id(0),
        call: "c".into(),
        node: "test".into(),
        deadline_ms: 0,
        attempt: 1,
        reason: AskReason::New,
        source: Source {
            transport: "udp".into(),
            ip: [192, 0, 2, 9].into(),
            port: 5071,
            listener: "udp:192.0.2.1:5060".into(),
        },
        request: Request {
            method: "INVITE".into(),
            uri: "sip:102@example.com".into(),
            from: party("sip:101@example.org"),
            to: party("sip:102@example.com"),
            call_id: "c".into(),
            cseq: 1,
            contact: None,
            headers: vec![("Call-ID".into(), "c".into())],
            body: None,
        },
        attempts: Vec::new(),
        context: None,
        step: None,
        attributes: None,
    }
}

fn party(uri: &'static str) -> Party<'static> {
    Party {
        uri: uri.into(),
        ..Party::default()
    }
}
