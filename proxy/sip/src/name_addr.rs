use nom::Parser;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::{opt, peek};
use nom::error::context;
use nom::sequence::{delimited, terminated};

use crate::error::Fail;
use crate::lex::{self, Res, sws};
use crate::list;
use crate::{Params, Span, Uri, ValueError};

/// An address with its parameters, as in From, To, Contact, Route (RFC 3261 20.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as it was written, quotes included.
    pub display: Option<&'a [u8]>,
    /// The URI, without angle brackets.
    pub uri: &'a [u8],
    /// Where the URI stands.
    pub uri_span: Span,
    /// The parameters of the header field, not those of the URI.
    pub params: Params<'a>,
    /// This value alone, without white space around it.
    pub span: Span,
}

impl<'a> NameAddr<'a> {
    /// Reads a field value that holds one address; `start` is its offset in the message.
    ///
    /// # Errors
    /// When it is not well-formed, or holds more than one.
    pub fn parse(value: &'a [u8], start: u32) -> Result<Self, ValueError> {
        list::alone(value, start, Self::take)
    }

    /// The URI, parsed. Its spans count from the first byte of [`NameAddr::uri`].
    ///
    /// # Errors
    /// When it is not well-formed.
    pub fn parse_uri(&self) -> Result<Uri<'a>, ValueError> {
        let placed = |error: ValueError| ValueError {
            at: error.at + self.uri_span.start,
            ..error
        };
        Uri::parse(self.uri).map_err(placed)
    }

    /// The tag (RFC 3261 19.3).
    #[must_use]
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.params.value("tag")
    }

    /// The preference in thousandths, 0 to 1000 (RFC 3261 25.1 `qvalue`).
    #[must_use]
    pub fn q(&self) -> Option<u16> {
        qvalue(self.params.value("q")?)
    }

    /// Takes one value off `input`, whose last byte stands before offset `end`.
    pub(crate) fn take(input: &'a [u8], end: u32) -> Res<'a, Self> {
        let (value, _) = sws(input)?;
        let (at_address, display) = display(value)?;
        let (rest, uri) = match display {
            Some(_) => angle_uri(at_address)?,
            None => bare_uri(at_address)?,
        };
        let bracket = usize::from(display.is_some());
        let offset = |slice: &[u8]| end - u32::try_from(slice.len()).unwrap_or(end);
        let uri_start = offset(at_address) + u32::try_from(bracket).unwrap_or(0);
        let uri_span = Span::new(uri_start, uri_start + u32::try_from(uri.len()).unwrap_or(0));
        let (rest, params) = Params::take(rest, end)?;
        let display = display.filter(|name| !name.is_empty());
        let span = Span::new(offset(value), offset(rest));
        Ok((
            rest,
            NameAddr {
                display,
                uri,
                uri_span,
                params,
                span,
            },
        ))
    }
}

/// What stands before `<`, or `None` where the form without brackets begins.
///
/// RFC 3261 25.1 wants a quoted string or tokens. More bytes than those of tokens are taken, but
/// none that separates anything: RFC 4475 3.1.2.15 shows what a bare comma leads to.
fn display(input: &[u8]) -> Res<'_, Option<&[u8]>> {
    let open = || peek(char('<'));
    if input.first() == Some(&b'"') {
        let (rest, name) = terminated(lex::quoted, sws).parse(input)?;
        let (rest, _) = context("<", open()).parse(rest)?;
        return Ok((rest, Some(name)));
    }
    let words = terminated(take_while(is_display), open());
    let (rest, name) = opt(words).parse(input)?;
    Ok((rest, name.map(<[u8]>::trim_ascii)))
}

/// RFC 3261 25.1 `LAQUOT addr-spec RAQUOT`.
fn angle_uri(input: &[u8]) -> Res<'_, &[u8]> {
    let uri = take_while1(|byte| is_uri(byte) && byte != b'>');
    let (rest, uri) = context("a URI in <>", delimited(char('<'), uri, char('>'))).parse(input)?;
    with_scheme(input, rest, uri)
}

/// RFC 3261 20: a URI with a comma, a question mark or a semicolon needs the angle brackets; so
/// what follows a semicolon is a header parameter, and a question mark is an error.
fn bare_uri(input: &[u8]) -> Res<'_, &[u8]> {
    let uri = take_while1(|byte| is_uri(byte) && !matches!(byte, b';' | b',' | b'?' | b'>'));
    let (rest, uri) = context("an address", uri).parse(input)?;
    if rest.first() == Some(&b'?') {
        return Fail::at(rest, "angle brackets around a URI with headers");
    }
    with_scheme(input, rest, uri)
}

fn with_scheme<'a>(input: &'a [u8], rest: &'a [u8], uri: &'a [u8]) -> Res<'a, &'a [u8]> {
    if crate::uri::scheme(uri).is_some() {
        Ok((rest, uri))
    } else {
        Fail::at(input, "a URI")
    }
}

const fn is_uri(byte: u8) -> bool {
    !matches!(byte, 0..=b' ' | 0x7f | b'<' | b'"')
}

const fn is_display(byte: u8) -> bool {
    lex::is_lws(byte) || (is_uri(byte) && !matches!(byte, b'>' | b',' | b';' | b'\\'))
}

fn qvalue(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value {
        [whole @ (b'0' | b'1')] => (*whole, &b""[..]),
        [whole @ (b'0' | b'1'), b'.', fraction @ ..] if fraction.len() <= 3 => (*whole, fraction),
        _ => return None,
    };
    let digits = if fraction.is_empty() {
        0
    } else {
        lex::number(fraction)?
    };
    let scale = [1000, 100, 10, 1].get(fraction.len()).copied()?;
    let q = u64::from(whole - b'0') * 1000 + digits * scale;
    u16::try_from(q).ok().filter(|&q| q <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &[u8]) -> NameAddr<'_> {
        NameAddr::parse(value, 0).unwrap()
    }

    #[test]
    fn a_quoted_display_name_may_hold_separators() {
        let value = br#""Bay, \"<Ana>\";" <sip:ana@bay.example;lr>;tag=7a"#;
        let address = parse(value);
        assert_eq!(address.display, Some(&br#""Bay, \"<Ana>\";""#[..]));
        assert_eq!(address.uri, b"sip:ana@bay.example;lr");
        assert_eq!(address.uri_span.of(value), address.uri);
        assert_eq!(address.tag(), Some(&b"7a"[..]));
        assert_eq!(address.span, Span::new(0, value.len() as u32));
    }

    /// RFC 4475 3.1.1.6: no white space is needed between display name and `<`.
    #[test]
    fn a_display_name_may_touch_its_bracket() {
        assert_eq!(
            parse(b"Ana  Bay<sip:a@bay.example>").display,
            Some(&b"Ana  Bay"[..])
        );
        assert_eq!(parse(b"<sip:a@bay.example>").display, None);
    }

    /// RFC 3261 20: without brackets, parameters belong to the header field.
    #[test]
    fn parameters_of_a_bare_address_are_header_parameters() {
        let address = parse(b"sip:a@bay.example;tag=1");
        assert_eq!(address.uri, b"sip:a@bay.example");
        assert_eq!(address.tag(), Some(&b"1"[..]));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for value in [
            &b""[..],
            b"Bay, Ana <sip:a@bay.example>",
            b"\"Ana <sip:a@bay.example>",
            b"\"Ana\" sip:a@bay.example",
            b"Ana < sip:a@bay.example >",
            b"<sip:a@bay.example",
            b"<>",
            b"a@bay.example",
            b"sip:a@bay.example?x=1",
            b"<sip:a@bay.example>;;",
            b"<sip:a@bay.example>, <sip:b@bay.example>",
            b"*",
        ] {
            assert!(
                NameAddr::parse(value, 0).is_err(),
                "{:?}",
                value.escape_ascii()
            );
        }
    }

    /// RFC 3261 25.1 `qvalue`.
    #[test]
    fn q_is_read_in_thousandths() {
        let q = |text: &[u8]| qvalue(text);
        assert_eq!(q(b"0.7"), Some(700));
        assert_eq!(q(b"0."), Some(0));
        assert_eq!(q(b"0.005"), Some(5));
        assert_eq!(q(b"1.000"), Some(1000));
        for bad in [&b"1.001"[..], b"2", b".5", b"0.1234", b"0.x", b""] {
            assert_eq!(q(bad), None, "{bad:?}");
        }
    }
}
