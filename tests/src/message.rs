//! A SIP message taken apart the plain way: lines, names, values.

use std::fmt::Write;
use std::net::SocketAddr;

/// One message as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Request line or status line.
    pub start: String,
    /// Header fields in wire order, unfolded.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// All bytes.
    pub raw: Vec<u8>,
    /// Who sent it; answers go there.
    pub peer: SocketAddr,
}

impl Message {
    /// Takes `raw` apart. Bytes that are not UTF-8 are replaced in start line and headers.
    #[must_use]
    pub fn parse(raw: &[u8], peer: SocketAddr) -> Self {
        let end = find(raw, b"\r\n\r\n").unwrap_or(raw.len());
        let head = String::from_utf8_lossy(&raw[..end])
            .replace("\r\n ", " ")
            .replace("\r\n\t", " ");
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let body = raw.get(end + 4..).unwrap_or_default().to_vec();
        Self {
            start,
            headers,
            body,
            raw: raw.to_vec(),
            peer,
        }
    }

    /// The length of the first whole message in a stream's bytes, by Content-Length.
    #[must_use]
    pub fn length_in_stream(bytes: &[u8]) -> Option<usize> {
        let head = find(bytes, b"\r\n\r\n")? + 4;
        let nobody = SocketAddr::from(([0; 4], 0));
        let head_only = Self::parse(&bytes[..head], nobody);
        let body = head_only.header("Content-Length")?.parse::<usize>().ok()?;
        (bytes.len() >= head + body).then_some(head + body)
    }

    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        (!self.start.starts_with("SIP/2.0 ")).then(|| self.start.split(' ').next())?
    }

    /// The Request-URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        assert!(self.method().is_some(), "not a request: {}", self.start);
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    /// The value of the one field of this name; fails the test when there is none, or more.
    #[must_use]
    pub fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {self}");
        all[0]
    }

    /// The values of all fields of this name.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let matching = self
            .headers
            .iter()
            .filter(|(given, _)| long_name(given).eq_ignore_ascii_case(name));
        matching.map(|(_, value)| value.as_str()).collect()
    }

    /// The tag in From or To.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        parameter(self.header(name)?, "tag")
    }

    /// The number and the method in CSeq.
    #[must_use]
    pub fn cseq(&self) -> (&str, &str) {
        self.one("CSeq")
            .split_once(' ')
            .unwrap_or_else(|| panic!("bad CSeq in {self}"))
    }

    /// The branch of the top Via.
    #[must_use]
    pub fn branch(&self) -> &str {
        let via = self
            .header("Via")
            .unwrap_or_else(|| panic!("no Via in {self}"));
        parameter(via, "branch").unwrap_or_else(|| panic!("no branch in {self}"))
    }

    /// The URI in the first Contact.
    #[must_use]
    pub fn contact(&self) -> &str {
        uri_of(
            self.header("Contact")
                .unwrap_or_else(|| panic!("no Contact in {self}")),
        )
    }
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_char('\n')?;
        f.write_str(&String::from_utf8_lossy(&self.raw))
    }
}

/// The URI in a name-addr: what stands between the angle brackets.
pub(crate) fn uri_of(value: &str) -> &str {
    value
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(value, |(uri, _)| uri)
}

/// The value of a parameter behind the angle brackets, if there are any.
pub(crate) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let tail = value.rsplit_once('>').map_or(value, |(_, tail)| tail);
    tail.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn long_name(name: &str) -> &str {
    match name {
        "v" => "Via",
        "f" => "From",
        "t" => "To",
        "i" => "Call-ID",
        "m" => "Contact",
        "l" => "Content-Length",
        "c" => "Content-Type",
        other => other,
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart_and_framed_by_its_length() {
        let raw = b"INVITE sip:b@h SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9\r\nTo: \"x\" <sip:b@h;tag=no>;tag=t\r\nContent-Length: 3\r\n\r\nabcSIP";
        let message = Message::parse(raw, SocketAddr::from(([0; 4], 0)));
        assert_eq!(
            (message.method(), message.uri(), message.branch()),
            (Some("INVITE"), "sip:b@h", "z9")
        );
        assert_eq!(message.tag("To"), Some("t"));
        assert_eq!(Message::length_in_stream(raw), Some(raw.len() - 3));
        assert_eq!(Message::length_in_stream(&raw[..40]), None);
    }
}
