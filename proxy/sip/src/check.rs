use crate::head::{Flaws, LengthFlaw};
use crate::{Method, Name, NameAddr, Uri, ValueError, View, lex};

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
    check_common(view)?;
    check_method(view)?;
    check_uri(view.request_uri())?;
    check_max_forwards(view)?;
    check_branch(view)?;
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
    check_common(view)
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

/// RFC 3261 8.1.1: what every message has, and where once, once.
fn check_common(view: View<'_>) -> Result<(), Defect> {
    if view.field(Name::Via).is_none() {
        return Err(bad_field(Name::Via, "Missing Via"));
    }
    sound(view.top_via(), Name::Via, "Bad Via")?;
    once(view, Name::From, "Missing From", "Multiple From")?;
    sound(view.from(), Name::From, "Bad From")?;
    once(view, Name::To, "Missing To", "Multiple To")?;
    sound(view.to(), Name::To, "Bad To")?;
    once(view, Name::CallId, "Missing Call-ID", "Multiple Call-ID")?;
    check_call_id(view)?;
    once(view, Name::CSeq, "Missing CSeq", "Multiple CSeq")?;
    sound(view.cseq(), Name::CSeq, "Bad CSeq")
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
fn check_method(view: View<'_>) -> Result<(), Defect> {
    if view
        .cseq()
        .is_ok_and(|cseq| cseq.method == view.method_raw())
    {
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
fn check_branch(view: View<'_>) -> Result<(), Defect> {
    match view.top_via().map(|via| via.branch()) {
        Ok(Some(branch)) if branch.eq_ignore_ascii_case(b"z9hG4bK") => {
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

fn sound<T>(value: Result<T, ValueError>, name: Name, reason: &'static str) -> Result<(), Defect> {
    value.map(drop).map_err(|_| bad_field(name, reason))
}

fn every<'a>(
    mut values: impl Iterator<Item = Result<NameAddr<'a>, ValueError>>,
    name: Name,
    reason: &'static str,
) -> Result<(), Defect> {
    values.try_for_each(|value| sound(value, name, reason))
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
