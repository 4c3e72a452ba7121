//! Watches the error queue of a socket.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::mmsg::{self, Origin, Unreachable};

/// Room for what an ICMP message quotes of a datagram.
const QUOTE: usize = 2048;

/// Hands the beginning of every datagram that could not be delivered to `report`, until the socket
/// fails.
pub(crate) async fn watch(
    socket: Arc<AsyncFd<std::net::UdpSocket>>,
    mut report: impl FnMut(Bytes),
) -> io::Result<()> {
    let mut quote = [0; QUOTE];
    loop {
        let mut ready = socket.ready(Interest::ERROR).await?;
        match mmsg::take_error(socket.get_ref().as_fd(), &mut quote) {
            Ok(found) => {
                if let Some(lost) = found.filter(is_final) {
                    tracing::debug!(to = %lost.to, kind = lost.kind, code = lost.code, "unreachable");
                    report(Bytes::copy_from_slice(
                        quote.get(..lost.length).unwrap_or(&[]),
                    ));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// RFC 3261 section 18.4: unreachable and parameter problem are errors; a packet that was too big
/// (the kernel learns the size from it) and an exceeded time to live are not.
fn is_final(report: &Unreachable) -> bool {
    const FRAGMENTATION_NEEDED: u8 = 4;
    match (report.origin, report.kind) {
        (Origin::Icmp, 3) => report.code != FRAGMENTATION_NEEDED,
        (Origin::Icmp, 12) | (Origin::Icmp6, 1 | 4) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn icmp(origin: Origin, kind: u8, code: u8) -> Unreachable {
        Unreachable {
            to: SocketAddr::from(([192, 0, 2, 1], 5060)),
            origin,
            kind,
            code,
            length: 0,
        }
    }

    /// RFC 3261 section 18.4.
    #[test]
    fn unreachable_is_final_and_the_rest_is_ignored() {
        for (kind, code) in [(3, 0), (3, 1), (3, 2), (3, 3), (12, 0)] {
            assert!(is_final(&icmp(Origin::Icmp, kind, code)), "{kind} {code}");
        }
        for (kind, code) in [(3, 4), (4, 0), (11, 0)] {
            assert!(!is_final(&icmp(Origin::Icmp, kind, code)), "{kind} {code}");
        }
        assert!(is_final(&icmp(Origin::Icmp6, 1, 4)));
        assert!(!is_final(&icmp(Origin::Icmp6, 2, 0)));
        assert!(!is_final(&icmp(Origin::Local, 0, 0)));
    }
}
