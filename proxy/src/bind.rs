//! Takes the addresses to listen on, before anything runs.

use std::io;
use std::net::{SocketAddr, TcpListener};

use routing_api_client::Accept;

use crate::config::{Config, Listen, SipTransport};
use crate::shard::Bound;
use crate::{StartError, stream, udp};

/// A routing listener of one shard.
pub(crate) type Channel = (TcpListener, Accept);

/// Binds every SIP listener once for each shard, and writes the ports that were taken into `listen`.
pub(crate) fn sip(listen: &mut [Listen], shards: u8) -> Result<Vec<Vec<Bound>>, StartError> {
    let mut bound: Vec<Vec<Bound>> = (0..shards).map(|_| Vec::new()).collect();
    for listener in listen {
        for sockets in &mut bound {
            let socket = sip_socket(listener, shards > 1).map_err(|error| {
                refused(&listener.transport.to_string(), listener.address, error)
            })?;
            sockets.push(socket);
        }
    }
    Ok(bound)
}

/// Binds every routing listener once for each shard, as [`sip`] does.
pub(crate) fn routing(config: &mut Config, shards: u8) -> Result<Vec<Vec<Channel>>, StartError> {
    let mut bound: Vec<Vec<Channel>> = (0..shards).map(|_| Vec::new()).collect();
    let accepts = (0..).zip(&config.routing.listen);
    let accepts: Vec<Accept> = accepts
        .map(|(i, listener)| config.accept(i, listener))
        .collect::<Result<_, _>>()?;
    for (listener, accept) in config.routing.listen.iter_mut().zip(accepts) {
        for channels in &mut bound {
            let socket = tcp_socket(&mut listener.address, shards > 1)
                .map_err(|error| refused("routing", listener.address, error))?;
            channels.push((socket, accept.clone()));
        }
    }
    Ok(bound)
}

fn sip_socket(listener: &mut Listen, shared: bool) -> io::Result<Bound> {
    match listener.transport {
        SipTransport::Udp => {
            let socket = udp::bind(listener.address, shared)?;
            listener.address = socket.local_addr()?;
            Ok(Bound::Udp(socket))
        }
        SipTransport::Tcp => tcp_socket(&mut listener.address, shared).map(Bound::Tcp),
    }
}

fn tcp_socket(address: &mut SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let listener = stream::bind(*address, shared)?;
    *address = listener.local_addr()?;
    Ok(listener)
}

fn refused(what: &str, address: SocketAddr, error: io::Error) -> StartError {
    StartError::Bind {
        what: format!("{what}:{address}"),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shards_share_the_port_that_the_first_was_given() {
        for transport in ["udp", "tcp"] {
            let mut listen: Vec<Listen> = vec![format!("{transport}:127.0.0.1:0").parse().unwrap()];
            let bound = sip(&mut listen, 3).unwrap();
            let port = listen[0].address.port();
            assert_ne!(port, 0);
            for sockets in bound {
                let local = match &sockets[0] {
                    Bound::Udp(socket) => socket.local_addr(),
                    Bound::Tcp(listener) => listener.local_addr(),
                };
                assert_eq!(local.unwrap().port(), port);
            }
        }
    }

    #[test]
    fn a_taken_address_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let mut listen = vec![format!("tcp:{address}").parse().unwrap()];
        let error = sip(&mut listen, 1).unwrap_err().to_string();
        assert!(error.contains(&format!("tcp:{address}")), "{error}");
    }
}
