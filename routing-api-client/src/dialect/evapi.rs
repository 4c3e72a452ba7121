//! Kamailio's evapi: events from a template, answers with the transaction's two numbers in them.

use std::borrow::Cow;

use serde_json::value::RawValue;
use tidegate_schemas::document::DocumentError;
use tidegate_schemas::frame::{Framing, encode_with};
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent, lenient};

use super::pick::pick;
use super::template::Template;

/// What the applications of one listener speak.
///
/// Where Kamailio sends every event to every client, each question goes to one application, and to
/// the next when that one fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvapiDialect {
    /// The event. `$T(id_index)` and `$T(id_label)` have to be in it for an answer to be possible.
    pub template: Template,
    /// Where the index stands in an answer.
    pub index_path: Path,
    /// Where the label stands in an answer.
    pub label_path: Path,
    /// Where the route document stands in an answer; empty when the answer itself is the document.
    pub document_path: Path,
    /// How messages are told apart; evapi knows netstrings.
    pub framing: Framing,
}

/// The way to a value through nested objects: `xtra.tindex`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(Vec<String>);

impl From<&str> for Path {
    fn from(text: &str) -> Self {
        let keys = text.split('.').filter(|key| !key.is_empty());
        Self(keys.map(str::to_owned).collect())
    }
}

/// The event of the `kamailio` preset.
const KAMAILIO: &str = r#"{"event":"sip-routing","tindex":$T(id_index),"tlabel":$T(id_label),"caller":"$fU","callee":"$rU","ruri":"$ru","srcip":"$si","srcport":"$sp","callid":"$ci"}"#;

/// An answer, as far as it could be understood.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) index: u32,
    pub(crate) label: u32,
    pub(crate) document: Result<RouteDocument, DocumentError>,
}

impl EvapiDialect {
    /// What the well-known example of asynchronous routing speaks: ids at `tindex` and `tlabel`, the
    /// document at `xdata`.
    #[must_use]
    pub fn kamailio() -> Self {
        Self {
            template: KAMAILIO.parse().unwrap_or_default(),
            index_path: "tindex".into(),
            label_path: "tlabel".into(),
            document_path: "xdata".into(),
            framing: Framing::Netstring,
        }
    }

    pub(crate) fn question(
        &self,
        framing: Framing,
        id: ConsultationId,
        event: &RouteEvent<'_>,
        out: &mut Vec<u8>,
    ) {
        encode_with(framing, out, |out| self.template.render(id, event, out));
    }

    /// Reads an answer. Nothing when it says not which question it answers.
    pub(crate) fn answer(&self, json: &[u8]) -> Option<Answer> {
        let paths = [&self.index_path, &self.label_path, &self.document_path];
        let [index, label, document] = follow(json, paths).ok()?;
        Some(Answer {
            index: number(index?)?,
            label: number(label?)?,
            document: match document {
                _ if self.document_path.0.is_empty() => lenient::document_from_json(json),
                Some(document) => read_document(document),
                None => Err(self.no_document()),
            },
        })
    }

    /// Reads an answer to a question that is known.
    pub(crate) fn document(&self, json: &[u8]) -> Result<RouteDocument, DocumentError> {
        let none = Path::default();
        let found = follow(json, [&none, &none, &self.document_path]);
        let [_, _, document] = found.map_err(|error| DocumentError::new("", error.to_string()))?;
        match document {
            _ if self.document_path.0.is_empty() => lenient::document_from_json(json),
            Some(document) => read_document(document),
            None => Err(self.no_document()),
        }
    }

    fn no_document(&self) -> DocumentError {
        let pointer = self.document_path.0.iter().map(|key| format!("/{key}"));
        DocumentError::new(pointer.collect::<String>(), "there is no route document")
    }
}

/// Values at three places; in one pass where they have but one key.
fn follow<'a>(
    json: &'a [u8],
    paths: [&Path; 3],
) -> Result<[Option<&'a RawValue>; 3], serde_json::Error> {
    let first = paths.map(|path| path.0.first().map_or("", String::as_str));
    let mut found = pick(json, first)?;
    for (value, path) in found.iter_mut().zip(paths) {
        for key in path.0.iter().skip(1) {
            *value = value.and_then(|v| {
                let [inner] = pick(v.get().as_bytes(), [key.as_str()]).ok()?;
                inner
            });
        }
    }
    Ok(found)
}

/// 32 bits, as a JSON number or in a string.
fn number(value: &RawValue) -> Option<u32> {
    let text = value.get();
    let text = text
        .strip_prefix('"')
        .map_or(Some(text), |t| t.strip_suffix('"'))?;
    text.trim().parse().ok()
}

/// The document, which may be wrapped in a string.
fn read_document(value: &RawValue) -> Result<RouteDocument, DocumentError> {
    let text = value.get();
    if !text.starts_with('"') {
        return lenient::document_from_json(text.as_bytes());
    }
    let inner: Cow<'_, str> =
        serde_json::from_str(text).map_err(|error| DocumentError::new("", error.to_string()))?;
    lenient::document_from_json(inner.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn with_paths(index: &str, label: &str, document: &str) -> EvapiDialect {
        EvapiDialect {
            index_path: index.into(),
            label_path: label.into(),
            document_path: document.into(),
            ..EvapiDialect::kamailio()
        }
    }

    #[track_caller]
    fn reads(dialect: &EvapiDialect, json: &str) {
        let answer = dialect.answer(json.as_bytes()).unwrap();
        assert_eq!((answer.index, answer.label), (7, 4_294_967_295), "{json}");
        let document = answer.document.unwrap();
        assert_eq!(document.routes.len(), 1, "{json}");
    }

    const ROUTES: &str = r#""routing":"serial","routes":[{"uri":"sip:b@example.com"}]"#;

    #[test]
    fn the_preset_asks_as_kamailio_does() {
        let mut out = Vec::new();
        let dialect = EvapiDialect::kamailio();
        dialect.question(dialect.framing, samples::id(7), &samples::event(), &mut out);
        let expected = r#"{"event":"sip-routing","tindex":7,"tlabel":7,"caller":"101","callee":"102","ruri":"sip:102@example.com:5080;transport=tcp","srcip":"192.0.2.9","srcport":"5071","callid":"a84b4c76e66710"}"#;
        let framed = format!("{}:{expected},", expected.len());
        assert_eq!(String::from_utf8(out).unwrap(), framed);
    }

    #[test]
    fn ids_and_document_may_stand_anywhere() {
        let kamailio = EvapiDialect::kamailio();
        let ids = r#""tindex":7,"tlabel":4294967295"#;
        reads(&kamailio, &format!(r#"{{{ids},"xdata":{{{ROUTES}}}}}"#));
        let wrapped = serde_json::to_string(&format!("{{{ROUTES}}}")).unwrap();
        reads(&kamailio, &format!(r#"{{{ids},"xdata":{wrapped}}}"#));

        let itself = with_paths("xtra.tindex", "xtra.tlabel", "");
        reads(&itself, &format!(r#"{{"xtra":{{{ids}}},{ROUTES}}}"#));

        let cgrates = with_paths("TransactionIndex", "TransactionLabel", "rtjson");
        let ids = r#""TransactionIndex":"7","TransactionLabel":"4294967295""#;
        reads(&cgrates, &format!(r#"{{{ids},"rtjson":{{{ROUTES}}}}}"#));

        let deep = with_paths("tm_trans.tm_index", "tm_trans.tm_label", "a.b");
        let ids = r#""tm_trans":{"tm_index":7,"tm_label":"4294967295"}"#;
        reads(&deep, &format!(r#"{{{ids},"a":{{"b":{{{ROUTES}}}}}}}"#));
    }

    #[test]
    fn an_answer_without_usable_ids_is_none() {
        let dialect = EvapiDialect::kamailio();
        for wrong in [
            "{}",
            "x",
            r#"{"tindex":7}"#,
            r#"{"tindex":7,"tlabel":4294967296}"#,
            r#"{"tindex":-1,"tlabel":1}"#,
            r#"{"tindex":{},"tlabel":1}"#,
            r#"{"tindex":"","tlabel":1}"#,
        ] {
            assert!(dialect.answer(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_without_a_document_says_so() {
        let dialect = with_paths("tindex", "tlabel", "a.b");
        let answer = dialect
            .answer(br#"{"tindex":7,"tlabel":1,"a":{}}"#)
            .unwrap();
        let error = answer.document.unwrap_err();
        assert_eq!(error.to_string(), "/a/b: there is no route document");
    }
}
