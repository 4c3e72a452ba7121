//! Where SIP is taken.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{self, Advertised};

/// One address on which SIP is taken, and from which it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// `udp` or `tcp`.
    pub transport: SipTransport,
    /// The IP address and port to bind. Port 0 takes a free one. An IPv6 address takes IPv6 alone.
    #[serde(deserialize_with = "address::deserialize_socket")]
    #[schemars(with = "String")]
    pub address: SocketAddr,
    /// The host, and the port where it differs, that others reach this listener by; it stands in
    /// Via and Record-Route. Needed where `address` is a wildcard or behind a NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub advertise: Option<Advertised>,
}

/// A transport that can be listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SipTransport {
    /// Datagrams.
    Udp,
    /// Plain TCP.
    Tcp,
}

/// UDP and TCP on loopback.
pub(super) fn defaults() -> Vec<Listen> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5060));
    [SipTransport::Udp, SipTransport::Tcp]
        .map(|transport| Listen {
            transport,
            address,
            advertise: None,
        })
        .to_vec()
}

impl fmt::Display for SipTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

/// `udp:192.0.2.1:5060`, or `udp:0.0.0.0:5060=sip.example.com` with the advertised host behind it.
impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (transport, rest) = text.split_once(':').ok_or_else(|| wrong(text))?;
        let transport = match transport {
            "udp" => SipTransport::Udp,
            "tcp" => SipTransport::Tcp,
            _ => return Err(wrong(text)),
        };
        let (address, advertise) = match rest.split_once('=') {
            Some((address, advertise)) => (address, Some(advertise.parse()?)),
            None => (rest, None),
        };
        Ok(Self {
            transport,
            address: address::parse_socket(address)?,
            advertise,
        })
    }
}

fn wrong(text: &str) -> String {
    format!("`{text}` is not a listener; write udp:127.0.0.1:5060 or tcp:[::1]:5060")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_read_from_the_command_line() {
        let plain: Listen = "tcp:[::1]:5062".parse().unwrap();
        assert_eq!(plain.transport, SipTransport::Tcp);
        assert_eq!(plain.address, "[::1]:5062".parse().unwrap());
        let wide: Listen = "udp:0.0.0.0:5060=sip.example.com:5070".parse().unwrap();
        assert_eq!(wide.advertise.unwrap().to_string(), "sip.example.com:5070");
    }

    #[test]
    fn anything_else_is_refused_with_advice() {
        for text in [
            "127.0.0.1:5060",
            "sctp:127.0.0.1:5060",
            "udp:localhost:5060",
            "udp",
            "",
        ] {
            assert!(
                text.parse::<Listen>().unwrap_err().contains("write"),
                "{text}"
            );
        }
    }
}
