use crate::escape::{same, same_exactly};
use crate::{Param, Scheme, Uri};

/// Parameters that have to be in both URIs or in none (RFC 3261 19.1.4, examples included).
const NEVER_IGNORED: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

const MANY: usize = 64;

impl Uri<'_> {
    /// Whether both URIs mean the same (RFC 3261 19.1.4, RFC 3966 4). URIs of other schemes have
    /// to be the same bytes.
    #[must_use]
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        if too_long(self) || too_long(other) {
            return self.raw == other.raw;
        }
        match (self.scheme, other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => same_sip(self, other),
            (Scheme::Tel, Scheme::Tel) => same_tel(self, other),
            _ => self.raw == other.raw,
        }
    }
}

/// Parameters and headers are compared each with each; so with many of them the bytes have to do.
fn too_long(uri: &Uri<'_>) -> bool {
    uri.params.into_iter().count() > MANY || fields(uri.headers.unwrap_or_default()).count() > MANY
}

fn same_sip(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    same_option(one.user, two.user, same_exactly)
        && same_option(one.password, two.password, same_exactly)
        && one.host.equivalent(&two.host)
        && one.port == two.port
        && NEVER_IGNORED
            .iter()
            .all(|name| one.param(name).is_some() == two.param(name).is_some())
        && shared_params_agree(one, two)
        && same_headers(one.headers, two.headers)
}

/// A parameter in one URI only is ignored; one in both has to agree.
fn shared_params_agree(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    let agrees = |mine: Param<'_>| {
        let mut theirs = two
            .params
            .into_iter()
            .filter(|param| same(param.name, mine.name));
        theirs.all(|theirs| same_option(mine.value, theirs.value, same))
    };
    one.params.into_iter().all(agrees)
}

/// Headers are never ignored; their order is.
fn same_headers(one: Option<&[u8]>, two: Option<&[u8]>) -> bool {
    let all_in = |one: &[u8], two: &[u8]| {
        let matching = |header: &[u8]| fields(two).any(|other| same_header(header, other));
        fields(one).all(matching)
    };
    let (one, two) = (one.unwrap_or_default(), two.unwrap_or_default());
    fields(one).count() == fields(two).count() && all_in(one, two) && all_in(two, one)
}

fn fields(headers: &[u8]) -> impl Iterator<Item = &[u8]> {
    headers
        .split(|&byte| byte == b'&')
        .filter(|field| !field.is_empty())
}

fn same_header(one: &[u8], two: &[u8]) -> bool {
    let split = |header: &'_ [u8]| memchr::memchr(b'=', header).unwrap_or(header.len());
    let (name_one, value_one) = one.split_at(split(one));
    let (name_two, value_two) = two.split_at(split(two));
    same(name_one, name_two) && same_exactly(value_one, value_two)
}

/// RFC 3966 4: visual separators do not count, and parameters have no order.
fn same_tel(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    let digits = |uri: &Uri<'_>| -> Vec<u8> {
        let number = uri.user.unwrap_or_default().iter();
        let spoken = number.filter(|byte| !matches!(byte, b'-' | b'.' | b'(' | b')'));
        spoken.map(u8::to_ascii_lowercase).collect()
    };
    digits(one) == digits(two)
        && one.params.into_iter().count() == two.params.into_iter().count()
        && one.params.into_iter().all(|mine| {
            let theirs = two
                .params
                .into_iter()
                .find(|param| same(param.name, mine.name));
            theirs.is_some_and(|theirs| same_option(mine.value, theirs.value, same))
        })
}

fn same_option(
    one: Option<&[u8]>,
    two: Option<&[u8]>,
    same: impl Fn(&[u8], &[u8]) -> bool,
) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => same(one, two),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, two: &str) -> bool {
        let (one, two) = (
            Uri::parse(one.as_bytes()).unwrap(),
            Uri::parse(two.as_bytes()).unwrap(),
        );
        assert_eq!(
            one.equivalent(&two),
            two.equivalent(&one),
            "comparison has no direction"
        );
        one.equivalent(&two)
    }

    /// RFC 3261 19.1.4.
    #[test]
    fn case_counts_in_the_user_alone() {
        assert!(same("SIP:ana@Bay.Example;Lr", "sip:ana@bay.EXAMPLE;lr"));
        assert!(same("sip:%61na@bay.example", "sip:ana@bay.example"));
        assert!(!same("sip:Ana@bay.example", "sip:ana@bay.example"));
        assert!(!same("sip:ana@bay.example", "sips:ana@bay.example"));
        assert!(!same("sip:bay.example", "sip:ana@bay.example"));
        assert!(!same("sip:ana:x@bay.example", "sip:ana@bay.example"));
    }

    /// RFC 3261 19.1.4: a default port is not the same as none.
    #[test]
    fn a_port_has_to_be_in_both() {
        assert!(!same("sip:bay.example:5060", "sip:bay.example"));
        assert!(same("sip:[fd00::1]:5060", "sip:[fd00:0::1]:5060"));
    }

    /// RFC 3261 19.1.4.
    #[test]
    fn some_parameters_may_not_be_missing_and_others_may() {
        assert!(same("sip:bay.example;x=1", "sip:bay.example"));
        assert!(same("sip:bay.example;x=1;y", "sip:bay.example;y;X=1"));
        assert!(!same("sip:bay.example;x=1", "sip:bay.example;x=2"));
        for name in NEVER_IGNORED {
            assert!(
                !same(&format!("sip:bay.example;{name}=1"), "sip:bay.example"),
                "{name}"
            );
        }
    }

    /// RFC 3261 19.1.4: headers are never ignored, their order is.
    #[test]
    fn headers_have_to_be_in_both() {
        assert!(same("sip:bay.example?a=1&b=2", "sip:bay.example?B=2&a=1"));
        assert!(!same("sip:bay.example?a=1&b=2", "sip:bay.example?a=1&a=1"));
        assert!(!same("sip:bay.example?a=1", "sip:bay.example"));
    }

    /// RFC 3966 4.
    #[test]
    fn visual_separators_of_a_number_do_not_count() {
        assert!(same("tel:+49-30-123", "tel:+49(30)123"));
        assert!(same(
            "tel:7;phone-context=bay.example;x=1",
            "tel:7;x=1;phone-context=bay.example"
        ));
        assert!(!same("tel:7;phone-context=bay.example", "tel:7"));
    }

    #[test]
    fn very_many_parameters_are_compared_as_bytes() {
        let long = |name| format!("sip:bay.example{}", format!(";{name}").repeat(MANY + 1));
        assert!(same(&long("a"), &long("a")));
        assert!(!same(&long("a"), &long("A")));
        assert!(!same(&long("a"), "sip:bay.example"));
    }

    #[test]
    fn uris_of_other_schemes_are_compared_as_bytes() {
        assert!(same("sea.mail:a", "sea.mail:a"));
        assert!(!same("sea.mail:a", "sea.mail:A"));
    }
}
