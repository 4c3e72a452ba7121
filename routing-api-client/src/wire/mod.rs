//! An application's channel below the contract: texts go out as they are given, and what comes is
//! handed over unread. For programs that try an application, and never for calls.
//!
//! [`dial`] reaches an application, [`Door`] waits until one dials in, and [`HttpWire`] posts to one.

mod door;
mod http;
mod stream;
#[cfg(test)]
mod tests;
mod websocket;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use tidegate_schemas::frame::Framing;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connection::Context;
use crate::dial::Connected;
use crate::dialect::Dialect;
use crate::dialect::native::NativeDialect;
use crate::endpoint::Endpoint;
use crate::inbound::Inboxes;
use crate::policy::{Dial, TlsClient};
use crate::registry::Registry;
use crate::settings::{Settings, Token};
pub use door::Door;
pub use http::{HttpReply, HttpWire};

/// Texts that wait to be received. Beyond them, the application is not read from.
const WAITING: usize = 4096;

/// Bytes in these, after which the channel ends.
const MOST_WAITING: usize = 64 << 20;

/// How an application is reached.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Where it is.
    pub endpoint: Endpoint,
    /// How messages are told apart on TCP and TLS.
    pub framing: Framing,
    /// Shown as `Authorization: Bearer` on WebSocket and HTTP.
    pub token: Option<Token>,
    /// Names and keys for TLS.
    pub tls: TlsClient,
    /// Most bytes of one message from the application.
    pub max_frame: usize,
    /// Time for connecting, with all handshakes.
    pub within: Duration,
}

impl Reach {
    fn dial(&self) -> Dial {
        Dial {
            endpoint: self.endpoint.clone(),
            dialect: Dialect::Native(NativeDialect {
                framing: Some(self.framing),
            }),
            token: self.token.clone(),
            tls: self.tls.clone(),
            notify: None,
        }
    }

    fn context(&self) -> Context {
        let settings = Settings {
            max_frame: self.max_frame,
            connect_timeout: self.within,
            ..Settings::default()
        };
        Context {
            registry: Registry::new(settings),
            inboxes: Inboxes::new(Vec::new()),
            dialect: self.dial().dialect,
            shutdown: watch::channel(false).1,
            pool: Arc::from(""),
            member: None,
            token: self.token.clone(),
        }
    }
}

/// One connection with an application.
pub struct Wire {
    sender: Sender,
    arriving: mpsc::Receiver<Arriving>,
    waiting: Arc<AtomicUsize>,
    reader: AbortHandle,
    framing: Arc<OnceLock<Framing>>,
    bearer: Option<String>,
    ended: Option<Closing>,
}

/// What [`Wire::receive`] comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// One text.
    Text(Bytes),
    /// The time is up.
    Nothing,
    /// The connection is over.
    Closed(Closing),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closing {
    /// The application closed it.
    #[error("it closed the connection")]
    Closed,
    /// The application closed the WebSocket with this code (RFC 6455 section 7.4).
    #[error("it closed the WebSocket with {0} {1}")]
    Code(u16, String),
    /// What came is no sequence of messages, or the connection broke.
    #[error("{0}")]
    Broken(String),
    /// More came than anybody asked for.
    #[error("it sent more than 64 MiB that nobody asked for")]
    Flooded,
}

enum Arriving {
    Text(Bytes),
    Closed(Closing),
}

enum Sender {
    Stream(stream::Writer),
    WebSocket(websocket::Writer),
}

/// Connects to an application that is not asked over HTTP. Nothing is said yet.
///
/// # Errors
/// It can't be reached, or a handshake fails.
pub async fn dial(reach: &Reach) -> io::Result<Wire> {
    let (dial, context) = (reach.dial(), reach.context());
    let connected = timeout(reach.within, crate::dial::connect(&dial, &context));
    let connected = connected
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    let (framing, max_frame) = (Some(reach.framing), reach.max_frame);
    Ok(match connected {
        Connected::Tcp(it) => stream::wire(it, framing, max_frame),
        Connected::Tls(it) => stream::wire(*it, framing, max_frame),
        Connected::Ws(it) => websocket::wire(*it, None),
        Connected::Wss(it) => websocket::wire(*it, None),
        Connected::Http(_) => return Err(io::ErrorKind::Unsupported.into()),
    })
}

impl Wire {
    /// Begins to read: `read` gets where what arrives is handed over, and the place for the framing.
    fn start<F>(
        sender: Sender,
        bearer: Option<String>,
        read: impl FnOnce(Handover, Arc<OnceLock<Framing>>) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (arriving, receiver) = mpsc::channel(WAITING);
        let (waiting, framing) = (Arc::default(), Arc::default());
        let handover = Handover {
            arriving,
            waiting: Arc::clone(&waiting),
        };
        let reader = tokio::spawn(read(handover, Arc::clone(&framing))).abort_handle();
        Self {
            sender,
            arriving: receiver,
            waiting,
            reader,
            framing,
            bearer,
            ended: None,
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// The connection is over, or takes nothing within `within`.
    pub async fn send(&mut self, text: &str, within: Duration) -> io::Result<()> {
        match &mut self.sender {
            Sender::WebSocket(writer) => writer.send(text, within).await,
            Sender::Stream(writer) => {
                let bytes = stream::framed(framing(&self.framing), text);
                writer.write(&bytes, bytes.len(), within).await
            }
        }
    }

    /// Sends bytes below all framing, cut into pieces of `piece` bytes.
    ///
    /// # Errors
    /// As [`Wire::send`]; a WebSocket has no such bytes.
    pub async fn send_bytes(
        &mut self,
        bytes: &[u8],
        piece: usize,
        within: Duration,
    ) -> io::Result<()> {
        match &mut self.sender {
            Sender::WebSocket(_) => Err(io::ErrorKind::Unsupported.into()),
            Sender::Stream(writer) => writer.write(bytes, piece, within).await,
        }
    }

    /// A message as [`Wire::send`] writes it; nothing on a WebSocket.
    #[must_use]
    pub fn framed(&self, text: &str) -> Option<Vec<u8>> {
        match self.sender {
            Sender::WebSocket(_) => None,
            Sender::Stream(_) => Some(stream::framed(framing(&self.framing), text)),
        }
    }

    /// How messages are told apart on a stream; nothing on a WebSocket.
    #[must_use]
    pub fn framing(&self) -> Option<Framing> {
        matches!(self.sender, Sender::Stream(_)).then(|| framing(&self.framing))
    }

    /// What an application that dialled in showed as `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }

    /// The next text. Once the connection is over, every call says so.
    pub async fn receive(&mut self, until: Instant) -> Received {
        if let Some(closing) = &self.ended {
            return Received::Closed(closing.clone());
        }
        let Ok(arrived) = timeout_at(until, self.arriving.recv()).await else {
            return Received::Nothing;
        };
        match arrived.unwrap_or(Arriving::Closed(Closing::Closed)) {
            Arriving::Text(text) => {
                self.waiting.fetch_sub(text.len(), Ordering::Relaxed);
                Received::Text(text)
            }
            Arriving::Closed(closing) => {
                self.ended = Some(closing.clone());
                Received::Closed(closing)
            }
        }
    }

    /// Ends the connection in good order, as far as the application lets it.
    pub async fn close(mut self) {
        let patience = Duration::from_millis(500);
        match &mut self.sender {
            Sender::Stream(writer) => writer.close(patience).await,
            Sender::WebSocket(writer) => writer.close(patience).await,
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// An application shows its framing with its first byte.
fn framing(known: &OnceLock<Framing>) -> Framing {
    known.get().copied().unwrap_or(Framing::Netstring)
}

/// Hands over what arrives, until too much of it waits.
struct Handover {
    arriving: mpsc::Sender<Arriving>,
    waiting: Arc<AtomicUsize>,
}

impl Handover {
    /// Whether it was taken.
    async fn text(&self, text: Bytes) -> Result<(), Closing> {
        let waiting = self.waiting.fetch_add(text.len(), Ordering::Relaxed);
        if waiting > MOST_WAITING {
            return Err(Closing::Flooded);
        }
        let sent = self.arriving.send(Arriving::Text(text)).await;
        sent.map_err(|_| Closing::Closed)
    }

    async fn end(&self, closing: Closing) {
        let _ = self.arriving.send(Arriving::Closed(closing)).await;
    }
}
