//! The messages that an endpoint writes.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use tidegate_sip::build::{self, Response, ViaStamp};
use tidegate_sip::{Method, Name};

use super::message::Message;

/// What a call is about.
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=audio 49170 RTP/AVP 0\r\n";

/// One who writes.
#[derive(Debug, Clone)]
pub(super) struct Pen {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    pub(super) transport: &'static str,
    pub(super) contact: String,
}

/// A dialog from one end (RFC 3261 section 12).
#[derive(Debug, Clone)]
pub(super) struct Dialog {
    /// From of its own requests.
    local: String,
    /// To of its own requests.
    remote: String,
    call_id: String,
    target: String,
    routes: Vec<String>,
    cseq: u32,
}

impl Pen {
    pub(super) fn invite(&self, uri: &str) -> Vec<u8> {
        let Self { name, contact, .. } = self;
        let number = unique();
        let mut text = self.head("INVITE", uri);
        field(
            &mut text,
            "From",
            format_args!("<sip:{name}@demo.example>;tag={name}{number}"),
        );
        field(&mut text, "To", format_args!("<{uri}>"));
        field(
            &mut text,
            "Call-ID",
            format_args!("demo-{number}@{}", self.address),
        );
        field(&mut text, "CSeq", format_args!("1 INVITE"));
        field(&mut text, "Contact", format_args!("<{contact}>"));
        field(&mut text, "Content-Type", format_args!("application/sdp"));
        field(&mut text, "Content-Length", format_args!("{}", SDP.len()));
        (text + "\r\n" + SDP).into_bytes()
    }

    /// A request inside a dialog (RFC 3261 section 12.2.1.1).
    pub(super) fn in_dialog(&self, dialog: &mut Dialog, method: Method) -> Vec<u8> {
        if method != Method::Ack {
            dialog.cseq += 1;
        }
        let method = method.as_str();
        let mut text = self.head(method, &dialog.target);
        for route in &dialog.routes {
            field(&mut text, "Route", format_args!("{route}"));
        }
        field(&mut text, "From", format_args!("{}", dialog.local));
        field(&mut text, "To", format_args!("{}", dialog.remote));
        field(&mut text, "Call-ID", format_args!("{}", dialog.call_id));
        field(&mut text, "CSeq", format_args!("{} {method}", dialog.cseq));
        field(&mut text, "Content-Length", format_args!("0"));
        (text + "\r\n").into_bytes()
    }

    /// RFC 3261 sections 8.2.6 and 12.1.1.
    pub(super) fn response(&self, request: &Message, status: u16) -> Vec<u8> {
        let view = request.view();
        let contact = format!("<{}>", self.contact);
        let mut headers: Vec<(&[u8], &[u8])> = Vec::new();
        if request.is_request(Method::Invite) && (101..300).contains(&status) {
            let routes = view.fields(Name::RecordRoute);
            headers.extend(routes.map(|route| (&b"Record-Route"[..], route.value)));
            headers.push((b"Contact", contact.as_bytes()));
        }
        let response = Response {
            status,
            to_tag: Some(self.name.as_bytes()),
            headers: &headers,
            ..Response::default()
        };
        let mut out = Vec::new();
        build::response(view, ViaStamp::default(), &response, &mut out);
        out
    }

    fn head(&self, method: &str, uri: &str) -> String {
        let Self {
            address, transport, ..
        } = self;
        let mut text = format!("{method} {uri} SIP/2.0\r\n");
        let branch = format_args!("z9hG4bK-demo-{}", unique());
        field(
            &mut text,
            "Via",
            format_args!("SIP/2.0/{transport} {address};branch={branch};rport"),
        );
        field(&mut text, "Max-Forwards", format_args!("70"));
        text
    }
}

impl Dialog {
    /// At the caller's end, once the INVITE was answered.
    pub(super) fn of_caller(invite: &Message, answer: &Message) -> Self {
        let mut routes = answer.record_routes();
        routes.reverse();
        Self {
            local: header(invite, "From"),
            remote: header(answer, "To"),
            call_id: header(invite, "Call-ID"),
            target: answer.contact().unwrap_or_default(),
            routes,
            cseq: 1,
        }
    }

    /// At the callee's end, once it has answered.
    pub(super) fn of_callee(invite: &Message, answer: &Message) -> Self {
        Self {
            local: header(answer, "To"),
            remote: header(invite, "From"),
            call_id: header(invite, "Call-ID"),
            target: invite.contact().unwrap_or_default(),
            routes: invite.record_routes(),
            cseq: 100,
        }
    }
}

fn header(message: &Message, name: &str) -> String {
    message.header(name).unwrap_or_default()
}

fn field(text: &mut String, name: &str, value: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{name}: {value}\r\n");
}

/// A number that nothing else in this process has.
fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
