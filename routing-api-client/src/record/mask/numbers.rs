//! Numbers in a text: what a person could call.

use std::net::Ipv4Addr;
use std::ops::Range;

/// Fewer digits are no number of a person: a port, a code, an extension.
const LEAST: usize = 5;

/// A number with its visual separators, as RFC 3966 section 5.1.1 has them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) span: Range<usize>,
}

/// All of them, from the left. Addresses and ports of a URI are none.
pub(super) fn numbers(text: &str) -> Vec<Number> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = next_digit(bytes, at) {
        let end = end(bytes, start);
        at = end;
        let digits = bytes.get(start..end).unwrap_or_default();
        let digits = digits.iter().filter(|byte| byte.is_ascii_digit()).count();
        if digits >= LEAST && !is_address(text, start, end) && !is_port(bytes, start, end) {
            found.push(Number { span: start..end });
        }
    }
    found
}

/// Zeros in the place of the last `count` digits of a number, and of each run of digits in it that
/// would be a number by itself.
pub(super) fn blank(number: &mut [u8], count: usize) {
    blank_last(number, count);
    for run in number.split_mut(|byte| !byte.is_ascii_digit()) {
        if run.len() >= LEAST {
            blank_last(run, count);
        }
    }
}

fn blank_last(digits: &mut [u8], count: usize) {
    let digits = digits.iter_mut().rev().filter(|byte| byte.is_ascii_digit());
    digits.take(count).for_each(|digit| *digit = b'0');
}

fn next_digit(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    Some(from + rest.iter().position(u8::is_ascii_digit)?)
}

/// Behind the last digit of the number that begins at `start`. Blanks separate digits only where a
/// `+` says that it is a number.
fn end(bytes: &[u8], start: usize) -> usize {
    let is_global = start > 0 && bytes.get(start - 1) == Some(&b'+');
    let is_separator =
        |byte: u8| matches!(byte, b'-' | b'.' | b'(' | b')') || (is_global && byte == b' ');
    let mut end = start + 1;
    for (at, byte) in bytes.iter().enumerate().skip(end) {
        match byte {
            byte if byte.is_ascii_digit() => end = at + 1,
            byte if is_separator(*byte) => {}
            _ => break,
        }
    }
    end
}

fn is_address(text: &str, start: usize, end: usize) -> bool {
    let is_it = |text: &str| text.parse::<Ipv4Addr>().is_ok();
    text.get(start..end).is_some_and(is_it)
}

/// `host:12345` before the end of an authority. What stands before an `@` is a user, and what
/// follows a scheme too.
fn is_port(bytes: &[u8], start: usize, end: usize) -> bool {
    let port = bytes.get(start..end).unwrap_or_default();
    let is_port = std::str::from_utf8(port).is_ok_and(|text| text.parse::<u16>().is_ok());
    let ends = bytes
        .get(end)
        .is_none_or(|byte| b">;?, \"/\r".contains(byte));
    let before = bytes.get(..start).and_then(|it| it.strip_suffix(b":"));
    let host = before.and_then(|before| before.rsplit(|byte| b"@:</ ,\"=".contains(byte)).next());
    let is_host =
        |host: &[u8]| host.ends_with(b"]") || host.contains(&b'.') || host == b"localhost";
    is_port && ends && host.is_some_and(is_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let all = numbers(text).into_iter();
        all.map(|number| text.get(number.span).unwrap()).collect()
    }

    fn blanked(number: &str, count: usize) -> String {
        let mut bytes = number.as_bytes().to_vec();
        blank(&mut bytes, count);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn numbers_are_found_with_their_separators() {
        assert_eq!(found("sip:+4930123456@192.0.2.1:5060"), ["4930123456"]);
        assert_eq!(found("tel:+1-201-555-0123"), ["1-201-555-0123"]);
        assert_eq!(found("\"+49 (30) 12 34 56\""), ["49 (30) 12 34 56"]);
        assert_eq!(found("1234 5678 12345"), ["12345"]);
        assert_eq!(found("sip:12345@a.example"), ["12345"]);
    }

    #[test]
    fn addresses_and_ports_are_no_numbers() {
        for text in [
            "sip:bob@192.168.100.200:15060",
            "<sip:bob@[2001:db8::1]:15060;lr>",
            "sip:a.example:65000",
            "sip:bob@localhost:40000 ",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        assert_eq!(found("sip:12345"), ["12345"]);
        assert_eq!(found("sip:a.example:12345@b.example"), ["12345"]);
        assert_eq!(found("sip:a.example:65536"), ["65536"]);
    }

    #[test]
    fn the_last_digits_become_zeros_and_the_prefix_stays() {
        assert_eq!(blanked("4930123456", 4), "4930120000");
        assert_eq!(blanked("1-201-555-0123", 4), "1-201-555-0000");
        assert_eq!(blanked("1-201-55-012", 4), "1-201-50-000");
        assert_eq!(blanked("4930123456-7", 4), "4930120000-0");
        assert_eq!(blanked("12345", 9), "00000");
    }
}
