//! Frames on TCP or TLS, for proxies that dial their applications.

use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener as _;
use bytes::BytesMut;
use tidegate_schemas::frame::Framing;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::link::StreamLink;
use super::{Began, Duplex, Listener, converse};
use crate::application::Application;
use crate::host::Host;

/// So long a proxy has time to show by its first byte how it tells messages apart.
const FIRST_BYTE: Duration = Duration::from_millis(500);

/// Takes connections of proxies until `stop`, then waits for what is in flight on them.
pub async fn serve(
    listener: impl Into<Listener>,
    framing: Framing,
    host: Host<impl Application>,
    stop: CancellationToken,
) {
    let mut listener = listener.into();
    let connections = TaskTracker::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        connections.spawn(talk(stream, peer, framing, host.clone(), stop.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn talk(
    mut stream: Box<dyn Duplex>,
    peer: SocketAddr,
    framing: Framing,
    host: Host<impl Application>,
    stop: CancellationToken,
) {
    info!(%peer, "a proxy has connected");
    let mut input = BytesMut::with_capacity(16 * 1024);
    // Without a byte it waits for this side to begin.
    let _ = timeout(FIRST_BYTE, stream.read_buf(&mut input)).await;
    let framing = shown(&input).unwrap_or(framing);
    let mut link = StreamLink::after(stream, framing, input);
    let began = Began::Accepted { trusted: false };
    match converse(&mut link, &host, began, &stop).await {
        Ok(_) => info!(%peer, "the connection has ended"),
        Err(error) => warn!(%peer, %error, "the connection has ended"),
    }
}

/// How the proxy tells messages apart, by its first byte.
fn shown(input: &[u8]) -> Option<Framing> {
    match input.first()? {
        b'0'..=b'9' => Some(Framing::Netstring),
        b'{' => Some(Framing::Lines),
        _ => None,
    }
}
