use nom::Parser;
use nom::bytes::complete::take_while1;
use nom::combinator::opt;
use nom::error::context;

use crate::Span;
use crate::lex::{self, Class, Res, class, separator, sws};

/// Header or URI parameters, read when asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params<'a> {
    raw: &'a [u8],
    end: u32,
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name as it was written.
    pub name: &'a [u8],
    /// The value behind `=`, quotes included.
    pub value: Option<&'a [u8]>,
    /// From the semicolon to the end of the parameter.
    pub span: Span,
}

impl<'a> Params<'a> {
    /// Takes all parameters at the start of `input`, whose last byte stands before offset `end`.
    pub(crate) fn take(input: &'a [u8], end: u32) -> Res<'a, Self> {
        let mut rest = input;
        while sws(rest)?.0.first() == Some(&b';') {
            rest = param(rest, end)?.0;
        }
        Ok((rest, Self::between(input, rest, end)))
    }

    /// Takes the parameters at the start of `input` up to the first one that is not well-formed.
    pub(crate) fn take_lenient(input: &'a [u8], end: u32) -> (&'a [u8], Self) {
        let mut rest = input;
        while let Ok((next, _)) = param(rest, end) {
            rest = next;
        }
        (rest, Self::between(input, rest, end))
    }

    /// No parameters.
    pub(crate) const fn none() -> Self {
        Self { raw: b"", end: 0 }
    }

    fn between(input: &'a [u8], rest: &[u8], end: u32) -> Self {
        let raw = input.get(..input.len() - rest.len()).unwrap_or_default();
        Self {
            raw,
            end: end.saturating_sub(length(rest)),
        }
    }

    /// The parameters as they were written, from the first semicolon on.
    #[must_use]
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The parameter with this name, in any case (RFC 3261 7.3.1).
    #[must_use]
    pub fn get(self, name: &str) -> Option<Param<'a>> {
        self.into_iter()
            .find(|param| param.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The value of the parameter with this name.
    #[must_use]
    pub fn value(self, name: &str) -> Option<&'a [u8]> {
        self.get(name)?.value
    }
}

impl<'a> IntoIterator for Params<'a> {
    type Item = Param<'a>;
    type IntoIter = ParamsIter<'a>;

    fn into_iter(self) -> ParamsIter<'a> {
        ParamsIter {
            rest: self.raw,
            end: self.end,
        }
    }
}

/// Iterates over [`Params`].
#[derive(Debug, Clone)]
pub struct ParamsIter<'a> {
    rest: &'a [u8],
    end: u32,
}

impl<'a> Iterator for ParamsIter<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        let (rest, param) = param(self.rest, self.end).ok()?;
        self.rest = rest;
        Some(param)
    }
}

/// RFC 3261 25.1 `SEMI generic-param`, with any byte in names and values that separates nothing:
/// what other elements put there is theirs. RFC 5118 4.5 needs the brackets and colons.
fn param(input: &[u8], end: u32) -> Res<'_, Param<'_>> {
    let (at_semicolon, _) = sws(input)?;
    let (rest, ()) = context("a parameter", separator(b';')).parse(at_semicolon)?;
    let (rest, name) = context("a parameter name", take_while1(is_name)).parse(rest)?;
    let (rest, equals) = opt(separator(b'=')).parse(rest)?;
    let (rest, value) = match equals {
        Some(()) => value(rest).map(|(rest, value)| (rest, Some(value)))?,
        None => (rest, None),
    };
    let span = Span::new(end - length(at_semicolon), end - length(rest));
    Ok((rest, Param { name, value, span }))
}

fn value(input: &[u8]) -> Res<'_, &[u8]> {
    if input.first() == Some(&b'"') {
        return lex::quoted(input);
    }
    context("a parameter value", take_while1(is_value)).parse(input)
}

static VALUE: Class =
    class!(b'!' | b'#'..=b'+' | b'-'..=b':' | b'=' | b'@'..=b'[' | b']'..=b'~' | 0x80..);

fn is_name(byte: u8) -> bool {
    byte != b'=' && is_value(byte)
}

fn is_value(byte: u8) -> bool {
    VALUE[byte as usize]
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "every slice lies inside one message"
)]
const fn length(slice: &[u8]) -> u32 {
    slice.len() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(raw: &[u8]) -> Option<Params<'_>> {
        let (rest, params) = Params::take(raw, u32::try_from(raw.len()).unwrap()).ok()?;
        rest.is_empty().then_some(params)
    }

    #[test]
    fn a_parameter_span_reaches_from_its_semicolon_to_its_end() {
        let raw = b";lr ; Tag = x1;q=\"a;b\"";
        let params = take(raw).unwrap();
        let spans: Vec<_> = params.into_iter().map(|param| param.span.of(raw)).collect();
        assert_eq!(spans, [&b";lr"[..], b"; Tag = x1", b";q=\"a;b\""]);
        assert_eq!(params.value("tag"), Some(&b"x1"[..]));
        assert_eq!(params.get("lr").unwrap().value, None);
    }

    /// RFC 3261 7.3.1: white space around semicolons and equals signs may be folded.
    #[test]
    fn folds_inside_parameters_are_white_space() {
        let params = take(b" ;\r\n a =\r\n\t1").unwrap();
        assert_eq!(params.value("A"), Some(&b"1"[..]));
    }

    #[test]
    fn empty_parameters_are_refused() {
        for raw in [&b";"[..], b";;a", b";a;", b";=1", b";a=", b";a=\"x"] {
            assert_eq!(take(raw), None, "{raw:?}");
        }
    }

    #[test]
    fn the_lenient_walk_stops_at_the_first_bad_parameter() {
        let (rest, params) = Params::take_lenient(b";a=1;;b", 7);
        assert_eq!(rest, b";;b");
        assert_eq!(params.raw(), b";a=1");
    }
}
