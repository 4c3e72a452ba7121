use memchr::memchr2;

/// One line of a header section, its folds included when asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// Offset of the line end, which is behind the last byte of content.
    pub(crate) content_end: usize,
    /// Offset behind the line end.
    pub(crate) next: usize,
    /// A CR or LF stands alone in it, or the line end is missing. Elements that read such bytes
    /// differently would see different messages, so nothing like it is passed on.
    pub(crate) flawed: bool,
}

/// The line that starts at `from`.
pub(crate) fn line(buf: &[u8], from: usize) -> Line {
    let mut flawed = false;
    let mut at = from;
    while let Some(found) = memchr2(b'\r', b'\n', buf.get(at..).unwrap_or_default()) {
        at += found + 1;
        match buf.get(at - 1..) {
            Some([b'\r', b'\n', ..]) => {
                return Line {
                    content_end: at - 1,
                    next: at + 1,
                    flawed,
                };
            }
            Some([b'\n', ..]) => {
                return Line {
                    content_end: at - 1,
                    next: at,
                    flawed: true,
                };
            }
            _ => flawed = true,
        }
    }
    Line {
        content_end: buf.len(),
        next: buf.len(),
        flawed: true,
    }
}

/// The line that starts at `from` and every line folded onto it (RFC 3261 7.3.1).
pub(crate) fn folded(buf: &[u8], from: usize) -> Line {
    let mut whole = line(buf, from);
    while let Some(b' ' | b'\t') = buf.get(whole.next) {
        let more = line(buf, whole.next);
        whole = Line {
            flawed: whole.flawed | more.flawed,
            ..more
        };
    }
    whole
}

/// The length of the line end at `at`, if an empty line stands there.
pub(crate) fn empty_line(buf: &[u8], at: usize) -> Option<usize> {
    match buf.get(at..) {
        Some([b'\r', b'\n', ..]) => Some(2),
        Some([b'\n', ..]) => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_before_its_crlf() {
        assert_eq!(
            line(b"ab\r\ncd", 0),
            Line {
                content_end: 2,
                next: 4,
                flawed: false
            }
        );
    }

    #[test]
    fn a_lone_cr_or_lf_is_a_flaw() {
        assert_eq!(
            line(b"ab\ncd\r\n", 0),
            Line {
                content_end: 2,
                next: 3,
                flawed: true
            }
        );
        assert_eq!(
            line(b"a\rb\r\n", 0),
            Line {
                content_end: 3,
                next: 5,
                flawed: true
            }
        );
        assert_eq!(
            line(b"a\r\r\n", 0),
            Line {
                content_end: 2,
                next: 4,
                flawed: true
            }
        );
        assert_eq!(
            line(b"ab", 0),
            Line {
                content_end: 2,
                next: 2,
                flawed: true
            }
        );
    }

    /// RFC 3261 7.3.1.
    #[test]
    fn folded_lines_are_one() {
        let buf = b"a: 1\r\n 2\r\n\t3\r\nb: 4\r\n";
        assert_eq!(
            folded(buf, 0),
            Line {
                content_end: 12,
                next: 14,
                flawed: false
            }
        );
        assert_eq!(
            folded(buf, 14),
            Line {
                content_end: 18,
                next: 20,
                flawed: false
            }
        );
    }
}
