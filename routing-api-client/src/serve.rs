//! Applications that dial in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tracing::{error, warn};

use crate::Shutdown;
use crate::connection::{self, Context, Side};
use crate::dialect::Dialect;
use crate::inbound::Inboxes;
use crate::registry::Registry;

/// Pause after an accept that failed: it is most likely a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts applications until `shutdown`, and speaks with them on the current runtime. Returns when
/// the last of them is gone, which takes no longer than [`Settings::deadline`](crate::Settings) and
/// their last words.
pub async fn serve(
    listener: TcpListener,
    dialect: Dialect,
    registry: Arc<Registry>,
    inboxes: Inboxes,
    mut shutdown: Shutdown,
) {
    let context = Context {
        registry,
        inboxes,
        dialect,
        shutdown: shutdown.clone(),
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => break,
            Some(ended) = connections.join_next() => report(ended),
            accepted = listener.accept() => {
                take(accepted, &context, &mut connections).await;
            }
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
    context: &Context,
    connections: &mut JoinSet<()>,
) {
    match accepted {
        Err(error) => {
            warn!(%error, "accepting a routing application failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
        Ok((_, peer)) if connections.len() >= context.registry.settings().max_connections => {
            context.registry.counters.turned_away.add();
            warn!(%peer, "too many routing applications");
        }
        Ok((stream, peer)) => {
            let context = context.clone();
            connections.spawn(async move {
                converse(stream, &context, &peer.to_string(), Side::Accepted).await;
            });
        }
    }
}

/// Whether the application ever could be asked.
pub(crate) async fn converse(stream: TcpStream, context: &Context, peer: &str, side: Side) -> bool {
    if let Err(error) = prepare(&stream, context.registry.settings().heartbeat) {
        warn!(peer, %error, "a routing application's socket could not be set up");
    }
    let (read, write) = stream.into_split();
    connection::run(context, read, write, peer, side).await
}

/// Small messages go out at once, and a peer that vanished is noticed in any dialect.
fn prepare(stream: &TcpStream, heartbeat: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let every = heartbeat.max(Duration::from_secs(1));
    let keepalive = TcpKeepalive::new().with_time(every).with_interval(every);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a routing application's connection failed");
    }
}
