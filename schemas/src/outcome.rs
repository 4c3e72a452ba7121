//! The words of `continue_on` and `stop_on`.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

use crate::document::Outcome;

const PATTERN: &str = "^([3-6]([0-9]{2}|xx)|timeout|transport)$";

impl Outcome {
    /// Whether a word of this form is known: `"486"`, `"5xx"`, `"timeout"`, `"transport"`.
    #[must_use]
    pub fn is_known(word: &str) -> bool {
        match word.as_bytes() {
            b"timeout" | b"transport" => true,
            [b'3'..=b'6', b'x', b'x'] => true,
            [b'3'..=b'6', tens, ones] => tens.is_ascii_digit() && ones.is_ascii_digit(),
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if Self::is_known(&word) {
            return Ok(Self(word));
        }
        Err(Error::invalid_value(
            Unexpected::Str(&word),
            &"a code (\"486\"), a class (\"5xx\"), \"timeout\" or \"transport\"",
        ))
    }
}

impl schemars::JsonSchema for Outcome {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Outcome".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": PATTERN,
            "description": "What a branch may end with: a code (`\"486\"`), a class (`\"5xx\"`), \
                `\"timeout\"` or `\"transport\"`.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outcomes_that_a_branch_can_end_with_are_known() {
        for word in ["300", "486", "699", "3xx", "6xx", "timeout", "transport"] {
            assert!(Outcome::is_known(word), "{word}");
        }
        for word in ["", "200", "2xx", "5XX", "48", "4865", "4x6", "busy"] {
            assert!(!Outcome::is_known(word), "{word}");
        }
    }
}
