//! Which URIs mean this proxy.

use std::net::IpAddr;

use tidegate_sip::{Host, Uri};

use crate::address::{ListenerId, Transport};
use crate::config::Config;

/// The addresses and names that resolve to this proxy.
#[derive(Debug)]
pub(crate) struct OwnNames {
    addresses: Vec<OwnAddress>,
    domains: Vec<String>,
}

#[derive(Debug)]
struct OwnAddress {
    transport: Transport,
    bound: IpAddr,
    /// What others call it, when that is an address too.
    advertised: Option<IpAddr>,
    host: String,
    port: u16,
}

impl OwnNames {
    pub(crate) fn new(config: &Config) -> Self {
        let addresses = config.listeners.iter().map(|listener| OwnAddress {
            transport: listener.transport,
            bound: listener.addr.ip(),
            advertised: listener.host.trim_matches(['[', ']']).parse().ok(),
            host: listener.host.clone(),
            port: listener.port,
        });
        Self {
            addresses: addresses.collect(),
            domains: config.domains.clone(),
        }
    }

    /// Whether `uri` names this proxy: a listener's address with its port, or one of the domains.
    pub(crate) fn is_ours(&self, uri: &Uri<'_>) -> bool {
        self.is_own_address(uri.host, uri.port) || self.is_own_domain(uri)
    }

    /// Whether a listener has this address; 5060 or 5061 where no port is given.
    pub(crate) fn is_own_address(&self, host: Host<'_>, port: Option<u16>) -> bool {
        self.addresses
            .iter()
            .any(|own| own.has_port(port) && own.has_host(host))
    }

    /// Whether a listener has this host.
    pub(crate) fn is_own_host(&self, host: Host<'_>) -> bool {
        self.addresses.iter().any(|own| own.has_host(host))
    }

    /// Whether the listener has this port.
    pub(crate) fn has_port(&self, listener: ListenerId, port: u16) -> bool {
        self.addresses
            .get(usize::from(listener.0))
            .is_some_and(|own| own.port == port)
    }

    /// The listener that a Record-Route URI of ours names (RFC 5658).
    pub(crate) fn listener_of_route(&self, uri: &Uri<'_>) -> Option<ListenerId> {
        let transport = uri
            .transport()
            .and_then(Transport::from_name)
            .unwrap_or(Transport::Udp);
        let index = self.addresses.iter().position(|own| {
            own.transport == transport && own.has_port(uri.port) && own.has_host(uri.host)
        })?;
        u16::try_from(index).ok().map(ListenerId)
    }

    fn is_own_domain(&self, uri: &Uri<'_>) -> bool {
        let Host::Name(name) = uri.host else {
            return false;
        };
        let known = self
            .domains
            .iter()
            .any(|domain| name.eq_ignore_ascii_case(domain.as_bytes()));
        known
            && uri
                .port
                .is_none_or(|port| self.addresses.iter().any(|own| own.port == port))
    }
}

impl OwnAddress {
    fn has_port(&self, port: Option<u16>) -> bool {
        port.unwrap_or_else(|| self.transport.default_port()) == self.port
    }

    fn has_host(&self, host: Host<'_>) -> bool {
        let ip = match host {
            Host::V4(ip) => IpAddr::V4(ip),
            Host::V6(ip) => IpAddr::V6(ip),
            Host::Name(name) => return name.eq_ignore_ascii_case(self.host.as_bytes()),
        };
        ip == self.bound || Some(ip) == self.advertised
    }
}
