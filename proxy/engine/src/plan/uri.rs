//! What the URIs of a document must be.

use tidegate_schemas::DocumentError;
use tidegate_sip::{Host, NameAddr, Scheme, Uri};

use super::pointer::{one_line, refuse, show};
use crate::address::Transport;
use crate::config::Listener;

/// Where a target's request goes first.
#[derive(Clone, Copy)]
pub(super) struct NextHop<'a>(Uri<'a>);

impl<'a> NextHop<'a> {
    /// A URI that a request can be sent to.
    pub(super) fn parse(text: &'a str) -> Result<Self, DocumentError> {
        Self::of(parse(text)?)
    }

    fn of(uri: Uri<'a>) -> Result<Self, DocumentError> {
        if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
            return refuse("only a sip or sips URI can be a next hop");
        }
        if uri.port == Some(0) {
            return refuse("nothing listens on port 0");
        }
        let hop = Self(uri);
        if !TRANSPORTS.into_iter().any(|transport| hop.takes(transport)) {
            return refuse("it asks for a transport that can't carry it");
        }
        Ok(hop)
    }

    pub(super) fn uri(&self) -> &Uri<'a> {
        &self.0
    }

    /// Whether the URI leaves the choice of this transport open (RFC 3263 section 4.1). WebSocket
    /// URIs say `ws` for both kinds (RFC 7118 section 5.2).
    pub(super) fn takes(&self, transport: Transport) -> bool {
        let asked = self.0.transport();
        let is_tls = matches!(transport, Transport::Tls | Transport::Wss);
        if self.0.scheme == Scheme::Sips && !is_tls {
            return false;
        }
        match asked.map(Transport::from_name) {
            None => true,
            Some(None) => false,
            Some(Some(Transport::Ws)) => matches!(transport, Transport::Ws | Transport::Wss),
            Some(Some(Transport::Tcp)) if self.0.scheme == Scheme::Sips => {
                transport == Transport::Tls
            }
            Some(Some(asked)) => asked == transport,
        }
    }

    /// Whether the address is of a family that the listener can send to.
    pub(super) fn is_reached_from(&self, listener: &Listener) -> bool {
        let local = listener.addr.ip();
        match self.0.host {
            Host::V4(_) => local.is_ipv4() || local.is_unspecified(),
            Host::V6(_) => local.is_ipv6(),
            Host::Name(_) => true,
        }
    }
}

const TRANSPORTS: [Transport; 5] = [
    Transport::Udp,
    Transport::Tcp,
    Transport::Tls,
    Transport::Ws,
    Transport::Wss,
];

/// The Request-URI of a target, without headers. Where no `dst_uri` or `path` says where it goes
/// (`routed`), it is its own next hop.
pub(super) fn called(
    text: &str,
    routed: bool,
) -> Result<(Uri<'_>, Option<NextHop<'_>>), DocumentError> {
    let uri = parse(text)?;
    match uri.scheme {
        Scheme::Sip | Scheme::Sips if routed => Ok((uri, None)),
        Scheme::Sip | Scheme::Sips => NextHop::of(uri).map(|hop| (uri, Some(hop))),
        Scheme::Other if !is_urn(text) => refuse("only sip, sips, tel and urn URIs can be called"),
        Scheme::Tel | Scheme::Other if !routed => {
            refuse("without `dst_uri` or `path` only a sip or sips URI can be reached")
        }
        Scheme::Tel | Scheme::Other => Ok((uri, None)),
    }
}

/// A URI to offer in a Contact.
pub(super) fn contact(text: &str) -> Result<&str, DocumentError> {
    match parse(text)?.scheme {
        Scheme::Other if !is_urn(text) => refuse("only sip, sips, tel and urn URIs can be offered"),
        _ => Ok(text),
    }
}

/// A URI for From or To, where table 1 of RFC 3261 section 19.1.1 allows no `method` and no headers.
pub(super) fn identity(text: &str) -> Result<&str, DocumentError> {
    let uri = parse(text)?;
    if uri.param("method").is_some() || uri.headers.is_some() {
        return refuse("From and To take no `method` and no headers in their URI");
    }
    Ok(text)
}

/// Route values, as they will stand in one header, and the first of their URIs.
pub(super) fn path(text: &str) -> Result<(String, NextHop<'_>), DocumentError> {
    let mut written = String::with_capacity(text.len());
    let mut first = None;
    for value in values(one_line(text)?) {
        let (value, hop) = route_value(value)?;
        first.get_or_insert(hop);
        let comma = if written.is_empty() { "" } else { ", " };
        written.extend([comma, value]);
    }
    match first {
        Some(first) => Ok((written, first)),
        None => refuse("it holds no Route value"),
    }
}

/// Equality as RFC 3261 section 16.5 asks for: that of the URI's scheme.
pub(super) fn same_uri(a: &[u8], b: &[u8]) -> bool {
    if a == b {
        return true;
    }
    match (Uri::parse(a), Uri::parse(b)) {
        (Ok(a), Ok(b)) => a.equivalent(&b),
        _ => false,
    }
}

pub(super) fn is_secure(uri: &[u8]) -> bool {
    Uri::parse(uri).is_ok_and(|uri| uri.scheme == Scheme::Sips)
}

/// A Contact of a 3xx as a Request-URI, where it can be one.
pub(super) fn usable_contact(uri: &[u8], secure_only: bool) -> Option<Box<[u8]>> {
    let hop = NextHop::parse(std::str::from_utf8(uri).ok()?).ok()?;
    let is_allowed = !secure_only || hop.0.scheme == Scheme::Sips;
    is_allowed.then(|| written(&hop.0))
}

/// As it stands in a request line: without `method` and headers (RFC 3261 section 19.1.1, table 1).
pub(super) fn written(uri: &Uri<'_>) -> Box<[u8]> {
    let mut out = Vec::new();
    uri.write_request_uri(&mut out);
    out.into()
}

fn parse(text: &str) -> Result<Uri<'_>, DocumentError> {
    let outside = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'<' | b'>' | b'"');
    if one_line(text)?.bytes().any(outside) {
        return refuse(format!(
            "{} holds a character that no URI may hold",
            show(text)
        ));
    }
    match Uri::parse(text.as_bytes()) {
        Ok(uri) => Ok(uri),
        Err(_) => refuse(format!("{} is no usable URI", show(text))),
    }
}

fn is_urn(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
}

/// One Route value (RFC 3261 section 20.34) without its display name, and its URI, which must be that
/// of a loose router (section 16.6 step 6).
fn route_value(value: &str) -> Result<(&str, NextHop<'_>), DocumentError> {
    let Some((value, uri)) = bracketed(value) else {
        return refuse(format!(
            "{} is no Route value: write <sip:host;lr>",
            show(value)
        ));
    };
    let hop = NextHop::parse(uri)?;
    if !hop.0.has_lr() {
        return refuse(format!(
            "{} has no `lr`: only loose routers can be put in front",
            show(uri)
        ));
    }
    Ok((value, hop))
}

/// A name-addr from its bracket on, and its URI.
fn bracketed(value: &str) -> Option<(&str, &str)> {
    let address = NameAddr::parse(value.as_bytes(), 0).ok()?;
    let open = usize::try_from(address.uri_span.start)
        .ok()?
        .checked_sub(1)?;
    let value = value.get(open..).filter(|value| value.starts_with('<'))?;
    Some((value, std::str::from_utf8(address.uri).ok()?))
}

/// The values of a list, split at commas outside of quotes and angle brackets.
fn values(list: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    list.split(move |character| {
        let literal = std::mem::take(&mut escaped);
        match character {
            '\\' if quoted && !literal => escaped = true,
            '"' if !literal && !bracketed => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            ',' => return !quoted && !bracketed,
            _ => {}
        }
        false
    })
    .map(str::trim)
    .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T>(result: Result<T, DocumentError>) -> String {
        result
            .err()
            .map(|error| error.reason.into_owned())
            .unwrap_or_default()
    }

    #[test]
    fn only_sip_and_sips_can_be_next_hops() {
        for uri in [
            "sip:h",
            "sips:a@h:5061",
            "SIP:[2001:db8::1]:5060;transport=TCP;lr",
        ] {
            assert_eq!(refusal(NextHop::parse(uri)), "", "{uri}");
        }
        for uri in ["tel:+4930", "http://h", "urn:service:sos"] {
            assert!(
                refusal(NextHop::parse(uri)).contains("can be a next hop"),
                "{uri}"
            );
        }
        for uri in ["sip:h:0", "sip:h;transport=sctp", "sips:h;transport=udp"] {
            assert_ne!(refusal(NextHop::parse(uri)), "", "{uri}");
        }
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "h",
            "sip:",
            "sip:@h",
            "sip:h:port",
            "sip:a b@h",
            "<sip:h>",
            "sip:h>,",
            "sip:ü@h",
        ] {
            assert_ne!(refusal(called(text, true)), "", "{text:?}");
            assert_ne!(refusal(NextHop::parse(text)), "", "{text:?}");
        }
        for text in ["sip:h\r\nX: y", "sip:h\n", "sip:h\0"] {
            assert!(
                refusal(called(text, true)).contains("CR, LF and NUL"),
                "{text:?}"
            );
        }
    }

    /// RFC 3261 section 19.1.1, table 1.
    #[test]
    fn a_request_uri_carries_no_method_and_no_headers() {
        let text = "sip:b@h:5070;method=BYE;user=phone?Route=%3Cx%3E&Subject=y";
        let (uri, _) = called(text, false).unwrap();
        assert_eq!(&*written(&uri), b"sip:b@h:5070;user=phone");
    }

    #[test]
    fn numbers_and_services_can_be_called_where_a_way_is_given() {
        for text in ["tel:+4930123;phone-context=example.com", "urn:service:sos"] {
            assert_eq!(called(text, true).unwrap().0.raw, text.as_bytes());
            assert!(refusal(called(text, false)).contains("dst_uri"), "{text}");
        }
        assert!(refusal(called("mailto:a@h", true)).contains("can be called"));
    }

    #[test]
    fn websocket_uris_say_ws_for_both_kinds() {
        let takes = |uri: &str, transport| NextHop::parse(uri).unwrap().takes(transport);
        assert!(takes("sip:h;transport=ws", Transport::Ws));
        assert!(takes("sip:h;transport=ws", Transport::Wss));
        assert!(takes("sips:h;transport=ws", Transport::Wss));
        assert!(!takes("sips:h;transport=ws", Transport::Ws));
        assert!(takes("sips:h;transport=tcp", Transport::Tls));
        assert!(!takes("sips:h;transport=tcp", Transport::Wss));
        assert!(!takes("sips:h", Transport::Tcp));
    }

    #[test]
    fn a_path_is_written_as_one_header_without_display_names() {
        let text = "<sip:a;lr> ,\t\"x, <y\" <sip:b,c@b;lr>;p=1,, <sips:c:5061;lr>";
        let (written, first) = path(text).unwrap();
        assert_eq!(written, "<sip:a;lr>, <sip:b,c@b;lr>;p=1, <sips:c:5061;lr>");
        assert_eq!(first.0.raw, b"sip:a;lr");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            ",",
            "sip:a;lr",
            "<sip:a;lr> <sip:b;lr>",
            "<sip:a;lr",
            "<tel:+4930>",
            "<sip:a>\r\n",
        ] {
            assert_ne!(refusal(path(text)), "", "{text:?}");
        }
    }

    /// RFC 3261 section 19.1.4.
    #[test]
    fn uris_are_compared_by_the_rules_of_their_scheme() {
        assert!(same_uri(b"sip:a@EXAMPLE.com;lr", b"sip:%61@example.com;lr"));
        assert!(!same_uri(b"sip:A@example.com", b"sip:a@example.com"));
        assert!(!same_uri(b"sip:a@example.com", b"sips:a@example.com"));
        assert!(same_uri(b"nonsense", b"nonsense"));
    }

    #[test]
    fn identities_take_no_headers() {
        assert!(identity("sip:a@h?x=y").is_err());
        assert!(identity("sip:a@h;method=BYE").is_err());
        assert_eq!(
            identity("sip:anonymous@anonymous.invalid"),
            Ok("sip:anonymous@anonymous.invalid")
        );
    }
}
