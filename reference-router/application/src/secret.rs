//! Comparing secrets.

/// Whether both are the same, in a time that does not tell where they differ.
pub(crate) fn same(wanted: &str, shown: &str) -> bool {
    let (wanted, shown) = (wanted.as_bytes(), shown.as_bytes());
    let difference = wanted
        .iter()
        .zip(shown)
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    wanted.len() == shown.len() && difference == 0
}

/// The secret in `Authorization: Bearer …`.
pub(crate) fn bearer(authorization: Option<&[u8]>) -> Option<&str> {
    let value = std::str::from_utf8(authorization?).ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_is_the_same() {
        assert!(same("s3cret", "s3cret"));
        for other in ["", "s3cre", "s3crets", "s3creT"] {
            assert!(!same("s3cret", other), "{other}");
        }
        assert_eq!(bearer(Some(b"bearer  s3cret ")), Some("s3cret"));
        assert_eq!(bearer(Some(b"Basic s3cret")), None);
    }
}
