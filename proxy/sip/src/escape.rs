//! Escapes in URIs (RFC 3261 19.1.2).

/// Printable ASCII that may stand in a URI. More than RFC 3261 25.1 has, such as the `#` that
/// telephones send, but nothing that would end a URI where it is written.
pub(crate) const fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'<' | b'>' | b'\\')
}

/// Whether all bytes may stand in a URI and every `%` has its two digits.
pub(crate) fn is_sound(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = match (byte, behind) {
            (b'%', [high, low, behind @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                behind
            }
            (b'%', _) => return false,
            _ if !is_printable(byte) => return false,
            _ => behind,
        };
    }
    true
}

/// The bytes with each escape undone once, and whether they stood escaped.
fn units(text: &[u8]) -> impl Iterator<Item = (u8, bool)> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&byte, behind) = rest.split_first()?;
        if let (b'%', [high, low, behind @ ..]) = (byte, behind)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = behind;
            return Some((high << 4 | low, true));
        }
        rest = behind;
        Some((byte, false))
    })
}

/// Whether both are the same in any case, escapes undone.
pub(crate) fn same(one: &[u8], two: &[u8]) -> bool {
    let folded = |text| units(text).map(|(byte, _): (u8, bool)| byte.to_ascii_lowercase());
    folded(one).eq(folded(two))
}

/// Whether both are the same with case kept. A reserved character is not its escape
/// (RFC 3261 19.1.4).
pub(crate) fn same_exactly(one: &[u8], two: &[u8]) -> bool {
    let kept = |text| units(text).map(|(byte, escaped)| (byte, escaped && is_reserved(byte)));
    kept(one).eq(kept(two))
}

/// RFC 3261 25.1 `reserved`.
const fn is_reserved(byte: u8) -> bool {
    matches!(
        byte,
        b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b','
    )
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_the_byte_it_stands_for() {
        assert!(same(b"%6Cr", b"LR"));
        assert!(same_exactly(b"%61na", b"ana"));
        assert!(!same_exactly(b"Ana", b"ana"));
        assert!(!same(b"%256Cr", b"lr"), "an escape is undone once");
    }

    /// RFC 3261 19.1.4: reserved characters differ from their escapes.
    #[test]
    fn a_reserved_character_is_not_its_escape() {
        assert!(!same_exactly(b"a%3Bb", b"a;b"));
        assert!(same_exactly(b"a%3bb", b"a%3Bb"));
    }

    #[test]
    fn a_percent_sign_needs_its_digits() {
        assert!(is_sound(b"a%20b%00#"));
        for bad in [
            &b"%"[..],
            b"%4",
            b"%4g",
            b"a b",
            b"a<b",
            b"a\\b",
            b"\xc3\xa4",
        ] {
            assert!(!is_sound(bad), "{bad:?}");
        }
    }
}
