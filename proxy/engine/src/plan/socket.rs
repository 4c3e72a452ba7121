//! Which listener a `socket` names.

use std::net::IpAddr;

use tidegate_schemas::DocumentError;

use super::pointer::{one_line, refuse, show};
use super::uri::NextHop;
use crate::address::Transport;
use crate::config::Listener;

/// `udp:192.0.2.1:5060`; the transport and the port may be left out, as in Kamailio.
struct SocketName<'a> {
    transport: Option<Transport>,
    host: &'a str,
    port: Option<u16>,
}

/// The index of the listener; `hop` is where the request goes from there, where that is known.
pub(super) fn find(
    text: &str,
    listeners: &[Listener],
    hop: Option<&NextHop<'_>>,
) -> Result<u16, DocumentError> {
    let Some(name) = SocketName::parse(one_line(text)?) else {
        return refuse(format!(
            "{} is not of the form udp:192.0.2.1:5060",
            show(text)
        ));
    };
    let mut named = (0..)
        .zip(listeners)
        .filter(|(_, listener)| name.is(listener))
        .peekable();
    if named.peek().is_none() {
        return refuse(format!("{} is none of this proxy's sockets", show(text)));
    }
    let fits = |listener| hop.is_none_or(|hop| fits(listener, hop));
    match named.find(|(_, listener)| fits(listener)) {
        Some((index, _)) => Ok(index),
        None => {
            refuse("the next hop can't be reached from it: its transport or address family differs")
        }
    }
}

fn fits(listener: &Listener, hop: &NextHop<'_>) -> bool {
    hop.takes(listener.transport) && hop.is_reached_from(listener)
}

impl<'a> SocketName<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (transport, rest) = match text.split_once(':') {
            Some((word, rest)) => match Transport::from_name(word.as_bytes()) {
                Some(transport) => (Some(transport), rest),
                None => (None, text),
            },
            None => (None, text),
        };
        let (host, port) = split_port(rest)?;
        Some(Self {
            transport,
            host,
            port,
        })
    }

    fn is(&self, listener: &Listener) -> bool {
        self.transport
            .is_none_or(|transport| transport == listener.transport)
            && self.is_port_of(listener)
            && self.is_host_of(listener)
    }

    fn is_port_of(&self, listener: &Listener) -> bool {
        let port = self
            .port
            .unwrap_or_else(|| listener.transport.default_port());
        port == listener.port || port == listener.addr.port()
    }

    fn is_host_of(&self, listener: &Listener) -> bool {
        let advertised = without_brackets(&listener.host);
        match self.host.parse::<IpAddr>() {
            Ok(ip) => ip == listener.addr.ip() || advertised.parse() == Ok(ip),
            Err(_) => self.host.eq_ignore_ascii_case(advertised),
        }
    }
}

/// Host and port; an IPv6 address stands in brackets, which are taken off.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None if rest.is_empty() => None,
        None => return None,
    };
    (!host.is_empty()).then_some((host, port))
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listeners() -> Vec<Listener> {
        let mut public = Listener::new(Transport::Udp, "0.0.0.0:5060".parse().unwrap());
        public.host = "sip.example.com".to_owned();
        vec![
            Listener::new(Transport::Udp, "192.0.2.1:5060".parse().unwrap()),
            Listener::new(Transport::Tcp, "192.0.2.1:5060".parse().unwrap()),
            Listener::new(Transport::Tls, "192.0.2.1:5061".parse().unwrap()),
            Listener::new(Transport::Udp, "[2001:db8::1]:5070".parse().unwrap()),
            public,
        ]
    }

    fn find_for(text: &str, hop: Option<&str>) -> Result<u16, DocumentError> {
        let hop = hop.map(|uri| NextHop::parse(uri).unwrap());
        find(text, &listeners(), hop.as_ref())
    }

    #[test]
    fn a_socket_is_found_by_any_way_to_write_it() {
        for (text, index) in [
            ("udp:192.0.2.1:5060", 0),
            ("TCP:192.0.2.1:5060", 1),
            ("tls:192.0.2.1", 2),
            ("192.0.2.1:5061", 2),
            ("192.0.2.1", 0),
            ("udp:[2001:db8:0::1]:5070", 3),
            ("udp:SIP.example.com:5060", 4),
            ("udp:0.0.0.0:5060", 4),
        ] {
            assert_eq!(find_for(text, None), Ok(index), "{text}");
        }
    }

    #[test]
    fn what_is_no_socket_of_ours_is_refused() {
        for text in [
            "udp:192.0.2.9:5060",
            "udp:192.0.2.1:5070",
            "ws:192.0.2.1:5060",
        ] {
            let error = find_for(text, None).unwrap_err();
            assert!(
                error.reason.contains("none of this proxy's sockets"),
                "{text}: {error}"
            );
        }
        for text in [
            "udp:",
            "udp::5060",
            "udp:[::1:5060",
            "udp:[::1]5060",
            "udp:h:port",
            "::1",
        ] {
            let error = find_for(text, None).unwrap_err();
            assert!(error.reason.contains("not of the form"), "{text}: {error}");
        }
    }

    #[test]
    fn a_socket_without_transport_follows_the_next_hop() {
        assert_eq!(
            find_for("192.0.2.1:5060", Some("sip:h;transport=tcp")),
            Ok(1)
        );
    }

    #[test]
    fn a_socket_that_can_not_reach_the_next_hop_is_refused() {
        for (socket, hop) in [
            ("udp:192.0.2.1:5060", "sip:h;transport=tcp"),
            ("tcp:192.0.2.1:5060", "sips:h"),
            ("tls:192.0.2.1:5061", "sip:h;transport=udp"),
            ("udp:192.0.2.1:5060", "sip:[2001:db8::7]"),
            ("udp:[2001:db8::1]:5070", "sip:192.0.2.7"),
        ] {
            let error = find_for(socket, Some(hop)).unwrap_err();
            assert!(
                error.reason.contains("can't be reached"),
                "{socket} {hop}: {error}"
            );
        }
    }
}
