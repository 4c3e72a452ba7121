//! Connections that the proxy opens.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_engine::Hop;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::connection;
use super::queue::{NotQueued, Outgoing, Receiver};
use super::registry::{Place, Registry};

/// Opens a connection to the address of `hop`; `message` is the first in its queue, and others join
/// it there until the connection stands. The message is given back when there is no place for one.
pub(super) fn open(registry: &Arc<Registry>, hop: &Hop, message: Outgoing) -> Result<(), Outgoing> {
    let Some((place, receiver)) = registry.join(hop.transport, hop.addr, hop.listener) else {
        return Err(message);
    };
    match place.queue.push(message) {
        Ok(()) => {}
        Err(NotQueued::Full(lost) | NotQueued::Gone(lost)) => return Err(lost),
    }
    tokio::spawn(run(place, receiver));
    Ok(())
}

async fn run(place: Place, receiver: Receiver) {
    let registry = Arc::clone(place.registry());
    let local = registry
        .listeners
        .get(usize::from(place.listener.0))
        .copied();
    match timeout(registry.limits.connect, connect(place.remote, local)).await {
        Ok(Ok(stream)) => {
            registry.counters.connected.add(1);
            connection::run(stream, place, receiver).await;
        }
        Ok(Err(error)) => fail(place, receiver, &error.to_string()).await,
        Err(_) => fail(place, receiver, "no answer in time").await,
    }
}

/// Connects from the listener's own address, so that the peer sees who it knows.
async fn connect(remote: SocketAddr, local: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = match remote {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    let fits =
        |local: &SocketAddr| !local.ip().is_unspecified() && local.is_ipv4() == remote.is_ipv4();
    if let Some(local) = local.filter(fits) {
        socket.bind(SocketAddr::new(local.ip(), 0))?;
    }
    socket.connect(remote).await
}

async fn fail(place: Place, mut receiver: Receiver, reason: &str) {
    let registry = Arc::clone(place.registry());
    registry.counters.connect_failed.add(1);
    tracing::debug!(remote = %place.remote, reason, "can't connect");
    drop(place);
    connection::give_back(&registry, receiver.close()).await;
}
