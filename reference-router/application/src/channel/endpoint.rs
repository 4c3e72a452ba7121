//! Where a proxy listens: `host:port`, `tcp://`, `tls://`, `ws://` or `wss://`.

use std::fmt;
use std::str::FromStr;

/// How a proxy is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Tcp,
    Tls,
    Ws,
    Wss,
}

/// A proxy's routing listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) scheme: Scheme,
    /// Host and port.
    pub(crate) authority: String,
    path: String,
}

/// Why a text names no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// There is no port.
    #[error("a host and a port are needed, like 192.0.2.1:8448")]
    NoPort,
    /// The scheme has no path.
    #[error("only ws and wss have a path")]
    Path,
    /// Another scheme.
    #[error("the scheme is none of tcp, tls, ws and wss")]
    Scheme,
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        let scheme = match scheme {
            "tcp" => Scheme::Tcp,
            "tls" => Scheme::Tls,
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            _ => return Err(InvalidEndpoint::Scheme),
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (rest, String::new()),
        };
        if !path.is_empty() && matches!(scheme, Scheme::Tcp | Scheme::Tls) {
            return Err(InvalidEndpoint::Path);
        }
        let host_and_port = authority.rsplit_once(':');
        let is_whole = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
        if !host_and_port.is_some_and(is_whole) {
            return Err(InvalidEndpoint::NoPort);
        }
        Ok(Self {
            scheme,
            authority: authority.to_owned(),
            path,
        })
    }
}

impl Endpoint {
    /// The host without its port; an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        let host = self.authority.rsplit_once(':').map_or("", |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self.scheme, Scheme::Tls | Scheme::Wss)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Tcp => "tcp",
            Scheme::Tls => "tls",
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
        };
        let path = match (self.scheme, self.path.as_str()) {
            (Scheme::Ws | Scheme::Wss, "") => "/",
            (_, path) => path,
        };
        write!(f, "{scheme}://{}{path}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_a_scheme_a_host_and_a_port() {
        for (text, whole, host) in [
            ("127.0.0.1:8448", "tcp://127.0.0.1:8448", "127.0.0.1"),
            (
                "tls://edge.example:8449",
                "tls://edge.example:8449",
                "edge.example",
            ),
            ("ws://[::1]:80", "ws://[::1]:80/", "::1"),
            ("wss://edge:443/routing", "wss://edge:443/routing", "edge"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(
                (endpoint.to_string().as_str(), endpoint.host()),
                (whole, host)
            );
        }
        for (text, error) in [
            ("edge", InvalidEndpoint::NoPort),
            (":80", InvalidEndpoint::NoPort),
            ("http://edge:80", InvalidEndpoint::Scheme),
            ("tcp://edge:80/x", InvalidEndpoint::Path),
            ("edge:99999", InvalidEndpoint::NoPort),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(error), "{text}");
        }
    }
}
