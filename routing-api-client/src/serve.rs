//! Applications that dial in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{error, info, warn};

use crate::Shutdown;
use crate::connection::{self, Channel, Context, Side, Stream, WebSocket};
use crate::dialect::Dialect;
use crate::inbound::Inboxes;
use crate::registry::Registry;
use crate::settings::Token;
use crate::tls::TlsServer;
use crate::upgrade;

/// Pause after an accept that failed: it is most likely a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How applications dial in at one address.
#[derive(Debug, Clone)]
pub struct Accept {
    /// What carries the messages.
    pub transport: AcceptTransport,
    /// What is spoken.
    pub dialect: Dialect,
    /// The pool of those that dial in here, unless the policy knows them by name.
    pub pool: Arc<str>,
    /// The secret that they have to show, if not [`Settings::token`](crate::Settings): in `hello`,
    /// or on WebSocket as `Authorization: Bearer`. The evapi dialect on TCP can show none.
    pub token: Option<Token>,
    /// TLS, where it is spoken.
    pub tls: Option<TlsServer>,
}

/// What carries the messages of applications that dial in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AcceptTransport {
    /// Frames on a stream.
    #[default]
    Tcp,
    /// WebSocket.
    WebSocket,
}

impl Accept {
    /// Plain TCP for the default pool.
    #[must_use]
    pub fn tcp(dialect: Dialect) -> Self {
        Self {
            transport: AcceptTransport::Tcp,
            dialect,
            pool: Arc::from("default"),
            token: None,
            tls: None,
        }
    }
}

/// Accepts applications until `shutdown`, and speaks with them on the current runtime. Returns when
/// the last of them is gone, which takes no longer than [`Settings::deadline`](crate::Settings) and
/// their last words.
pub async fn serve(
    listener: TcpListener,
    accept: Accept,
    registry: Arc<Registry>,
    inboxes: Inboxes,
    mut shutdown: Shutdown,
) {
    let token = accept.token.or_else(|| registry.settings().token.clone());
    let context = Context {
        registry,
        inboxes,
        dialect: accept.dialect,
        shutdown: shutdown.clone(),
        pool: accept.pool,
        member: None,
        token,
    };
    let door = Arc::new(Door {
        context,
        transport: accept.transport,
        tls: accept.tls,
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => break,
            Some(ended) = connections.join_next() => report(ended),
            accepted = listener.accept() => take(accepted, &door, &mut connections).await,
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
}

/// Waits for the order to end.
pub(crate) async fn stopped(shutdown: &mut Shutdown) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

async fn take(
    accepted: io::Result<(TcpStream, SocketAddr)>,
    door: &Arc<Door>,
    connections: &mut JoinSet<()>,
) {
    let registry = &door.context.registry;
    match accepted {
        Err(error) => {
            warn!(%error, "accepting a routing application failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
        Ok((_, peer)) if connections.len() >= registry.settings().max_connections => {
            registry.counters.turned_away.add();
            warn!(%peer, "too many routing applications");
        }
        Ok((stream, peer)) => {
            let door = Arc::clone(door);
            connections.spawn(async move { door.enter(stream, &peer.to_string()).await });
        }
    }
}

/// What all connections of a listener go through.
struct Door {
    context: Context,
    transport: AcceptTransport,
    tls: Option<TlsServer>,
}

impl Door {
    async fn enter(&self, stream: TcpStream, peer: &str) {
        prepare(&stream, &self.context, peer);
        let Some(tls) = &self.tls else {
            return match self.transport {
                AcceptTransport::Tcp => {
                    let (read, write) = stream.into_split();
                    self.run(&self.context, Stream(read, write), peer).await;
                }
                AcceptTransport::WebSocket => self.upgrade(stream, peer).await,
            };
        };
        let limit = self.context.registry.settings().hello_timeout;
        let handshake = TlsAcceptor::from(tls.config()).accept(stream);
        let shaken = timeout(limit, handshake).await;
        match shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => match self.transport {
                AcceptTransport::Tcp => {
                    let (read, write) = tokio::io::split(stream);
                    self.run(&self.context, Stream(read, write), peer).await;
                }
                AcceptTransport::WebSocket => self.upgrade(stream, peer).await,
            },
            Err(error) => {
                self.context.registry.counters.tls_failed.add();
                self.context.registry.trouble(peer, &error);
                info!(peer, %error, "routing application turned away: no TLS with it");
            }
        }
    }

    async fn upgrade<S>(&self, stream: S, peer: &str)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limit = self.context.registry.settings().hello_timeout;
        let upgraded = timeout(limit, upgrade::accept(stream, &self.context)).await;
        let Ok(Some((websocket, shown))) = upgraded else {
            self.context.registry.counters.turned_away.add();
            let trouble = "no WebSocket with it";
            self.context.registry.trouble(peer, &trouble);
            info!(
                peer,
                "routing application turned away: no WebSocket with it"
            );
            return;
        };
        let mut context = self.context.clone();
        if shown {
            context.token = None;
        }
        self.run(&context, WebSocket(websocket), peer).await;
    }

    async fn run(&self, context: &Context, channel: impl Channel, peer: &str) {
        connection::run(context, channel, peer, Side::Accepted).await;
    }
}

/// Small messages go out at once, and a peer that vanished is noticed in any dialect.
pub(crate) fn prepare(stream: &TcpStream, context: &Context, peer: &str) {
    let every = context.registry.settings().heartbeat;
    let every = every.max(Duration::from_secs(1));
    let keepalive = TcpKeepalive::new().with_time(every).with_interval(every);
    let prepared = stream
        .set_nodelay(true)
        .and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = prepared {
        warn!(peer, %error, "a routing application's socket could not be set up");
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a routing application's connection failed");
    }
}
