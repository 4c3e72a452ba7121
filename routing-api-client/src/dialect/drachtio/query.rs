//! The request in the query of a GET.

use tidegate_schemas::RouteEvent;

use crate::dialect::uri::UriParts;

/// Names that the parameters of a Request-URI can't take.
const OURS: [&str; 9] = [
    "method",
    "domain",
    "protocol",
    "source_address",
    "fromUser",
    "toUser",
    "uriUser",
    "contentType",
    "uri",
];

/// Appends the query. Parameters of the Request-URI come last, under their own names, unless one of
/// the names above is theirs: a caller can't replace what the proxy says.
pub(super) fn push(event: &RouteEvent<'_>, out: &mut Vec<u8>) {
    let request = &event.request;
    let uri = UriParts::of(&request.uri);
    let source = event.source.ip.to_string();
    let values = [
        &*request.method,
        uri.host,
        &*event.source.transport,
        &source,
        UriParts::of(&request.from.uri).user,
        UriParts::of(&request.to.uri).user,
        uri.user,
        content_type(event),
        &*request.uri,
    ];
    for (name, value) in OURS.into_iter().zip(values) {
        push_pair(name, value, out);
    }
    let foreign = |name: &str| !OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name));
    for (name, value) in parameters(&request.uri).filter(|(name, _)| foreign(name)) {
        push_pair(name, value, out);
    }
}

fn content_type<'a>(event: &'a RouteEvent<'_>) -> &'a str {
    let named = |name: &str| {
        ["Content-Type", "c"]
            .iter()
            .any(|n| n.eq_ignore_ascii_case(name))
    };
    let mut headers = event.request.headers.iter();
    headers
        .find(|(name, _)| named(name))
        .map_or("", |(_, value)| value)
}

/// RFC 3261 section 19.1.1: behind the host, up to the headers.
fn parameters(uri: &str) -> impl Iterator<Item = (&str, &str)> {
    let behind_user = uri.split_once('@').map_or(uri, |(_, host)| host);
    let end = behind_user.find('?').unwrap_or(behind_user.len());
    let hostport = behind_user.get(..end).unwrap_or_default();
    let parameters = hostport.split(';').skip(1).filter(|text| !text.is_empty());
    parameters.map(|text| text.split_once('=').unwrap_or((text, "")))
}

fn push_pair(name: &str, value: &str, out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b'&');
    }
    push_encoded(name, out);
    out.push(b'=');
    push_encoded(value, out);
}

/// RFC 3986 section 2.1: all but unreserved characters.
fn push_encoded(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |n: u8| HEX.get(usize::from(n)).copied().unwrap_or(b'0');
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            other => out.extend_from_slice(&[b'%', digit(other >> 4), digit(other & 0xf)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn query(event: &RouteEvent<'_>) -> String {
        let mut out = Vec::new();
        push(event, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn has_what_drachtio_says_of_a_request() {
        let mut event = samples::event();
        let header = ("c".into(), "application/sdp".into());
        event.request.headers.push(header);
        let expected = "method=INVITE&domain=example.com&protocol=udp&source_address=192.0.2.9\
            &fromUser=101&toUser=102&uriUser=102&contentType=application%2Fsdp\
            &uri=sip%3A102%40example.com%3A5080%3Btransport%3Dtcp&transport=tcp";
        assert_eq!(query(&event), expected);
    }

    #[test]
    fn parameters_of_the_uri_follow_and_replace_nothing() {
        let mut event = samples::event();
        event.request.uri = "sip:+1;cpc=x@h;lr;a=b&method=c;Method=BYE;uri=z?Subject=;x=y".into();
        let query = query(&event);
        assert!(query.starts_with("method=INVITE&domain=h&"), "{query}");
        assert!(query.ends_with("&lr=&a=b%26method%3Dc"), "{query}");
        assert!(query.contains("&uriUser=%2B1%3Bcpc%3Dx&"), "{query}");
    }

    #[test]
    fn nothing_of_a_caller_stands_bare_in_the_query() {
        let mut event = samples::event();
        event.request.from.uri = "sip:a b&c=d#é\r\n@h".into();
        let query = query(&event);
        assert!(
            query.contains("&fromUser=a%20b%26c%3Dd%23%C3%A9%0D%0A&"),
            "{query}"
        );
    }
}
