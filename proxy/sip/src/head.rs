use crate::lines::{self, Line};
use crate::start_line::StartLine;
use crate::{Limits, Name, ParseError, Span, View};

/// The start line and the header index of one message: offsets only, found in one pass.
///
/// A `Head` is reused from message to message without allocating again; a clone holds exactly
/// what it needs. The bytes stay with the caller, who lends them to [`Head::view`].
#[derive(Debug, Clone)]
pub struct Head {
    pub(crate) start: StartLine,
    pub(crate) entries: Vec<Entry>,
    pub(crate) first: [u16; Name::COUNT],
    /// Bytes of CRLF before the start line (RFC 3261 7.5). Every offset counts from behind them.
    pub(crate) lead: u32,
    pub(crate) headers_end: u32,
    pub(crate) body: Span,
    pub(crate) flaws: Flaws,
}

/// One header field. Its line ends where the next one starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) line: u32,
    pub(crate) name_end: u32,
    pub(crate) value: Span,
    /// Index of the next field of the same name, or [`NONE`].
    pub(crate) next: u16,
    pub(crate) name: Name,
}

/// What is wrong with the frame of a message but leaves it answerable.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flaws {
    /// A line has a lone CR or LF, or lacks its line end.
    pub(crate) line_end: bool,
    /// A header line has no colon, or a name that is no token.
    pub(crate) header_line: bool,
    /// The empty line behind the header section is missing.
    pub(crate) empty_line: bool,
    pub(crate) content_length: Option<LengthFlaw>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LengthFlaw {
    NotANumber,
    Repeated,
    BeyondTheEnd,
}

pub(crate) const NONE: u16 = u16::MAX;

impl Default for Head {
    fn default() -> Self {
        Self::new()
    }
}

impl Head {
    /// The head of no message yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: StartLine::default(),
            entries: Vec::new(),
            first: [NONE; Name::COUNT],
            lead: 0,
            headers_end: 0,
            body: Span::default(),
            flaws: Flaws::default(),
        }
    }

    /// Indexes the message in `buf`: a datagram, or exactly one message cut out of a stream.
    ///
    /// Only bytes that nobody could answer are an error. What is wrong but answerable is left to
    /// [`check_request`](crate::check_request) and [`check_response`](crate::check_response).
    ///
    /// # Errors
    /// When the first line is no SIP start line, nothing follows it, or a limit is exceeded.
    pub fn parse(&mut self, buf: &[u8], limits: &Limits) -> Result<(), ParseError> {
        self.clear();
        let lead = leading_line_ends(buf);
        let message = buf.get(lead..).unwrap_or_default();
        let size = u32::try_from(buf.len()).unwrap_or(u32::MAX);
        if size > limits.max_message.min(u32::MAX - 1) {
            return Err(ParseError::MessageTooLong {
                limit: limits.max_message,
            });
        }
        self.lead = offset(lead);
        let headers = self.start_line(message, limits)?;
        let body = self.header_section(message, headers, limits)?;
        self.frame_body(message, body);
        Ok(())
    }

    /// This head with the bytes it was parsed from, or with the same bytes in another place.
    #[must_use]
    pub fn view<'a>(&'a self, buf: &'a [u8]) -> View<'a> {
        let end = (self.lead + self.body.end) as usize;
        let bytes = buf
            .get(self.lead as usize..end.min(buf.len()))
            .unwrap_or_default();
        View { head: self, bytes }
    }

    /// The index of the first field with this name, or [`NONE`].
    pub(crate) fn first(&self, name: Name) -> u16 {
        self.first.get(name as usize).copied().unwrap_or(NONE)
    }

    fn clear(&mut self) {
        self.start = StartLine::default();
        self.entries.clear();
        self.first = [NONE; Name::COUNT];
        self.lead = 0;
        self.headers_end = 0;
        self.body = Span::default();
        self.flaws = Flaws::default();
    }

    fn start_line(&mut self, message: &[u8], limits: &Limits) -> Result<usize, ParseError> {
        let line = lines::line(message, 0);
        within_line_limit(0, line.next, limits)?;
        let content = message.get(..line.content_end).unwrap_or_default();
        self.start = StartLine::parse(content, offset(line.next))?;
        self.flaws.line_end |= line.flawed;
        if line.next == message.len() {
            return Err(ParseError::NoHeaderSection);
        }
        Ok(line.next)
    }

    /// Indexes the fields from `at` on and gives the offset of the body.
    fn header_section(
        &mut self,
        message: &[u8],
        mut at: usize,
        limits: &Limits,
    ) -> Result<usize, ParseError> {
        let mut last = [NONE; Name::COUNT];
        while at < message.len() {
            if let Some(length) = lines::empty_line(message, at) {
                self.headers_end = offset(at);
                self.flaws.line_end |= length != 2;
                return Ok(at + length);
            }
            let line = lines::folded(message, at);
            within_line_limit(at, line.next, limits)?;
            self.field(message, at, line, &mut last, limits)?;
            at = line.next;
        }
        self.headers_end = offset(at);
        self.flaws.empty_line = true;
        Ok(at)
    }

    fn field(
        &mut self,
        message: &[u8],
        start: usize,
        line: Line,
        last: &mut [u16; Name::COUNT],
        limits: &Limits,
    ) -> Result<(), ParseError> {
        if self.entries.len() >= limits.max_headers as usize {
            return Err(ParseError::TooManyHeaders {
                limit: limits.max_headers,
            });
        }
        let content = message.get(start..line.content_end).unwrap_or_default();
        let colon = memchr::memchr(b':', content).unwrap_or(content.len());
        let raw_name = content.get(..colon).unwrap_or_default().trim_ascii_end();
        let name = Name::from_bytes(raw_name);
        self.flaws.line_end |= line.flawed;
        self.flaws.header_line |= colon == content.len() || !is_name(name, raw_name);
        let raw_value = content.get(colon + 1..).unwrap_or_default();
        let value_start = line.content_end - raw_value.trim_ascii_start().len();
        let value = Span::new(
            offset(value_start),
            offset(value_start + raw_value.trim_ascii().len()),
        );
        self.link(name, last);
        let name_end = offset(start + raw_name.len());
        self.entries.push(Entry {
            line: offset(start),
            name_end,
            value,
            next: NONE,
            name,
        });
        Ok(())
    }

    /// Hangs the entry about to be pushed behind the last one of its name.
    fn link(&mut self, name: Name, last: &mut [u16; Name::COUNT]) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "there are fewer entries than NONE"
        )]
        let index = self.entries.len() as u16;
        let Some(previous) = last.get_mut(name as usize) else {
            return;
        };
        let slot = match self.entries.get_mut(*previous as usize) {
            Some(entry) => &mut entry.next,
            None => &mut self.first[name as usize],
        };
        *slot = index;
        *previous = index;
    }

    /// RFC 3261 18.3: what follows the body in a datagram is no part of the message; a datagram
    /// without Content-Length is body to its end.
    fn frame_body(&mut self, message: &[u8], start: usize) {
        let remaining = message.len().saturating_sub(start);
        let length = match self.content_length(message) {
            Ok(Some(length)) if length > remaining as u64 => Err(LengthFlaw::BeyondTheEnd),
            Ok(length) => Ok(length.map_or(remaining, |length| length as usize)),
            Err(flaw) => Err(flaw),
        };
        self.flaws.content_length = length.err();
        self.body = Span::new(offset(start), offset(start + length.unwrap_or(remaining)));
    }

    fn content_length(&self, message: &[u8]) -> Result<Option<u64>, LengthFlaw> {
        let Some(entry) = self.entries.get(self.first(Name::ContentLength) as usize) else {
            return Ok(None);
        };
        if entry.next != NONE {
            return Err(LengthFlaw::Repeated);
        }
        crate::lex::number(entry.value.of(message))
            .map(Some)
            .ok_or(LengthFlaw::NotANumber)
    }
}

/// RFC 3261 7.5: a receiver ignores any CRLF before the start line.
fn leading_line_ends(buf: &[u8]) -> usize {
    buf.iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(buf.len())
}

fn is_name(name: Name, raw: &[u8]) -> bool {
    name != Name::Other || (!raw.is_empty() && raw.iter().copied().all(crate::lex::is_token))
}

fn within_line_limit(start: usize, end: usize, limits: &Limits) -> Result<(), ParseError> {
    if end - start <= limits.max_line as usize {
        return Ok(());
    }
    Err(ParseError::LineTooLong {
        at: offset(start),
        limit: limits.max_line,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the message length was checked to fit u32"
)]
const fn offset(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{INVITE, altered, message};

    fn error(bytes: &[u8], limits: Limits) -> Option<ParseError> {
        Head::new().parse(bytes, &limits).err()
    }

    /// RFC 3261 7.5: CRLF before the start line is ignored, and offsets do not count it.
    #[test]
    fn line_ends_before_the_start_line_are_no_part_of_the_message() {
        let padded = format!("\r\n\r\n{INVITE}");
        let message = message(&padded);
        assert_eq!(message.view().bytes(), INVITE.as_bytes());
        assert_eq!(
            message.view().field(Name::CSeq).unwrap().value,
            b"31 INVITE"
        );
    }

    /// RFC 3261 18.3: bytes behind the body of a datagram are discarded.
    #[test]
    fn the_tail_of_a_datagram_is_no_part_of_the_message() {
        let longer = format!("{INVITE}\r\n\r\nBYE sip:x@y SIP/2.0\r\n");
        assert_eq!(message(&longer).view().bytes(), INVITE.as_bytes());
    }

    /// RFC 3261 18.3: without Content-Length the body reaches to the end of the datagram.
    #[test]
    fn a_datagram_without_a_length_is_body_to_its_end() {
        assert_eq!(
            altered("Content-Length: 4\r\n", "").view().body(),
            b"a\r\nb"
        );
    }

    /// RFC 3261 7.3.1.
    #[test]
    fn folded_lines_are_one_field() {
        let message = message(INVITE);
        let field = message.view().fields_named("X-COLOUR").next().unwrap();
        assert_eq!(field.value, b"sea\r\n  green");
        assert_eq!(
            field.line.of(INVITE.as_bytes()),
            b"X-Colour: sea\r\n  green\r\n"
        );
    }

    #[test]
    fn a_line_without_a_colon_is_kept_and_noted() {
        let message = altered("CSeq: 31", "CSeq 31");
        assert!(message.view().head.flaws.header_line);
        let lines = message.view().all_fields().map(|field| field.line);
        let kept: Vec<u8> = lines
            .flat_map(|line| line.of(message.view().bytes()).to_vec())
            .collect();
        assert!(
            kept.windows(17)
                .any(|window| window == b"CSeq 31 INVITE\r\nT")
        );
    }

    #[test]
    fn what_cannot_be_answered_is_an_error() {
        let limits = Limits::default();
        assert_eq!(error(b"", limits), Some(ParseError::NotSip));
        assert_eq!(error(b"\r\n\r\n", limits), Some(ParseError::NotSip));
        assert_eq!(
            error(b"BYE sip:a SIP/2.0", limits),
            Some(ParseError::NoHeaderSection)
        );
        assert_eq!(
            error(b"BYE sip:a SIP/2.0\r\n", limits),
            Some(ParseError::NoHeaderSection)
        );
        assert_eq!(error(b"BYE sip:a SIP/2.0\r\n\r\n", limits), None);
    }

    #[test]
    fn each_limit_is_an_error_of_its_own() {
        let fits = Limits {
            max_headers: 13,
            max_message: 700,
            max_line: 80,
        };
        assert_eq!(error(INVITE.as_bytes(), fits), None);
        let headers = Limits {
            max_headers: 12,
            ..fits
        };
        assert_eq!(
            error(INVITE.as_bytes(), headers),
            Some(ParseError::TooManyHeaders { limit: 12 })
        );
        let message = Limits {
            max_message: 300,
            ..fits
        };
        let too_long = ParseError::MessageTooLong { limit: 300 };
        assert_eq!(error(INVITE.as_bytes(), message), Some(too_long));
        let line = Limits {
            max_line: 77,
            ..fits
        };
        let at = u32::try_from(INVITE.find("v: SIP").unwrap()).unwrap();
        assert_eq!(
            error(INVITE.as_bytes(), line),
            Some(ParseError::LineTooLong { at, limit: 77 })
        );
    }

    #[test]
    fn a_reused_head_keeps_its_memory_and_nothing_else() {
        let mut head = Head::new();
        head.parse(INVITE.as_bytes(), &Limits::default()).unwrap();
        let memory = (head.entries.as_ptr(), head.entries.capacity());
        let plain = b"OPTIONS sip:a SIP/2.0\r\nTo: sip:b\r\n\r\n";
        head.parse(plain, &Limits::default()).unwrap();
        assert_eq!((head.entries.as_ptr(), head.entries.capacity()), memory);
        let view = head.view(plain);
        assert_eq!(view.all_fields().count(), 1);
        assert!(view.field(Name::Via).is_none());
        assert!(view.body().is_empty());
    }

    #[test]
    fn a_head_over_foreign_bytes_gives_empty_values() {
        let mut head = Head::new();
        head.parse(INVITE.as_bytes(), &Limits::default()).unwrap();
        let view = head.view(b"OPTIONS");
        assert_eq!(view.field(Name::CSeq).unwrap().value, b"");
        assert!(view.top_via().is_err());
    }
}
