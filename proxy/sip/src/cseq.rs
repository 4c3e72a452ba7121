use nom::Parser;
use nom::bytes::complete::take_while1;
use nom::combinator::all_consuming;
use nom::error::context;
use nom::sequence::separated_pair;

use crate::error::Fail;
use crate::lex::{self, lws, token};
use crate::{Method, ValueError};

/// A CSeq value (RFC 3261 20.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The sequence number.
    pub number: u32,
    /// The method, as it was written.
    pub method: &'a [u8],
}

impl<'a> CSeq<'a> {
    /// Reads a field value; `start` is its offset in the message.
    ///
    /// # Errors
    /// When it is not well-formed, or the number does not fit 32 bits (RFC 3261 8.1.1.5).
    pub fn parse(value: &'a [u8], start: u32) -> Result<Self, ValueError> {
        let end = start.saturating_add(u32::try_from(value.len()).unwrap_or(u32::MAX));
        let digits = take_while1(|byte: u8| byte.is_ascii_digit());
        let number = context("a sequence number", digits);
        let pair = separated_pair(number, lws, token);
        let (_, (digits, method)) = all_consuming(pair)
            .parse(value)
            .map_err(|error| Fail::locate(&error, end))?;
        let number = lex::number(digits).and_then(|number| u32::try_from(number).ok());
        let error = ValueError {
            expected: "a 32-bit sequence number",
            at: start,
        };
        number.map(|number| Self { number, method }).ok_or(error)
    }

    /// The method, where it is a known one.
    #[must_use]
    pub fn known_method(&self) -> Method {
        Method::from_bytes(self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_method_stand_apart() {
        let cseq = CSeq::parse(b"0042\r\n  PRACK", 0).unwrap();
        assert_eq!(
            cseq,
            CSeq {
                number: 42,
                method: b"PRACK"
            }
        );
        assert_eq!(cseq.known_method(), Method::Prack);
    }

    /// RFC 3261 8.1.1.5: the number is expressible in 32 bits.
    #[test]
    fn a_number_beyond_32_bits_is_refused() {
        assert_eq!(CSeq::parse(b"4294967295 BYE", 0).unwrap().number, u32::MAX);
        for value in [
            &b"4294967296 BYE"[..],
            b"BYE",
            b"1",
            b"1BYE",
            b"-1 BYE",
            b"1 BYE x",
            b"",
        ] {
            assert!(CSeq::parse(value, 0).is_err(), "{value:?}");
        }
    }
}
