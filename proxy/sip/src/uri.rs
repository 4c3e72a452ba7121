use nom::Parser;
use nom::bytes::complete::take_while1;
use nom::combinator::opt;
use nom::error::context;

use crate::error::Fail;
use crate::lex::Res;
use crate::{Host, Params, ValueError, escape, host};

/// The scheme of a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip`
    Sip,
    /// `sips`
    Sips,
    /// `tel`
    Tel,
    /// Any other scheme.
    Other,
}

/// A URI. Of `sip` and `sips` every part is read (RFC 3261 19.1.1); of `tel` the number is in
/// `user` and the parameters in `params` (RFC 3966 3); any other stays opaque in `raw`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The user, escapes as they were written.
    pub user: Option<&'a [u8]>,
    /// The password, escapes as they were written.
    pub password: Option<&'a [u8]>,
    /// The host; an empty name where the scheme has none.
    pub host: Host<'a>,
    /// The port.
    pub port: Option<u16>,
    /// The URI parameters; spans count from the first byte of the URI.
    pub params: Params<'a>,
    /// What stands behind `?`.
    pub headers: Option<&'a [u8]>,
    /// The whole URI.
    pub raw: &'a [u8],
}

impl<'a> Uri<'a> {
    /// Reads a URI.
    ///
    /// # Errors
    /// When it is not well-formed. Offsets count from the first byte of the URI.
    pub fn parse(raw: &'a [u8]) -> Result<Self, ValueError> {
        let end = u32::try_from(raw.len()).map_err(|_| ValueError::missing("a URI"))?;
        let (scheme, rest) = scheme(raw).ok_or_else(|| ValueError::missing("a URI scheme"))?;
        let parsed = match scheme {
            Scheme::Sip | Scheme::Sips => sip(raw, scheme, rest, end),
            Scheme::Tel => tel(raw, rest, end),
            Scheme::Other => opaque(raw, rest),
        };
        match parsed {
            Ok(([], uri)) => Ok(uri),
            Ok((rest, _)) => Err(ValueError {
                expected: "the end of the URI",
                at: end - length(rest),
            }),
            Err(error) => Err(Fail::locate(&error, end)),
        }
    }

    /// The parameter with this name; escapes in the name count as what they stand for.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&'a [u8]>> {
        let matching = |param: &crate::Param<'_>| escape::same(param.name, name.as_bytes());
        self.params
            .into_iter()
            .find(matching)
            .map(|param| param.value)
    }

    /// The `transport` parameter.
    #[must_use]
    pub fn transport(&self) -> Option<&'a [u8]> {
        self.param("transport").flatten()
    }

    /// The host in the `maddr` parameter.
    #[must_use]
    pub fn maddr(&self) -> Option<Host<'a>> {
        self.param("maddr").flatten().and_then(Host::parse)
    }

    /// Whether this is the URI of a loose router (RFC 3261 19.1.1).
    #[must_use]
    pub fn has_lr(&self) -> bool {
        self.param("lr").is_some()
    }

    /// The `method` parameter.
    #[must_use]
    pub fn method(&self) -> Option<&'a [u8]> {
        self.param("method").flatten()
    }

    /// Writes this URI as a Request-URI: `method` and the headers may not stand in one
    /// (RFC 3261 19.1.1, Table 1).
    pub fn write_request_uri(&self, out: &mut Vec<u8>) {
        if !matches!(self.scheme, Scheme::Sip | Scheme::Sips) {
            return out.extend_from_slice(self.raw);
        }
        let headers = self.headers.map_or(0, |headers| headers.len() + 1);
        let params = self.params.raw();
        let before = self.raw.len().saturating_sub(headers + params.len());
        out.extend_from_slice(self.raw.get(..before).unwrap_or_default());
        for param in self.params {
            if !escape::same(param.name, b"method") {
                out.extend_from_slice(param.span.of(self.raw));
            }
        }
    }
}

/// The scheme and what stands behind its colon (RFC 3986 3.1).
pub(crate) fn scheme(raw: &[u8]) -> Option<(Scheme, &[u8])> {
    let colon = memchr::memchr(b':', raw)?;
    let name = raw.get(..colon)?;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !name.first()?.is_ascii_alphabetic() || !name.iter().all(allowed) {
        return None;
    }
    let known = [
        (&b"sip"[..], Scheme::Sip),
        (b"sips", Scheme::Sips),
        (b"tel", Scheme::Tel),
    ];
    let found = known
        .iter()
        .find(|(text, _)| name.eq_ignore_ascii_case(text));
    Some((
        found.map_or(Scheme::Other, |(_, scheme)| *scheme),
        raw.get(colon + 1..)?,
    ))
}

/// RFC 3261 25.1 `SIP-URI`.
fn sip<'a>(raw: &'a [u8], scheme: Scheme, input: &'a [u8], end: u32) -> Res<'a, Uri<'a>> {
    let (rest, (user, password)) = userinfo(input)?;
    let (rest, host) = host::host(rest)?;
    let (rest, port) = host::port(rest)?;
    let (rest, params) = uri_params(rest, end)?;
    let (rest, headers) = headers(rest)?;
    Ok((
        rest,
        Uri {
            scheme,
            user,
            password,
            host,
            port,
            params,
            headers,
            raw,
        },
    ))
}

type UserInfo<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// RFC 3261 25.1 `userinfo`. Only there may an `@` stand without an escape, so the first one ends
/// it, whatever `;` or `?` comes before.
fn userinfo(input: &[u8]) -> Res<'_, UserInfo<'_>> {
    let Some(at) = memchr::memchr(b'@', input) else {
        return Ok((input, (None, None)));
    };
    let (info, rest) = input.split_at(at);
    let colon = memchr::memchr(b':', info);
    let user = info.get(..colon.unwrap_or(info.len())).unwrap_or_default();
    let password = colon.and_then(|colon| info.get(colon + 1..));
    if user.is_empty() || !escape::is_sound(info) {
        return Fail::at(input, "a user before @");
    }
    Ok((rest.get(1..).unwrap_or_default(), (Some(user), password)))
}

fn uri_params(input: &[u8], end: u32) -> Res<'_, Params<'_>> {
    let (rest, params) = Params::take(input, end)?;
    if escape::is_sound(params.raw()) {
        Ok((rest, params))
    } else {
        Fail::at(input, "URI parameters")
    }
}

fn headers(input: &[u8]) -> Res<'_, Option<&[u8]>> {
    let Some((b'?', rest)) = input.split_first() else {
        return Ok((input, None));
    };
    let (rest, headers) = context("URI headers", take_while1(|byte| byte != b'@')).parse(rest)?;
    if escape::is_sound(headers) {
        Ok((rest, Some(headers)))
    } else {
        Fail::at(input, "URI headers")
    }
}

/// RFC 3966 3: `tel:` number and parameters.
fn tel<'a>(raw: &'a [u8], input: &'a [u8], end: u32) -> Res<'a, Uri<'a>> {
    let (rest, number) = context("a telephone number", take_while1(is_tel)).parse(input)?;
    let (rest, params) = uri_params(rest, end)?;
    let uri = Uri {
        user: Some(number),
        params,
        ..opaque_uri(raw, Scheme::Tel)
    };
    Ok((rest, uri))
}

const fn is_tel(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'-' | b'.' | b'(' | b')' | b'*' | b'#')
}

fn opaque<'a>(raw: &'a [u8], input: &'a [u8]) -> Res<'a, Uri<'a>> {
    let printable = take_while1(escape::is_printable);
    let (rest, some) = opt(printable).parse(input)?;
    match some {
        Some(_) => Ok((rest, opaque_uri(raw, Scheme::Other))),
        None => Fail::at(input, "something behind the scheme"),
    }
}

fn opaque_uri(raw: &[u8], scheme: Scheme) -> Uri<'_> {
    Uri {
        scheme,
        user: None,
        password: None,
        host: Host::Name(b""),
        port: None,
        params: Params::none(),
        headers: None,
        raw,
    }
}

fn length(slice: &[u8]) -> u32 {
    u32::try_from(slice.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Uri<'_> {
        Uri::parse(raw.as_bytes()).unwrap()
    }

    fn as_request_uri(raw: &str) -> String {
        let mut out = Vec::new();
        parse(raw).write_request_uri(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 3261 19.1.1.
    #[test]
    fn every_part_of_a_sip_uri_is_found() {
        let uri =
            parse("sips:ana:sea%40@[fd00::1]:5071;transport=tls;lr;maddr=198.51.100.7?a=1&b=2");
        assert_eq!(uri.scheme, Scheme::Sips);
        assert_eq!(uri.user, Some(&b"ana"[..]));
        assert_eq!(uri.password, Some(&b"sea%40"[..]));
        assert_eq!(uri.host.ip(), "fd00::1".parse().ok());
        assert_eq!(uri.port, Some(5071));
        assert_eq!(uri.transport(), Some(&b"tls"[..]));
        assert!(uri.has_lr());
        assert_eq!(uri.maddr().and_then(Host::ip), "198.51.100.7".parse().ok());
        assert_eq!(uri.headers, Some(&b"a=1&b=2"[..]));
    }

    /// RFC 3261 25.1 `user-unreserved`; RFC 4475 3.1.1.9.
    #[test]
    fn a_user_may_hold_semicolons_and_question_marks() {
        let uri = parse("sip:ana;boat=1?x/,&=+$@bay.example;lr");
        assert_eq!(uri.user, Some(&b"ana;boat=1?x/,&=+$"[..]));
        assert_eq!(uri.params.raw(), b";lr");
    }

    /// RFC 3261 19.1.2: an escape in a parameter name is what it stands for.
    #[test]
    fn an_escaped_parameter_name_is_found() {
        assert!(parse("sip:bay.example;%4C%72").has_lr());
    }

    /// RFC 5118 4.3 and 4.4.
    #[test]
    fn a_port_stands_behind_the_bracket_only() {
        assert_eq!(parse("sip:[fd00::1:5070]").port, None);
        assert_eq!(parse("sip:[fd00::1]:5070").port, Some(5070));
        assert!(Uri::parse(b"sip:fd00::1").is_err());
    }

    /// RFC 3966 3.
    #[test]
    fn a_telephone_number_is_the_user() {
        let uri = parse("TEL:+49-30-123;phone-context=bay.example");
        assert_eq!(uri.scheme, Scheme::Tel);
        assert_eq!(uri.user, Some(&b"+49-30-123"[..]));
        assert_eq!(uri.param("phone-context"), Some(Some(&b"bay.example"[..])));
    }

    #[test]
    fn any_other_scheme_stays_opaque() {
        let uri = parse("sea.mail://bay:25/x?y#z");
        assert_eq!(
            (uri.scheme, uri.user, uri.headers),
            (Scheme::Other, None, None)
        );
    }

    #[test]
    fn what_is_no_uri_is_refused_with_its_place() {
        for (raw, at) in [
            (&b""[..], 0),
            (b"bay.example", 0),
            (b"1ip:bay.example", 0),
            (b"sip:", 4),
            (b"sip:@bay.example", 4),
            (b"sip:a%4@bay.example", 4),
            (b"sip:a b@bay.example", 4),
            (b"sip:bay.example:0x", 17),
            (b"sip:bay.example;;lr", 16),
            (b"sip:bay.example;a=%", 15),
            (b"sip:bay.example?", 16),
            (b"sip:bay.example x", 15),
            (b"sip:[fd00::1", 12),
            (b"tel:", 4),
            (b"sea:", 4),
            (b"sea:a b", 5),
            (b"<sip:bay.example>", 0),
        ] {
            assert_eq!(
                Uri::parse(raw).unwrap_err().at,
                at,
                "{}",
                raw.escape_ascii()
            );
        }
    }

    /// RFC 3261 19.1.1, Table 1.
    #[test]
    fn a_request_uri_has_neither_method_nor_headers() {
        let raw = "sip:ana@bay.example;method=BYE;user=phone;%6Dethod=x?Route=%3Csip:x%3E";
        assert_eq!(as_request_uri(raw), "sip:ana@bay.example;user=phone");
        assert_eq!(as_request_uri("sip:bay.example"), "sip:bay.example");
        assert_eq!(as_request_uri("tel:7;method=x"), "tel:7;method=x");
    }
}
