//! URIs in one spelling, so that those that mean the same are the same text.
//!
//! RFC 3261 19.1.4 and RFC 3966 4 decide what means the same, with one exception: a parameter that
//! only one of two URIs has makes a difference, because it would be sent.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use tidegate_sip::{Host, Params, Scheme, Uri};

/// A URI in the one spelling of all that mean the same. What is no URI stays as it is.
pub(super) fn uri(text: &str) -> String {
    let text = text.trim();
    let Ok(uri) = Uri::parse(text.as_bytes()) else {
        return text.to_owned();
    };
    match uri.scheme {
        Scheme::Sip => sip("sip:", &uri),
        Scheme::Sips => sip("sips:", &uri),
        Scheme::Tel => tel(&uri),
        Scheme::Other => text.to_owned(),
    }
}

/// Route values in one spelling: `<sip:edge;lr>,<sip:core;lr>`.
pub(super) fn path(text: &str) -> String {
    let values = split_list(text).into_iter().map(route_value);
    values.collect::<Vec<_>>().join(",")
}

/// A socket in one spelling: `udp:192.0.2.1:5060`.
pub(super) fn socket(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    let inside = text
        .split_once('[')
        .and_then(|(before, rest)| Some((before, rest.split_once(']')?)));
    match inside {
        Some((before, (address, after))) => match address.parse::<Ipv6Addr>() {
            Ok(address) => format!("{before}[{address}]{after}"),
            Err(_) => text,
        },
        None => text,
    }
}

fn sip(scheme: &str, uri: &Uri<'_>) -> String {
    let mut out = scheme.to_owned();
    if let Some(user) = uri.user {
        out += &exactly(user);
        if let Some(password) = uri.password {
            out.push(':');
            out += &exactly(password);
        }
        out.push('@');
    }
    out += &host(&uri.host);
    if let Some(port) = uri.port {
        let _ = write!(out, ":{port}");
    }
    out += &params(uri.params);
    out + &headers(uri.headers)
}

fn tel(uri: &Uri<'_>) -> String {
    let digits = uri.user.unwrap_or_default().iter();
    let spoken = digits.filter(|byte| !matches!(byte, b'-' | b'.' | b'(' | b')'));
    let number: Vec<u8> = spoken.map(u8::to_ascii_lowercase).collect();
    format!(
        "tel:{}{}",
        String::from_utf8_lossy(&number),
        params(uri.params)
    )
}

fn host(host: &Host<'_>) -> String {
    match host {
        Host::Name(name) => String::from_utf8_lossy(name).to_ascii_lowercase(),
        Host::V4(address) => address.to_string(),
        Host::V6(address) => format!("[{address}]"),
    }
}

/// Parameters have no order.
fn params(params: Params<'_>) -> String {
    let written = params.into_iter().map(|param| match param.value {
        Some(value) => format!(";{}={}", folded(param.name), folded(value)),
        None => format!(";{}", folded(param.name)),
    });
    let mut written: Vec<String> = written.collect();
    written.sort_unstable();
    written.concat()
}

/// Headers have no order.
fn headers(headers: Option<&[u8]>) -> String {
    let fields = headers.unwrap_or_default().split(|&byte| byte == b'&');
    let fields = fields.filter(|field| !field.is_empty()).map(|field| {
        let end = field.iter().position(|&byte| byte == b'=');
        let (name, value) = field.split_at(end.unwrap_or(field.len()));
        format!("?{}{}", folded(name), exactly(value))
    });
    let mut fields: Vec<String> = fields.collect();
    fields.sort_unstable();
    fields.concat()
}

/// Case kept. A reserved character is not its escape (RFC 3261 19.1.4).
fn exactly(text: &[u8]) -> String {
    let stands = |byte: u8, escaped: bool| {
        byte.is_ascii_graphic() && byte != b'%' && !(escaped && b";/?:@&=+$,".contains(&byte))
    };
    respelled(text, stands)
}

/// In lower case, and every escape as what it stands for.
fn folded(text: &[u8]) -> String {
    let stands = |byte: u8, _| byte.is_ascii_alphanumeric() || b"-_.!~*'()[]:+".contains(&byte);
    respelled(&text.to_ascii_lowercase(), stands).to_lowercase()
}

/// Undoes every escape, and escapes again what may not stand for itself.
fn respelled(text: &[u8], stands: impl Fn(u8, bool) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| behind.get(..2).and_then(hex))
            .flatten();
        rest = match escaped {
            Some(_) => behind.get(2..).unwrap_or_default(),
            None => behind,
        };
        let byte = escaped.unwrap_or(byte);
        if stands(byte, escaped.is_some()) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn hex(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0, |value: u8, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(value << 4 | u8::try_from(digit).ok()?)
    })
}

/// The values of a list, whose commas may also stand in quotes and angle brackets.
fn split_list(text: &str) -> Vec<&str> {
    let (mut values, mut from) = (Vec::new(), 0);
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !bracketed => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => {
                values.push(text.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    values.push(text.get(from..).unwrap_or_default());
    values
}

fn route_value(text: &str) -> String {
    let text = text.trim();
    let bracketed = text
        .split_once('<')
        .and_then(|(before, rest)| Some((before, rest.split_once('>')?)));
    match bracketed {
        Some((display, (inside, behind))) => {
            format!("{}<{}>{}", display.trim(), uri(inside), behind.trim())
        }
        None => format!("<{}>", uri(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(one: &str, two: &str) -> bool {
        uri(one) == uri(two)
    }

    /// RFC 3261 19.1.4.
    #[test]
    fn uris_that_mean_the_same_have_one_spelling() {
        for (one, two) in [
            ("SIP:ana@Bay.Example;Lr", "sip:ana@bay.EXAMPLE;lr"),
            ("sip:%61na@bay.example", "sip:ana@bay.example"),
            ("sip:a%3bb@bay.example", "sip:a%3Bb@bay.example"),
            ("sip:[2001:db8:0::1]:5060", "sip:[2001:DB8::1]:05060"),
            ("sip:bay.example;x=1;y", "sip:bay.example;y;X=%31"),
            ("sip:bay.example?a=1&b=2", "sip:bay.example?B=2&a=1"),
            ("tel:+49-30-123;x=1;y=2", "tel:+49(30)123;y=2;x=1"),
        ] {
            assert!(same(one, two), "{one} {two}");
        }
    }

    /// RFC 3261 19.1.4.
    #[test]
    fn uris_that_differ_in_meaning_differ() {
        for (one, two) in [
            ("sip:Ana@bay.example", "sip:ana@bay.example"),
            ("sip:a%3Bb@bay.example", "sip:a;b@bay.example"),
            ("sip:a%253Bb@bay.example", "sip:a%3Bb@bay.example"),
            ("sip:ana@bay.example", "sips:ana@bay.example"),
            ("sip:bay.example", "sip:ana@bay.example"),
            ("sip:bay.example:5060", "sip:bay.example"),
            ("sip:bay.example;x=1", "sip:bay.example;x=2"),
            ("sip:bay.example;x=%3B", "sip:bay.example;x;y"),
            ("sip:bay.example?a=1", "sip:bay.example"),
            ("sea.mail:a", "sea.mail:A"),
            ("no uri", "another"),
        ] {
            assert!(!same(one, two), "{one} {two}");
        }
    }

    #[test]
    fn a_parameter_that_one_alone_has_would_be_sent_and_counts() {
        assert!(!same("sip:bay.example;x=1", "sip:bay.example"));
    }

    #[test]
    fn route_values_are_compared_one_by_one() {
        assert_eq!(
            path("<sip:Edge.example;lr>,  <sip:core.example;LR>"),
            path("<sip:edge.example;lr>,<sip:core.example;lr>")
        );
        assert_eq!(path("sip:core.example"), path("<sip:core.example>"));
        assert_ne!(path("<sip:a>,<sip:b>"), path("<sip:b>,<sip:a>"));
        assert_eq!(split_list("\"a, \\\"b\" <sip:a,b>,<sip:c>").len(), 2);
    }

    #[test]
    fn a_socket_is_named_in_any_case() {
        assert_eq!(socket("UDP:[2001:DB8:0::1]:5060"), "udp:[2001:db8::1]:5060");
        assert_eq!(socket("tcp:SIP.example:5060"), "tcp:sip.example:5060");
    }

    proptest! {
        /// With the same names of parameters, RFC 3261 19.1.4 decides alone.
        #[test]
        fn one_spelling_is_what_the_rules_of_equivalence_give(
            one in "(sip|SIP|sips):(([ab]|%61|%3[bB]|;){1,2}@)?(x|X|\\[::1\\])(:50?)?(;a=[xX1])?(\\?h=[ab%])?",
            two in "(sip|SIP|sips):(([ab]|%61|%3[bB]|;){1,2}@)?(x|X|\\[::1\\])(:50?)?(;a=[xX1])?(\\?h=[ab%])?",
        ) {
            let (Ok(a), Ok(b)) = (Uri::parse(one.as_bytes()), Uri::parse(two.as_bytes())) else {
                return Ok(());
            };
            if a.params.into_iter().count() == b.params.into_iter().count() {
                prop_assert_eq!(same(&one, &two), a.equivalent(&b), "{} {}", one, two);
            }
        }
    }
}
