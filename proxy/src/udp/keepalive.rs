//! What keeps a NAT open and says nothing.

/// Whether a datagram is only a keep-alive: empty lines (RFC 5626 section 3.5.1), a few zero bytes,
/// or too short to be a message.
pub(crate) fn is_keepalive(datagram: &[u8]) -> bool {
    /// `SIP/2.0 100 \r\n`, the shortest first line, with a header.
    const SHORTEST: usize = 16;
    datagram.len() < SHORTEST
        || datagram
            .iter()
            .all(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_zeros_and_crumbs_are_keepalives_and_messages_are_not() {
        for datagram in [&b""[..], b"\r\n\r\n", b"\0\0\0\0", b"hello", &[b'\r'; 40]] {
            assert!(is_keepalive(datagram), "{datagram:?}");
        }
        assert!(!is_keepalive(b"OPTIONS sip:a SIP/2.0\r\n\r\n"));
    }
}
