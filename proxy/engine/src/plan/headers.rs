//! Which headers an application may change, and how they are written.

use tidegate_schemas::DocumentError;
use tidegate_schemas::document::{Headers, Identity};

use super::pointer::{At, given, one_line, refuse, show};
use super::tree::{HeaderPlan, IdentityPlan};
use super::{HeaderValue, uri};

/// Names in one list of changes.
const MOST: usize = 64;

/// The changes to one branch; `None` when there are none.
pub(super) fn compile(headers: &Headers) -> Result<Option<Box<HeaderPlan>>, DocumentError> {
    let plan = HeaderPlan {
        remove: names(&headers.remove).at("remove")?,
        set: set(&headers.set).at("set")?,
        append: pairs(&headers.append, changeable).at("append")?,
        extra: extra(given(headers.extra.as_ref()).unwrap_or_default()).at("extra")?,
        from: identity(headers.from.as_ref()).at("from")?,
        to: identity(headers.to.as_ref()).at("to")?,
    };
    Ok((plan != HeaderPlan::default()).then(|| Box::new(plan)))
}

/// The headers of a response that the application makes.
pub(super) fn of_reply(headers: &[(String, String)]) -> Result<Vec<HeaderValue>, DocumentError> {
    pairs(headers, addable_to_reply)
}

fn names(names: &[String]) -> Result<Vec<Box<str>>, DocumentError> {
    bounded(names.len())?;
    let names = names.iter().enumerate();
    names
        .map(|(index, name)| Ok(changeable(name).at_index(index)?.into()))
        .collect()
}

fn set(headers: &[(String, String)]) -> Result<Vec<HeaderValue>, DocumentError> {
    bounded(headers.len())?;
    let mut set: Vec<HeaderValue> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let pair = pair(name, value, changeable).at(name)?;
        if set.iter().any(|(other, _)| is_same_name(other, name)) {
            return refuse("this header is set twice").at(name);
        }
        set.push(pair);
    }
    Ok(set)
}

fn pairs(
    headers: &[(String, String)],
    allowed: fn(&str) -> Result<&str, DocumentError>,
) -> Result<Vec<HeaderValue>, DocumentError> {
    bounded(headers.len())?;
    let pairs = headers.iter().enumerate();
    pairs
        .map(|(index, (name, value))| {
            let name = allowed(name).at_index(0).at_index(index)?;
            let value = one_line(value).at_index(1).at_index(index)?;
            Ok((name.into(), value.trim().into()))
        })
        .collect()
}

fn pair(
    name: &str,
    value: &str,
    allowed: fn(&str) -> Result<&str, DocumentError>,
) -> Result<HeaderValue, DocumentError> {
    Ok((allowed(name)?.into(), one_line(value)?.trim().into()))
}

fn bounded(count: usize) -> Result<(), DocumentError> {
    if count > MOST {
        return refuse(format!("more than {MOST} headers"));
    }
    Ok(())
}

/// Whole lines, as rtjson has them, written anew. A fold is refused: what stands behind it would be
/// a header to one reader and a value to another.
fn extra(text: &str) -> Result<Box<[u8]>, DocumentError> {
    if text.is_empty() {
        return Ok(Box::default());
    }
    let mut out = String::with_capacity(text.len() + 2);
    let lines = text.strip_suffix("\r\n").unwrap_or(text);
    for line in lines.split("\r\n") {
        let (name, value) = extra_line(line)?;
        out.extend([name, ": ", value, "\r\n"]);
    }
    Ok(out.into_bytes().into())
}

fn extra_line(line: &str) -> Result<(&str, &str), DocumentError> {
    if line.is_empty() {
        return refuse("an empty line would end the headers");
    }
    if line.starts_with([' ', '\t']) {
        return refuse("folded lines are not taken");
    }
    let Some((name, value)) = one_line(line)?.split_once(':') else {
        return refuse(format!("{} is not of the form Name: value", show(line)));
    };
    let name = changeable(name.trim_end_matches([' ', '\t']))?;
    Ok((name, value.trim()))
}

fn identity(identity: Option<&Identity>) -> Result<Option<IdentityPlan>, DocumentError> {
    let Some(identity) = identity else {
        return Ok(None);
    };
    let display = given(identity.display.as_ref())
        .map(display)
        .transpose()
        .at("display")?;
    let uri = given(identity.uri.as_ref())
        .map(uri::identity)
        .transpose()
        .at("uri")?;
    let uri = uri.map(|uri| uri.as_bytes().into());
    Ok((display.is_some() || uri.is_some()).then_some(IdentityPlan { display, uri }))
}

/// A display name as a quoted-string (RFC 3261 section 25.1). One that has its quotes already stays
/// as it is: for Kamailio's `uac` they are the application's to write.
fn display(name: &str) -> Result<Box<[u8]>, DocumentError> {
    if one_line(name)?
        .bytes()
        .any(|byte| byte.is_ascii_control() && byte != b'\t')
    {
        return refuse("a display name can't hold control characters");
    }
    if is_quoted(name) {
        return Ok(name.as_bytes().into());
    }
    let mut quoted = Vec::with_capacity(name.len() + 2);
    quoted.push(b'"');
    for byte in name.bytes() {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    Ok(quoted.into())
}

/// Whether it begins and ends with quotes and has no bare ones between.
fn is_quoted(text: &str) -> bool {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let Some(inner) = inner else { return false };
    let mut escaped = false;
    let is_bare = inner.bytes().any(|byte| {
        let literal = std::mem::take(&mut escaped);
        escaped = byte == b'\\' && !literal;
        byte == b'"' && !literal
    });
    !is_bare && !escaped
}

/// Names that a proxy may change, add or take away at the application's wish (RFC 3261 section 16.6).
fn changeable(name: &str) -> Result<&str, DocumentError> {
    let reason = match full_name(token(name)?).to_ascii_lowercase().as_str() {
        "from" | "to" => "use `from` and `to` of `headers`",
        "route" => "use `path`",
        "record-route" => "use `record_route`",
        "via" | "call-id" | "cseq" | "max-forwards" | "max-breadth" => {
            "the proxy needs it for itself"
        }
        "contact" | "mime-version" => "it belongs to the caller",
        lower if lower.starts_with("content-") => "a proxy leaves the body alone",
        _ => return Ok(name),
    };
    refuse(format!("{} can't be changed: {reason}", show(name)))
}

/// Names that may stand in a response beside those that the proxy writes itself.
fn addable_to_reply(name: &str) -> Result<&str, DocumentError> {
    let reason = match full_name(token(name)?).to_ascii_lowercase().as_str() {
        "via" | "from" | "to" | "call-id" | "cseq" | "content-length" => "the proxy writes it",
        "content-type" => "use `content_type`",
        "record-route" | "route" | "max-forwards" | "max-breadth" => {
            "it has no place in this response"
        }
        _ => return Ok(name),
    };
    refuse(format!("{} can't be added: {reason}", show(name)))
}

fn token(name: &str) -> Result<&str, DocumentError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return refuse(format!("{} is no header name", show(name)));
    }
    Ok(name)
}

fn is_same_name(a: &str, b: &str) -> bool {
    full_name(a).eq_ignore_ascii_case(full_name(b))
}

/// The long form of a compact name, as registered with IANA.
fn full_name(name: &str) -> &str {
    let &[letter] = name.as_bytes() else {
        return name;
    };
    match letter.to_ascii_lowercase() {
        b'a' => "accept-contact",
        b'b' => "referred-by",
        b'c' => "content-type",
        b'd' => "request-disposition",
        b'e' => "content-encoding",
        b'f' => "from",
        b'i' => "call-id",
        b'j' => "reject-contact",
        b'k' => "supported",
        b'l' => "content-length",
        b'm' => "contact",
        b'n' => "identity-info",
        b'o' => "event",
        b'r' => "refer-to",
        b's' => "subject",
        b't' => "to",
        b'u' => "allow-events",
        b'v' => "via",
        b'x' => "session-expires",
        b'y' => "identity",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_names_are_found_in_any_case_and_form() {
        for name in [
            "Via", "v", "V", "CALL-ID", "i", "f", "To", "t", "m", "Contact", "CSeq", "l",
        ] {
            assert!(changeable(name).is_err(), "{name}");
        }
        for name in [
            "Route",
            "record-route",
            "Max-Forwards",
            "Max-Breadth",
            "c",
            "e",
            "Content-X",
        ] {
            assert!(changeable(name).is_err(), "{name}");
        }
        for name in [
            "P-Asserted-Identity",
            "Subject",
            "s",
            "X",
            "Reason",
            "Privacy",
        ] {
            assert_eq!(changeable(name), Ok(name));
        }
    }

    #[test]
    fn a_response_may_offer_contacts_but_not_a_via() {
        assert!(addable_to_reply("Contact").is_ok());
        assert!(addable_to_reply("Content-Disposition").is_ok());
        for name in [
            "v",
            "To",
            "Content-Type",
            "c",
            "Content-Length",
            "Record-Route",
        ] {
            assert!(addable_to_reply(name).is_err(), "{name}");
        }
    }

    #[test]
    fn names_are_tokens() {
        for name in ["", "X A", "X:", "X\r\n", "Ünï", "X-A:b"] {
            assert!(
                changeable(name)
                    .unwrap_err()
                    .reason
                    .contains("no header name"),
                "{name:?}"
            );
        }
    }

    #[test]
    fn extra_lines_are_written_anew() {
        let lines = extra("X-A:1\r\nX-B \t:  2 : 3 \r\nX-C:").unwrap();
        assert_eq!(&*lines, b"X-A: 1\r\nX-B: 2 : 3\r\nX-C: \r\n");
        assert_eq!(&*extra("").unwrap(), b"");
    }

    #[test]
    fn extra_can_not_smuggle_anything() {
        for text in [
            "X: 1\r\n\r\nbody",
            "X: 1\r\n\r\n",
            "\r\n",
            "\r\nX: 1",
            "X: 1\r\n Via: x\r\n",
            "\tX: 1",
            "X: 1\nVia: x\r\n",
            "X: 1\rVia: x\r\n",
            "X: 1\0\r\n",
            "X: 1\r\nVia: x\r\n",
            "X: 1\r\nv: x\r\n",
            "X: 1\r\nL : 5\r\n",
            "X\r\n",
            ": 1\r\n",
        ] {
            assert!(extra(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn display_names_are_quoted_once() {
        for (given, written) in [
            ("Alice", "\"Alice\""),
            ("Ali\"ce\\", "\"Ali\\\"ce\\\\\""),
            ("\"Alice\"", "\"Alice\""),
            ("\"A\\\"B\"", "\"A\\\"B\""),
            ("\"", "\"\\\"\""),
            ("\"A\\\\\"", "\"A\\\\\""),
            ("\"A\" <sip:x> \"", "\"\\\"A\\\" <sip:x> \\\"\""),
            ("\"A\\\"", "\"\\\"A\\\\\\\"\""),
            ("Ünï", "\"Ünï\""),
        ] {
            assert_eq!(display(given).as_deref(), Ok(written.as_bytes()), "{given}");
        }
        assert!(display("a\u{7}").is_err());
        assert!(display("a\r\n").is_err());
    }
}
