//! Events as the agent reads them.
//!
//! It searches the bytes of an event for the names of all events that it knows, wherever they stand,
//! and does what each of those that it finds asks for. A caller whose number is `CGR_CALL_END` must
//! not be able to speak to it. So where `CGR_` stands in a value, its first letter is written as
//! `\u0043`: in JSON that is the same text (RFC 8259 section 7), to a search for bytes it is not.

use crate::dialect::escape;

/// What no value may contain in these bytes.
const PREFIX: &[u8] = b"CGR_";

/// An event that is being written. Its own name is the only one in its bytes.
#[derive(Debug)]
pub(super) struct Event {
    name: &'static str,
    fields: Fields,
}

impl Event {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            fields: Fields::default(),
        }
    }

    pub(super) fn number(&mut self, name: &str, value: impl Into<u64>) {
        self.fields.text(name, &value.into().to_string());
    }

    pub(super) fn field(&mut self, name: &str, value: &str) {
        self.fields.text(name, value);
    }

    /// What is to be done; nothing leaves it to the agent.
    pub(super) fn flags(&mut self, flags: &str) {
        self.fields.text("cgr_flags", flags);
    }

    /// Fields that are written already.
    pub(super) fn fields(&mut self, fields: &[u8]) {
        self.fields.bytes.extend_from_slice(fields);
    }

    pub(super) fn finish(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"event\":\"");
        out.extend_from_slice(self.name.as_bytes());
        out.push(b'"');
        out.extend_from_slice(&self.fields.bytes);
        out.push(b'}');
    }
}

/// Names and values, each pair with a comma before it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
}

impl Fields {
    /// Adds a field, unless its value is empty.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        let mut escaped = Vec::new();
        escape::push(value, &mut escaped);
        self.escaped(name, &escaped);
    }

    /// The same with a value that is escaped for the inside of a JSON string.
    pub(super) fn escaped(&mut self, name: &str, value: &[u8]) {
        if value.is_empty() {
            return;
        }
        let mut escaped = Vec::new();
        escape::push(name, &mut escaped);
        self.bytes.extend_from_slice(b",\"");
        defuse(&escaped, &mut self.bytes);
        self.bytes.extend_from_slice(b"\":\"");
        defuse(value, &mut self.bytes);
        self.bytes.push(b'"');
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Appends the inside of a JSON string so that no event's name is in its bytes.
pub(super) fn defuse(value: &[u8], out: &mut Vec<u8>) {
    let mut copied = 0;
    for at in memchr::memmem::find_iter(value, PREFIX) {
        out.extend_from_slice(value.get(copied..at).unwrap_or_default());
        out.extend_from_slice(b"\\u0043");
        copied = at + 1;
    }
    out.extend_from_slice(value.get(copied..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn written(fields: &[(&str, &str)]) -> (Vec<u8>, Value) {
        let mut event = Event::new("CGR_AUTH_REQUEST");
        for (name, value) in fields {
            event.field(name, value);
        }
        let mut out = Vec::new();
        event.finish(&mut out);
        let read = serde_json::from_slice(&out).unwrap();
        (out, read)
    }

    #[test]
    fn the_name_of_an_event_in_a_value_stays_text_and_is_not_in_the_bytes() {
        let hostile = r#"CGR_CALL_END\CGR_CGR_","event":"CGR_DLG_LIST"#;
        let (bytes, read) = written(&[("Account", hostile), ("CGR_X", "1")]);
        assert_eq!(read["Account"], hostile);
        assert_eq!(read["CGR_X"], "1");
        assert_eq!(memchr::memmem::find_iter(&bytes, "CGR_").count(), 1);
        assert_eq!(read.as_object().unwrap().len(), 3);
    }

    #[test]
    fn an_empty_value_is_left_out() {
        assert_eq!(
            written(&[("a", ""), ("b", "c")])
                .1
                .as_object()
                .unwrap()
                .len(),
            2
        );
    }

    proptest! {
        #[test]
        fn any_value_reads_back_as_it_was(value in "(.|CGR_|[\\x00-\\x1f\"\\\\u])+") {
            let (bytes, read) = written(&[("a", &value)]);
            prop_assert_eq!(read["a"].as_str(), Some(value.as_str()));
            prop_assert_eq!(memchr::memmem::find_iter(&bytes, "CGR_").count(), 1);
        }
    }
}
