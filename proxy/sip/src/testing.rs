//! What the tests of several files need.

use bytes::Bytes;

use crate::{Limits, Message};

/// A request as it would come from a telephone.
pub(crate) const INVITE: &str = "INVITE sip:pia@pier.example SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKq1;rport\r\n\
    v: SIP/2.0/TCP edge.bay.example;branch=z9hG4bKq0, SIP/2.0/TLS in.bay.example\r\n\
    Max-Forwards: 69\r\n\
    Route: <sip:in.pier.example;lr>\r\n\
    f: \"Ana, Bay\" <sip:ana@bay.example>;tag=a1\r\n\
    To: <sip:pia@pier.example>\r\n\
    i: c7-19@198.51.100.7\r\n\
    CSeq: 31 INVITE\r\n\
    Timestamp: 54.1\r\n\
    Contact: <sip:ana@198.51.100.7:5062>\r\n\
    X-Colour: sea\r\n\
    \x20 green\r\n\
    x-colour: grey\r\n\
    Content-Length: 4\r\n\
    \r\n\
    a\r\nb";

pub(crate) fn message(text: &str) -> Message {
    Message::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

/// [`INVITE`] with one part replaced, which has to be there.
pub(crate) fn altered(part: &str, by: &str) -> Message {
    assert!(INVITE.contains(part), "{part:?}");
    message(&INVITE.replacen(part, by, 1))
}
