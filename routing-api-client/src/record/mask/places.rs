//! Where in a record headers and numbers stand.

use memchr::{memchr2_iter, memmem};

use super::How;

/// Headers that hold secrets (RFC 3261 sections 20.7 and 20.28).
pub const CREDENTIALS: [&str; 2] = ["Authorization", "Proxy-Authorization"];

/// Where a header stands: in the request, and where a document sets or adds one.
const HEADERS: [&str; 5] = [
    "/event/request/headers",
    "/document/routes/*/headers/set",
    "/document/routes/*/headers/append",
    "/document/routes/*/headers/extra",
    "/document/reply/headers",
];

/// Headers that say who calls or is called.
const NUMBER_HEADERS: [&str; 18] = [
    "From",
    "To",
    "Contact",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "P-Called-Party-ID",
    "P-Associated-URI",
    "P-Served-User",
    "Remote-Party-ID",
    "Diversion",
    "History-Info",
    "Refer-To",
    "Referred-By",
    "Reply-To",
    "Route",
    "Record-Route",
    "Path",
    "Identity",
];

/// Everything else that may hold the number of somebody.
const NUMBERS: [&str; 28] = [
    "/event/request/uri",
    "/event/request/from/uri",
    "/event/request/from/display",
    "/event/request/to/uri",
    "/event/request/to/display",
    "/event/request/contact",
    "/event/request/body",
    "/event/attempts/*/target",
    "/event/attempts/*/contacts/*/uri",
    "/event/context",
    "/event/attributes",
    "/document/routes/*/uri",
    "/document/routes/*/dst_uri",
    "/document/routes/*/path",
    "/document/routes/*/headers/from/uri",
    "/document/routes/*/headers/from/display",
    "/document/routes/*/headers/to/uri",
    "/document/routes/*/headers/to/display",
    "/document/contacts/*/uri",
    "/document/reply/reason",
    "/document/reply/body",
    "/document/context",
    "/document/tags",
    "/document/attributes",
    "/attempts/*/detail",
    "/outcome/target",
    "/event/attempts/*/reason",
    "/event/request/headers/Subject",
];

/// Where documents set headers of any name. To blank digits there does no harm; to take away the
/// whole would.
const ANY_HEADER: [&str; 4] = [
    "/document/routes/*/headers/set/*",
    "/document/routes/*/headers/append/*/1",
    "/document/routes/*/headers/extra",
    "/document/reply/headers/*/1",
];

/// The pointers at all values of a header.
#[must_use]
pub fn header_places(name: &str) -> Vec<String> {
    let name = name.replace('~', "~0").replace('/', "~1");
    HEADERS.iter().map(|at| format!("{at}/{name}")).collect()
}

/// The pointers at all places where the number of a caller or callee stands.
#[must_use]
pub fn number_places(how: How) -> Vec<String> {
    let named = NUMBER_HEADERS.into_iter().flat_map(header_places);
    let any: &[&str] = match how {
        How::Digits(_) => &ANY_HEADER,
        How::Hash | How::Redact | How::Remove => &[],
    };
    let places = NUMBERS.iter().chain(any).map(|&place| place.to_owned());
    places.chain(named).collect()
}

/// Whether `line` may hold credentials: looks for the name of their headers, by its rarest letter.
/// An escape may stand for any letter of it.
pub(super) fn has_credentials(line: &[u8]) -> bool {
    let named = memchr2_iter(b'z', b'Z', line).any(|at| {
        let word = at.checked_sub(7).and_then(|from| line.get(from..from + 13));
        word.is_some_and(|word| word.eq_ignore_ascii_case(b"authorization"))
    });
    named || memmem::find(line, br"\u").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_seen_in_any_case() {
        assert!(has_credentials(br#"["AUTHORIZATION","x"]"#));
        assert!(has_credentials(br#"["Proxy-Authorization","x"]"#));
        assert!(!has_credentials(
            br#"["Via","SIP/2.0/UDP a;branch=z9hG4bKz"]"#
        ));
        assert!(!has_credentials(b"z"));
        assert!(has_credentials(br#"["\u0041uthorization","x"]"#));
        assert!(!has_credentials(br#"{"body":"v=0\r\n"}"#));
    }
}
