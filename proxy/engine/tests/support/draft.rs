//! Messages in the making.

use super::seen::Seen;

/// A message that a peer sends. Its parts are written as they are given, so that it can be wrong.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Content-Length is written with the length of the body.
    counts: bool,
}

impl Draft {
    pub(crate) fn new(start: impl Into<String>) -> Self {
        Self {
            start: start.into(),
            headers: Vec::new(),
            body: Vec::new(),
            counts: true,
        }
    }

    /// Adds a header behind those that are there.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.counts &= !name.eq_ignore_ascii_case("Content-Length");
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Gives a header this value alone, in its place.
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        let Some(at) = self.place(name) else {
            return self.with(name, value);
        };
        let mut index = 0;
        self.headers.retain(|(other, _)| {
            index += 1;
            index - 1 == at || !other.eq_ignore_ascii_case(name)
        });
        self.headers[at].1 = value.into();
        self
    }

    /// Puts a header above all others.
    pub(crate) fn on_top(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(0, (name.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.counts &= !name.eq_ignore_ascii_case("Content-Length");
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn starting(mut self, start: impl Into<String>) -> Self {
        self.start = start.into();
        self
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.set("Content-Type", media_type)
    }

    /// With this tag in To.
    pub(crate) fn with_to_tag(self, tag: &str) -> Self {
        let to = self.get("To");
        let bare = to.split(";tag=").next().unwrap_or_default();
        let tagged = format!("{bare};tag={tag}");
        self.set("To", tagged)
    }

    /// The value of a header that has to be there.
    pub(crate) fn get(&self, name: &str) -> &str {
        let place = self.place(name);
        place.map_or_else(|| panic!("no {name} in {self:?}"), |at| &self.headers[at].1)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if self.counts {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        let mut bytes = (text + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The ACK for a failure response to this INVITE (RFC 3261 section 17.1.1.3).
    pub(crate) fn ack(&self, response: &Seen) -> Self {
        self.sibling("ACK").set("To", response.get("To"))
    }

    /// The CANCEL of this request (RFC 3261 section 9.1).
    pub(crate) fn cancel(&self) -> Self {
        self.sibling("CANCEL")
    }

    /// A request of the same transaction.
    fn sibling(&self, method: &str) -> Self {
        let line = self.start.split_once(' ').map_or("", |(_, rest)| rest);
        let mut draft = Self::new(format!("{method} {line}"));
        for name in ["Via", "Max-Forwards", "Route", "From", "To", "Call-ID"] {
            let values = self.headers.iter().filter(|(other, _)| other == name);
            draft.headers.extend(values.cloned());
        }
        let number = self.get("CSeq").split(' ').next().unwrap_or_default();
        draft.with("CSeq", format!("{number} {method}"))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.headers
            .iter()
            .position(|(other, _)| other.eq_ignore_ascii_case(name))
    }
}
