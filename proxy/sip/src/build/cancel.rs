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
