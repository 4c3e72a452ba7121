use super::via_stamp::{ViaStamp, changes};
use super::{copy_first, decimal, field, standard_reason};
use crate::{Field, Name, Span, View};

/// A response to be made for a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// The reason phrase; the standard one where empty.
    pub reason: &'a [u8],
    /// The tag to put into To, unless it has one.
    pub to_tag: Option<&'a [u8]>,
    /// More header fields.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// The body.
    pub body: &'a [u8],
    /// The type of the body.
    pub content_type: Option<&'a [u8]>,
}

/// RFC 3261 8.2.6.2: all Via in their order, From, Call-ID, CSeq and To of the request; a 100 has
/// its Timestamp too (8.2.6.1). `stamp` goes into the top Via, unless the request has it already.
pub fn response(request: View<'_>, stamp: ViaStamp, response: &Response<'_>, out: &mut Vec<u8>) {
    status_line(response, out);
    vias(request, stamp, out);
    copy_first(request, Name::From, out);
    to(request, response.to_tag, out);
    copy_first(request, Name::CallId, out);
    copy_first(request, Name::CSeq, out);
    if response.status == 100 {
        copy_first(request, Name::Timestamp, out);
    }
    for (name, value) in response.headers {
        field(out, name, value);
    }
    body(response, out);
}

fn status_line(response: &Response<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"SIP/2.0 ");
    decimal(out, u32::from(response.status));
    out.push(b' ');
    let standard = standard_reason(response.status).as_bytes();
    out.extend_from_slice(if response.reason.is_empty() {
        standard
    } else {
        response.reason
    });
    out.extend_from_slice(b"\r\n");
}

fn vias(request: View<'_>, stamp: ViaStamp, out: &mut Vec<u8>) {
    let mut fields = request.fields(Name::Via);
    if let Some(top) = fields.next() {
        out.extend_from_slice(b"Via: ");
        stamped(request, &top, stamp, out);
        out.extend_from_slice(b"\r\n");
    }
    for other in fields {
        field(out, b"Via", other.value);
    }
}

fn stamped(request: View<'_>, top: &Field<'_>, stamp: ViaStamp, out: &mut Vec<u8>) {
    let mut copied = top.value_span.start;
    if let Some(via) = request.top_via_lenient() {
        for (place, text) in changes(&via, stamp).into_iter().flatten() {
            out.extend_from_slice(Span::new(copied, place.start).of(request.bytes()));
            text.write(out);
            copied = place.end;
        }
    }
    out.extend_from_slice(Span::new(copied, top.value_span.end).of(request.bytes()));
}

/// RFC 3261 8.2.6.2. A To that cannot be read gets the tag as well: some tag has to be there.
fn to(request: View<'_>, tag: Option<&[u8]>, out: &mut Vec<u8>) {
    let Some(found) = request.field(Name::To) else {
        return;
    };
    out.extend_from_slice(b"To: ");
    out.extend_from_slice(found.value);
    let has_tag = request.to().is_ok_and(|to| to.tag().is_some());
    if let (Some(tag), false) = (tag, has_tag) {
        out.extend_from_slice(b";tag=");
        out.extend_from_slice(tag);
    }
    out.extend_from_slice(b"\r\n");
}

fn body(response: &Response<'_>, out: &mut Vec<u8>) {
    if let Some(content_type) = response.content_type {
        field(out, b"Content-Type", content_type);
    }
    out.extend_from_slice(b"Content-Length: ");
    decimal(out, u32::try_from(response.body.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(response.body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{INVITE, altered, message};
    use crate::{Message, check_response};

    fn text(request: &Message, parts: &Response<'_>) -> String {
        let mut out = Vec::new();
        response(request.view(), ViaStamp::default(), parts, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 3261 8.2.6.2.
    #[test]
    fn a_response_has_the_via_and_the_names_of_its_request() {
        let stamp = ViaStamp {
            received: "203.0.113.9".parse().ok(),
            rport: Some(40001),
        };
        let parts = Response {
            status: 302,
            to_tag: Some(b"t1"),
            headers: &[(b"Contact", b"<sip:pia@bay.example>")],
            body: b"gone",
            content_type: Some(b"text/plain"),
            ..Response::default()
        };
        let mut out = Vec::new();
        response(message(INVITE).view(), stamp, &parts, &mut out);
        let expected = "SIP/2.0 302 Moved Temporarily\r\n\
            Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKq1;rport=40001;received=203.0.113.9\r\n\
            Via: SIP/2.0/TCP edge.bay.example;branch=z9hG4bKq0, SIP/2.0/TLS in.bay.example\r\n\
            From: \"Ana, Bay\" <sip:ana@bay.example>;tag=a1\r\n\
            To: <sip:pia@pier.example>;tag=t1\r\n\
            Call-ID: c7-19@198.51.100.7\r\n\
            CSeq: 31 INVITE\r\n\
            Contact: <sip:pia@bay.example>\r\n\
            Content-Type: text/plain\r\n\
            Content-Length: 4\r\n\r\ngone";
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, expected);
        assert_eq!(check_response(message(&text).view()), Ok(()));
    }

    /// RFC 3261 8.2.6.1.
    #[test]
    fn a_100_has_the_timestamp_of_its_request() {
        let trying = |status| {
            text(
                &message(INVITE),
                &Response {
                    status,
                    ..Response::default()
                },
            )
        };
        assert!(trying(100).contains("\r\nTimestamp: 54.1\r\n"));
        assert!(!trying(180).contains("Timestamp"));
    }

    /// RFC 3261 8.2.6.2: a tag that To has already stays the only one.
    #[test]
    fn a_tag_of_the_request_stays() {
        let parts = Response {
            status: 404,
            to_tag: Some(b"t1"),
            ..Response::default()
        };
        let tagged = altered(
            "To: <sip:pia@pier.example>",
            "To: <sip:pia@pier.example>;tag=b1",
        );
        assert!(text(&tagged, &parts).contains("\r\nTo: <sip:pia@pier.example>;tag=b1\r\n"));
    }

    #[test]
    fn a_request_full_of_defects_still_has_a_response() {
        let parts = Response {
            status: 400,
            to_tag: Some(b"t1"),
            ..Response::default()
        };
        let broken = message("BYE x SIP/2.0\r\nv: ;;\r\nTo: \"open\r\nTo: sip:b\r\nCSeq: 1");
        let expected = "SIP/2.0 400 Bad Request\r\nVia: ;;\r\nTo: \"open;tag=t1\r\n\
            CSeq: 1\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(text(&broken, &parts), expected);
    }

    #[test]
    fn a_reason_of_ones_own_is_written() {
        let parts = Response {
            status: 486,
            reason: b"Out at sea",
            ..Response::default()
        };
        assert!(text(&message(INVITE), &parts).starts_with("SIP/2.0 486 Out at sea\r\n"));
    }
}
