//! Where the engine may send: what it was told, in URIs and by the DNS.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::{Action, OnRedirect, Outcome, Route, Target};
use tidegate_sip::{Host, Scheme, Uri, View};

#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    addresses: BTreeSet<SocketAddr>,
    names: BTreeSet<(String, u16)>,
}

impl Told {
    pub(super) fn has(&self, addr: SocketAddr) -> bool {
        self.addresses.contains(&addr)
    }

    pub(super) fn has_name(&self, host: &str) -> bool {
        self.names.iter().any(|(name, _)| name == host)
    }

    pub(super) fn add_uri(&mut self, raw: &[u8]) {
        let Ok(uri) = Uri::parse(raw) else { return };
        let is_tls = uri.scheme == Scheme::Sips || uri.transport() == Some(b"tls");
        let port = uri.port.unwrap_or(if is_tls { 5061 } else { 5060 });
        match uri.maddr().unwrap_or(uri.host) {
            Host::V4(ip) => self.add_address(ip.into(), port),
            Host::V6(ip) => self.add_address(ip.into(), port),
            Host::Name(name) => {
                let name = String::from_utf8_lossy(name).into_owned();
                self.names.insert((name, port));
            }
        }
    }

    /// The Request-URI and the Route set.
    pub(super) fn add_request(&mut self, view: View<'_>) {
        self.add_uri(view.request_uri());
        for route in view.routes().filter_map(Result::ok) {
            self.add_uri(route.uri);
        }
    }

    pub(super) fn add_contacts(&mut self, view: View<'_>) {
        for contact in view.contacts().filter_map(Result::ok) {
            self.add_uri(contact.uri);
        }
    }

    pub(super) fn add_document(&mut self, document: &RouteDocument) {
        each_target(document, &mut |target| {
            let uris = [&target.uri, &target.dst_uri];
            for uri in uris.into_iter().flatten() {
                self.add_uri(uri.as_bytes());
            }
            let path = target.path.as_deref().unwrap_or_default();
            let first = path.trim_start_matches('<').split('>').next();
            self.add_uri(first.unwrap_or_default().as_bytes());
        });
    }

    pub(super) fn resolved(&mut self, host: &str, addresses: &[IpAddr]) {
        let ports = self.names.iter().filter(|(name, _)| name == host);
        let ports: Vec<u16> = ports.map(|(_, port)| *port).collect();
        for port in ports {
            addresses.iter().for_each(|ip| self.add_address(*ip, port));
        }
    }

    fn add_address(&mut self, ip: IpAddr, port: u16) {
        self.addresses.insert(SocketAddr::new(ip, port));
    }
}

pub(super) fn may_drop(document: &RouteDocument) -> bool {
    document.action == Some(Action::Drop) || document.on_exhausted.as_deref().is_some_and(may_drop)
}

pub(super) fn may_reply_408(document: &RouteDocument) -> bool {
    let here = document
        .reply
        .as_ref()
        .is_some_and(|reply| reply.code == 408);
    here || document.on_exhausted.as_deref().is_some_and(may_reply_408)
}

pub(super) fn rewrites(document: &RouteDocument) -> bool {
    let mut found = false;
    each_target(document, &mut |target| {
        let headers = target.headers.as_ref();
        found |= headers.is_some_and(|headers| headers.from.is_some() || headers.to.is_some());
    });
    found
}

pub(super) fn lets_six_go_on(document: &RouteDocument) -> bool {
    let says =
        |words: &Option<Vec<Outcome>>| words.iter().flatten().any(|word| word.0.starts_with('6'));
    fn in_group(routes: &[Route], says: &impl Fn(&Option<Vec<Outcome>>) -> bool) -> bool {
        routes.iter().any(|route| match route {
            Route::Target(target) => says(&target.continue_on) || says(&target.ask_on),
            Route::Group(group) => {
                says(&group.continue_on) || says(&group.ask_on) || in_group(&group.routes, says)
            }
        })
    }
    let next = document.on_exhausted.as_deref();
    says(&document.continue_on)
        || says(&document.ask_on)
        || in_group(&document.routes, &says)
        || next.is_some_and(lets_six_go_on)
}

pub(super) fn follows_redirects(document: &RouteDocument) -> bool {
    let next = document.on_exhausted.as_deref();
    document.on_redirect == Some(OnRedirect::Follow) || next.is_some_and(follows_redirects)
}

fn each_target(document: &RouteDocument, see: &mut impl FnMut(&Target)) {
    fn in_group(routes: &[Route], see: &mut impl FnMut(&Target)) {
        for route in routes {
            match route {
                Route::Target(target) => see(target),
                Route::Group(group) => in_group(&group.routes, see),
            }
        }
    }
    in_group(&document.routes, see);
    let mut next = document.on_exhausted.as_deref();
    while let Some(document) = next {
        in_group(&document.routes, see);
        next = document.on_exhausted.as_deref();
    }
}
