//! The last word on a stream that can't be cut into messages any further.

use bytes::Bytes;
use tidegate_engine::Source;
use tidegate_sip::build::{self, Response, ViaStamp};
use tidegate_sip::{Head, Method};

use super::registry::Registry;

/// A 400 to the request at the front of `buffer`, where there is one that can be answered (RFC 3261
/// section 18.3). An ACK is never answered.
pub(super) fn answer(
    head: &mut Head,
    buffer: &[u8],
    source: &Source,
    registry: &Registry,
) -> Option<Bytes> {
    head.parse(buffer, &registry.limits.message).ok()?;
    let view = head.view(buffer);
    let answerable = view.is_request() && view.method() != Method::Ack;
    let via = view
        .top_via()
        .ok()
        .filter(|_| answerable && view.call_id().is_some())?;
    let stamp = ViaStamp::for_source(&via, source.addr);
    let response = Response {
        status: 400,
        reason: b"Bad Content-Length",
        to_tag: Some(b"stream"),
        headers: &[(b"Connection", b"close")],
        ..Response::default()
    };
    let mut out = Vec::new();
    build::response(view, stamp, &response, &mut out);
    Some(out.into())
}
