//! A SIP message as the demo's endpoints see it.

use bytes::Bytes;
use tidegate_sip::{Limits, Method, ParseError, View};

use super::style::Tone;

#[derive(Debug, Clone)]
pub(super) struct Message(tidegate_sip::Message);

impl Message {
    pub(super) fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        tidegate_sip::Message::parse(bytes, &Limits::default()).map(Self)
    }

    pub(super) fn view(&self) -> View<'_> {
        self.0.view()
    }

    /// Whether this is a request with this method.
    pub(super) fn is_request(&self, method: Method) -> bool {
        self.view().is_request() && self.view().method() == method
    }

    /// Whether this is a response with this status to a request with this method.
    pub(super) fn is_response(&self, status: u16, method: Method) -> bool {
        self.view().status() == status && self.answers(method)
    }

    pub(super) fn uri(&self) -> String {
        text(self.view().request_uri())
    }

    /// The value of the first field of this name.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let field = self.view().fields_named(name).next();
        field.map(|field| text(field.value))
    }

    /// Whether the first field of this name has just this value.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.header(name).is_some_and(|found| found == value)
    }

    /// The values of all Record-Routes, topmost first.
    pub(super) fn record_routes(&self) -> Vec<String> {
        let routes = self.view().record_routes().flatten();
        routes
            .map(|route| text(route.span.of(self.view().bytes())))
            .collect()
    }

    /// The URI in the first Contact.
    pub(super) fn contact(&self) -> Option<String> {
        let contact = self.view().contacts().next()?.ok()?;
        Some(text(contact.uri))
    }

    /// The branch of the top Via.
    pub(super) fn branch(&self) -> Option<String> {
        self.view().top_via().ok()?.branch().map(text)
    }

    pub(super) fn text(&self) -> String {
        text(self.view().bytes())
    }

    /// What stands on its arrow. A response says what it answers where that is no INVITE.
    pub(super) fn label(&self) -> String {
        let view = self.view();
        if view.is_request() {
            return text(view.method_raw());
        }
        let line = format!("{} {}", view.status(), text(view.reason()));
        match view.cseq() {
            Ok(cseq) if cseq.method != b"INVITE" => format!("{line} ({})", text(cseq.method)),
            _ => line,
        }
    }

    pub(super) fn tone(&self) -> Tone {
        match self.view().status() {
            0 => Tone::Request,
            1..200 => Tone::Provisional,
            200..300 => Tone::Success,
            _ => Tone::Failure,
        }
    }

    fn answers(&self, method: Method) -> bool {
        let cseq = self.view().cseq();
        cseq.is_ok_and(|cseq| Method::from_bytes(cseq.method) == method)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
