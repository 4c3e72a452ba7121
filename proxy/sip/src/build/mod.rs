//! Messages that a proxy makes itself.

mod ack;
mod cancel;
mod reason;
mod response;
mod status;
mod via_stamp;

pub use ack::ack;
pub use cancel::cancel;
pub use reason::reason;
pub use response::{Response, response};
pub use status::standard_reason;
pub use via_stamp::{ViaStamp, stamp_via};

use crate::{Name, View};

/// Writes `Name: value` and its line end.
fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Copies the first field with this name, if there is one.
fn copy_first(view: View<'_>, name: Name, out: &mut Vec<u8>) {
    if let Some(found) = view.field(name) {
        field(out, name.as_str().as_bytes(), found.value);
    }
}

/// Copies all fields with this name, in their order.
fn copy_all(view: View<'_>, name: Name, out: &mut Vec<u8>) {
    for found in view.fields(name) {
        field(out, name.as_str().as_bytes(), found.value);
    }
}

/// Writes a decimal number.
fn decimal(out: &mut Vec<u8>, number: u32) {
    let mut digits = [0_u8; 10];
    let mut rest = number;
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Starts a request of this hop that belongs to `sent`: start line, one Via, and how far it may go.
fn hop_request(sent: View<'_>, method: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(sent.request_uri());
    out.extend_from_slice(b" SIP/2.0\r\n");
    if let Ok(via) = sent.top_via() {
        field(out, b"Via", via.span.of(sent.bytes()));
    }
    field(out, b"Max-Forwards", b"70");
    copy_all(sent, Name::Route, out);
}

/// Writes the CSeq of `sent` with another method.
fn cseq(sent: View<'_>, method: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"CSeq: ");
    decimal(out, sent.cseq().map_or(1, |cseq| cseq.number));
    out.push(b' ');
    out.extend_from_slice(method);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_leading_zeros() {
        for number in [0, 7, 10, 4_294_967_295] {
            let mut out = Vec::new();
            decimal(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
