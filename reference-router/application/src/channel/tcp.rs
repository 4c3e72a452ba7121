//! A TCP server, for proxies that dial their applications.

use std::net::SocketAddr;
use std::time::Duration;

use tidegate_schemas::frame::{Decoder, Framing};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::link::StreamLink;
use super::{Began, converse};
use crate::application::Application;
use crate::host::Host;

/// So long a proxy has time to show by its first byte how it tells messages apart.
const FIRST_BYTE: Duration = Duration::from_millis(500);
/// A pause after a connection that could not be taken, as where file handles have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections of proxies until `stop`, then waits for what is in flight on them.
pub async fn serve(
    listener: TcpListener,
    framing: Framing,
    host: Host<impl Application>,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (host, stop) = (host.clone(), stop.clone());
                connections.spawn(talk(stream, peer, framing, host, stop));
            }
            Err(error) => {
                warn!(%error, "a connection can't be taken");
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// How the proxy tells messages apart; nothing where it waits for this side to begin.
async fn shown(stream: &TcpStream) -> Option<Framing> {
    let mut first = [0];
    let peeked = timeout(FIRST_BYTE, stream.peek(&mut first)).await;
    match (peeked.ok()?.ok()?, first) {
        (1, [b'0'..=b'9']) => Some(Framing::Netstring),
        (1, [b'{']) => Some(Framing::Lines),
        _ => None,
    }
}

async fn talk(
    stream: TcpStream,
    peer: SocketAddr,
    framing: Framing,
    host: Host<impl Application>,
    stop: CancellationToken,
) {
    info!(%peer, "a proxy has connected");
    let _ = stream.set_nodelay(true);
    let framing = shown(&stream).await.unwrap_or(framing);
    let mut link = StreamLink::new(stream, framing, Decoder::new(framing));
    let began = Began::Accepted { trusted: false };
    match converse(&mut link, &host, began, &stop).await {
        Ok(_) => info!(%peer, "the connection has ended"),
        Err(error) => warn!(%peer, %error, "the connection has ended"),
    }
}
