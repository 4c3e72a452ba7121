//! Proxies that this application dials, over TCP or WebSocket, with TLS or without.

use std::time::Duration;

use tidegate_schemas::frame::Framing;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::endpoint::{Endpoint, Scheme};
use super::link::StreamLink;
use super::tls::TlsFiles;
use super::websocket::ClientLink;
use super::{Began, ChannelError, Left, converse};
use crate::application::Application;
use crate::backoff::Backoff;
use crate::host::Host;

const CONNECT: Duration = Duration::from_secs(5);
/// A connection that lasted so long was of use: the next loss begins anew with short waits.
const OF_USE: Duration = Duration::from_secs(2);

/// Where a proxy is and how it is spoken with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The proxy's routing listener.
    pub proxy: Endpoint,
    /// How messages are told apart; not for WebSocket.
    pub framing: Framing,
    /// Certificates.
    pub tls: TlsFiles,
}

/// Keeps a connection to the proxy until `stop`; other proxies are nothing to it.
pub async fn run(settings: Settings, host: Host<impl Application>, stop: CancellationToken) {
    let mut backoff = Backoff::new();
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let ended = attempt(&settings, &host, &stop).await;
        if begun.elapsed() > OF_USE {
            backoff.reset();
        }
        let error = match ended {
            Ok(Left::Stopped) => return,
            Ok(Left::Changed) => continue,
            Err(error) => error,
        };
        let wait = backoff.next();
        warn!(proxy = %settings.proxy, %error, "not connected, next attempt in {wait:.1?}");
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// One connection from its beginning to its end.
async fn attempt(
    settings: &Settings,
    host: &Host<impl Application>,
    stop: &CancellationToken,
) -> Result<Left, ChannelError> {
    let proxy = &settings.proxy;
    let stream = tokio::select! {
        stream = connect(proxy) => stream?,
        () = stop.cancelled() => return Ok(Left::Stopped),
    };
    if proxy.is_encrypted() {
        let securing = timeout(CONNECT, settings.tls.connect(proxy.host(), stream)).await;
        let stream = securing.map_err(|_| ChannelError::ConnectTimeout)??;
        speak(stream, settings, host, stop).await
    } else {
        speak(stream, settings, host, stop).await
    }
}

async fn connect(proxy: &Endpoint) -> Result<TcpStream, ChannelError> {
    let connecting = timeout(CONNECT, TcpStream::connect(&proxy.authority)).await;
    let stream = connecting.map_err(|_| ChannelError::ConnectTimeout)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send>(
    stream: S,
    settings: &Settings,
    host: &Host<impl Application>,
    stop: &CancellationToken,
) -> Result<Left, ChannelError> {
    let proxy = &settings.proxy;
    match proxy.scheme {
        Scheme::Tcp | Scheme::Tls => {
            info!(%proxy, "connected");
            let mut link = StreamLink::new(stream, settings.framing);
            converse(&mut link, host, Began::Dialled, stop).await
        }
        Scheme::Ws | Scheme::Wss => {
            let url = proxy.to_string();
            let opening = timeout(CONNECT, ClientLink::open(&url, host.token(), stream)).await;
            let mut link = opening.map_err(|_| ChannelError::ConnectTimeout)??;
            info!(%proxy, "connected");
            converse(&mut link, host, Began::Dialled, stop).await
        }
    }
}
