use crate::error::Fail;
use crate::field::Fields;
use crate::lex::{self, Res};
use crate::{Span, ValueError};

/// Takes one value off its input; the second argument is the offset behind the input's last byte.
pub(crate) type Take<'a, T> = fn(&'a [u8], u32) -> Res<'a, T>;

/// The values of comma-separated fields, across lines. After an error the walk goes on with the
/// next line.
#[derive(Debug, Clone)]
pub struct Values<'a, T> {
    fields: Fields<'a>,
    rest: Option<(&'a [u8], u32)>,
    take: Take<'a, T>,
}

impl<'a, T> Values<'a, T> {
    pub(crate) const fn new(fields: Fields<'a>, take: Take<'a, T>) -> Self {
        Self {
            fields,
            rest: None,
            take,
        }
    }
}

impl<T> Iterator for Values<'_, T> {
    type Item = Result<T, ValueError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (input, end) = match self.rest.take() {
            Some(rest) => rest,
            None => self
                .fields
                .next()
                .map(|field| (field.value, field.value_span.end))?,
        };
        let (rest, value) = match one_of_list(input, end, self.take) {
            Ok(taken) => taken,
            Err(error) => return Some(Err(error)),
        };
        self.rest = rest.map(|rest| (rest, end));
        Some(Ok(value))
    }
}

/// One value and, if a comma follows, what stands behind the comma.
fn one_of_list<'a, T>(
    input: &'a [u8],
    end: u32,
    take: impl Fn(&'a [u8], u32) -> Res<'a, T>,
) -> Result<(Option<&'a [u8]>, T), ValueError> {
    let located = |error| Fail::locate(&error, end);
    let (rest, value) = take(input, end).map_err(located)?;
    let (rest, _) = lex::sws(rest).map_err(located)?;
    match rest.split_first() {
        None => Ok((None, value)),
        Some((b',', rest)) => Ok((Some(rest), value)),
        Some(_) => Fail::at(rest, "a comma or the end of the value").map_err(located),
    }
}

/// A value that stands alone in its field.
pub(crate) fn alone<'a, T>(
    input: &'a [u8],
    start: u32,
    take: impl Fn(&'a [u8], u32) -> Res<'a, T>,
) -> Result<T, ValueError> {
    let end = start.saturating_add(u32::try_from(input.len()).unwrap_or(u32::MAX));
    match one_of_list(input, end, take)? {
        (None, value) => Ok(value),
        (Some(_), _) => Err(ValueError {
            expected: "one value",
            at: end,
        }),
    }
}

/// Where the elements of a comma-separated value stand, whatever they are: commas inside quoted
/// strings and angle brackets separate nothing (RFC 3261 7.3.1, 20.10).
pub(crate) fn elements(value: &[u8], start: u32) -> impl Iterator<Item = Span> + '_ {
    let end = start.saturating_add(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let (behind, element) = element(rest?);
        let left = behind.map_or(0, |behind| behind.len() + 1);
        rest = behind;
        let trimmed = element.trim_ascii_end();
        let tail = left + element.len() - trimmed.len();
        let stop = end.saturating_sub(u32::try_from(tail).unwrap_or(u32::MAX));
        let size = u32::try_from(trimmed.trim_ascii_start().len()).unwrap_or(u32::MAX);
        Some(Span::new(stop.saturating_sub(size), stop))
    })
}

/// The bytes before the first separating comma, and those behind it. What an open quote begins
/// is one element, so that the cost stays linear.
fn element(input: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut at = 0;
    let mut angle = false;
    while let Some(&byte) = input.get(at) {
        match byte {
            b',' if !angle => return (input.get(at + 1..), &input[..at]),
            b'"' if !angle => match lex::quoted(&input[at..]) {
                Ok((_, quoted)) => at += quoted.len(),
                Err(_) => break,
            },
            b'<' => (angle, at) = (true, at + 1),
            b'>' => (angle, at) = (false, at + 1),
            _ => at += 1,
        }
    }
    (None, input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(value: &[u8]) -> Vec<&[u8]> {
        elements(value, 0).map(|span| span.of(value)).collect()
    }

    /// RFC 3261 7.3.1, 20.10.
    #[test]
    fn commas_in_quotes_and_brackets_separate_nothing() {
        let value = br#""Bay, Ana" <sip:a,b@bay.example>;x="1,\",2" , <sip:c@bay.example>"#;
        assert_eq!(
            split(value),
            [
                &br#""Bay, Ana" <sip:a,b@bay.example>;x="1,\",2""#[..],
                b"<sip:c@bay.example>"
            ]
        );
    }

    #[test]
    fn elements_have_no_white_space_around_them() {
        assert_eq!(split(b"a,\r\n b ,c"), [b"a", b"b", b"c"]);
        assert_eq!(split(b"a,,"), [&b"a"[..], b"", b""]);
    }

    #[test]
    fn open_quotes_and_brackets_end_with_the_value() {
        assert_eq!(split(b"a,\"b,c"), [&b"a"[..], b"\"b,c"]);
        assert_eq!(split(b"<a,b"), [b"<a,b"]);
    }
}
