use crate::head::{Flaws, LengthFlaw};
use crate::{CSeq, Method, Name, NameAddr, Uri, ValueError, Via, View, lex};

/// Why a message may not be processed, and how to answer where it is a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}")]
pub struct Defect {
    /// The status code of the answer.
    pub status: u16,
    /// The reason phrase of the answer.
    pub reason: &'static str,
    /// The header field at fault, if it is one.
    pub header: Option<Name>,
}

/// RFC 3261 16.3 (1): whether a request is well-formed as far as a proxy reads it. What it does
/// not read, such as Date or Contact, is not looked at.
///
/// # Errors
/// The first defect found.
pub fn check_request(view: View<'_>) -> Result<(), Defect> {
    if !view.head.start.sound || !view.is_request() {
        return Err(bad("Bad Request Line"));
    }
    check_version(view)?;
    check_frame(view.head.flaws)?;
    let common = check_common(view)?;
    check_method(view, &common.cseq)?;
    check_uri(view.request_uri())?;
    check_max_forwards(view)?;
    check_branch(&common.via)?;
    every(view.routes(), Name::Route, "Bad Route")
}

/// Whether a response is well-formed as far as a proxy reads it; one that is not is discarded.
///
/// # Errors
/// The first defect found.
pub fn check_response(view: View<'_>) -> Result<(), Defect> {
    if !view.head.start.sound || view.is_request() {
        return Err(bad("Bad Status Line"));
    }
    check_version(view)?;
    check_frame(view.head.flaws)?;
    check_common(view).map(drop)
}

/// RFC 3261 7.1: the version is SIP/2.0, in any case.
fn check_version(view: View<'_>) -> Result<(), Defect> {
    if view.version().eq_ignore_ascii_case(b"SIP/2.0") {
        return Ok(());
    }
    Err(Defect {
        status: 505,
        reason: "Version Not Supported",
        header: None,
    })
}

/// RFC 3261 7.3.1, 7.5, 18.3.
fn check_frame(flaws: Flaws) -> Result<(), Defect> {
    let length = |reason| Err(bad_field(Name::ContentLength, reason));
    match flaws.content_length {
        Some(LengthFlaw::NotANumber) => return length("Bad Content-Length"),
        Some(LengthFlaw::Repeated) => return length("Multiple Content-Length"),
        Some(LengthFlaw::BeyondTheEnd) => return length("Body Shorter Than Content-Length"),
        None => {}
    }
    match flaws {
        Flaws { line_end: true, .. } => Err(bad("Bad Line End")),
        Flaws {
            header_line: true, ..
        } => Err(bad("Bad Header Line")),
        Flaws {
            empty_line: true, ..
        } => Err(bad("Missing Empty Line")),
        _ => Ok(()),
    }
}

/// What was read on the way.
struct Common<'a> {
    via: Via<'a>,
    cseq: CSeq<'a>,
}

/// RFC 3261 8.1.1: what every message has, and where once, once.
fn check_common(view: View<'_>) -> Result<Common<'_>, Defect> {
    if view.field(Name::Via).is_none() {
        return Err(bad_field(Name::Via, "Missing Via"));
    }
    let via = sound(view.top_via(), Name::Via, "Bad Via")?;
    once(view, Name::From, "Missing From", "Multiple From")?;
    sound(view.from(), Name::From, "Bad From")?;
    once(view, Name::To, "Missing To", "Multiple To")?;
    sound(view.to(), Name::To, "Bad To")?;
    once(view, Name::CallId, "Missing Call-ID", "Multiple Call-ID")?;
    check_call_id(view)?;
    once(view, Name::CSeq, "Missing CSeq", "Multiple CSeq")?;
    let cseq = sound(view.cseq(), Name::CSeq, "Bad CSeq")?;
    Ok(Common { via, cseq })
}

/// RFC 3261 25.1 `callid`, as far as one can do harm with it.
fn check_call_id(view: View<'_>) -> Result<(), Defect> {
    let call_id = view.call_id().unwrap_or_default();
    if call_id.is_empty() || call_id.iter().any(|&byte| lex::is_lws(byte) || byte == 0) {
        return Err(bad_field(Name::CallId, "Bad Call-ID"));
    }
    Ok(())
}

/// RFC 3261 8.1.1.5: the method of CSeq is that of the request. RFC 4475 3.1.2.18: 501 where the
/// method is unknown.
fn check_method(view: View<'_>, cseq: &CSeq<'_>) -> Result<(), Defect> {
    if cseq.method == view.method_raw() {
        return Ok(());
    }
    match view.method() {
        Method::Other => Err(Defect {
            status: 501,
            ..bad_field(Name::CSeq, "Not Implemented")
        }),
        _ => Err(bad_field(Name::CSeq, "CSeq Does Not Match Method")),
    }
}

/// RFC 3261 19.1.1, Table 1: a Request-URI has no headers.
fn check_uri(raw: &[u8]) -> Result<(), Defect> {
    match Uri::parse(raw) {
        Err(_) => Err(bad("Bad Request-URI")),
        Ok(uri) if uri.headers.is_some() => Err(bad("Headers in Request-URI")),
        Ok(_) => Ok(()),
    }
}

/// RFC 3261 20.22. Without one the proxy puts its own in.
fn check_max_forwards(view: View<'_>) -> Result<(), Defect> {
    let fault = |reason| Err(bad_field(Name::MaxForwards, reason));
    match view.max_forwards() {
        Some(Err(_)) => fault("Bad Max-Forwards"),
        Some(Ok(_)) if view.fields(Name::MaxForwards).nth(1).is_some() => {
            fault("Multiple Max-Forwards")
        }
        _ => Ok(()),
    }
}

/// RFC 3261 8.1.1.7: behind the magic cookie stands what makes the branch unique.
fn check_branch(via: &Via<'_>) -> Result<(), Defect> {
    match via.branch() {
        Some(branch) if branch.eq_ignore_ascii_case(b"z9hG4bK") => {
            Err(bad_field(Name::Via, "Bad Branch"))
        }
        _ => Ok(()),
    }
}

fn once(
    view: View<'_>,
    name: Name,
    missing: &'static str,
    multiple: &'static str,
) -> Result<(), Defect> {
    match view.fields(name).take(2).count() {
        1 => Ok(()),
        0 => Err(bad_field(name, missing)),
        _ => Err(bad_field(name, multiple)),
    }
}

fn sound<T>(value: Result<T, ValueError>, name: Name, reason: &'static str) -> Result<T, Defect> {
    value.map_err(|_| bad_field(name, reason))
}

fn every<'a>(
    mut values: impl Iterator<Item = Result<NameAddr<'a>, ValueError>>,
    name: Name,
    reason: &'static str,
) -> Result<(), Defect> {
    values.try_for_each(|value| sound(value, name, reason).map(drop))
}

const fn bad(reason: &'static str) -> Defect {
    Defect {
        status: 400,
        reason,
        header: None,
    }
}

const fn bad_field(name: Name, reason: &'static str) -> Defect {
    Defect {
        status: 400,
        reason,
        header: Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{INVITE, altered, message};

    fn verdict(part: &str, by: &str) -> Result<(), (u16, &'static str)> {
        check_request(altered(part, by).view()).map_err(|defect| (defect.status, defect.reason))
    }

    fn response_verdict(part: &str, by: &str) -> Result<(), &'static str> {
        let text = INVITE.replacen("INVITE sip:pia@pier.example SIP/2.0", "SIP/2.0 200 OK", 1);
        assert!(text.contains(part), "{part:?}");
        let response = message(&text.replacen(part, by, 1));
        check_response(response.view()).map_err(|defect| defect.reason)
    }

    #[test]
    fn a_sound_message_passes() {
        assert_eq!(check_request(message(INVITE).view()), Ok(()));
        assert_eq!(response_verdict("OK", "OK"), Ok(()));
        assert!(check_response(message(INVITE).view()).is_err());
    }

    /// RFC 3261 16.3 (1): what a proxy does not need may be wrong.
    #[test]
    fn what_a_proxy_does_not_read_is_not_judged() {
        assert_eq!(
            verdict("Contact: <sip:ana@198.51.100.7:5062>", "Contact: ;;,"),
            Ok(())
        );
        assert_eq!(verdict("Timestamp: 54.1", "Date: yesterday"), Ok(()));
        assert_eq!(verdict("Max-Forwards: 69\r\n", ""), Ok(()));
        assert_eq!(verdict(";tag=a1", ""), Ok(()));
        assert_eq!(verdict(";branch=z9hG4bKq1;rport", ""), Ok(()));
    }

    /// RFC 3261 7.1.
    #[test]
    fn a_request_line_has_to_be_exact() {
        let refused = Err((400, "Bad Request Line"));
        assert_eq!(verdict("INVITE sip:pia", "INVITE  sip:pia"), refused);
        assert_eq!(
            verdict("example SIP/2.0\r\n", "example SIP/2.0 \r\n"),
            refused
        );
        assert_eq!(verdict("pier.example SIP", "pier.example; lr SIP"), refused);
        let later = verdict("example SIP/2.0\r\n", "example SIP/3.0\r\n");
        assert_eq!(later, Err((505, "Version Not Supported")));
    }

    /// RFC 3261 19.1.1.
    #[test]
    fn a_request_uri_has_to_be_one_and_without_headers() {
        let refused = Err((400, "Bad Request-URI"));
        assert_eq!(
            verdict("sip:pia@pier.example", "<sip:pia@pier.example>"),
            refused
        );
        assert_eq!(verdict("sip:pia@pier.example", "sip:fd00::7"), refused);
        assert_eq!(verdict("sip:pia@pier.example", "pia"), refused);
        assert_eq!(verdict("sip:pia@pier.example", "sea.mail:pia"), Ok(()));
        let headers = verdict(
            "sip:pia@pier.example",
            "sip:pia@pier.example?Route=%3Csip:x%3E",
        );
        assert_eq!(headers, Err((400, "Headers in Request-URI")));
    }

    /// RFC 3261 8.1.1.
    #[test]
    fn mandatory_fields_are_there_once_and_readable() {
        for (line, name) in [
            ("f: \"Ana, Bay\" <sip:ana@bay.example>;tag=a1\r\n", "From"),
            ("To: <sip:pia@pier.example>\r\n", "To"),
            ("i: c7-19@198.51.100.7\r\n", "Call-ID"),
            ("CSeq: 31 INVITE\r\n", "CSeq"),
        ] {
            let reason = |by: &str| verdict(line, by).unwrap_err().1;
            assert_eq!(reason(""), format!("Missing {name}"));
            assert_eq!(reason(&line.repeat(2)), format!("Multiple {name}"));
            assert_eq!(reason(&format!("{name}:\r\n")), format!("Bad {name}"));
        }
        assert_eq!(verdict("Via: ", "Via: ;"), Err((400, "Bad Via")));
        assert_eq!(verdict(";rport", ";;,;,,"), Err((400, "Bad Via")));
        assert_eq!(verdict("i: c7-19", "i: c7 19"), Err((400, "Bad Call-ID")));
    }

    #[test]
    fn a_request_without_via_is_refused() {
        let text = "BYE sip:pia@pier.example SIP/2.0\r\nTo: sip:a@b\r\n\r\n";
        let defect = check_request(message(text).view()).unwrap_err();
        assert_eq!((defect.status, defect.header), (400, Some(Name::Via)));
    }

    /// RFC 3261 8.1.1.5; RFC 4475 3.1.2.18.
    #[test]
    fn the_method_of_cseq_is_that_of_the_request() {
        assert_eq!(
            verdict("31 INVITE", "31 BYE"),
            Err((400, "CSeq Does Not Match Method"))
        );
        assert_eq!(
            verdict("31 INVITE", "4294967296 INVITE"),
            Err((400, "Bad CSeq"))
        );
        assert_eq!(
            verdict("INVITE sip", "HAIL sip"),
            Err((501, "Not Implemented"))
        );
        let hail = message(&INVITE.replace("INVITE", "HAIL"));
        assert_eq!(
            check_request(hail.view()),
            Ok(()),
            "an unknown method is forwarded"
        );
    }

    /// RFC 3261 20.22.
    #[test]
    fn max_forwards_is_one_number() {
        assert_eq!(verdict("ds: 69", "ds: x"), Err((400, "Bad Max-Forwards")));
        let twice = verdict("Max-Forwards: 69", "Max-Forwards: 69\r\nMax-Forwards: 8");
        assert_eq!(twice, Err((400, "Multiple Max-Forwards")));
        assert_eq!(verdict("ds: 69", "ds: 0"), Ok(()));
    }

    /// RFC 3261 8.1.1.7.
    #[test]
    fn a_branch_is_more_than_the_cookie() {
        assert_eq!(verdict("z9hG4bKq1", "z9hG4bK"), Err((400, "Bad Branch")));
    }

    /// RFC 3261 16.4, 20.34.
    #[test]
    fn every_route_has_to_be_readable() {
        let part = "<sip:in.pier.example;lr>";
        assert_eq!(verdict(part, "<sip:a;lr>, <sip:b"), Err((400, "Bad Route")));
        assert_eq!(verdict(part, "<sip:a;lr>,"), Err((400, "Bad Route")));
    }

    /// RFC 3261 18.3, 20.14.
    #[test]
    fn a_content_length_is_one_number_that_the_body_reaches() {
        assert_eq!(
            verdict("Length: 4", "Length: -4"),
            Err((400, "Bad Content-Length"))
        );
        assert_eq!(
            verdict("Length: 4", "Length: 4, 4"),
            Err((400, "Bad Content-Length"))
        );
        let twice = verdict("Content-Length: 4", "Content-Length: 4\r\nl: 4");
        assert_eq!(twice, Err((400, "Multiple Content-Length")));
        assert_eq!(
            verdict("Length: 4", "Length: 5"),
            Err((400, "Body Shorter Than Content-Length"))
        );
        assert_eq!(verdict("Length: 4", "Length: 3"), Ok(()));
        assert!(response_verdict("Length: 4", "Length: 5").is_err());
    }

    /// RFC 3261 7: lines end with CRLF. A lone CR or LF would be read differently elsewhere.
    #[test]
    fn lone_line_end_bytes_and_nameless_lines_are_refused() {
        assert_eq!(verdict("69\r\n", "69\n"), Err((400, "Bad Line End")));
        assert_eq!(
            verdict("69\r\n", "69\rX: y\r\n"),
            Err((400, "Bad Line End"))
        );
        assert_eq!(
            verdict("SIP/2.0\r\n", "SIP/2.0\n"),
            Err((400, "Bad Line End"))
        );
        assert_eq!(
            verdict("Timestamp: 54.1", "Timestamp"),
            Err((400, "Bad Header Line"))
        );
        assert_eq!(
            verdict("Timestamp: 54.1", "Tide stamp: 5"),
            Err((400, "Bad Header Line"))
        );
        let cut = message(&INVITE[..INVITE.find("Content-Length").unwrap()]);
        assert_eq!(
            check_request(cut.view()).unwrap_err().reason,
            "Missing Empty Line"
        );
    }

    /// RFC 3261 7.2, 8.1.1.5.
    #[test]
    fn an_unsound_response_is_refused() {
        assert_eq!(
            response_verdict("200 OK", "2000 OK"),
            Err("Bad Status Line")
        );
        assert_eq!(response_verdict("200 OK", "200 "), Ok(()));
        assert_eq!(
            response_verdict("SIP/2.0 200", "SIP/1.0 200"),
            Err("Version Not Supported")
        );
        assert_eq!(
            response_verdict("CSeq: 31", "CSeq: 99999999999"),
            Err("Bad CSeq")
        );
        assert_eq!(response_verdict("CSeq: 31 INVITE", "CSeq: 31 BYE"), Ok(()));
    }
}
