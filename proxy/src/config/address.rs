//! Addresses as people write them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A host, and a port where it is not the listener's own: `sip.example.com`, `203.0.113.7:5062`,
/// `[2001:db8::7]:5060`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertised {
    /// A name or an address; IPv6 in brackets.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
}

impl FromStr for Advertised {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = split_port(text);
        let port = match port {
            None => None,
            Some(digits) => Some(parse_port(digits).ok_or_else(|| wrong_advertise(text))?),
        };
        let host = canonical_host(host).ok_or_else(|| wrong_advertise(text))?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Serialize for Advertised {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Advertised {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Reads `192.0.2.1:5060` or `[2001:db8::1]:5060`, and says what is wrong with anything else.
pub(crate) fn parse_socket(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let advice = "write an IP address and a port, such as 127.0.0.1:5060 or [::1]:5060";
        format!("`{text}` is not an address to listen on; {advice}")
    })
}

pub(crate) fn deserialize_socket<'de, D>(deserializer: D) -> Result<SocketAddr, D::Error>
where
    D: Deserializer<'de>,
{
    parse_socket(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

pub(crate) fn deserialize_optional_socket<'de, D>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error>
where
    D: Deserializer<'de>,
{
    deserialize_socket(deserializer).map(Some)
}

/// Whether `text` can stand as a host in a Via.
pub(crate) fn is_host(text: &str) -> bool {
    canonical_host(text).is_some()
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

fn parse_port(digits: &str) -> Option<u16> {
    digits.parse().ok().filter(|port| *port != 0)
}

fn canonical_host(host: &str) -> Option<String> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bare.unwrap_or(host).parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => Some(format!("[{ip}]")),
        Ok(IpAddr::V4(ip)) if bare.is_none() => Some(ip.to_string()),
        Ok(IpAddr::V4(_)) => None,
        Err(_) => is_name(host).then(|| host.to_ascii_lowercase()),
    }
}

fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    host.len() <= 253 && host.trim_end_matches('.').split('.').all(label)
}

fn wrong_advertise(text: &str) -> String {
    let advice = "write a host or host:port, such as sip.example.com or 203.0.113.7:5060";
    format!("`{text}` can't be advertised; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_port_are_read_and_written_alike() {
        for (text, host, port) in [
            ("sip.example.com", "sip.example.com", None),
            ("203.0.113.7:5062", "203.0.113.7", Some(5062)),
            ("[2001:db8::7]:5060", "[2001:db8::7]", Some(5060)),
            ("2001:db8::7", "[2001:db8::7]", None),
        ] {
            let read: Advertised = text.parse().unwrap();
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
            assert_eq!(read.to_string().parse::<Advertised>().unwrap(), read);
        }
    }

    #[test]
    fn what_can_not_stand_in_a_via_is_refused() {
        for text in [
            "",
            "a b",
            "host:",
            "host:0",
            "host:99999",
            "a;b",
            "[192.0.2.1]:5060",
            "a\r\nb",
        ] {
            assert!(text.parse::<Advertised>().is_err(), "{text:?}");
        }
    }
}
