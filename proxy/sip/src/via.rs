use std::net::IpAddr;

use nom::Parser;
use nom::sequence::separated_pair;

use crate::host::{address, host, spaced_port};
use crate::lex::{self, Res, lws, separator, sws, token};
use crate::list;
use crate::{Host, Params, Span, ValueError};

/// One Via value (RFC 3261 20.42).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport, as it was written.
    pub transport: &'a [u8],
    /// The host of sent-by.
    pub host: Host<'a>,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// Host and port as they were written.
    pub sent_by: &'a [u8],
    /// The parameters.
    pub params: Params<'a>,
    /// This value alone, without white space around it.
    pub span: Span,
}

impl<'a> Via<'a> {
    /// Reads a field value that holds one Via; `start` is its offset in the message.
    ///
    /// # Errors
    /// When it is not well-formed, or holds more than one.
    pub fn parse(value: &'a [u8], start: u32) -> Result<Self, ValueError> {
        list::alone(value, start, Self::take)
    }

    /// Reads the first Via of a field value, with its parameters up to the first bad one.
    #[must_use]
    pub fn parse_lenient(value: &'a [u8], start: u32) -> Option<Self> {
        let end = start.checked_add(u32::try_from(value.len()).ok()?)?;
        let (rest, frame) = frame(value).ok()?;
        let (rest, params) = Params::take_lenient(rest, end);
        Some(frame.with(params, rest, end))
    }

    /// The branch (RFC 3261 8.1.1.7).
    #[must_use]
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.params.value("branch")
    }

    /// The address in `received` (RFC 3261 18.2.1), if it is one.
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        self.params.value("received").and_then(address)
    }

    /// `Some(None)` where `rport` asks to be filled in, `Some(Some(port))` where it is
    /// (RFC 3581 3 and 4).
    #[must_use]
    pub fn rport(&self) -> Option<Option<u16>> {
        let number = |value| lex::number(value).and_then(|port| u16::try_from(port).ok());
        self.params
            .get("rport")
            .map(|param| param.value.and_then(number))
    }

    /// The host in `maddr` (RFC 3261 18.1.1); IPv6 with or without brackets.
    #[must_use]
    pub fn maddr(&self) -> Option<Host<'a>> {
        let value = self.params.value("maddr")?;
        match address(value) {
            Some(IpAddr::V4(address)) => Some(Host::V4(address)),
            Some(IpAddr::V6(address)) => Some(Host::V6(address)),
            None => Host::parse(value),
        }
    }

    /// The multicast time to live (RFC 3261 18.1.1).
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        let value = self.params.value("ttl")?;
        lex::number(value).and_then(|ttl| u8::try_from(ttl).ok())
    }

    /// Takes one value off `input`, whose last byte stands before offset `end`.
    pub(crate) fn take(input: &'a [u8], end: u32) -> Res<'a, Self> {
        let (rest, frame) = frame(input)?;
        let (rest, params) = Params::take(rest, end)?;
        Ok((rest, frame.with(params, rest, end)))
    }
}

/// A Via value before its parameters.
struct Frame<'a> {
    value: &'a [u8],
    transport: &'a [u8],
    host: Host<'a>,
    port: Option<u16>,
    sent_by: &'a [u8],
}

impl<'a> Frame<'a> {
    fn with(self, params: Params<'a>, rest: &[u8], end: u32) -> Via<'a> {
        let Self {
            value,
            transport,
            host,
            port,
            sent_by,
        } = self;
        let offset = |slice: &[u8]| end - u32::try_from(slice.len()).unwrap_or(end);
        let span = Span::new(offset(value), offset(rest));
        Via {
            transport,
            host,
            port,
            sent_by,
            params,
            span,
        }
    }
}

/// RFC 3261 25.1 `sent-protocol LWS sent-by`. Any protocol name and version may stand here: it
/// is the start line that tells which version a message has.
fn frame(input: &[u8]) -> Res<'_, Frame<'_>> {
    let (value, _) = sws(input)?;
    let slash = || separator(b'/');
    let (rest, _) = separated_pair(token, slash(), token).parse(value)?;
    let (rest, ()) = slash()(rest)?;
    let (rest, transport) = token(rest)?;
    let (at_host, _) = lws(rest)?;
    let (rest, host) = host(at_host)?;
    let (rest, port) = spaced_port(rest)?;
    let sent_by = at_host
        .get(..at_host.len() - rest.len())
        .unwrap_or_default();
    Ok((
        rest,
        Frame {
            value,
            transport,
            host,
            port,
            sent_by,
        },
    ))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// RFC 3261 20.42, 25.1: white space may stand around slashes, colons and semicolons.
    #[test]
    fn white_space_and_folds_are_allowed_between_the_parts() {
        let value = b"SIP /\r\n 2.0/ UDP  pier.example : 5072 ;\r\n\tbranch = z9hG4bKq1 ; rport";
        let via = Via::parse(value, 0).unwrap();
        assert_eq!(via.transport, b"UDP");
        assert_eq!(via.host, Host::Name(b"pier.example"));
        assert_eq!(via.port, Some(5072));
        assert_eq!(via.sent_by, b"pier.example : 5072");
        assert_eq!(via.branch(), Some(&b"z9hG4bKq1"[..]));
        assert_eq!(via.rport(), Some(None));
    }

    #[test]
    fn the_span_is_this_value_alone() {
        let value = b"SIP/2.0/TLS [fd00::1]:5061;received=fd00::2;maddr=[fd00::3];ttl=9";
        let via = Via::parse(value, 100).unwrap();
        assert_eq!(via.span, Span::new(100, 100 + value.len() as u32));
        assert_eq!(
            via.params.get("ttl").unwrap().span,
            Span::new(via.span.end - 6, via.span.end)
        );
        assert_eq!(via.received(), "fd00::2".parse().ok());
        assert_eq!(via.maddr().and_then(Host::ip), "fd00::3".parse().ok());
        assert_eq!(via.ttl(), Some(9));
    }

    #[test]
    fn a_bad_via_is_refused_with_its_place() {
        for (value, at) in [
            (&b"SIP/2.0/UDP"[..], 11),
            (b"SIP/2.0 pier.example", 8),
            (b"SIP/2.0/UDP pier.example;", 25),
            (b"SIP/2.0/UDP pier.example x", 25),
            (b"SIP/2.0/UDP pier.example:99999", 24),
            (b"SIP/2.0/UDP fd00::1", 17),
        ] {
            assert_eq!(Via::parse(value, 0).unwrap_err().at, at, "{value:?}");
        }
    }

    /// RFC 3581 4: a filled in `rport`, and one that is no port.
    #[test]
    fn rport_is_a_port_or_a_wish() {
        let rport = |value| Via::parse(value, 0).unwrap().rport();
        assert_eq!(
            rport(b"SIP/2.0/UDP 198.51.100.1;rport=6012"),
            Some(Some(6012))
        );
        assert_eq!(rport(b"SIP/2.0/UDP 198.51.100.1;rport=many"), Some(None));
        assert_eq!(rport(b"SIP/2.0/UDP 198.51.100.1"), None);
    }

    #[test]
    fn the_lenient_reader_gives_what_comes_before_the_damage() {
        let via = Via::parse_lenient(b"SIP/2.0/UDP 198.51.100.1:5062;a=1;;b, x", 0).unwrap();
        assert_eq!(via.host, Host::V4(Ipv4Addr::new(198, 51, 100, 1)));
        assert_eq!(via.span, Span::new(0, 33));
        assert_eq!(Via::parse_lenient(b"junk", 0), None);
    }
}
