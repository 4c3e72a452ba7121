use super::{copy_first, cseq, field, hop_request};
use crate::{Name, View};

/// RFC 3261 9.1: the CANCEL for a request as it was sent, the sender's own Via on top. Nothing
/// else is copied; `extra_headers` is for a Reason (RFC 3326 2).
pub fn cancel(sent_request: View<'_>, extra_headers: &[(&[u8], &[u8])], out: &mut Vec<u8>) {
    hop_request(sent_request, b"CANCEL", out);
    copy_first(sent_request, Name::From, out);
    copy_first(sent_request, Name::To, out);
    copy_first(sent_request, Name::CallId, out);
    cseq(sent_request, b"CANCEL", out);
    for (name, value) in extra_headers {
        field(out, name, value);
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_request;
    use crate::testing::{INVITE, message};

    /// RFC 3261 9.1.
    #[test]
    fn a_cancel_has_the_parts_of_its_request_and_nothing_else() {
        let mut out = Vec::new();
        let reason: &[(&[u8], &[u8])] = &[(b"Reason", b"SIP;cause=200")];
        cancel(message(INVITE).view(), reason, &mut out);
        let expected = "CANCEL sip:pia@pier.example SIP/2.0\r\n\
            Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKq1;rport\r\n\
            Max-Forwards: 70\r\n\
            Route: <sip:in.pier.example;lr>\r\n\
            From: \"Ana, Bay\" <sip:ana@bay.example>;tag=a1\r\n\
            To: <sip:pia@pier.example>\r\n\
            Call-ID: c7-19@198.51.100.7\r\n\
            CSeq: 31 CANCEL\r\n\
            Reason: SIP;cause=200\r\n\
            Content-Length: 0\r\n\r\n";
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, expected);
        assert_eq!(check_request(message(&text).view()), Ok(()));
    }
}
