//! Messages that the proxy sent, with expectations on them.

use bytes::Bytes;
use tidegate_engine::{Hop, Time};
use tidegate_sip::{Limits, Message, Method, Name, View, check_request, check_response};

use super::draft::Draft;

/// A message on its way from the proxy to `hop`.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Time,
    pub(crate) hop: Hop,
    pub(crate) bytes: Bytes,
    message: Message,
}

impl Seen {
    /// Whatever the proxy sends is well-formed, but for what it copies into the refusal of something
    /// that was not.
    pub(crate) fn new(at: Time, hop: Hop, bytes: Bytes) -> Self {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let message = Message::parse(bytes.clone(), &Limits::default());
        let message = message.unwrap_or_else(|error| panic!("sent {error}:\n{text}"));
        let view = message.view();
        let check = if view.is_request() {
            check_request(view)
        } else {
            check_response(view)
        };
        let refuses = matches!(view.status(), 400 | 501 | 505);
        assert!(refuses || check.is_ok(), "sent with {check:?}:\n{text}");
        assert_eq!(view.bytes().len(), bytes.len(), "sent with a tail:\n{text}");
        Self {
            at,
            hop,
            bytes,
            message,
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        self.message.view()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// First line and destination, for messages of failed tests.
    pub(crate) fn summary(&self) -> String {
        let line = self.text().lines().next().unwrap_or_default().to_owned();
        let (at, hop) = (self.at.0, self.hop);
        format!("{at} ms: {line} to {} {}", hop.transport.name(), hop.addr)
    }

    /// Expects a request with this method.
    pub(crate) fn request(self, method: &str) -> Self {
        assert_eq!(text(self.view().method_raw()), method, "{}", self.text());
        self
    }

    /// Expects a response with this status.
    pub(crate) fn response(self, status: u16) -> Self {
        assert_eq!(self.view().status(), status, "{}", self.text());
        self
    }

    /// Expects this Request-URI.
    pub(crate) fn uri(self, uri: &str) -> Self {
        assert_eq!(text(self.view().request_uri()), uri, "{}", self.text());
        self
    }

    /// Expects the header once, with this value.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.headers(name, &[value])
    }

    /// Expects these lines of the header, in this order.
    pub(crate) fn headers(self, name: &str, values: &[&str]) -> Self {
        assert_eq!(self.all(name), values, "{name} of\n{}", self.text());
        self
    }

    /// Expects no such header.
    pub(crate) fn lacks(self, name: &str) -> Self {
        self.headers(name, &[])
    }

    /// Expects this body.
    pub(crate) fn body(self, body: &[u8]) -> Self {
        assert_eq!(self.view().body(), body, "{}", self.text());
        self
    }

    /// Expects it to have been sent at this time, at most a tick of the timers late.
    pub(crate) fn sent_at(self, ms: u64) -> Self {
        let due = ms..=ms + 10;
        assert!(due.contains(&self.at.0), "{ms} ms: {}", self.summary());
        self
    }

    /// Expects the same bytes as another message.
    pub(crate) fn same_as(self, other: &Self) -> Self {
        assert_eq!(self.text(), other.text());
        assert_eq!(self.hop, other.hop, "{}", self.text());
        self
    }

    /// All values of a header, one for each line.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let fields = self.view().fields_named(name);
        fields.map(|field| text(field.value)).collect()
    }

    /// The value of a header that has to be there.
    pub(crate) fn get(&self, name: &str) -> String {
        let values = self.all(name);
        values
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no {name} in\n{}", self.text()))
    }

    /// All Via values across lines and commas.
    pub(crate) fn vias(&self) -> Vec<String> {
        let view = self.view();
        let vias = view.vias().map(|via| via.unwrap().span.of(view.bytes()));
        vias.map(text).collect()
    }

    /// All Route values across lines and commas.
    pub(crate) fn routes(&self) -> Vec<String> {
        let view = self.view();
        let routes = view.routes().map(|route| route.unwrap().span);
        routes.map(|span| text(span.of(view.bytes()))).collect()
    }

    /// All Record-Route values across lines and commas.
    pub(crate) fn record_routes(&self) -> Vec<String> {
        let view = self.view();
        let routes = view.record_routes().map(|route| route.unwrap().span);
        routes.map(|span| text(span.of(view.bytes()))).collect()
    }

    /// The branch of the top Via.
    pub(crate) fn branch(&self) -> String {
        let via = self.view().top_via().unwrap();
        text(via.branch().unwrap_or_default())
    }

    pub(crate) fn to_tag(&self) -> Option<String> {
        self.view().to().unwrap().tag().map(text)
    }

    /// The URI of the first Contact.
    pub(crate) fn contact(&self) -> String {
        text(self.view().contacts().next().unwrap().unwrap().uri)
    }

    /// A response to this request, as its receiver makes it: with a To tag of its own beyond 100.
    pub(crate) fn reply(&self, status: u16) -> Draft {
        let view = self.view();
        let phrase = tidegate_sip::build::standard_reason(status);
        let mut draft = Draft::new(format!("SIP/2.0 {status} {phrase}"));
        for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq] {
            for field in view.fields(name) {
                draft = draft.with(&text(field.raw_name), text(field.value));
            }
        }
        if view.method() == Method::Invite && (101..300).contains(&status) {
            for field in view.fields(Name::RecordRoute) {
                draft = draft.with("Record-Route", text(field.value));
            }
            draft = draft.with("Contact", format!("<sip:{}>", self.hop.addr));
        }
        if status == 100 || self.to_tag().is_some() {
            return draft;
        }
        draft.with_to_tag(&format!("at-{}", self.hop.addr.ip()).replace([':', '.'], "-"))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
