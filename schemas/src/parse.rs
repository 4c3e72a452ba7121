//! Strict reading: what is wrong is refused with a JSON Pointer to it.
//!
//! A valid text is read once and without bookkeeping. Only one that was refused is read again, to
//! find out where it is wrong.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::de::Object;
use crate::document::RouteDocument;
use crate::error::{DocumentError, push_token};
use crate::loose::Loose;
use crate::message::{FromApplication, Inbound};
use crate::route;

impl RouteDocument {
    /// Reads a route document.
    ///
    /// # Errors
    /// The first value that has the wrong type or form. Whether its URIs, sockets and headers are
    /// of use is for the proxy to say.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        from_slice(json)
    }
}

/// Reads an object of type `T`.
pub(crate) fn from_slice<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, DocumentError> {
    from_slice_any(json).map(|Object(value)| value)
}

/// Reads any value of type `T`.
pub(crate) fn from_slice_any<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, DocumentError> {
    serde_json::from_slice(json).map_err(|error| {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        locate::<T, _>(&mut deserializer, &error, || {
            serde_json::from_slice(json).ok()
        })
    })
}

/// Reads a document out of a value that is in order.
pub(crate) fn from_loose<'a>(loose: &'a Loose<'a>) -> Result<RouteDocument, DocumentError> {
    match Object::deserialize(loose) {
        Ok(Object(document)) => Ok(document),
        Err(error) => Err(locate::<Object<RouteDocument>, _>(loose, &error, || {
            Value::deserialize(loose).ok()
        })),
    }
}

/// Finds where the text is wrong for which `seen` was the reason.
#[cold]
fn locate<'a, T, D>(
    deserializer: D,
    seen: &serde_json::Error,
    value: impl FnOnce() -> Option<Value>,
) -> DocumentError
where
    T: Deserialize<'a>,
    D: Deserializer<'a, Error = serde_json::Error>,
{
    match serde_path_to_error::deserialize::<_, T>(deserializer) {
        Ok(_) => DocumentError::new("", seen.to_string()),
        Err(error) => refine(DocumentError::from_json(&error), value),
    }
}

/// Points to the key itself where a route has a key of the other kind.
fn refine(error: DocumentError, value: impl FnOnce() -> Option<Value>) -> DocumentError {
    if !in_routes(&error.pointer) {
        return error;
    }
    let value = value().unwrap_or_default();
    match value.pointer(&error.pointer).and_then(route::misplaced_key) {
        Some(key) => {
            let mut pointer = error.pointer.into_owned();
            push_token(&mut pointer, key);
            DocumentError::new(pointer, error.reason)
        }
        None => error,
    }
}

/// Whether a pointer ends in `/routes/<index>`.
fn in_routes(pointer: &str) -> bool {
    let mut tokens = pointer.rsplit('/');
    let last_is_index = tokens
        .next()
        .is_some_and(|token| token.parse::<usize>().is_ok());
    last_is_index && tokens.next() == Some("routes")
}

/// The only key that tells messages from documents.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

pub(crate) fn inbound(json: &[u8]) -> Result<Inbound<'_>, DocumentError> {
    if may_have_type(json)
        && let Some(kind) = from_slice::<Envelope<'_>>(json)?.kind
    {
        return message(&kind, json).map(Inbound::Message);
    }
    from_slice(json).map(|document| Inbound::Document(Box::new(document)))
}

/// Rules out a key `type` by looking for its letters; they could be escaped.
fn may_have_type(json: &[u8]) -> bool {
    static TYPE: LazyLock<memmem::Finder<'static>> =
        LazyLock::new(|| memmem::Finder::new(b"\"type\""));
    let is_unicode_escape = |at: usize| json.get(at + 1) == Some(&b'u');
    TYPE.find(json).is_some() || memchr::memchr_iter(b'\\', json).any(is_unicode_escape)
}

fn message<'a>(kind: &str, json: &'a [u8]) -> Result<FromApplication<'a>, DocumentError> {
    match kind {
        "ack" | "calls" => tagged(json),
        "drain" => Ok(FromApplication::Drain),
        "error" => from_slice(json).map(FromApplication::Error),
        "hello" => from_slice(json).map(FromApplication::Hello),
        "ping" => Ok(FromApplication::Ping),
        "pong" => Ok(FromApplication::Pong),
        "terminate" => from_slice(json).map(FromApplication::Terminate),
        other => Err(DocumentError::new(
            "/type",
            format!("unknown message type `{other}`; a route document has no `type`"),
        )),
    }
}

/// A message whose keys stand beside its type.
fn tagged(json: &[u8]) -> Result<FromApplication<'_>, DocumentError> {
    from_slice(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Headers, Route};

    fn refused(json: &str) -> DocumentError {
        RouteDocument::from_json(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_pointer_leads_to_the_first_wrong_value() {
        for (json, pointer) in [
            ("[]", ""),
            ("{\"routes\":3}", "/routes"),
            ("{\"routes\":[[]]}", "/routes/0"),
            (
                "{\"routes\":[{\"uri\":\"sip:a\"},{\"fr_timer\":\"x\"}]}",
                "/routes/1/fr_timer",
            ),
            (
                "{\"routes\":[{\"headers\":{\"set\":{\"A/~\":1}}}]}",
                "/routes/0/headers/set/A~1~0",
            ),
            (
                "{\"routes\":[{\"headers\":{\"append\":[[\"X\"]]}}]}",
                "/routes/0/headers/append/0",
            ),
            (
                "{\"on_exhausted\":{\"action\":\"beg\"}}",
                "/on_exhausted/action",
            ),
            ("{\"on_exhausted\":[]}", "/on_exhausted"),
            ("{\"continue_on\":[\"486\",\"2xx\"]}", "/continue_on/1"),
        ] {
            assert_eq!(refused(json).pointer, pointer, "{json}");
        }
    }

    #[test]
    fn errors_are_reported_inside_the_right_kind_of_route() {
        let in_group = refused(r#"{"routes":[{"routing":"any","routes":[]}]}"#);
        assert_eq!(in_group.pointer, "/routes/0/routing");
        assert!(in_group.reason.contains("`any`"), "{in_group}");
        let in_target = refused(r#"{"routes":[{"routes":[{"branch_flags":-1}]}]}"#);
        assert_eq!(in_target.pointer, "/routes/0/routes/0/branch_flags");
    }

    #[test]
    fn a_key_of_the_other_kind_is_refused_whatever_the_order() {
        for json in [
            r#"{"routes":[{"fr_timer":1,"routes":[]}]}"#,
            r#"{"routes":[{"routes":[],"fr_timer":1}]}"#,
        ] {
            assert_eq!(refused(json).pointer, "/routes/0/fr_timer");
        }
        assert_eq!(
            refused(r#"{"routes":[{"routing":"serial"}]}"#).pointer,
            "/routes/0/routing"
        );
    }

    #[test]
    fn null_is_absent() {
        let json = br#"{"routes":[{"uri":null,"routes":null,
            "headers":{"append":null,"set":null,"remove":null}}],"contacts":null,"reply":null}"#;
        let document = RouteDocument::from_json(json).unwrap();
        let Some(Route::Target(target)) = document.routes.first() else {
            panic!("no target: {document:?}");
        };
        assert_eq!(target.headers, Some(Headers::default()));
    }

    #[test]
    fn text_that_is_not_json_is_refused_with_its_place() {
        let error = refused("{\"routes\":[\n{\"uri\":}]}");
        assert!(error.reason.contains("line 2"), "{error}");
        assert!(refused("{} {}").reason.contains("trailing"));
    }

    #[test]
    fn headers_are_set_in_the_order_of_the_document() {
        let json = br#"{"routes":[{"headers":{"set":{"X-B":"1","X-A":"2"}}}]}"#;
        let document = RouteDocument::from_json(json).unwrap();
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(text.as_bytes(), json);
    }

    #[test]
    fn a_message_is_told_from_a_document_by_its_type() {
        let kind = |json: &'static str| inbound(json.as_bytes());
        assert_eq!(
            kind(r#"{"type":"ping"}"#),
            Ok(Inbound::Message(FromApplication::Ping))
        );
        assert_eq!(
            kind(r#"{"\u0074ype":"pong"}"#),
            Ok(Inbound::Message(FromApplication::Pong))
        );
        for document in [
            r#"{}"#,
            r#"{"context":"\"type\""}"#,
            r#"{"tags":{"type":"x"}}"#,
        ] {
            assert!(
                matches!(kind(document), Ok(Inbound::Document(_))),
                "{document}"
            );
        }
    }

    #[test]
    fn a_broken_message_is_refused_with_a_pointer() {
        for (json, pointer) in [
            (r#"["ping"]"#, ""),
            (r#"{"type":1}"#, "/type"),
            (r#"{"type":"route"}"#, "/type"),
            (
                r#"{"type":"hello","max_in_flight":"many"}"#,
                "/max_in_flight",
            ),
            (
                r#"{"type":"error","code":"busy","message":"","id":"7"}"#,
                "/id",
            ),
        ] {
            assert_eq!(
                inbound(json.as_bytes()).unwrap_err().pointer,
                pointer,
                "{json}"
            );
        }
    }
}
