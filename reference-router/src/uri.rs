//! The parts of a Request-URI that rules look at.

use std::fmt::Write;

/// Whom a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callee<'a> {
    /// The whole URI.
    pub(crate) uri: &'a str,
    /// The user with its escapes undone, or the number of a `tel` URI without visual separators.
    pub(crate) user: Option<String>,
    /// The host in lower case, without its port; an IPv6 address without its brackets.
    pub(crate) domain: String,
}

impl<'a> Callee<'a> {
    pub(crate) fn parse(uri: &'a str) -> Self {
        let (scheme, rest) = uri.split_once(':').unwrap_or_default();
        let (user, domain) = if scheme.eq_ignore_ascii_case("tel") {
            (tel_number(rest), String::new())
        } else {
            let (user, host) = split_user(rest);
            (user.map_or_else(String::new, unescape), domain(host))
        };
        Self {
            uri,
            user: (!user.is_empty()).then_some(user),
            domain,
        }
    }
}

/// The digits of a `tel` URI (RFC 3966 section 3): separators have no meaning.
fn tel_number(rest: &str) -> String {
    let number = rest.split(';').next().unwrap_or_default();
    number
        .chars()
        .filter(|character| !"-.()".contains(*character))
        .collect()
}

/// User, without password and user parameters, and what stands behind `@`.
fn split_user(rest: &str) -> (Option<&str>, &str) {
    match rest.split_once('@') {
        Some((userinfo, host)) => (userinfo.split([';', ':']).next(), host),
        None => (None, rest),
    }
}

fn domain(host: &str) -> String {
    let end = host.find([';', '?', '>']).unwrap_or(host.len());
    let host = host.get(..end).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => host.split(':').next(),
    };
    name.unwrap_or_default().to_ascii_lowercase()
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) if let Some(byte) = hex(*high, *low) => {
                bytes.push(byte);
                rest = tail;
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Appends `text` as it may stand in the user part of a SIP URI (RFC 3261 section 25.1).
pub(crate) fn escape_user(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,?/".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_domain_are_found_in_any_form() {
        for (uri, user, domain) in [
            (
                "sip:102@Example.com:5060;transport=tcp",
                Some("102"),
                "example.com",
            ),
            (
                "sips:b%6Fb:secret@[2001:DB8::1]:5061",
                Some("bob"),
                "2001:db8::1",
            ),
            (
                "sip:+1555;ext=3@example.com;user=phone?a=b",
                Some("+1555"),
                "example.com",
            ),
            ("tel:+49-30.(123);phone-context=x", Some("+4930123"), ""),
            ("sip:example.com", None, "example.com"),
            ("sip:@example.com", None, "example.com"),
            ("sip:100%@h", Some("100%"), "h"),
            ("sip:%f@h", Some("%f"), "h"),
            ("urn:service:sos", None, "service"),
            ("", None, ""),
        ] {
            let callee = Callee::parse(uri);
            assert_eq!(
                (callee.user.as_deref(), &*callee.domain),
                (user, domain),
                "{uri}"
            );
        }
    }

    #[test]
    fn what_may_not_stand_in_a_user_is_escaped() {
        let mut out = String::new();
        escape_user("+1 @é\r\n;", &mut out);
        assert_eq!(out, "+1%20%40%C3%A9%0D%0A%3B");
    }
}
