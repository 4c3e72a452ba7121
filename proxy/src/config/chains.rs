//! Chains: applications in a row.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Applications in a row: each step may `pass` to the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// Its name, by which rules find it.
    pub name: String,
    /// Its steps, in the order in which they are taken.
    #[serde(default)]
    pub step: Vec<Step>,
}

/// One decision of a chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, as `step` in the question. A chain of one step can do without.
    #[serde(default)]
    pub name: String,
    /// The pools that are asked, the preferred one first.
    pub ask: Vec<String>,
    /// Milliseconds for this step. Without it, all that is left of `routing.deadline_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
    /// What decides when no application of these pools does, in this order. `cache`: an earlier
    /// decision that may be used when nobody answers. `document:NAME`: a document of
    /// `routing.documents`. `pass`: the next step (fail open). Then, as without any, the fallback
    /// (fail closed).
    #[serde(default)]
    pub otherwise: Vec<Otherwise>,
}

/// What decides in the place of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Otherwise {
    /// An earlier decision.
    Cache,
    /// The document of this name.
    Document(String),
    /// The next step.
    Pass,
}

impl FromStr for Otherwise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cache" => Ok(Self::Cache),
            None if text == "pass" => Ok(Self::Pass),
            Some(("document", name)) if !name.is_empty() => Ok(Self::Document(name.to_owned())),
            _ => Err(format!(
                "`{text}` decides nothing; write \"cache\", \"document:NAME\" or \"pass\""
            )),
        }
    }
}

impl fmt::Display for Otherwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache => f.write_str("cache"),
            Self::Document(name) => write!(f, "document:{name}"),
            Self::Pass => f.write_str("pass"),
        }
    }
}

impl TryFrom<String> for Otherwise {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Otherwise> for String {
    fn from(otherwise: Otherwise) -> Self {
        otherwise.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_otherwise_is_read_and_written_alike() {
        for text in ["cache", "pass", "document:carrier"] {
            assert_eq!(text.parse::<Otherwise>().unwrap().to_string(), text);
        }
        for text in ["", "cached", "document:", "document", "pass:on"] {
            assert!(text.parse::<Otherwise>().is_err(), "{text}");
        }
    }
}
