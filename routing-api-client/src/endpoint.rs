//! Where an application is: `tcp://host:8448`, `wss://host/path`, `https://host/route`, …

use std::fmt;
use std::str::FromStr;

/// The address of an application that the proxy asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What is spoken below the contract.
    pub scheme: Scheme,
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, from the slash on; `/` for [`Scheme::Tcp`], [`Scheme::Tls`], [`Scheme::Sip`].
    pub path: String,
}

/// What is spoken below the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Frames on TCP.
    Tcp,
    /// The same on TLS.
    Tls,
    /// WebSocket.
    Ws,
    /// WebSocket on TLS.
    Wss,
    /// HTTP.
    Http,
    /// HTTP on TLS.
    Https,
    /// A SIP redirect server.
    Sip,
}

impl Scheme {
    const ALL: [(&'static str, Self, Option<u16>); 7] = [
        ("tcp", Self::Tcp, None),
        ("tls", Self::Tls, None),
        ("ws", Self::Ws, Some(80)),
        ("wss", Self::Wss, Some(443)),
        ("http", Self::Http, Some(80)),
        ("https", Self::Https, Some(443)),
        ("sip", Self::Sip, Some(5060)),
    ];

    /// As it stands in the URL.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, scheme, _)| *scheme == self);
        known.map_or("", |(name, ..)| name)
    }

    /// Whether TLS is below it.
    #[must_use]
    pub fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss | Self::Https)
    }
}

impl Endpoint {
    /// `host:port`, an IPv6 address in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self.scheme {
            Scheme::Tcp | Scheme::Tls | Scheme::Sip => "",
            Scheme::Ws | Scheme::Wss | Scheme::Http | Scheme::Https => &self.path,
        };
        match self.scheme {
            Scheme::Sip => write!(f, "sip:{}", self.authority()),
            scheme => write!(f, "{}://{}{path}", scheme.name(), self.authority()),
        }
    }
}

/// Why a text is no [`Endpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of an application: {why}")]
pub struct InvalidEndpoint {
    text: String,
    why: &'static str,
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        parse(text).map_err(|why| InvalidEndpoint {
            text: text.to_owned(),
            why,
        })
    }
}

fn parse(text: &str) -> Result<Endpoint, &'static str> {
    let (name, rest) = text.split_once(':').ok_or(
        "write scheme://host:port with tcp, tls, ws, wss, http or https, or sip:host:port",
    )?;
    let (_, scheme, default_port) = Scheme::ALL
        .into_iter()
        .find(|(known, ..)| name.eq_ignore_ascii_case(known))
        .ok_or("the scheme is none of tcp, tls, ws, wss, http, https and sip")?;
    let rest = match scheme {
        Scheme::Sip => rest,
        _ => rest
            .strip_prefix("//")
            .ok_or("`//` is missing behind the scheme")?,
    };
    let has_forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '#';
    if rest.contains(has_forbidden) {
        return Err("it has a space, a control character or a fragment in it");
    }
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let has_path = matches!(
        scheme,
        Scheme::Ws | Scheme::Wss | Scheme::Http | Scheme::Https
    );
    if !has_path && !matches!(path, "" | "/") {
        return Err("this scheme has no path");
    }
    if authority.contains('@') {
        return Err("credentials do not belong into the address: set `token`");
    }
    let (host, port) = host_and_port(authority)?;
    Ok(Endpoint {
        scheme,
        host: host.to_owned(),
        port: port.or(default_port).ok_or("the port is missing")?,
        path: match path {
            path if path.starts_with('/') => path.to_owned(),
            path => format!("/{path}"),
        },
    })
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']').ok_or("a bracket is not closed")?;
            (host, rest.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    let port = port.map(|text| text.parse::<u16>().ok().filter(|port| *port > 0));
    match port {
        Some(None) => Err("the port is no number from 1 to 65535"),
        port => Ok((host, port.flatten())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_round_trips() {
        for (text, written) in [
            ("tcp://192.0.2.7:8448", "tcp://192.0.2.7:8448"),
            (
                "TLS://router.example.com:8449",
                "tls://router.example.com:8449",
            ),
            (
                "ws://[2001:db8::1]/routing?x=1",
                "ws://[2001:db8::1]:80/routing?x=1",
            ),
            (
                "https://router.example.com",
                "https://router.example.com:443/",
            ),
            ("sip:192.0.2.7", "sip:192.0.2.7:5060"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), written);
            assert_eq!(written.parse(), Ok(endpoint));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        for (text, why) in [
            ("router:8448", "scheme"),
            ("tcp:8448", "//"),
            ("tcp://router", "port"),
            ("tcp://router:0", "1 to 65535"),
            ("tcp://:1", "host"),
            ("tcp://a:1/x", "no path"),
            ("http://a b/", "space"),
            ("http://u:p@a/", "token"),
            ("ws://[::1/", "bracket"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
