//! The small tokens of RFC 3261 25.1 that header values are made of.

use nom::bytes::complete::{take_while, take_while1};
use nom::error::context;
use nom::{IResult, Parser};

use crate::error::Fail;

pub(crate) type Res<'a, T> = IResult<&'a [u8], T, Fail>;

/// Which bytes belong to a class, one look each.
pub(crate) type Class = [bool; 256];

/// The class of the bytes for which the pattern matches.
macro_rules! class {
    ($pattern:pat) => {{
        let mut class = [false; 256];
        let mut byte = 0_u8;
        loop {
            class[byte as usize] = matches!(byte, $pattern);
            if byte == u8::MAX {
                break class;
            }
            byte += 1;
        }
    }};
}
pub(crate) use class;

static TOKEN: Class = class!(
    b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
        | b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
);

/// RFC 3261 25.1 `token`.
pub(crate) fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// White space, folds included: the header index let no lone CR or LF pass for a line end.
pub(crate) const fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// RFC 3261 25.1 `SWS`.
pub(crate) fn sws(input: &[u8]) -> Res<'_, &[u8]> {
    take_while(is_lws)(input)
}

/// RFC 3261 25.1 `LWS`.
pub(crate) fn lws(input: &[u8]) -> Res<'_, &[u8]> {
    context("white space", take_while1(is_lws)).parse(input)
}

/// RFC 3261 25.1 `token`.
pub(crate) fn token(input: &[u8]) -> Res<'_, &[u8]> {
    context("a token", take_while1(is_token)).parse(input)
}

/// A separator with white space around it, such as `SEMI` or `EQUAL` of RFC 3261 25.1.
pub(crate) fn separator(byte: u8) -> impl Fn(&[u8]) -> Res<'_, ()> {
    move |input| {
        let (input, _) = sws(input)?;
        match input.split_first() {
            Some((&first, rest)) if first == byte => sws(rest).map(|(rest, _)| (rest, ())),
            _ => Fail::at(input, "a separator"),
        }
    }
}

/// RFC 3261 25.1 `quoted-string`, its quotes included.
pub(crate) fn quoted(input: &[u8]) -> Res<'_, &[u8]> {
    match quoted_length(input) {
        Some(length) => Ok((&input[length..], &input[..length])),
        None => Fail::at(input, "a quoted string"),
    }
}

fn quoted_length(input: &[u8]) -> Option<usize> {
    let mut at = usize::from(*input.first()? == b'"');
    while at > 0 {
        at += memchr::memchr2(b'"', b'\\', input.get(at..)?)?;
        match input.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
    None
}

/// A whole value of digits alone.
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let add = |sum: u64, byte: &u8| sum.checked_mul(10)?.checked_add(digit(byte)?);
    if value.is_empty() {
        None
    } else {
        value.iter().try_fold(0, add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 25.1: a backslash takes the next byte into the quoted string.
    #[test]
    fn a_quoted_string_ends_at_its_first_bare_quote() {
        assert_eq!(quoted(br#""a \" b\\" c"#).unwrap().1, br#""a \" b\\""#);
        assert_eq!(quoted(br#""""#).unwrap().1, br#""""#);
        for open in [&br#"""#[..], br#""a"#, br#""a\""#, br#""a\"#, b"a", b""] {
            assert!(quoted(open).is_err(), "{open:?}");
        }
    }

    #[test]
    fn a_number_is_digits_alone_and_fits() {
        assert_eq!(number(b"0070"), Some(70));
        for value in [
            &b""[..],
            b"-1",
            b"+1",
            b"7 ",
            b"0x7",
            b"99999999999999999999",
        ] {
            assert_eq!(number(value), None, "{value:?}");
        }
    }
}
