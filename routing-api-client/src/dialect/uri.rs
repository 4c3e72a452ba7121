//! The parts of a SIP or tel URI that Kamailio's variables name.

/// Slices of a URI; what is not there is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UriParts<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) user: &'a str,
    /// An IPv6 address keeps its brackets.
    pub(crate) host: &'a str,
    pub(crate) port: &'a str,
}

impl<'a> UriParts<'a> {
    /// Takes apart whatever is there (RFC 3261 section 19.1.1, RFC 3966 section 3).
    pub(crate) fn of(uri: &'a str) -> Self {
        let Some((scheme, rest)) = uri.split_once(':') else {
            return Self::default();
        };
        if scheme.eq_ignore_ascii_case("tel") {
            let user = before(rest, &[';', '?']);
            return Self {
                scheme,
                user,
                ..Self::default()
            };
        }
        let (userinfo, hostport) = rest.split_once('@').unwrap_or(("", rest));
        let (host, port) = split_port(before(hostport, &[';', '?']));
        let user = before(userinfo, &[':']);
        Self {
            scheme,
            user,
            host,
            port,
        }
    }

    /// The port, or what Kamailio shows when there is none.
    pub(crate) fn port_or_default(&self) -> &'a str {
        match self.port {
            "" if self.scheme.eq_ignore_ascii_case("sips") => "5061",
            "" => "5060",
            port => port,
        }
    }
}

fn before<'a>(text: &'a str, ends: &[char]) -> &'a str {
    text.split(ends).next().unwrap_or_default()
}

pub(crate) fn split_port(hostport: &str) -> (&str, &str) {
    match hostport.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (hostport, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, scheme: &str, user: &str, host: &str, port: &str) {
        let expected = UriParts {
            scheme,
            user,
            host,
            port,
        };
        assert_eq!(UriParts::of(uri), expected, "{uri}");
    }

    #[test]
    fn takes_uris_apart() {
        check("sip:a@example.com", "sip", "a", "example.com", "");
        check(
            "sip:a:secret@[2001:db8::1]:5070;lr",
            "sip",
            "a",
            "[2001:db8::1]",
            "5070",
        );
        check("sips:[2001:db8::1]", "sips", "", "[2001:db8::1]", "");
        check("sip:+1;x=y?z@host?a=b", "sip", "+1;x=y?z", "host", "");
        check("tel:+1-201;phone-context=a", "tel", "+1-201", "", "");
        check("nonsense", "", "", "", "");
        check("", "", "", "", "");
    }

    #[test]
    fn the_default_port_follows_the_scheme() {
        assert_eq!(UriParts::of("sip:h").port_or_default(), "5060");
        assert_eq!(UriParts::of("sips:h").port_or_default(), "5061");
        assert_eq!(UriParts::of("sip:h:7").port_or_default(), "7");
    }
}
