use crate::{Method, ParseError, Span};

/// The first line, read as far as it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StartLine {
    pub(crate) kind: Kind,
    pub(crate) version: Span,
    /// The line holds exactly what RFC 3261 7.1 or 7.2 asks for between single spaces.
    pub(crate) sound: bool,
    /// Offset behind the line end.
    pub(crate) end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Request {
        method: Method,
        name: Span,
        uri: Span,
    },
    Response {
        status: u16,
        reason: Span,
    },
}

impl Default for StartLine {
    fn default() -> Self {
        let nothing = Span::default();
        let kind = Kind::Request {
            method: Method::Other,
            name: nothing,
            uri: nothing,
        };
        Self {
            kind,
            version: nothing,
            sound: false,
            end: 0,
        }
    }
}

impl StartLine {
    /// Reads `line`, which begins the message and comes without its line end.
    pub(crate) fn parse(line: &[u8], end: u32) -> Result<Self, ParseError> {
        if is_version(line) {
            Ok(status_line(line, end))
        } else {
            request_line(line, end)
        }
    }
}

/// RFC 3261 7.2: `SIP-Version SP Status-Code SP Reason-Phrase`.
fn status_line(line: &[u8], end: u32) -> StartLine {
    let version_end = position(line, b' ').unwrap_or(line.len());
    let rest = line.get(version_end + 1..).unwrap_or_default();
    let code_end = position(rest, b' ').unwrap_or(rest.len());
    let code = rest.get(..code_end).unwrap_or_default();
    let status = status_code(code);
    let reason = (version_end + 1 + code_end + 1).min(line.len());
    StartLine {
        kind: Kind::Response {
            status: status.unwrap_or(0),
            reason: span(reason, line.len()),
        },
        version: span(0, version_end),
        sound: status.is_some() && rest.len() > code_end,
        end,
    }
}

/// RFC 3261 7.2: a 3-digit integer, 100 to 699.
fn status_code(code: &[u8]) -> Option<u16> {
    let &[
        hundreds @ b'1'..=b'6',
        tens @ b'0'..=b'9',
        ones @ b'0'..=b'9',
    ] = code
    else {
        return None;
    };
    let digit = |byte: u8| u16::from(byte - b'0');
    Some(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones))
}

/// RFC 3261 7.1: `Method SP Request-URI SP SIP-Version`, no other white space.
fn request_line(line: &[u8], end: u32) -> Result<StartLine, ParseError> {
    let name_end = position(line, b' ')
        .filter(|&at| at > 0)
        .ok_or(ParseError::NotSip)?;
    let trimmed = line.trim_ascii_end();
    let version_start = memchr::memrchr2(b' ', b'\t', trimmed).map_or(0, |at| at + 1);
    if version_start <= name_end || !is_version(trimmed.get(version_start..).unwrap_or_default()) {
        return Err(ParseError::NotSip);
    }
    let between = line
        .get(name_end + 1..version_start - 1)
        .unwrap_or_default();
    let uri = between.trim_ascii();
    let uri_start = name_end + 1 + (between.len() - between.trim_ascii_start().len());
    let name = line.get(..name_end).unwrap_or_default();
    let kind = Kind::Request {
        method: Method::from_bytes(name),
        name: span(0, name_end),
        uri: span(uri_start, uri_start + uri.len()),
    };
    let sound = trimmed.len() == line.len()
        && uri.len() == between.len()
        && !uri.is_empty()
        && !uri.iter().any(u8::is_ascii_whitespace)
        && name.iter().copied().all(crate::lex::is_token);
    Ok(StartLine {
        kind,
        version: span(version_start, trimmed.len()),
        sound,
        end,
    })
}

fn is_version(word: &[u8]) -> bool {
    word.get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"SIP/"))
}

fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    memchr::memchr(byte, bytes)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the message length fits u32"
)]
const fn span(start: usize, end: usize) -> Span {
    Span::new(start as u32, end as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> (StartLine, &str) {
        let parsed = StartLine::parse(line.as_bytes(), 0).unwrap();
        let Kind::Request { uri, .. } = parsed.kind else {
            panic!("a request line")
        };
        (parsed, &line[uri.start as usize..uri.end as usize])
    }

    fn status(line: &[u8]) -> (u16, bool) {
        let parsed = StartLine::parse(line, 0).unwrap();
        let Kind::Response { status, .. } = parsed.kind else {
            panic!("a status line")
        };
        (status, parsed.sound)
    }

    /// RFC 3261 7.1.
    #[test]
    fn a_request_line_is_sound_with_single_spaces_only() {
        assert!(request("BYE sip:bo@tide.example SIP/2.0").0.sound);
        for line in [
            "BYE  sip:bo@tide.example SIP/2.0",
            "BYE sip:bo@tide.example  SIP/2.0",
            "BYE sip:bo@tide.example SIP/2.0 ",
            "BYE sip:bo@tide.example SIP/2.0\t",
            "BYE sip:bo@tide.example;x y SIP/2.0",
            "B@E sip:bo@tide.example SIP/2.0",
            "BYE  SIP/2.0",
            "BYE SIP/2.0",
        ] {
            assert!(!request(line).0.sound, "{line:?}");
        }
    }

    #[test]
    fn the_uri_of_an_unsound_request_line_is_still_found() {
        assert_eq!(
            request("BYE  sip:bo@tide.example  SIP/2.0 ").1,
            "sip:bo@tide.example"
        );
        assert_eq!(
            request("BYE sip:bo@tide.example; lr SIP/2.0").1,
            "sip:bo@tide.example; lr"
        );
    }

    #[test]
    fn a_line_without_a_sip_version_is_not_sip() {
        for line in [
            "GET / HTTP/1.1",
            "BYE sip:bo@tide.example",
            "",
            " ",
            "SIPS/2.0",
            "\x16\x03",
        ] {
            assert_eq!(
                StartLine::parse(line.as_bytes(), 0),
                Err(ParseError::NotSip),
                "{line:?}"
            );
        }
    }

    /// RFC 3261 7.2: the Reason-Phrase may be empty, the space before it may not be missing.
    #[test]
    fn a_status_line_needs_three_digits_and_two_spaces() {
        assert_eq!(status(b"SIP/2.0 180 Ringing"), (180, true));
        assert_eq!(status(b"SIP/2.0 180 "), (180, true));
        assert_eq!(status(b"SIP/2.0 180"), (180, false));
        assert_eq!(status(b"SIP/2.0 1800 No"), (0, false));
        assert_eq!(status(b"SIP/2.0 099 No"), (0, false));
        assert_eq!(status(b"SIP/2.0"), (0, false));
    }
}
