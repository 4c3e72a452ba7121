//! Requests as a user agent writes them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::message::{Message, uri_of};

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The Request-URI.
    pub uri: String,
    /// All header fields but Content-Length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request outside a dialog, from a user agent at `local` over `transport` (`UDP`, `TCP`).
    #[must_use]
    pub fn new(method: &str, uri: &str, local: SocketAddr, transport: &str) -> Self {
        let lower = transport.to_lowercase();
        let headers = [
            (
                "Via",
                format!("SIP/2.0/{transport} {local};branch={}", branch()),
            ),
            ("Max-Forwards", "70".to_owned()),
            (
                "From",
                format!("\"Caller\" <sip:caller@{local}>;tag=from{}", unique()),
            ),
            ("To", format!("<{}>", uri.split(';').next().unwrap_or(uri))),
            ("Call-ID", format!("call{}@{}", unique(), local.port())),
            ("CSeq", format!("1 {method}")),
            ("Contact", format!("<sip:caller@{local};transport={lower}>")),
        ];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self {
            method: method.to_owned(),
            uri: uri.to_owned(),
            headers,
            body: Vec::new(),
        }
    }

    /// With one more header field behind the others.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.with("Content-Type", content_type)
    }

    /// With another value of a field that is there.
    #[must_use]
    pub fn replacing(mut self, name: &str, value: &str) -> Self {
        let field = self.headers.iter_mut().find(|(given, _)| given == name);
        value.clone_into(&mut field.unwrap_or_else(|| panic!("no {name}")).1);
        self
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let field = self.headers.iter().find(|(given, _)| given == name);
        &field.unwrap_or_else(|| panic!("no {name}")).1
    }

    /// The CANCEL of this request (RFC 3261 section 9.1).
    #[must_use]
    pub fn cancel(&self) -> Self {
        self.beside("CANCEL", self.header("To"))
    }

    /// The ACK of this request for a response other than 2xx (RFC 3261 section 17.1.1.3).
    #[must_use]
    pub fn ack(&self, response: &Message) -> Self {
        self.beside("ACK", response.one("To"))
    }

    /// A request in the dialog that `answer`, a 2xx, made (RFC 3261 section 12.2.1.1).
    #[must_use]
    pub fn in_dialog(&self, method: &str, cseq: u32, answer: &Message) -> Self {
        let via = self
            .header("Via")
            .split(";branch=")
            .next()
            .unwrap_or_default()
            .to_owned();
        let keep = |name: &str| (name.to_owned(), self.header(name).to_owned());
        let mut headers = vec![
            ("Via".to_owned(), format!("{via};branch={}", branch())),
            keep("Max-Forwards"),
            keep("From"),
            ("To".to_owned(), answer.one("To").to_owned()),
            keep("Call-ID"),
            ("CSeq".to_owned(), format!("{cseq} {method}")),
        ];
        let routes = answer.all("Record-Route");
        let routes = routes.iter().flat_map(|line| line.split(',')).rev();
        headers.extend(routes.map(|route| ("Route".to_owned(), route.trim().to_owned())));
        let uri = answer.contact().to_owned();
        Self {
            method: method.to_owned(),
            uri,
            headers,
            body: Vec::new(),
        }
    }

    /// The bytes to send.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} SIP/2.0\r\n", self.method, self.uri);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        [text.as_bytes(), &self.body].concat()
    }

    fn beside(&self, method: &str, to: &str) -> Self {
        let number = self.header("CSeq").split(' ').next().unwrap_or_default();
        let mut copy = self.clone();
        copy.headers.retain(|(name, _)| {
            [
                "Via",
                "Max-Forwards",
                "From",
                "To",
                "Call-ID",
                "CSeq",
                "Route",
            ]
            .contains(&name.as_str())
        });
        method.clone_into(&mut copy.method);
        copy.body.clear();
        copy.replacing("To", to)
            .replacing("CSeq", &format!("{number} {method}"))
    }
}

/// The response of a user agent (RFC 3261 section 8.2.6), with a Contact at `local`.
pub(crate) fn response(request: &Message, status: u16, tag: &str, local: &str) -> Vec<u8> {
    let mut text = format!("SIP/2.0 {status} {}\r\n", reason(status));
    for (name, value) in &request.headers {
        match name.as_str() {
            "Via" | "From" | "Call-ID" | "CSeq" | "Record-Route" => {
                text += &format!("{name}: {value}\r\n");
            }
            "To" if uri_of(value) != value && request.tag("To").is_none() && status > 100 => {
                text += &format!("To: {value};tag={tag}\r\n");
            }
            "To" => text += &format!("To: {value}\r\n"),
            _ => {}
        }
    }
    text += &format!("Contact: <{local}>\r\nContent-Length: 0\r\n\r\n");
    text.into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        200 => "OK",
        302 => "Moved Temporarily",
        486 => "Busy Here",
        487 => "Request Terminated",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Whatever",
    }
}

fn branch() -> String {
    format!("z9hG4bKtest{}", unique())
}

/// A number that no other request of any test on this machine has.
fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!(
        "{}x{}",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    )
}
