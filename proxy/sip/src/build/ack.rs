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
