//! One application that the proxy dials.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tracing::warn;

use crate::connection::{Context, Exchange, Http, Side, Stream, WebSocket, run};
use crate::endpoint::{Endpoint, Scheme};
use crate::policy::Dial;
use crate::serve::{prepare, stopped};
use crate::settings::Settings;
use crate::upgrade;

/// Keeps a connection to an application until the context's shutdown, and speaks with it.
pub(crate) async fn keep_one(context: Context, dial: Dial) {
    let mut shutdown = context.shutdown.clone();
    let mut pause = Backoff::new(context.registry.settings());
    loop {
        if connect_once(&dial, &context).await {
            pause.reset();
        }
        tokio::select! {
            () = sleep(pause.next()) => {}
            () = stopped(&mut shutdown) => return,
        }
    }
}

/// Whether the application ever could be asked.
async fn connect_once(dial: &Dial, context: &Context) -> bool {
    let limit = context.registry.settings().connect_timeout;
    let mut shutdown = context.shutdown.clone();
    let connected = tokio::select! {
        connected = timeout(limit, connect(dial, context)) => connected,
        () = stopped(&mut shutdown) => return false,
    };
    let peer = dial.endpoint.to_string();
    match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(connected) => connected.converse(context, &peer).await,
        Err(error) => {
            context.registry.counters.dial_failed.add();
            context.registry.trouble(&peer, &error);
            warn!(peer, %error, "connecting to a routing application failed");
            false
        }
    }
}

pub(crate) enum Connected {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Ws(Box<WebSocketStream<TcpStream>>),
    Wss(Box<WebSocketStream<TlsStream<TcpStream>>>),
    Http(Http),
}

impl Connected {
    async fn converse(self, context: &Context, peer: &str) -> bool {
        let side = Side::Dialled;
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                run(context, Stream(read, write), peer, side).await
            }
            Self::Tls(stream) => {
                let (read, write) = tokio::io::split(*stream);
                run(context, Stream(read, write), peer, side).await
            }
            Self::Ws(stream) => run(context, WebSocket(*stream), peer, side).await,
            Self::Wss(stream) => run(context, WebSocket(*stream), peer, side).await,
            Self::Http(http) => run(context, http, peer, side).await,
        }
    }
}

pub(crate) async fn connect(dial: &Dial, context: &Context) -> io::Result<Connected> {
    let endpoint = &dial.endpoint;
    Ok(match endpoint.scheme {
        Scheme::Tcp => Connected::Tcp(connect_tcp(dial, context).await?),
        Scheme::Tls => Connected::Tls(Box::new(connect_tls(dial, context).await?)),
        Scheme::Ws => {
            let stream = connect_tcp(dial, context).await?;
            let websocket = upgrade::connect(stream, endpoint, context).await?;
            Connected::Ws(Box::new(websocket))
        }
        Scheme::Wss => {
            let stream = connect_tls(dial, context).await?;
            let websocket = upgrade::connect(stream, endpoint, context).await?;
            Connected::Wss(Box::new(websocket))
        }
        Scheme::Http | Scheme::Https => Connected::Http(prepare_http(dial, context).await?),
        Scheme::Sip => return Err(io::ErrorKind::Unsupported.into()),
    })
}

async fn connect_tcp(dial: &Dial, context: &Context) -> io::Result<TcpStream> {
    let Endpoint { host, port, .. } = &dial.endpoint;
    let stream = TcpStream::connect((host.as_str(), *port)).await?;
    prepare(&stream, context, host);
    Ok(stream)
}

async fn connect_tls(dial: &Dial, context: &Context) -> io::Result<TlsStream<TcpStream>> {
    let stream = connect_tcp(dial, context).await?;
    let tls = dial.tls.clone();
    let config = off_the_runtime(move || tls.config().map_err(io::Error::other)).await?;
    let name = dial.tls.server_name.as_ref();
    let name = name.unwrap_or(&dial.endpoint.host).clone();
    let name = ServerName::try_from(name).map_err(io::Error::other)?;
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    connected.inspect_err(|_| context.registry.counters.tls_failed.add())
}

/// An application that can say hello is reached when it does; any other when it takes connections.
async fn prepare_http(dial: &Dial, context: &Context) -> io::Result<Http> {
    if !dial.dialect.says_hello() {
        connect_tcp(dial, context).await?;
    }
    let (dial, context) = (dial.clone(), context.clone());
    let exchange = off_the_runtime(move || Exchange::new(&dial, &context)).await?;
    Ok(Http(Arc::new(exchange)))
}

/// Reads files where this holds up nothing.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await?
}

/// Pauses that double, each shortened by up to a half so that proxies do not march in step.
#[derive(Debug)]
struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    fn new(settings: &Settings) -> Self {
        Self {
            min: settings.reconnect_min,
            max: settings.reconnect_max.max(settings.reconnect_min),
            next: settings.reconnect_min,
        }
    }

    fn reset(&mut self) {
        self.next = self.min;
    }

    fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_anew() {
        let millis = Duration::from_millis;
        let mut backoff = Backoff::new(&Settings {
            reconnect_min: millis(100),
            reconnect_max: millis(300),
            ..Settings::default()
        });
        for longest in [100, 200, 300, 300] {
            let pause = backoff.next();
            assert!(
                millis(longest / 2) <= pause && pause <= millis(longest),
                "{pause:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next() <= millis(100));
    }
}
