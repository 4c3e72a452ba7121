//! Kamailio's variables, as far as an event can tell them.

use std::fmt::Write;

use tidegate_schemas::event::{Party, Request};
use tidegate_schemas::{ConsultationId, RouteEvent};

use super::escape::{self, Escaped};
use super::uri::{UriParts, split_port};

/// What a template may insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Variable {
    Body,
    CallId,
    Contact,
    Cseq,
    DestinationUri,
    From(Part),
    Header(Box<str>),
    IdIndex,
    IdLabel,
    Message,
    Method,
    ReceivedIp,
    ReceivedPort,
    RequestUri(UriPart),
    SourceIp,
    SourcePort,
    SourceTransport,
    To(Part),
    UserAgent,
}

/// A piece of From or To.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Display,
    Host,
    Tag,
    Uri,
    User,
}

/// A piece of the Request-URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UriPart {
    Host,
    Port,
    Scheme,
    Uri,
    User,
}

impl Variable {
    /// Finds a variable by its name without `$`. `argument` is what stood in parentheses.
    pub(crate) fn find(name: &str, argument: Option<&str>) -> Option<Self> {
        match argument {
            Some(argument) => Self::with_argument(name, argument),
            None => Self::plain(name),
        }
    }

    fn with_argument(name: &str, argument: &str) -> Option<Self> {
        match (name, argument) {
            ("T", "id_index" | "id_index_n") => Some(Self::IdIndex),
            ("T", "id_label" | "id_label_n") => Some(Self::IdLabel),
            ("hdr", name) if !name.is_empty() => Some(Self::Header(name.into())),
            _ => None,
        }
    }

    fn plain(name: &str) -> Option<Self> {
        Some(match name {
            "ci" => Self::CallId,
            "cs" => Self::Cseq,
            "ct" => Self::Contact,
            "du" => Self::DestinationUri,
            "fd" => Self::From(Part::Host),
            "fn" => Self::From(Part::Display),
            "ft" => Self::From(Part::Tag),
            "fu" => Self::From(Part::Uri),
            "fU" => Self::From(Part::User),
            "mb" => Self::Message,
            "pr" | "proto" => Self::SourceTransport,
            "rb" => Self::Body,
            "rd" | "od" => Self::RequestUri(UriPart::Host),
            "Ri" => Self::ReceivedIp,
            "rm" => Self::Method,
            "rp" | "op" => Self::RequestUri(UriPart::Port),
            "Rp" => Self::ReceivedPort,
            "ru" | "ou" => Self::RequestUri(UriPart::Uri),
            "rU" | "oU" => Self::RequestUri(UriPart::User),
            "rz" => Self::RequestUri(UriPart::Scheme),
            "si" => Self::SourceIp,
            "sp" => Self::SourcePort,
            "td" => Self::To(Part::Host),
            "tn" => Self::To(Part::Display),
            "tt" => Self::To(Part::Tag),
            "tu" => Self::To(Part::Uri),
            "tU" => Self::To(Part::User),
            "ua" => Self::UserAgent,
            _ => return None,
        })
    }

    /// Appends the value, escaped for a JSON string; nothing where there is no value.
    pub(crate) fn push(&self, id: ConsultationId, event: &RouteEvent<'_>, out: &mut Vec<u8>) {
        let request = &event.request;
        match self {
            Self::Body => escape::push(request.body.as_deref().unwrap_or_default(), out),
            Self::CallId => escape::push(&request.call_id, out),
            Self::Contact => push_header(request, &["Contact", "m"], out),
            Self::Cseq => push_display(request.cseq, out),
            // No destination is set before the application was asked.
            Self::DestinationUri => {}
            Self::From(part) => push_party(&request.from, *part, out),
            Self::Header(name) => push_header(request, &[name], out),
            Self::IdIndex => push_display(id.index, out),
            Self::IdLabel => push_display(id.label, out),
            Self::Message => push_message(request, out),
            Self::Method => escape::push(&request.method, out),
            Self::ReceivedIp => escape::push(received(event).0, out),
            Self::ReceivedPort => escape::push(received(event).1, out),
            Self::RequestUri(part) => push_uri(&request.uri, *part, out),
            Self::SourceIp => push_display(event.source.ip, out),
            Self::SourcePort => push_display(event.source.port, out),
            Self::SourceTransport => escape::push(&event.source.transport, out),
            Self::To(part) => push_party(&request.to, *part, out),
            Self::UserAgent => push_header(request, &["User-Agent"], out),
        }
    }
}

fn push_display(value: impl std::fmt::Display, out: &mut Vec<u8>) {
    let _ = write!(Escaped(out), "{value}");
}

fn push_party(party: &Party<'_>, part: Part, out: &mut Vec<u8>) {
    let text = match part {
        Part::Display => party.display.as_deref().unwrap_or_default(),
        Part::Host => UriParts::of(&party.uri).host,
        Part::Tag => party.tag.as_deref().unwrap_or_default(),
        Part::Uri => &party.uri,
        Part::User => UriParts::of(&party.uri).user,
    };
    escape::push(text, out);
}

fn push_uri(uri: &str, part: UriPart, out: &mut Vec<u8>) {
    let parts = UriParts::of(uri);
    let text = match part {
        UriPart::Host => parts.host,
        UriPart::Port => parts.port_or_default(),
        UriPart::Scheme => parts.scheme,
        UriPart::Uri => uri,
        UriPart::User => parts.user,
    };
    escape::push(text, out);
}

fn push_header(request: &Request<'_>, names: &[&str], out: &mut Vec<u8>) {
    let wanted = |name: &str| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    let found = request.headers.iter().find(|(name, _)| wanted(name));
    escape::push(found.map_or("", |(_, value)| value), out);
}

/// The request again, as far as the event has it.
fn push_message(request: &Request<'_>, out: &mut Vec<u8>) {
    let mut out = Escaped(out);
    let _ = write!(out, "{} {} SIP/2.0\r\n", request.method, request.uri);
    for (name, value) in &request.headers {
        let _ = write!(out, "{name}: {value}\r\n");
    }
    let _ = write!(out, "\r\n{}", request.body.as_deref().unwrap_or_default());
}

/// Address and port of the listener, of which the event has `udp:192.0.2.1:5060`.
fn received<'a>(event: &'a RouteEvent<'_>) -> (&'a str, &'a str) {
    let address = event
        .source
        .listener
        .split_once(':')
        .map_or("", |(_, rest)| rest);
    split_port(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[track_caller]
    fn check(name: &str, argument: Option<&str>, expected: &str) {
        let mut out = Vec::new();
        let variable = Variable::find(name, argument).unwrap();
        variable.push(samples::id(9), &samples::event(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{name}");
    }

    #[test]
    fn every_variable_has_the_value_that_kamailio_gives_it() {
        check("T", Some("id_index"), "9");
        check("T", Some("id_label"), "9");
        check("rm", None, "INVITE");
        check("ru", None, "sip:102@example.com:5080;transport=tcp");
        check("rU", None, "102");
        check("rd", None, "example.com");
        check("rp", None, "5080");
        check("rz", None, "sip");
        check("fu", None, "sip:101@example.org");
        check("fU", None, "101");
        check("fd", None, "example.org");
        check("ft", None, "1928301774");
        check("tu", None, "sip:102@example.com");
        check("tU", None, "102");
        check("td", None, "example.com");
        check("ci", None, "a84b4c76e66710");
        check("cs", None, "314");
        check("si", None, "192.0.2.9");
        check("sp", None, "5071");
        check("pr", None, "udp");
        check("Ri", None, "192.0.2.1");
        check("Rp", None, "5060");
        check("ua", None, "phone/1.0");
    }

    #[test]
    fn what_is_absent_is_empty() {
        check("du", None, "");
        check("tn", None, "");
        check("tt", None, "");
        check("ct", None, "");
        check("hdr", Some("X-None"), "");
    }

    #[test]
    fn the_first_header_of_a_name_counts_whatever_its_case() {
        check("hdr", Some("x-ACCOUNT"), "42");
    }

    #[test]
    fn values_are_escaped() {
        check("fn", None, r#"Al \"the\" Pal"#);
        check("rb", None, r"v=0\r\n");
    }

    #[test]
    fn the_message_is_put_together_again() {
        let mut out = Vec::new();
        let variable = Variable::find("mb", None).unwrap();
        variable.push(samples::id(9), &samples::event(), &mut out);
        let text: String =
            serde_json::from_str(&format!("\"{}\"", String::from_utf8(out).unwrap())).unwrap();
        assert!(text.starts_with("INVITE sip:102@example.com:5080;transport=tcp SIP/2.0\r\nVia: "));
        assert!(text.ends_with("\r\nx-account: 43\r\n\r\nv=0\r\n"));
    }
}
