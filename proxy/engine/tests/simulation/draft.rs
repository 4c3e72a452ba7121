//! Requests in the making.

use bytes::Bytes;
use tidegate_sip::{Limits, Message, View};

/// What a peer puts into a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) method: &'static str,
    pub(crate) uri: String,
    pub(crate) via: String,
    pub(crate) routes: Vec<String>,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) max_forwards: Option<u32>,
    pub(crate) contact: String,
    /// Whole lines.
    pub(crate) extra: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Draft {
    pub(crate) fn bytes(&self) -> Bytes {
        let mut lines = vec![
            format!("{} {} SIP/2.0", self.method, self.uri),
            format!("Via: {}", self.via),
        ];
        lines.extend(
            self.max_forwards
                .map(|hops| format!("Max-Forwards: {hops}")),
        );
        lines.extend(self.routes.iter().map(|route| format!("Route: {route}")));
        lines.push(format!("From: {}", self.from));
        lines.push(format!("To: {}", self.to));
        lines.push(format!("Call-ID: {}", self.call_id));
        lines.push(format!("CSeq: {} {}", self.cseq, self.method));
        lines.push(format!("Contact: <{}>", self.contact));
        lines.extend(self.extra.iter().cloned());
        lines.push(format!("Content-Length: {}\r\n\r\n", self.body.len()));
        let mut bytes = lines.join("\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes.into()
    }
}

pub(crate) fn read(bytes: &Bytes) -> Option<Message> {
    Message::parse(bytes.clone(), &Limits::default()).ok()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The branch of the top Via.
pub(crate) fn branch_of(view: View<'_>) -> Option<&[u8]> {
    view.top_via().ok()?.branch()
}

/// The method that a message is about: for a response that of its CSeq.
pub(crate) fn method_of(view: View<'_>) -> &[u8] {
    view.cseq().map_or(b"", |cseq| cseq.method)
}
