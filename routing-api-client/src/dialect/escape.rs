//! Text inside a JSON string.

use std::fmt;

/// Appends `text` as it has to stand between the quotes of a JSON string (RFC 8259 section 7).
pub(crate) fn push(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f) {
            continue;
        }
        out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
        push_escape(byte, out);
        copied = at + 1;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
}

fn push_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |n: u8| HEX.get(usize::from(n)).copied().unwrap_or(b'0');
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Escapes what is formatted into it. Writing never fails.
pub(crate) struct Escaped<'a>(pub(crate) &'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push(text, self.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quoted(text: &str) -> Vec<u8> {
        let mut out = vec![b'"'];
        push(text, &mut out);
        out.push(b'"');
        out
    }

    proptest! {
        #[test]
        fn any_text_reads_back_as_it_was(text in "(.|[\\x00-\\x1f\"\\\\\\x7f])*") {
            let read: String = serde_json::from_slice(&quoted(&text)).unwrap();
            prop_assert_eq!(read, text);
        }
    }

    #[test]
    fn control_characters_never_stand_bare() {
        assert_eq!(quoted("a\r\n\0\x7f"), br#""a\r\n\u0000\u007f""#);
    }
}
