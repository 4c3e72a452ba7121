//! Telephone numbers and tables of their prefixes.

use std::collections::HashMap;

/// The digits of a number in the international form of E.164, without `+`: visual separators and the
/// international prefix are taken away. Nothing where it is no number.
pub(crate) fn international(number: &str, prefix: &str) -> Option<String> {
    let digits: String = number.chars().filter(|c| !"-.() ".contains(*c)).collect();
    let digits = match digits.strip_prefix('+') {
        Some(digits) => digits,
        None if !prefix.is_empty() => digits.strip_prefix(prefix).unwrap_or(&digits),
        None => &digits,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.to_owned())
}

/// Values by prefix; the longest one that a number begins with counts.
#[derive(Debug, Clone)]
pub(crate) struct Prefixes<T> {
    values: HashMap<String, T>,
    longest: usize,
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            longest: 0,
        }
    }
}

impl<T> Prefixes<T> {
    /// Adds a prefix; gives back the value that it had.
    pub(crate) fn insert(&mut self, prefix: &str, value: T) -> Option<T> {
        self.longest = self.longest.max(prefix.len());
        self.values.insert(prefix.to_owned(), value)
    }

    /// The value of the longest prefix of `digits`, and that prefix.
    pub(crate) fn find<'d>(&self, digits: &'d str) -> Option<(&'d str, &T)> {
        let longest = self.longest.min(digits.len());
        let prefixes = (0..=longest)
            .rev()
            .filter_map(|length| digits.get(..length));
        prefixes
            .filter_map(|prefix| Some((prefix, self.values.get(prefix)?)))
            .next()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_in_their_international_form() {
        for (number, digits) in [
            ("+49-30 (123)", Some("4930123")),
            ("004930123", Some("4930123")),
            ("4930123", Some("4930123")),
            ("alice", None),
            ("+", None),
            ("", None),
            ("49a", None),
        ] {
            assert_eq!(international(number, "00").as_deref(), digits, "{number}");
        }
        assert_eq!(international("0049", "").as_deref(), Some("0049"));
    }

    #[test]
    fn the_longest_prefix_counts() {
        let mut prefixes = Prefixes::default();
        for prefix in ["49", "4930", "1"] {
            assert_eq!(prefixes.insert(prefix, prefix.len()), None);
        }
        assert_eq!(prefixes.find("4930123"), Some(("4930", &4)));
        assert_eq!(prefixes.find("493"), Some(("49", &2)));
        assert_eq!(prefixes.find("4"), None);
        prefixes.insert("", 0);
        assert_eq!(prefixes.find("4"), Some(("", &0)));
    }
}
