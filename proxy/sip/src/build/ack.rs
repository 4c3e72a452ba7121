use super::{copy_first, cseq, hop_request};
use crate::{Name, View};

/// RFC 3261 17.1.1.3: the ACK for a final response that is no 2xx. `sent_invite` is the INVITE as
/// it was sent, the sender's own Via on top.
pub fn ack(sent_invite: View<'_>, response: View<'_>, out: &mut Vec<u8>) {
    hop_request(sent_invite, b"ACK", out);
    copy_first(sent_invite, Name::From, out);
    copy_first(response, Name::To, out);
    copy_first(sent_invite, Name::CallId, out);
    cseq(sent_invite, b"ACK", out);
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{INVITE, message};

    /// RFC 3261 17.1.1.3.
    #[test]
    fn an_ack_has_the_parts_of_the_invite_and_the_to_of_the_response() {
        let answered = INVITE
            .replace(
                "INVITE sip:pia@pier.example SIP/2.0",
                "SIP/2.0 486 Busy Here",
            )
            .replace(
                "To: <sip:pia@pier.example>",
                "t: <sip:pia@pier.example>;tag=b1",
            );
        let mut out = Vec::new();
        ack(message(INVITE).view(), message(&answered).view(), &mut out);
        let expected = "ACK sip:pia@pier.example SIP/2.0\r\n\
            Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKq1;rport\r\n\
            Max-Forwards: 70\r\n\
            Route: <sip:in.pier.example;lr>\r\n\
            From: \"Ana, Bay\" <sip:ana@bay.example>;tag=a1\r\n\
            To: <sip:pia@pier.example>;tag=b1\r\n\
            Call-ID: c7-19@198.51.100.7\r\n\
            CSeq: 31 ACK\r\n\
            Content-Length: 0\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
