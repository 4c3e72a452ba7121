use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use nom::Parser;
use nom::bytes::complete::{take_till, take_while1};
use nom::character::complete::char;
use nom::combinator::opt;
use nom::error::context;
use nom::sequence::{preceded, terminated};

use crate::error::Fail;
use crate::lex::{self, Res};

/// A host as it stands in a URI or in a Via.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name, in the case it was written.
    Name(&'a [u8]),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, which stood in brackets.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// The address, unless this is a name.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some(IpAddr::V4(address)),
            Self::V6(address) => Some(IpAddr::V6(address)),
        }
    }

    /// Reads a value that is a host and nothing else.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        host(value)
            .ok()
            .filter(|(rest, _)| rest.is_empty())
            .map(|(_, host)| host)
    }

    /// Whether both name the same host; names in any case (RFC 3261 19.1.4).
    #[must_use]
    pub fn equivalent(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Self::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (one, two) => one == two,
        }
    }
}

/// Reads an address with or without brackets around IPv6: `received` and `maddr` come both ways
/// (RFC 5118 4.5).
pub(crate) fn address(value: &[u8]) -> Option<IpAddr> {
    match Host::parse(value) {
        Some(host) => host.ip(),
        None => v6(value).map(IpAddr::V6),
    }
}

/// RFC 3261 25.1 `host`.
pub(crate) fn host(input: &[u8]) -> Res<'_, Host<'_>> {
    if input.first() == Some(&b'[') {
        bracketed(input)
    } else {
        name_or_v4(input)
    }
}

/// RFC 3261 25.1 `[ COLON port ]` without white space.
pub(crate) fn port(input: &[u8]) -> Res<'_, Option<u16>> {
    opt_port(preceded(char(':'), digits), input)
}

/// The port of a Via's sent-by, where white space may stand around the colon.
pub(crate) fn spaced_port(input: &[u8]) -> Res<'_, Option<u16>> {
    opt_port(preceded(lex::separator(b':'), digits), input)
}

fn opt_port<'a>(
    mut parser: impl Parser<&'a [u8], Output = &'a [u8], Error = Fail>,
    input: &'a [u8],
) -> Res<'a, Option<u16>> {
    let (_, colon) = opt(lex::separator(b':')).parse(input)?;
    if colon.is_none() {
        return Ok((input, None));
    }
    let (rest, digits) = parser.parse(input)?;
    match lex::number(digits).and_then(|number| u16::try_from(number).ok()) {
        Some(port) => Ok((rest, Some(port))),
        None => Fail::at(input, "a port"),
    }
}

fn digits(input: &[u8]) -> Res<'_, &[u8]> {
    context("a port", take_while1(|byte: u8| byte.is_ascii_digit())).parse(input)
}

fn bracketed(input: &[u8]) -> Res<'_, Host<'_>> {
    let inside = take_till(|byte| byte == b']');
    let reference = preceded(char('['), terminated(inside, char(']')));
    let (rest, address) = context("an IPv6 reference", reference).parse(input)?;
    match v6(address) {
        Some(address) => Ok((rest, Host::V6(address))),
        None => Fail::at(input, "an IPv6 address"),
    }
}

/// An underscore is no part of RFC 3261's `hostname`, but of many names in use.
fn name_or_v4(input: &[u8]) -> Res<'_, Host<'_>> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let (rest, name) = context("a host", take_while1(allowed)).parse(input)?;
    let host = if name[0].is_ascii_digit() {
        v4(name).map(Host::V4)
    } else {
        None
    };
    Ok((rest, host.unwrap_or(Host::Name(name))))
}

fn v4(text: &[u8]) -> Option<Ipv4Addr> {
    Ipv4Addr::from_str(str::from_utf8(text).ok()?).ok()
}

fn v6(text: &[u8]) -> Option<Ipv6Addr> {
    let text = str::from_utf8(text).ok()?;
    Ipv6Addr::from_str(text)
        .ok()
        .or_else(|| v6_with_three_colons(text))
}

/// RFC 5118 4.10: the grammar of RFC 3261 could be read so that a third colon stands before an
/// embedded IPv4 address.
fn v6_with_three_colons(text: &str) -> Option<Ipv6Addr> {
    let (before, after) = text.split_once(":::")?;
    let mut fixed = [0_u8; 45];
    let length = before.len() + 2 + after.len();
    let (one, rest) = fixed.get_mut(..length)?.split_at_mut(before.len());
    let (two, three) = rest.split_at_mut(2);
    one.copy_from_slice(before.as_bytes());
    two.copy_from_slice(b"::");
    three.copy_from_slice(after.as_bytes());
    Ipv6Addr::from_str(str::from_utf8(fixed.get(..length)?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        assert_eq!(
            Host::parse(b"Bay_1.example."),
            Some(Host::Name(b"Bay_1.example."))
        );
        assert_eq!(
            Host::parse(b"198.51.100.7"),
            Some(Host::V4(Ipv4Addr::new(198, 51, 100, 7)))
        );
        assert_eq!(Host::parse(b"[::1]"), Some(Host::V6(Ipv6Addr::LOCALHOST)));
        assert_eq!(Host::parse(b"300.1.1.1"), Some(Host::Name(b"300.1.1.1")));
        for bad in [
            &b""[..],
            b"[::1",
            b"[]",
            b"[1.2.3.4]",
            b"::1",
            b"a b",
            b"[fe80::1%eth0]",
        ] {
            assert_eq!(Host::parse(bad), None, "{bad:?}");
        }
    }

    /// RFC 5118 4.10.
    #[test]
    fn a_third_colon_before_an_embedded_address_is_tolerated() {
        assert_eq!(
            Host::parse(b"[fd00:::198.51.100.7]"),
            Host::parse(b"[fd00::198.51.100.7]")
        );
        assert_eq!(Host::parse(b"[fd00::::1]"), None);
    }

    /// RFC 5118 4.9: IPv4-mapped IPv6 addresses.
    #[test]
    fn a_mapped_address_is_an_ipv6_address() {
        let mapped = Ipv4Addr::new(198, 51, 100, 7).to_ipv6_mapped();
        assert_eq!(
            Host::parse(b"[::ffff:198.51.100.7]"),
            Some(Host::V6(mapped))
        );
    }

    /// RFC 5118 4.5: brackets around the address in `received` are optional for a reader.
    #[test]
    fn an_address_comes_with_and_without_brackets() {
        assert_eq!(address(b"[fd00::7]"), address(b"fd00::7"));
        assert!(address(b"fd00::7").is_some());
        assert_eq!(address(b"bay.example"), None);
    }

    #[test]
    fn a_port_is_a_16_bit_number() {
        assert_eq!(port(b":5070;x").unwrap(), (&b";x"[..], Some(5070)));
        assert_eq!(port(b";x").unwrap(), (&b";x"[..], None));
        assert_eq!(spaced_port(b" :\r\n 5070").unwrap().1, Some(5070));
        for bad in [&b":65536"[..], b":", b":x", b": 5060"] {
            assert!(port(bad).is_err(), "{bad:?}");
        }
    }
}
