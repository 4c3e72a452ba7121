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
    /// Number portability has been looked up (RFC 4694 section 5: `npdi`).
    pub(crate) npdi: bool,
    /// The routing number (RFC 4694 section 5: `rn`).
    pub(crate) rn: Option<String>,
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
            npdi: parameters(uri).any(|(name, _)| name.eq_ignore_ascii_case("npdi")),
            rn: parameters(uri)
                .find(|(name, _)| name.eq_ignore_ascii_case("rn"))
                .map(|(_, value)| value.to_owned()),
        }
    }
}

/// The parameters of the telephone number that a URI holds: `;rn=+49` in `sip:49;rn=+49@h`.
fn parameters(uri: &str) -> impl Iterator<Item = (&str, &str)> {
    let number = number_part(uri).map_or("", |(_, number, _)| number);
    let all = number.split(';').skip(1);
    all.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

/// A URI as what stands in front of its telephone number, the number with its parameters, the rest.
fn number_part(uri: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let begin = scheme.len() + 1;
    let end = if scheme.eq_ignore_ascii_case("tel") {
        uri.len()
    } else {
        let (userinfo, _) = rest.split_once('@')?;
        begin + userinfo.split(':').next().map_or(0, str::len)
    };
    Some((uri.get(..begin)?, uri.get(begin..end)?, uri.get(end..)?))
}

/// `uri` with these parameters at its telephone number, in the order of RFC 3966 section 3: extension
/// and subaddress, then the context, then the others by name. Nothing where it has no number.
pub(crate) fn with_parameters(uri: &str, added: &[String]) -> Option<String> {
    let (before, number, behind) = number_part(uri)?;
    let mut parts = number.split(';');
    let digits = parts.next().filter(|digits| !digits.is_empty())?;
    let mut parameters: Vec<&str> = parts.chain(added.iter().map(String::as_str)).collect();
    parameters.sort_by_key(|parameter| rank(parameter));
    let mut out = format!("{before}{digits}");
    for parameter in parameters {
        let _ = write!(out, ";{parameter}");
    }
    out.push_str(behind);
    Some(out)
}

fn rank(parameter: &str) -> (u8, String) {
    let name = parameter.split('=').next().unwrap_or_default();
    match name.to_ascii_lowercase() {
        name if name == "ext" || name == "isub" => (0, name),
        name if name == "phone-context" => (1, name),
        name => (2, name),
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
    fn parameters_of_a_number_are_found_and_added_in_order() {
        let number = Callee::parse("sip:+4930;npdi;rn=+49199@h");
        assert!(number.npdi);
        assert_eq!(number.rn.as_deref(), Some("+49199"));
        let host_only = Callee::parse("sip:+4930@h;npdi;rn=+49199");
        assert_eq!((host_only.npdi, host_only.rn), (false, None));
        let added = ["npdi".to_owned(), "rn=+49199".to_owned()];
        for (uri, with) in [
            (
                "sip:+4930@h:5060;x=y",
                Some("sip:+4930;npdi;rn=+49199@h:5060;x=y"),
            ),
            (
                "sip:30;zz=1;phone-context=+49;ext=7:secret@h",
                Some("sip:30;ext=7;phone-context=+49;npdi;rn=+49199;zz=1:secret@h"),
            ),
            ("tel:+49-30", Some("tel:+49-30;npdi;rn=+49199")),
            ("sip:h", None),
            ("sip:@h", None),
            ("", None),
        ] {
            assert_eq!(with_parameters(uri, &added).as_deref(), with, "{uri}");
        }
    }

    #[test]
    fn what_may_not_stand_in_a_user_is_escaped() {
        let mut out = String::new();
        escape_user("+1 @é\r\n;", &mut out);
        assert_eq!(out, "+1%20%40%C3%A9%0D%0A%3B");
    }
}
