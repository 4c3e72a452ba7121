//! Requests of our own inside of a dialog, in the name of its other side (RFC 3261 section
//! 12.2.1.1).

use std::io::Write as _;
use std::net::SocketAddr;

use bytes::Bytes;
use tidegate_sip::{Name, Scheme, Uri, View};

use super::record::{Call, Leg, OwnKind, Side, about, leg as texts};
use crate::address::Hop;
use crate::branch::BranchHandle;
use crate::core::Core;
use crate::forward::{HostPart, NextHop};

const MAX_FORWARDS: u8 = 70;

/// Where a request to one side of a dialog goes, and by which URIs.
struct Way<'a> {
    uri: &'a [u8],
    /// Route values behind those that are used up; the last one is the remote target where a strict
    /// router stands first.
    routes: &'a [u8],
    strict: bool,
    next: &'a [u8],
}

impl<'a> Way<'a> {
    fn new(call: &'a Call, leg: &'a Leg, side: Side) -> Self {
        let target = &leg.party(side).target;
        let routes = match side {
            Side::Caller => call.about.get(about::ROUTE),
            Side::Callee => leg.texts.get(texts::ROUTE),
        };
        let Some((first, rest)) = first_route(routes) else {
            return Self {
                uri: target,
                routes: b"",
                strict: false,
                next: target,
            };
        };
        let strict = Uri::parse(first).is_ok_and(|uri| !uri.has_lr() && uri.headers.is_none());
        Self {
            uri: if strict { first } else { target },
            routes: if strict { rest } else { routes },
            strict,
            next: first,
        }
    }

    fn write_routes(&self, target: &[u8], text: &mut Vec<u8>) {
        if self.routes.is_empty() && !self.strict {
            return;
        }
        text.extend_from_slice(b"Route: ");
        text.extend_from_slice(self.routes);
        if self.strict {
            if !self.routes.is_empty() {
                text.extend_from_slice(b", ");
            }
            text.push(b'<');
            text.extend_from_slice(target);
            text.push(b'>');
        }
        text.extend_from_slice(b"\r\n");
    }
}

/// Where a request to this side is sent: to its first Route or its Contact, over the connection it
/// is known by where that leads there; where that is a name, to where the side was last met.
pub(super) fn hop(core: &Core, call: &Call, leg: &Leg, side: Side) -> Hop {
    let met = leg.party(side).hop;
    let way = Way::new(call, leg, side);
    literal(core, way.next, &met).unwrap_or(met)
}

fn literal(core: &Core, uri: &[u8], met: &Hop) -> Option<Hop> {
    let uri = Uri::parse(uri).ok()?;
    let next = NextHop::of(&uri, uri.scheme == Scheme::Sips).ok()?;
    let HostPart::Ip(ip) = next.host else {
        return None;
    };
    let transport = next.transport;
    let listener = core
        .config
        .choose_listener(transport, Some(ip), None, met.listener)?;
    let same = met.transport == transport && met.addr.ip() == ip;
    Some(Hop {
        transport,
        addr: SocketAddr::new(ip, next.port),
        listener,
        connection: met.connection.filter(|_| same),
    })
}

/// Writes the request with this sequence number.
pub(super) fn write(
    core: &mut Core,
    call: &Call,
    leg: &Leg,
    (side, hop): (Side, &Hop),
    (kind, cseq): (OwnKind, u32),
    handle: &BranchHandle,
) -> Bytes {
    let method = match kind {
        OwnKind::Bye => "BYE",
        OwnKind::Probe => "OPTIONS",
    };
    let target = &leg.party(side).target;
    let way = Way::new(call, leg, side);
    let mut text = std::mem::take(&mut core.buffer);
    text.clear();
    // Writing to a Vec does not fail.
    let _ = write!(text, "{method} ");
    text.extend_from_slice(way.uri);
    let transport = hop.transport.via_name();
    let sent_by = core.sent_by(hop.listener);
    let _ = write!(
        text,
        " SIP/2.0\r\nVia: SIP/2.0/{transport} {sent_by};branch="
    );
    core.codec.encode(handle, 0, &mut text);
    let _ = write!(text, "\r\nMax-Forwards: {MAX_FORWARDS}\r\n");
    way.write_routes(target, &mut text);
    write_parties(call, leg, side, &mut text);
    text.extend_from_slice(b"Call-ID: ");
    text.extend_from_slice(call.about.get(about::CALL_ID));
    let _ = write!(text, "\r\nCSeq: {cseq} {method}\r\n");
    if let (OwnKind::Bye, Some(reason)) = (kind, &call.reason) {
        text.extend_from_slice(b"Reason: ");
        text.extend_from_slice(reason);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    let bytes = Bytes::copy_from_slice(&text);
    core.buffer = text;
    bytes
}

/// From is the side that the request pretends to come from, as the receiver knows it.
fn write_parties(call: &Call, leg: &Leg, to: Side, text: &mut Vec<u8>) {
    let caller_tag = call.about.get(about::CALLER_TAG);
    let callee_tag = leg.texts.get(texts::CALLEE_TAG);
    match to {
        Side::Callee => {
            write_party("From", leg.texts.get(texts::CALLEE_FROM), caller_tag, text);
            write_party("To", leg.texts.get(texts::CALLEE_TO), callee_tag, text);
        }
        Side::Caller => {
            write_party("From", call.about.get(about::CALLER_TO), callee_tag, text);
            write_party("To", call.about.get(about::CALLER_FROM), caller_tag, text);
        }
    }
}

fn write_party(name: &str, identity: &[u8], tag: &[u8], text: &mut Vec<u8>) {
    let _ = write!(text, "{name}: ");
    text.extend_from_slice(identity);
    if !tag.is_empty() {
        text.extend_from_slice(b";tag=");
        text.extend_from_slice(tag);
    }
    text.extend_from_slice(b"\r\n");
}

/// The remote target that a message names in its Contact, as a Request-URI.
pub(super) fn target(view: View<'_>) -> Option<Box<[u8]>> {
    view.field(Name::Contact)?;
    let contact = view.contacts().next()?.ok()?;
    let uri = Uri::parse(contact.uri).ok()?;
    if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
        return None;
    }
    let mut target = Vec::with_capacity(contact.uri.len());
    uri.write_request_uri(&mut target);
    Some(target.into())
}

/// In the place of a Contact that is missing or of no use: where the peer was met.
pub(super) fn target_at(hop: &Hop) -> Box<[u8]> {
    let transport = hop.transport.name();
    let target = format!("sip:{};transport={transport}", hop.addr);
    target.into_bytes().into()
}

/// The URI of the first value of a route set, and the values behind it.
fn first_route(routes: &[u8]) -> Option<(&[u8], &[u8])> {
    let open = routes.iter().position(|byte| *byte == b'<')?;
    let inside = routes.get(open + 1..)?;
    let length = inside.iter().position(|byte| *byte == b'>')?;
    let behind = inside.get(length + 1..)?;
    let rest = behind.iter().position(|byte| *byte == b',');
    let rest = rest.and_then(|comma| behind.get(comma + 1..));
    Some((inside.get(..length)?, rest.unwrap_or_default().trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_of_a_route_set_is_told_from_the_rest() {
        let both = first_route(b"\"P\" <sip:p;lr>;x=1, <sip:q>").unwrap();
        assert_eq!(both, (&b"sip:p;lr"[..], &b"<sip:q>"[..]));
        assert_eq!(first_route(b"<sip:p>"), Some((&b"sip:p"[..], &b""[..])));
        assert_eq!(first_route(b""), None);
    }
}
