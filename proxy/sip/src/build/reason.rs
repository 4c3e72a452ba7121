/// Writes a Reason value (RFC 3326 2), such as `SIP;cause=200;text="Call completed elsewhere"`.
pub fn reason(protocol: &str, cause: u16, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(protocol.as_bytes());
    out.extend_from_slice(b";cause=");
    super::decimal(out, u32::from(cause));
    if text.is_empty() {
        return;
    }
    out.extend_from_slice(b";text=\"");
    out.extend(text.bytes().flat_map(quoted));
    out.push(b'"');
}

/// RFC 3261 25.1 `quoted-string`: no control character may stand in it, and two bytes need a
/// backslash.
fn quoted(byte: u8) -> impl Iterator<Item = u8> {
    let escape = matches!(byte, b'"' | b'\\').then_some(b'\\');
    let byte = if byte.is_ascii_control() { b' ' } else { byte };
    escape.into_iter().chain([byte])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        reason("SIP", 200, text, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 3326 2.
    #[test]
    fn a_reason_has_protocol_cause_and_text() {
        assert_eq!(
            written("Taken elsewhere"),
            r#"SIP;cause=200;text="Taken elsewhere""#
        );
        assert_eq!(written(""), "SIP;cause=200");
    }

    #[test]
    fn a_text_cannot_end_its_quotes_or_its_line() {
        assert_eq!(
            written("a\"b\\c\r\nX: y"),
            r#"SIP;cause=200;text="a\"b\\c  X: y""#
        );
    }
}
