//! Rules: which requests an application is asked about.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of some requests. The first rule that fits a request counts. A request that begins
/// something and that no rule fits is for the first chain; one inside a dialog goes straight on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, as it stands in logs.
    pub name: String,
    /// User parts of the Request-URI: whole ones, or beginnings with `*` behind them: `+49800*`.
    /// Without separators. Any when empty.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// SIP methods. Any when empty.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Hosts of the Request-URI; `*.example.com` is all below it. Any when empty.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Addresses or networks that the request comes from: `192.0.2.0/24`. Any when empty.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Whether it is for requests inside of dialogs instead of those that begin something.
    #[serde(default)]
    pub in_dialog: bool,
    /// What becomes of the request. `ask:CHAIN`: the applications of this chain are asked.
    /// `document:NAME`: a document of `routing.documents` decides at once, and nobody is asked.
    /// `straight`: it goes where its Route or Request-URI says.
    pub then: Then,
}

impl Rule {
    /// Whether every request with this `in_dialog` fits.
    pub(super) fn fits_all(&self) -> bool {
        self.numbers.is_empty()
            && self.methods.is_empty()
            && self.domains.is_empty()
            && self.sources.is_empty()
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Then {
    /// The applications of this chain are asked.
    Ask(String),
    /// The document of this name decides.
    Document(String),
    /// It goes where it says itself.
    Straight,
}

impl FromStr for Then {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "straight" => Ok(Self::Straight),
            Some(("ask", name)) if !name.is_empty() => Ok(Self::Ask(name.to_owned())),
            Some(("document", name)) if !name.is_empty() => Ok(Self::Document(name.to_owned())),
            _ => Err(format!(
                "`{text}` is nothing to do; write \"ask:CHAIN\", \"document:NAME\" or \"straight\""
            )),
        }
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(chain) => write!(f, "ask:{chain}"),
            Self::Document(name) => write!(f, "document:{name}"),
            Self::Straight => f.write_str("straight"),
        }
    }
}

impl TryFrom<String> for Then {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Then> for String {
    fn from(then: Then) -> Self {
        then.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_does_is_read_and_written_alike() {
        for text in ["straight", "ask:default", "document:carrier"] {
            assert_eq!(text.parse::<Then>().unwrap().to_string(), text);
        }
        for text in ["", "ask", "ask:", "carrier", "straight:on"] {
            assert!(text.parse::<Then>().is_err(), "{text}");
        }
    }
}
