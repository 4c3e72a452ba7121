//! How a text is masked.

use super::How;
use super::hash::Key;
use super::numbers::{blank, numbers};

/// Stands for what is not shown.
pub(super) const MASKED: &str = "[masked]";

/// The text as it may be written.
pub(super) fn mask(text: &str, how: How, key: &Key) -> String {
    match how {
        How::Redact | How::Remove => MASKED.to_owned(),
        How::Digits(count) => replace(text, |number, out| {
            let mut number = number.as_bytes().to_vec();
            blank(&mut number, count);
            out.push_str(&String::from_utf8_lossy(&number));
        }),
        How::Hash => hash(text, key),
    }
}

fn hash(text: &str, key: &Key) -> String {
    let mut found = false;
    let hashed = replace(text, |number, out| {
        found = true;
        key.write(number.bytes().filter(u8::is_ascii_digit), out);
    });
    if found || text.is_empty() {
        return hashed;
    }
    let mut whole = String::new();
    key.write(text.bytes(), &mut whole);
    whole
}

fn replace(text: &str, mut with: impl FnMut(&str, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for number in numbers(text) {
        out.push_str(text.get(from..number.span.start).unwrap_or_default());
        from = number.span.end;
        with(text.get(number.span).unwrap_or_default(), &mut out);
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_same_for_the_same_number_and_key() {
        let key = Key::new("one");
        let uri = mask("sip:+4930123456@a.example:5060", How::Hash, &key);
        let tel = mask("tel:+49-30-123456", How::Hash, &key);
        let word = tel.strip_prefix("tel:+").unwrap();
        assert_eq!(word.len(), 16);
        assert_eq!(uri, format!("sip:+{word}@a.example:5060"));
        assert_ne!(tel, mask("tel:+49-30-123456", How::Hash, &Key::new("two")));
    }

    #[test]
    fn a_text_without_a_number_is_hashed_as_a_whole() {
        let key = Key::new("one");
        let masked = mask("Alice", How::Hash, &key);
        assert_eq!(masked.len(), 16);
        assert_ne!(masked, mask("Bob", How::Hash, &key));
        assert_eq!(mask("", How::Hash, &key), "");
    }
}
