//! What makes two questions the same.

use std::io::Write;
use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_schemas::RouteEvent;
use tidegate_schemas::cache::CacheKeyPart;
use tidegate_schemas::event::Request;

use crate::dialect::uri::UriParts;

/// What earlier steps passed on.
pub(crate) type Attributes = Map<String, Value>;

/// The step of a chain in which a question is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Where<'a> {
    pub(crate) chain: &'a Arc<str>,
    pub(crate) step: usize,
    pub(crate) name: &'a Arc<str>,
    pub(crate) attributes: Option<&'a Attributes>,
}

/// Writes the key: every piece with its length in front, so that no two sequences of pieces look
/// alike. `parts` are in order.
pub(super) fn write(
    at: &Where<'_>,
    parts: &[CacheKeyPart],
    event: &RouteEvent<'_>,
    out: &mut Vec<u8>,
) {
    out.clear();
    piece(out, at.chain);
    piece(out, at.name);
    number(out, at.step);
    attributes(out, at.attributes);
    number(out, parts.len());
    for part in parts {
        name(out, part);
        value(out, part, event);
    }
}

fn name(out: &mut Vec<u8>, part: &CacheKeyPart) {
    with_length(out, |out| {
        let _ = write!(out, "{part}");
    });
}

fn value(out: &mut Vec<u8>, part: &CacheKeyPart, event: &RouteEvent<'_>) {
    let request = &event.request;
    match part {
        CacheKeyPart::Method => piece(out, &request.method),
        CacheKeyPart::Uri => piece(out, &request.uri),
        CacheKeyPart::UriUser => piece(out, UriParts::of(&request.uri).user),
        CacheKeyPart::UriHost => piece(out, UriParts::of(&request.uri).host),
        CacheKeyPart::From => piece(out, &request.from.uri),
        CacheKeyPart::FromUser => piece(out, UriParts::of(&request.from.uri).user),
        CacheKeyPart::To => piece(out, &request.to.uri),
        CacheKeyPart::ToUser => piece(out, UriParts::of(&request.to.uri).user),
        CacheKeyPart::SourceIp => with_length(out, |out| {
            let _ = write!(out, "{}", event.source.ip);
        }),
        CacheKeyPart::Listener => piece(out, &event.source.listener),
        CacheKeyPart::Header(name) => header(out, name, request),
    }
}

/// All values of a header, in the order of the message, with their number behind them.
fn header(out: &mut Vec<u8>, name: &str, request: &Request<'_>) {
    let wanted = long(name);
    let is_it = |name: &str| long(name).eq_ignore_ascii_case(wanted);
    let mut values = 0;
    for (_, value) in request.headers.iter().filter(|(name, _)| is_it(name)) {
        piece(out, value);
        values += 1;
    }
    number(out, values);
}

/// The same attributes are written the same way: their map is sorted.
fn attributes(out: &mut Vec<u8>, attributes: Option<&Attributes>) {
    with_length(out, |out| {
        if let Some(attributes) = attributes.filter(|attributes| !attributes.is_empty()) {
            let written = serde_json::to_writer(out, attributes);
            debug_assert!(written.is_ok(), "{written:?}");
        }
    });
}

fn piece(out: &mut Vec<u8>, text: &str) {
    number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn with_length(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    number(out, 0);
    let text = out.len();
    write(out);
    let length = (out.len() - text) as u64;
    if let Some(place) = out.get_mut(begin..text) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

fn number(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&(number as u64).to_be_bytes());
}

/// The compact forms that IANA knows.
const COMPACT: [(&str, &str); 20] = [
    ("a", "accept-contact"),
    ("b", "referred-by"),
    ("c", "content-type"),
    ("d", "request-disposition"),
    ("e", "content-encoding"),
    ("f", "from"),
    ("i", "call-id"),
    ("j", "reject-contact"),
    ("k", "supported"),
    ("l", "content-length"),
    ("m", "contact"),
    ("n", "identity-info"),
    ("o", "event"),
    ("r", "refer-to"),
    ("s", "subject"),
    ("t", "to"),
    ("u", "allow-events"),
    ("v", "via"),
    ("x", "session-expires"),
    ("y", "identity"),
];

/// The name of a header that may have been given in its compact form (RFC 3261 section 7.3.3).
fn long(name: &str) -> &str {
    if name.len() != 1 {
        return name;
    }
    let known = COMPACT
        .iter()
        .find(|(compact, _)| name.eq_ignore_ascii_case(compact));
    known.map_or(name, |(_, long)| long)
}
