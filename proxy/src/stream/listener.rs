//! Connections that peers open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tidegate_engine::{ListenerId, Transport};
use tokio::net::{TcpListener, TcpStream};

use super::connection;
use super::registry::Registry;

/// Connections that the kernel holds before they are accepted.
const BACKLOG: i32 = 1024;

/// Pause after an error such as "too many open files".
const PAUSE: Duration = Duration::from_millis(50);

/// Binds `address`. `shared`: the listeners of several shards divide what arrives.
pub(crate) fn bind(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes connections for as long as the shard lives.
pub(crate) async fn accept(listener: TcpListener, id: ListenerId, registry: Arc<Registry>) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => admit(stream, remote, id, &registry),
            Err(error) => {
                tracing::warn!(%error, "can't accept a SIP connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn admit(stream: TcpStream, remote: SocketAddr, id: ListenerId, registry: &Arc<Registry>) {
    if let Some((place, receiver)) = registry.join(Transport::Tcp, remote, id) {
        registry.counters.accepted.add(1);
        tokio::spawn(connection::run(stream, place, receiver));
    }
}
