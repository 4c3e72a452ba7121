//! What the proxy does without a transaction: answers (RFC 3261 section 8.2.7) and forwarding
//! (section 16.11) of what has none.

use bytes::Bytes;
use tidegate_sip::{Method, Scheme, Uri, View};

use crate::address::Hop;
use crate::engine::Engine;
use crate::forward::{Copy, HostPart, NextHop};
use crate::output::{Output, ResolveId};
use crate::reply::LocalReply;
use crate::request::Arrival;
use crate::request::route_info::{self, RouteInfo};

/// In the place of a branch number of a [`ResolveId`]: a message without a transaction.
pub(crate) const STATELESS: u16 = u16::MAX;
/// Messages without a transaction that may wait for a look-up at one time.
const MAX_WAITING: usize = 1024;

/// A message that is held until its next hop is known.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) generation: u32,
    pub(crate) hop: Hop,
    pub(crate) bytes: Bytes,
}

impl Engine {
    /// Answers once and remembers nothing. An ACK is never answered (RFC 3261 section 17).
    pub(crate) fn answer_statelessly(
        &mut self,
        arrival: &Arrival<'_>,
        reply: &LocalReply,
        out: &mut impl Output,
    ) {
        if arrival.view.method() == Method::Ack {
            return;
        }
        let tag = self.core.tag_of(arrival.view);
        self.core.buffer.clear();
        reply.write(
            arrival.view,
            arrival.stamp,
            tag.as_bytes(),
            &mut self.core.buffer,
        );
        out.send(&arrival.upstream, Bytes::copy_from_slice(&self.core.buffer));
    }

    /// Sends a request on its way by its Route set or its Request-URI. `false` when that leads
    /// nowhere but here, or when it has no hops left.
    pub(crate) fn forward_statelessly(
        &mut self,
        arrival: &Arrival<'_>,
        out: &mut impl Output,
    ) -> bool {
        let view = arrival.view;
        let Ok(uri) = Uri::parse(view.request_uri()) else {
            return false;
        };
        let route = route_info::preprocess(&self.core.own, arrival.source, view, &uri);
        if matches!(view.max_forwards(), Some(Ok(0) | Err(_))) {
            return false;
        }
        let Some(next) = self.next_hop_of(view, &route) else {
            return false;
        };
        self.send_copy(arrival, &route, &next, out)
    }

    fn next_hop_of(&self, view: View<'_>, route: &RouteInfo) -> Option<NextHop> {
        let uri = Uri::parse(route.request_uri(view)).ok()?;
        let secure = uri.scheme == Scheme::Sips;
        if route.routes_left == 0 {
            return if self.core.own.is_ours(&uri) {
                None
            } else {
                NextHop::of(&uri, secure).ok()
            };
        }
        let first = view.routes().nth(route.own_routes)?.ok()?;
        NextHop::of(&Uri::parse(first.uri).ok()?, secure).ok()
    }

    fn send_copy(
        &mut self,
        arrival: &Arrival<'_>,
        route: &RouteInfo,
        next: &NextHop,
        out: &mut impl Output,
    ) -> bool {
        let preferred = route.out_listener.unwrap_or(arrival.source.listener);
        let ip = match &next.host {
            HostPart::Ip(ip) => Some(*ip),
            HostPart::Name(_) => None,
        };
        let chosen = self
            .core
            .config
            .choose_listener(next.transport, ip, None, preferred);
        let Some(listener) = chosen else { return false };
        let unknown = std::net::Ipv4Addr::UNSPECIFIED.into();
        let addr = std::net::SocketAddr::new(ip.unwrap_or(unknown), next.port);
        let hop = Hop {
            transport: next.transport,
            addr,
            listener,
            connection: None,
        };
        let copy = Copy::stateless(arrival.view, route, arrival.stamp, &hop);
        let Ok(bytes) = copy.write(&mut self.core) else {
            return false;
        };
        match &next.host {
            HostPart::Ip(_) => out.send(&hop, bytes),
            HostPart::Name(name) => return self.wait_for_address(hop, bytes, name, out),
        }
        true
    }

    fn wait_for_address(
        &mut self,
        hop: Hop,
        bytes: Bytes,
        name: &str,
        out: &mut impl Output,
    ) -> bool {
        if self.waiting.len() >= MAX_WAITING {
            return false;
        }
        let generation = self.core.next_generation();
        let slot = self.waiting.insert(Waiting {
            generation,
            hop,
            bytes,
        });
        let Ok(slot) = u32::try_from(slot) else {
            return false;
        };
        out.resolve(
            ResolveId {
                slot,
                generation,
                branch: STATELESS,
            },
            name,
        );
        true
    }
}
