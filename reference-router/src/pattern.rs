//! `"+4930123"` for one text, `"+4930*"` for all that begin so.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum Pattern {
    Exact(String),
    Prefix(String),
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        match text.strip_suffix('*') {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None => Self::Exact(text),
        }
    }
}

impl Pattern {
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_stands_for_the_rest() {
        let matches = |pattern: &str, text| Pattern::from(pattern.to_owned()).matches(text);
        assert!(matches("+49", "+49") && !matches("+49", "+491"));
        assert!(matches("+49*", "+491") && !matches("+49*", "+4"));
        assert!(matches("*", ""));
    }
}
