//! Responses that the proxy makes itself (RFC 3261 section 8.2.6).

use std::borrow::Cow;

use tidegate_sip::View;
use tidegate_sip::build::{self, ViaStamp};

/// A response to be written for some request.
#[derive(Debug, Clone, Default)]
pub(crate) struct LocalReply {
    pub(crate) status: u16,
    /// Empty: the standard phrase.
    pub(crate) reason: Cow<'static, str>,
    pub(crate) headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: Option<Vec<u8>>,
}

impl LocalReply {
    pub(crate) fn of(status: u16, reason: &'static str) -> Self {
        Self {
            status,
            reason: Cow::Borrowed(reason),
            ..Self::default()
        }
    }

    pub(crate) fn with_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: Vec<u8>,
    ) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// 503 from the proxy itself, with Retry-After (RFC 3261 section 21.5.4).
    pub(crate) fn unavailable(retry_after_s: u32) -> Self {
        Self::of(503, "Service Unavailable")
            .with_header("Retry-After", retry_after_s.to_string().into_bytes())
    }

    /// Writes it as the response to `request`.
    pub(crate) fn write(&self, request: View<'_>, stamp: ViaStamp, tag: &[u8], to: &mut Vec<u8>) {
        let headers: Vec<(&[u8], &[u8])> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice()))
            .collect();
        let response = build::Response {
            status: self.status,
            reason: self.reason.as_bytes(),
            to_tag: (self.status > 100).then_some(tag),
            headers: &headers,
            body: &self.body,
            content_type: self.content_type.as_deref(),
        };
        build::response(request, stamp, &response, to);
    }
}
