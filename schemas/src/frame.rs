//! Frames on a byte stream: netstrings, as Kamailio's evapi sends them, newline-delimited JSON, and
//! bare JSON objects, as evapi sends them with `netstring_format=0`.
//!
//! Nothing here reads or writes: a [`Decoder`] takes frames out of a buffer that its caller fills,
//! [`encode`] appends one to a buffer that its caller sends.

use std::io::Write;

use bytes::{Buf, Bytes, BytesMut};

/// The largest payload that a [`Decoder`] takes unless told otherwise.
pub const DEFAULT_LIMIT: usize = 1024 * 1024;

/// How a payload is told from the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One payload a line.
    Lines,
    /// `<length>:<payload>,`
    Netstring,
    /// JSON objects one behind the other, with nothing or blanks between them.
    Raw,
}

/// Takes frames out of a stream, wherever it is split.
///
/// After an error the stream can't be followed any more: every later call gives the same error.
#[derive(Debug, Clone)]
pub struct Decoder {
    framing: Option<Framing>,
    limit: usize,
    /// Bytes of the stream in front of the buffer.
    consumed: u64,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    /// In front of a frame.
    Between,
    /// Among the digits of a length.
    Length(usize),
    /// Behind the colon.
    Payload(usize),
    /// In a line of which this much has no end.
    Line(usize),
    /// In an object.
    Object(Scan),
    Broken(FrameError),
}

/// How much of an object was looked at, and what is open at that place.
#[derive(Debug, Clone, Copy, Default)]
struct Scan {
    at: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// Where a stream is no sequence of frames, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte {position} of the stream: {fault}")]
pub struct FrameError {
    /// Counted from the first byte of the stream, which is 0.
    pub position: u64,
    /// Why.
    pub fault: FrameFault,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// A netstring's length has something else than digits before its colon.
    #[error("a digit or ':' is needed in a length, not {0:#04x}")]
    BadLength(u8),
    /// The first byte of a stream belongs to neither framing.
    #[error("a digit (netstring) or '{{' (a line of JSON) is needed first, not {0:#04x}")]
    BadStart(u8),
    /// Something else than an object stands where a bare object has to begin.
    #[error("'{{' is needed first, not {0:#04x}")]
    NoObject(u8),
    /// A netstring's payload has no comma behind it.
    #[error("',' is needed behind the payload of a netstring, not {0:#04x}")]
    NoComma(u8),
    /// The payload is larger than the decoder may take.
    #[error("a frame larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

impl Decoder {
    /// For a stream whose framing is known.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self {
            framing: Some(framing),
            ..Self::detect()
        }
    }

    /// Takes the framing from the first byte: a digit begins a netstring, `{` a line.
    #[must_use]
    pub fn detect() -> Self {
        Self {
            framing: None,
            limit: DEFAULT_LIMIT,
            consumed: 0,
            state: State::Between,
        }
    }

    /// Sets the largest payload that is taken.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The framing; nothing while it is to be detected and no byte came.
    #[must_use]
    pub fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// Takes the next payload from the front of `buffer`; nothing when more bytes are needed.
    ///
    /// # Errors
    /// The stream is broken at this point, or a frame is too large.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        loop {
            let step = match self.state {
                State::Between => self.begin(buffer)?,
                State::Length(length) => self.length(length, buffer)?,
                State::Payload(length) => return self.payload(length, buffer),
                State::Line(searched) => return self.line(searched, buffer),
                State::Object(scan) => return self.object(scan, buffer),
                State::Broken(error) => return Err(error),
            };
            match step {
                Some(state) => self.state = state,
                None => return Ok(None),
            }
        }
    }

    fn begin(&mut self, buffer: &mut BytesMut) -> Result<Option<State>, FrameError> {
        let blank = buffer.iter().take_while(|byte| is_blank(**byte)).count();
        self.consume(buffer, blank);
        let Some(&first) = buffer.first() else {
            return Ok(None);
        };
        let framing = match (self.framing, first) {
            (Some(framing), _) => framing,
            (None, b'0'..=b'9') => Framing::Netstring,
            (None, b'{') => Framing::Lines,
            (None, other) => return Err(self.fail(0, FrameFault::BadStart(other))),
        };
        self.framing = Some(framing);
        match framing {
            Framing::Lines => Ok(Some(State::Line(0))),
            Framing::Netstring if first.is_ascii_digit() => Ok(Some(State::Length(0))),
            Framing::Netstring => Err(self.fail(0, FrameFault::BadLength(first))),
            Framing::Raw if first == b'{' => Ok(Some(State::Object(Scan::default()))),
            Framing::Raw => Err(self.fail(0, FrameFault::NoObject(first))),
        }
    }

    fn length(
        &mut self,
        mut length: usize,
        buffer: &mut BytesMut,
    ) -> Result<Option<State>, FrameError> {
        let limit = self.limit;
        for (at, &byte) in buffer.iter().enumerate() {
            length = match byte {
                b'0'..=b'9' => length
                    .saturating_mul(10)
                    .saturating_add((byte - b'0').into()),
                b':' => {
                    self.consume(buffer, at + 1);
                    return Ok(Some(State::Payload(length)));
                }
                other => return Err(self.fail(at, FrameFault::BadLength(other))),
            };
            if length > limit {
                return Err(self.fail(at, FrameFault::TooLarge { limit }));
            }
        }
        // The digits are given back at once, so that a length of endless zeros needs no memory.
        let all = buffer.len();
        self.consume(buffer, all);
        self.state = State::Length(length);
        Ok(None)
    }

    fn payload(
        &mut self,
        length: usize,
        buffer: &mut BytesMut,
    ) -> Result<Option<Bytes>, FrameError> {
        match buffer.get(length) {
            None => Ok(None),
            Some(b',') => {
                let payload = buffer.split_to(length).freeze();
                buffer.advance(1);
                self.consumed += length as u64 + 1;
                self.state = State::Between;
                Ok(Some(payload))
            }
            Some(&other) => Err(self.fail(length, FrameFault::NoComma(other))),
        }
    }

    fn line(
        &mut self,
        searched: usize,
        buffer: &mut BytesMut,
    ) -> Result<Option<Bytes>, FrameError> {
        let limit = self.limit;
        let rest = buffer.get(searched..).unwrap_or_default();
        let found = memchr::memchr(b'\n', rest).map(|at| searched + at);
        let length = found.unwrap_or(buffer.len());
        if length > limit {
            return Err(self.fail(limit, FrameFault::TooLarge { limit }));
        }
        if found.is_none() {
            self.state = State::Line(length);
            return Ok(None);
        }
        let mut line = buffer.split_to(length).freeze();
        buffer.advance(1);
        self.consumed += length as u64 + 1;
        self.state = State::Between;
        line.truncate(line.trim_ascii_end().len());
        Ok(Some(line))
    }

    fn object(
        &mut self,
        mut scan: Scan,
        buffer: &mut BytesMut,
    ) -> Result<Option<Bytes>, FrameError> {
        let limit = self.limit;
        let ended = scan.run(buffer, limit);
        if scan.at > limit {
            return Err(self.fail(limit, FrameFault::TooLarge { limit }));
        }
        if !ended {
            self.state = State::Object(scan);
            return Ok(None);
        }
        self.consumed += scan.at as u64;
        self.state = State::Between;
        Ok(Some(buffer.split_to(scan.at).freeze()))
    }

    fn consume(&mut self, buffer: &mut BytesMut, count: usize) {
        buffer.advance(count);
        self.consumed += count as u64;
    }

    fn fail(&mut self, at: usize, fault: FrameFault) -> FrameError {
        let error = FrameError {
            position: self.consumed + at as u64,
            fault,
        };
        self.state = State::Broken(error);
        error
    }
}

impl Scan {
    /// Goes on until the object has ended or is past `limit`. Whether it has ended.
    fn run(&mut self, buffer: &[u8], limit: usize) -> bool {
        for byte in buffer.iter().skip(self.at) {
            self.at += 1;
            if self.at > limit || self.closes(*byte) {
                return self.depth == 0;
            }
        }
        false
    }

    /// Whether `byte` closes the outermost brace. Braces in strings (RFC 8259 section 7) are text.
    fn closes(&mut self, byte: u8) -> bool {
        match byte {
            _ if std::mem::take(&mut self.escaped) => {}
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' if !self.in_string => self.depth += 1,
            b'}' if !self.in_string => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Appends `payload` as one frame.
pub fn encode(framing: Framing, payload: &[u8], out: &mut Vec<u8>) {
    encode_with(framing, out, |out| out.extend_from_slice(payload));
}

/// Appends what `write` appends as one frame, without a copy in between, and gives back what
/// `write` returned.
///
/// `write` may only append. In [`Framing::Lines`] a line feed is written as a space, which means
/// the same in JSON.
pub fn encode_with<R>(
    framing: Framing,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> R,
) -> R {
    match framing {
        Framing::Lines => encode_line(out, write),
        Framing::Netstring => encode_netstring(out, write),
        Framing::Raw => write(out),
    }
}

fn encode_line<R>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let start = out.len();
    let result = write(out);
    for byte in out.iter_mut().skip(start) {
        if *byte == b'\n' {
            *byte = b' ';
        }
    }
    out.push(b'\n');
    result
}

/// Room that fits the length of most events: four digits and the colon.
const ROOM: usize = 5;

fn encode_netstring<R>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let start = out.len();
    out.extend_from_slice(&[0; ROOM]);
    let result = write(out);
    let length = out.len().saturating_sub(start + ROOM);
    let mut prefix = [0; 24];
    let mut rest = prefix.as_mut_slice();
    let _ = write!(rest, "{length}:");
    let unused = rest.len();
    let used = prefix.len() - unused;
    out.splice(start..start + ROOM, prefix.into_iter().take(used));
    out.push(b',');
    result
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Feeds `stream` in the given pieces and takes everything that comes out.
    fn decode<'a>(
        decoder: &mut Decoder,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<Bytes>, FrameError> {
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for piece in pieces {
            buffer.extend_from_slice(piece);
            while let Some(frame) = decoder.next(&mut buffer)? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    fn decode_whole(decoder: Decoder, stream: &[u8]) -> Result<Vec<Bytes>, FrameError> {
        let mut decoder = decoder;
        decode(&mut decoder, [stream])
    }

    /// Cuts `stream` where `cuts` say, as parts of its length.
    fn split<'a>(stream: &'a [u8], cuts: &[f64]) -> Vec<&'a [u8]> {
        let mut at: Vec<usize> = cuts
            .iter()
            .map(|cut| (cut * stream.len() as f64) as usize)
            .collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        at.windows(2)
            .map(|pair| &stream[pair[0]..pair[1]])
            .collect()
    }

    fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
        vec(vec(any::<u8>(), 0..200), 0..8)
    }

    fn lines() -> impl Strategy<Value = Vec<String>> {
        vec("\\{[ -~é]{0,100}\\}", 0..8)
    }

    fn blanks() -> impl Strategy<Value = String> {
        "[ \t\r\n]{0,4}0{0,3}"
    }

    proptest! {
        #[test]
        fn netstrings_survive_any_split(
            payloads in payloads(), cuts in vec(0.0..1.0, 0..20), blanks in blanks()
        ) {
            let mut stream = Vec::new();
            for payload in &payloads {
                stream.extend_from_slice(blanks.as_bytes());
                encode(Framing::Netstring, payload, &mut stream);
            }
            let frames = decode(&mut Decoder::detect(), split(&stream, &cuts)).unwrap();
            prop_assert_eq!(frames, payloads);
        }

        #[test]
        fn lines_survive_any_split(lines in lines(), cuts in vec(0.0..1.0, 0..20)) {
            let mut stream = Vec::new();
            for line in &lines {
                encode(Framing::Lines, line.as_bytes(), &mut stream);
                stream.extend_from_slice(b"\r\n");
            }
            let frames = decode(&mut Decoder::detect(), split(&stream, &cuts)).unwrap();
            prop_assert_eq!(frames, lines);
        }

        #[test]
        fn bare_objects_survive_any_split(
            texts in vec(".{0,40}", 0..8), cuts in vec(0.0..1.0, 0..20), blank in "[ \t\r\n]{0,3}"
        ) {
            let mut stream = Vec::new();
            let objects: Vec<String> = texts
                .iter()
                .map(|text| serde_json::json!({"a": {text.as_str(): [text]}, "b": {}}).to_string())
                .collect();
            for object in &objects {
                encode(Framing::Raw, object.as_bytes(), &mut stream);
                stream.extend_from_slice(blank.as_bytes());
            }
            let frames = decode(&mut Decoder::new(Framing::Raw), split(&stream, &cuts)).unwrap();
            prop_assert_eq!(frames, objects);
        }

        #[test]
        fn a_split_changes_nothing_about_bare_garbage(
            stream in vec(prop_oneof![any::<u8>(), Just(b'{'), Just(b'}'), Just(b'"')], 0..300),
            cuts in vec(0.0..1.0, 0..20),
        ) {
            let decoder = Decoder::new(Framing::Raw).with_limit(64);
            let whole = decode_whole(decoder.clone(), &stream);
            prop_assert_eq!(whole, decode(&mut { decoder }, split(&stream, &cuts)));
        }

        #[test]
        fn a_split_changes_nothing_about_garbage(
            stream in vec(prop_oneof![any::<u8>(), b'0'..=b':', Just(b',')], 0..300),
            cuts in vec(0.0..1.0, 0..20),
        ) {
            let whole = decode_whole(Decoder::detect().with_limit(64), &stream);
            let split = decode(&mut Decoder::detect().with_limit(64), split(&stream, &cuts));
            prop_assert_eq!(whole, split);
        }

        #[test]
        fn any_length_of_payload_gets_its_prefix(length in 0_usize..20_000) {
            let mut out = b"before".to_vec();
            encode(Framing::Netstring, &vec![b'x'; length], &mut out);
            prop_assert_eq!(out, format!("before{length}:{},", "x".repeat(length)).into_bytes());
        }
    }

    #[test]
    fn a_frame_is_there_with_its_last_byte_and_not_before() {
        let mut decoder = Decoder::detect();
        let mut buffer = BytesMut::new();
        for byte in b"007:{\"a\":1}" {
            buffer.extend_from_slice(&[*byte]);
            assert_eq!(decoder.next(&mut buffer), Ok(None));
        }
        buffer.extend_from_slice(b",3");
        assert_eq!(
            decoder.next(&mut buffer),
            Ok(Some(Bytes::from_static(b"{\"a\":1}")))
        );
        assert_eq!(decoder.next(&mut buffer), Ok(None));
    }

    #[test]
    fn the_first_byte_tells_the_framing() {
        for (stream, framing) in [
            (&b" \r\n{"[..], Some(Framing::Lines)),
            (b"\n0", Some(Framing::Netstring)),
            (b" \n", None),
        ] {
            let mut decoder = Decoder::detect();
            decode(&mut decoder, [stream]).unwrap();
            assert_eq!(decoder.framing(), framing);
        }
    }

    #[test]
    fn broken_frames_are_errors_with_their_place() {
        for (stream, position, fault) in [
            (&b" x"[..], 1, FrameFault::BadStart(b'x')),
            (b"2:{},\n{}", 6, FrameFault::BadLength(b'{')),
            (b"2:{},2;{}", 6, FrameFault::BadLength(b';')),
            (b"-1:,", 0, FrameFault::BadStart(b'-')),
            (b"2:{}}", 4, FrameFault::NoComma(b'}')),
            (b"17:", 1, FrameFault::TooLarge { limit: 16 }),
            (
                b"99999999999999999999999",
                1,
                FrameFault::TooLarge { limit: 16 },
            ),
            (
                b"{}\n{............................",
                19,
                FrameFault::TooLarge { limit: 16 },
            ),
        ] {
            let error = decode_whole(Decoder::detect().with_limit(16), stream).unwrap_err();
            assert_eq!(
                error,
                FrameError { position, fault },
                "{}",
                stream.escape_ascii()
            );
        }
    }

    #[test]
    fn a_bare_object_is_no_larger_than_the_limit_and_nothing_else_is_one() {
        let decoder = Decoder::new(Framing::Raw).with_limit(4);
        assert_eq!(
            decode_whole(decoder.clone(), b" {}\n{12}{").unwrap().len(),
            2
        );
        for (stream, position, fault) in [
            (&b"{}[]"[..], 2, FrameFault::NoObject(b'[')),
            (b"2:{},", 0, FrameFault::NoObject(b'2')),
            (b"{}{\"}}}}", 6, FrameFault::TooLarge { limit: 4 }),
            (b"{123}", 4, FrameFault::TooLarge { limit: 4 }),
        ] {
            let error = decode_whole(decoder.clone(), stream).unwrap_err();
            let expected = FrameError { position, fault };
            assert_eq!(error, expected, "{}", stream.escape_ascii());
        }
    }

    #[test]
    fn nothing_is_read_behind_an_error() {
        let mut decoder = Decoder::new(Framing::Netstring);
        let error = decode(&mut decoder, [&b"x"[..]]).unwrap_err();
        let mut good = BytesMut::from(&b"2:{},"[..]);
        assert_eq!(decoder.next(&mut good), Err(error));
    }

    #[test]
    fn a_frame_of_just_the_limit_is_taken() {
        let decoder = Decoder::detect().with_limit(4);
        assert_eq!(decode_whole(decoder.clone(), b"4:abcd,").unwrap().len(), 1);
        assert_eq!(decode_whole(decoder, b"{12}\n").unwrap().len(), 1);
    }

    #[test]
    fn a_length_of_endless_zeros_keeps_nothing() {
        let mut decoder = Decoder::detect();
        let mut buffer = BytesMut::from("0".repeat(10_000).as_bytes());
        assert_eq!(decoder.next(&mut buffer), Ok(None));
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_line_feed_in_a_payload_does_not_end_its_line() {
        let mut out = Vec::new();
        encode(Framing::Lines, b"{\n}", &mut out);
        assert_eq!(out, b"{ }\n");
    }

    #[test]
    fn what_the_writer_returns_comes_back() {
        let mut out = Vec::new();
        let written = encode_with(Framing::Netstring, &mut out, |out| out.write(b"{}"));
        assert_eq!(written.unwrap(), 2);
        assert_eq!(out, b"2:{},");
    }
}
