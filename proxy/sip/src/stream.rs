//! Messages out of a byte stream (RFC 3261 18.3), without any I/O.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

use crate::head::LengthFlaw;
use crate::{Head, Limits, Name, ParseError};

/// Cuts a stream into messages. Where a message is not complete, it goes on scanning at the next
/// call where it stopped.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    head: Head,
    state: State,
}

/// One unit of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Exactly one message.
    Message(Bytes),
    /// A keep-alive that asks for a CRLF in return (RFC 5626 3.5.1).
    Ping,
}

/// Why a stream cannot be read any further. The connection has to be closed: where the next
/// message begins is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The head of a message cannot be read, or a limit is exceeded.
    #[error("{0}")]
    Parse(#[from] ParseError),
    /// There is no Content-Length, which a stream needs (RFC 3261 18.3).
    #[error("a message on a stream has no Content-Length")]
    NoContentLength,
    /// Content-Length is no number.
    #[error("Content-Length is no number")]
    BadContentLength,
    /// There is more than one Content-Length.
    #[error("a message has more than one Content-Length")]
    ManyContentLengths,
}

/// Where the message at the start of the buffer stands.
#[derive(Debug, Clone, Copy)]
enum State {
    /// The empty line behind its header section is not among the first `scanned` bytes.
    Head { scanned: usize },
    /// Its head was read; it has this many bytes in all.
    Body { size: usize },
}

const EMPTY_LINE: &[u8] = b"\r\n\r\n";

impl Framer {
    /// A framer at the start of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            head: Head::new(),
            state: State::Head { scanned: 0 },
        }
    }

    /// Takes the next frame off the front of `buf`; `None` when more bytes are needed.
    ///
    /// # Errors
    /// When the stream cannot be cut into messages any further. `buf` still begins with the
    /// message at fault, so that it can be answered before the connection is closed.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if let State::Head { scanned } = self.state {
            match padding(buf, scanned) {
                Padding::None => {}
                Padding::Ping => return Ok(Some(Frame::Ping)),
                Padding::Undecided => return Ok(None),
            }
            let Some(size) = self.message_size(buf, scanned)? else {
                return Ok(None);
            };
            self.state = State::Body { size };
        }
        Ok(self.message(buf).map(Frame::Message))
    }

    fn message(&mut self, buf: &mut BytesMut) -> Option<Bytes> {
        let State::Body { size } = self.state else {
            return None;
        };
        if buf.len() < size {
            return None;
        }
        self.state = State::Head { scanned: 0 };
        Some(buf.split_to(size).freeze())
    }

    fn message_size(&mut self, buf: &[u8], scanned: usize) -> Result<Option<usize>, FrameError> {
        let from = scanned.saturating_sub(EMPTY_LINE.len() - 1);
        let limit = self.limits.max_message;
        let Some(found) = memmem::find(buf.get(from..).unwrap_or_default(), EMPTY_LINE) else {
            self.state = State::Head { scanned: buf.len() };
            let fits = buf.len() <= limit as usize;
            return if fits {
                Ok(None)
            } else {
                Err(ParseError::MessageTooLong { limit }.into())
            };
        };
        let head_size = from + found + EMPTY_LINE.len();
        self.head
            .parse(buf.get(..head_size).unwrap_or_default(), &self.limits)?;
        let size = self.content_length(buf)?.saturating_add(head_size as u64);
        if size > u64::from(limit) {
            return Err(ParseError::MessageTooLong { limit }.into());
        }
        Ok(usize::try_from(size).ok())
    }

    /// RFC 3261 18.3, 20.14.
    fn content_length(&self, buf: &[u8]) -> Result<u64, FrameError> {
        match self.head.flaws.content_length {
            Some(LengthFlaw::Repeated) => return Err(FrameError::ManyContentLengths),
            Some(LengthFlaw::NotANumber) => return Err(FrameError::BadContentLength),
            Some(LengthFlaw::BeyondTheEnd) | None => {}
        }
        let field = self.head.view(buf).field(Name::ContentLength);
        let value = field.ok_or(FrameError::NoContentLength)?.value;
        crate::lex::number(value).ok_or(FrameError::BadContentLength)
    }
}

/// What CRLFs before a message are.
enum Padding {
    None,
    Ping,
    /// The next bytes tell.
    Undecided,
}

/// Takes CRLFs off the front. Two of them ask for an answer (RFC 5626 3.5.1); a single one is
/// somebody's answer, or padding (RFC 3261 7.5).
fn padding(buf: &mut BytesMut, scanned: usize) -> Padding {
    while scanned == 0 && buf.starts_with(b"\r") {
        if buf.starts_with(EMPTY_LINE) {
            buf.advance(EMPTY_LINE.len());
            return Padding::Ping;
        }
        if EMPTY_LINE.starts_with(buf) {
            return Padding::Undecided;
        }
        if !buf.starts_with(b"\r\n") {
            return Padding::None;
        }
        buf.advance(2);
    }
    Padding::None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::INVITE;

    fn framer() -> Framer {
        Framer::new(Limits::default())
    }

    /// Every frame of `stream`, handed over `step` bytes at a time.
    fn frames(stream: &[u8], step: usize) -> Result<Vec<Frame>, FrameError> {
        let (mut framer, mut buf, mut frames) = (framer(), BytesMut::new(), Vec::new());
        for chunk in stream.chunks(step) {
            buf.extend_from_slice(chunk);
            while let Some(frame) = framer.next(&mut buf)? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    fn error(text: &str) -> FrameError {
        frames(text.as_bytes(), text.len()).unwrap_err()
    }

    /// RFC 3261 18.3; RFC 5626 3.5.1.
    #[test]
    fn frames_are_the_same_however_the_stream_is_split() {
        let invite = Frame::Message(Bytes::from_static(INVITE.as_bytes()));
        let expected = [invite.clone(), Frame::Ping, invite.clone(), invite];
        let stream = format!("{INVITE}\r\n\r\n\r\n{INVITE}\r\n{INVITE}");
        for step in 1..stream.len() {
            assert_eq!(frames(stream.as_bytes(), step).unwrap(), expected, "{step}");
        }
    }

    #[test]
    fn a_message_waits_for_its_last_byte() {
        let (mut framer, mut buf) = (
            framer(),
            BytesMut::from(&INVITE.as_bytes()[..INVITE.len() - 1]),
        );
        assert_eq!(framer.next(&mut buf), Ok(None));
        buf.extend_from_slice(b"b");
        assert!(matches!(framer.next(&mut buf), Ok(Some(Frame::Message(_)))));
        assert!(buf.is_empty());
    }

    /// RFC 3261 18.3, 20.14.
    #[test]
    fn a_stream_needs_one_good_content_length_a_message() {
        let length = "Content-Length: 4\r\n";
        assert_eq!(
            error(&INVITE.replace(length, "")),
            FrameError::NoContentLength
        );
        let negative = INVITE.replace(length, "Content-Length: -4\r\n");
        assert_eq!(error(&negative), FrameError::BadContentLength);
        let twice = INVITE.replace(length, &length.repeat(2));
        assert_eq!(error(&twice), FrameError::ManyContentLengths);
    }

    #[test]
    fn what_is_no_sip_ends_the_stream() {
        let error = error("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(error, FrameError::Parse(ParseError::NotSip));
    }

    #[test]
    fn a_message_beyond_the_limit_is_refused_before_it_is_there() {
        let too_long = FrameError::Parse(ParseError::MessageTooLong { limit: 65_535 });
        assert_eq!(
            error(&INVITE.replace("Length: 4", "Length: 65535")),
            too_long
        );
        assert_eq!(
            error(&INVITE.replace("Length: 4", "Length: 9999999999")),
            too_long
        );
        let endless = format!("INVITE sip:a SIP/2.0\r\n{}", "X: y\r\n".repeat(11_000));
        assert_eq!(error(&endless), too_long);
    }
}
