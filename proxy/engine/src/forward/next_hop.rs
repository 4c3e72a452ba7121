//! Where a copy is sent (RFC 3261 section 16.6 steps 6 and 7), and by which listener.

use std::net::IpAddr;

use tidegate_sip::{Host, Scheme, Uri};

use crate::address::{ListenerId, Transport};
use crate::config::Config;

/// A next hop before its name is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextHop {
    pub(crate) transport: Transport,
    pub(crate) host: HostPart,
    pub(crate) port: u16,
}

/// The host of a next hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostPart {
    Ip(IpAddr),
    Name(Box<str>),
}

/// The URI names no place to send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unroutable;

impl NextHop {
    /// RFC 3263 section 4 without NAPTR and SRV: the transport of the URI, else UDP, for `sips` TLS;
    /// maddr before the host. `secure`: the Request-URI is `sips`, so that this URI counts as one
    /// (RFC 3261 section 16.6 step 7).
    pub(crate) fn of(uri: &Uri<'_>, secure: bool) -> Result<Self, Unroutable> {
        let secure = match uri.scheme {
            Scheme::Sip => secure,
            Scheme::Sips => true,
            Scheme::Tel | Scheme::Other => return Err(Unroutable),
        };
        let named = uri
            .transport()
            .map(|name| Transport::from_name(name).ok_or(Unroutable));
        let transport = transport(named.transpose()?, secure)?;
        let host = match uri.maddr().unwrap_or(uri.host) {
            Host::V4(ip) => HostPart::Ip(ip.into()),
            Host::V6(ip) => HostPart::Ip(ip.into()),
            Host::Name(name) => {
                HostPart::Name(std::str::from_utf8(name).map_err(|_| Unroutable)?.into())
            }
        };
        let port = uri.port.unwrap_or_else(|| transport.default_port());
        Ok(Self {
            transport,
            host,
            port,
        })
    }
}

/// RFC 3261 section 26.2.2: nothing plain for `sips`.
fn transport(named: Option<Transport>, secure: bool) -> Result<Transport, Unroutable> {
    match (named, secure) {
        (Some(transport), false) => Ok(transport),
        (None, false) => Ok(Transport::Udp),
        (None | Some(Transport::Tcp | Transport::Tls), true) => Ok(Transport::Tls),
        (Some(Transport::Ws | Transport::Wss), true) => Ok(Transport::Wss),
        (Some(Transport::Udp), true) => Err(Unroutable),
    }
}

impl Config {
    /// The listener to send from: `socket` where the document names one, else `preferred` where it
    /// fits, else the first that does. `ip` tells the address family once it is known.
    pub(crate) fn choose_listener(
        &self,
        transport: Transport,
        ip: Option<IpAddr>,
        socket: Option<u16>,
        preferred: ListenerId,
    ) -> Option<ListenerId> {
        let fits = |id: ListenerId| {
            self.listener(id).is_some_and(|listener| {
                listener.transport == transport
                    && ip.is_none_or(|ip| ip.is_ipv4() == listener.addr.is_ipv4())
            })
        };
        if let Some(socket) = socket {
            return Some(ListenerId(socket)).filter(|id| fits(*id));
        }
        let all = (0..self.listeners.len()).filter_map(|index| u16::try_from(index).ok());
        std::iter::once(preferred)
            .chain(all.map(ListenerId))
            .find(|id| fits(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(uri: &str) -> Result<NextHop, Unroutable> {
        NextHop::of(&Uri::parse(uri.as_bytes()).unwrap(), false)
    }

    #[test]
    fn under_a_sips_request_uri_a_sip_uri_counts_as_sips_rfc3261_16_6_7() {
        let of = |uri: &str| NextHop::of(&Uri::parse(uri.as_bytes()).unwrap(), true);
        let transport = |uri| of(uri).map(|hop| hop.transport);
        assert_eq!(transport("sip:192.0.2.1"), Ok(Transport::Tls));
        assert_eq!(transport("sip:192.0.2.1;transport=ws"), Ok(Transport::Wss));
        assert_eq!(transport("sip:192.0.2.1;transport=udp"), Err(Unroutable));
    }

    #[test]
    fn transport_and_port_follow_the_uri_rfc3263_4() {
        let of = |uri| hop(uri).map(|hop| (hop.transport, hop.port));
        assert_eq!(of("sip:192.0.2.1"), Ok((Transport::Udp, 5060)));
        assert_eq!(
            of("sip:192.0.2.1:5070;transport=TCP"),
            Ok((Transport::Tcp, 5070))
        );
        assert_eq!(of("sips:192.0.2.1"), Ok((Transport::Tls, 5061)));
        assert_eq!(
            of("sips:192.0.2.1;transport=tcp"),
            Ok((Transport::Tls, 5061))
        );
        assert_eq!(of("sips:192.0.2.1;transport=udp"), Err(Unroutable));
        assert_eq!(of("sip:192.0.2.1;transport=sctp"), Err(Unroutable));
        assert_eq!(of("tel:+4930123456"), Err(Unroutable));
    }

    #[test]
    fn maddr_takes_the_place_of_the_host_rfc3261_16_6_7() {
        let host = hop("sip:b@example.com;maddr=192.0.2.9").map(|hop| hop.host);
        assert_eq!(host, Ok(HostPart::Ip([192, 0, 2, 9].into())));
    }
}
