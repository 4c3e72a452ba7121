//! Route information preprocessing (RFC 3261 section 16.4).

use std::io::Write as _;

use tidegate_sip::{Host, Scheme, Uri, View};

use crate::address::{ListenerId, Source, Transport};
use crate::alias::{Aliases, Restored};
use crate::own::OwnNames;

/// What a request's Route set and Request-URI say about where it goes.
#[derive(Debug, Default)]
pub(crate) struct RouteInfo {
    /// The Request-URI to go on with, where it is not the one received.
    pub(crate) uri: Option<Box<[u8]>>,
    /// Values at the top of the Route set that are ours and are taken away.
    pub(crate) own_routes: usize,
    /// The last Route value became the Request-URI, since a strict router sent this.
    pub(crate) moved_last: bool,
    /// Values that are left.
    pub(crate) routes_left: usize,
    /// The listener that the last of our own values names: the far side of a double Record-Route.
    pub(crate) out_listener: Option<ListenerId>,
    /// The From and To that the other side of the dialog knows, where they are not the request's.
    pub(crate) restored: Option<Box<Restored>>,
    /// The Route set or the Request-URI decides, and no application is asked.
    pub(crate) goes_straight: bool,
}

impl RouteInfo {
    pub(crate) fn request_uri<'a>(&'a self, view: View<'a>) -> &'a [u8] {
        self.uri.as_deref().unwrap_or_else(|| view.request_uri())
    }
}

pub(crate) fn preprocess(
    own: &OwnNames,
    source: &Source,
    view: View<'_>,
    uri: &Uri<'_>,
) -> RouteInfo {
    let mut info = RouteInfo {
        routes_left: view.routes().count(),
        ..RouteInfo::default()
    };
    if info.routes_left > 0 && is_own_record_route(own, uri) {
        restore(view, uri, &mut info);
        take_last_route(view, &mut info);
    }
    take_own_routes(own, view, &mut info);
    let mut other_port = false;
    if info.uri.is_none() && is_own_maddr(own, uri) {
        other_port = !came_by(own, source, uri);
        if !other_port {
            info.uri = Some(without_maddr(uri).into_boxed_slice());
        }
    }
    let leads_on = info.routes_left > 0 || !is_for_us(own, info.request_uri(view));
    info.goes_straight = other_port || (leads_on && follows_our_route(view, &info));
    info
}

/// A request inside a dialog that came by a Record-Route of ours. A To tag alone proves nothing.
fn follows_our_route(view: View<'_>, info: &RouteInfo) -> bool {
    let in_dialog = view.to().is_ok_and(|to| to.tag().is_some());
    in_dialog && (info.own_routes > 0 || info.moved_last)
}

/// 16.4, first paragraph: the Request-URI is what this proxy puts into Record-Route.
fn is_own_record_route(own: &OwnNames, uri: &Uri<'_>) -> bool {
    uri.user.is_none() && uri.has_lr() && own.is_own_address(uri.host, uri.port)
}

fn take_last_route(view: View<'_>, info: &mut RouteInfo) {
    if let Some(Ok(last)) = view.routes().last() {
        info.uri = Some(last.uri.into());
        info.moved_last = true;
        info.routes_left -= 1;
    }
}

/// 16.4, last paragraph; both values of a double Record-Route (RFC 5658).
fn take_own_routes(own: &OwnNames, view: View<'_>, info: &mut RouteInfo) {
    for route in view.routes().take(info.routes_left) {
        let Some(uri) = route.ok().and_then(|route| Uri::parse(route.uri).ok()) else {
            break;
        };
        if !own.is_ours(&uri) {
            break;
        }
        restore(view, &uri, info);
        info.own_routes += 1;
        info.out_listener = own.listener_of_route(&uri);
    }
    info.routes_left -= info.own_routes;
}

/// What this proxy wrote into its Record-Route comes back in a Route.
fn restore(view: View<'_>, route: &Uri<'_>, info: &mut RouteInfo) {
    if let Some(aliases) = Aliases::of_route(route) {
        info.restored = aliases.restore(view).map(Box::new);
    }
}

fn is_for_us(own: &OwnNames, uri: &[u8]) -> bool {
    Uri::parse(uri).is_ok_and(|uri| own.is_ours(&uri))
}

/// 16.4, third paragraph: a maddr that is ours is stripped, unless it goes with another port or
/// transport than the request came by: then the request is for that port.
fn is_own_maddr(own: &OwnNames, uri: &Uri<'_>) -> bool {
    uri.maddr().is_some_and(|maddr| own.is_own_host(maddr))
}

fn came_by(own: &OwnNames, source: &Source, uri: &Uri<'_>) -> bool {
    let transport = uri
        .transport()
        .and_then(Transport::from_name)
        .unwrap_or(Transport::Udp);
    let port = uri.port.unwrap_or_else(|| transport.default_port());
    transport == source.transport && own.has_port(source.listener, port)
}

/// The URI without maddr, port and transport.
fn without_maddr(uri: &Uri<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(uri.raw.len());
    text.extend_from_slice(if uri.scheme == Scheme::Sips {
        b"sips:"
    } else {
        b"sip:"
    });
    if let Some(user) = uri.user {
        text.extend_from_slice(user);
        if let Some(password) = uri.password {
            text.push(b':');
            text.extend_from_slice(password);
        }
        text.push(b'@');
    }
    write_host(uri.host, &mut text);
    for param in uri.params {
        if param.name.eq_ignore_ascii_case(b"maddr")
            || param.name.eq_ignore_ascii_case(b"transport")
        {
            continue;
        }
        text.push(b';');
        text.extend_from_slice(param.name);
        if let Some(value) = param.value {
            text.push(b'=');
            text.extend_from_slice(value);
        }
    }
    text
}

fn write_host(host: Host<'_>, text: &mut Vec<u8>) {
    // Writing to a Vec does not fail.
    let _ = match host {
        Host::Name(name) => text.write_all(name),
        Host::V4(ip) => write!(text, "{ip}"),
        Host::V6(ip) => write!(text, "[{ip}]"),
    };
}
