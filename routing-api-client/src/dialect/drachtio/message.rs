//! The request as it arrived, as far as the event has it.

use std::io::Write;

use tidegate_schemas::event::Request;

/// Appends the message. Content-Length is that of the body that stands in it, which is empty where
/// events carry no bodies.
pub(super) fn push(request: &Request<'_>, out: &mut Vec<u8>) {
    let body = request.body.as_deref().unwrap_or_default();
    let _ = write!(out, "{} {} SIP/2.0\r\n", request.method, request.uri);
    for (name, value) in &request.headers {
        let _ = match is_length(name) {
            true => write!(out, "{name}: {}\r\n", body.len()),
            false => write!(out, "{name}: {value}\r\n"),
        };
    }
    let _ = write!(out, "\r\n{body}");
}

fn is_length(name: &str) -> bool {
    name.eq_ignore_ascii_case("Content-Length") || name.eq_ignore_ascii_case("l")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn message(request: &Request<'_>) -> String {
        let mut out = Vec::new();
        push(request, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn all_headers_stand_in_their_order_and_the_body_behind_them() {
        let mut request = samples::event().request;
        request.headers.push(("l".into(), "999".into()));
        let expected = "INVITE sip:102@example.com:5080;transport=tcp SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.0.2.9:5071;branch=z9hG4bK776asdhds\r\n\
            Call-ID: a84b4c76e66710\r\nUser-Agent: phone/1.0\r\n\
            X-Account: 42\r\nx-account: 43\r\nl: 5\r\n\r\nv=0\r\n";
        assert_eq!(message(&request), expected);
    }

    #[test]
    fn a_body_that_the_event_does_not_have_is_not_announced() {
        let mut request = samples::event().request;
        request.headers = vec![("Content-Length".into(), "142".into())];
        request.body = None;
        assert!(message(&request).ends_with("SIP/2.0\r\nContent-Length: 0\r\n\r\n"));
    }
}
