//! What tests ask.

use tidegate_schemas::event::{AskReason, Party, Request, Source};
use tidegate_schemas::{ConsultationId, RouteEvent};

pub(crate) const INSTANCE: u32 = 0xcafe;

/// The id of the `n`th consultation of shard 0.
pub(crate) fn id(n: u32) -> ConsultationId {
    ConsultationId {
        instance: INSTANCE,
        index: n,
        label: n,
    }
}

pub(crate) fn event() -> RouteEvent<'static> {
    RouteEvent {
        id: id(7),
        call: "a84b4c76e66710".into(),
        node: "test".into(),
        deadline_ms: 2000,
        attempt: 1,
        reason: AskReason::New,
        source: Source {
            transport: "udp".into(),
            ip: [192, 0, 2, 9].into(),
            port: 5071,
            listener: "udp:192.0.2.1:5060".into(),
        },
        request: request(),
        attempts: Vec::new(),
        context: None,
        step: None,
        attributes: None,
    }
}

fn request() -> Request<'static> {
    let header = |name: &'static str, value: &'static str| (name.into(), value.into());
    Request {
        method: "INVITE".into(),
        uri: "sip:102@example.com:5080;transport=tcp".into(),
        from: party(
            Some("Al \"the\" Pal"),
            "sip:101@example.org",
            Some("1928301774"),
        ),
        to: party(None, "sip:102@example.com", None),
        call_id: "a84b4c76e66710".into(),
        cseq: 314,
        contact: Some("sip:101@192.0.2.9:5071".into()),
        headers: vec![
            header("Via", "SIP/2.0/UDP 192.0.2.9:5071;branch=z9hG4bK776asdhds"),
            header("Call-ID", "a84b4c76e66710"),
            header("User-Agent", "phone/1.0"),
            header("X-Account", "42"),
            header("x-account", "43"),
        ],
        body: Some("v=0\r\n".into()),
    }
}

fn party(
    display: Option<&'static str>,
    uri: &'static str,
    tag: Option<&'static str>,
) -> Party<'static> {
    Party {
        display: display.map(Into::into),
        uri: uri.into(),
        tag: tag.map(Into::into),
    }
}
