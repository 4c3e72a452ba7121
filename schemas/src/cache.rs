//! How long and for whom a decision may be used again.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Lets the proxy use a decision again without asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cache {
    /// Milliseconds in which the same question gets this decision without being asked; 0 for none.
    #[schemars(range(max = 4_294_967_295_u32))]
    pub ttl_ms: u32,
    /// What the decision depends on: a question with the same values in all these places is the
    /// same question. At least one.
    #[schemars(length(min = 1))]
    pub key: Vec<CacheKeyPart>,
    /// Milliseconds after `ttl_ms` in which the decision still serves when no application answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub stale_if_error_ms: Option<u32>,
}

/// One place in an event on which a decision may depend.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheKeyPart {
    /// `method`
    Method,
    /// `uri`: the Request-URI.
    Uri,
    /// `uri.user`
    UriUser,
    /// `uri.host`
    UriHost,
    /// `from`: the URI in From.
    From,
    /// `from.user`
    FromUser,
    /// `to`: the URI in To.
    To,
    /// `to.user`
    ToUser,
    /// `source.ip`
    SourceIp,
    /// `source.listener`
    Listener,
    /// `header:NAME`: all values of a header.
    Header(String),
}

/// The words, beside `header:NAME`.
const WORDS: [(&str, CacheKeyPart); 10] = [
    ("method", CacheKeyPart::Method),
    ("uri", CacheKeyPart::Uri),
    ("uri.user", CacheKeyPart::UriUser),
    ("uri.host", CacheKeyPart::UriHost),
    ("from", CacheKeyPart::From),
    ("from.user", CacheKeyPart::FromUser),
    ("to", CacheKeyPart::To),
    ("to.user", CacheKeyPart::ToUser),
    ("source.ip", CacheKeyPart::SourceIp),
    ("source.listener", CacheKeyPart::Listener),
];

const PATTERN: &str = "^(method|uri|uri\\.user|uri\\.host|from|from\\.user|to|to\\.user|source\\.ip|source\\.listener|header:[A-Za-z0-9!%*_+`'~.-]+)$";

/// A text that names no place in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a place in an event: use method, uri, uri.user, uri.host, from, from.user, to, to.user, source.ip, source.listener or header:NAME"
)]
pub struct InvalidKeyPart;

impl FromStr for CacheKeyPart {
    type Err = InvalidKeyPart;

    fn from_str(text: &str) -> Result<Self, InvalidKeyPart> {
        if let Some((_, part)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(part.clone());
        }
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b);
        match text.strip_prefix("header:") {
            Some(name) if !name.is_empty() && name.bytes().all(is_token) => {
                Ok(Self::Header(name.to_ascii_lowercase()))
            }
            _ => Err(InvalidKeyPart),
        }
    }
}

impl fmt::Display for CacheKeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Header(name) = self {
            return write!(f, "header:{name}");
        }
        let word = WORDS.iter().find(|(_, part)| part == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

impl Serialize for CacheKeyPart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CacheKeyPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for CacheKeyPart {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CacheKeyPart".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": PATTERN,
            "description": "A place in the event: `method`, `uri`, `uri.user`, `uri.host`, `from`, \
                `from.user`, `to`, `to.user`, `source.ip`, `source.listener` or `header:NAME`.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_one_word_and_nothing_else_is_one() {
        for (word, part) in WORDS {
            assert_eq!(word.parse(), Ok(part.clone()));
            assert_eq!(part.to_string(), word);
        }
        let header: CacheKeyPart = "header:X-Trunk".parse().unwrap();
        assert_eq!(header.to_string(), "header:x-trunk");
        for wrong in ["", "URI", "uri.password", "header:", "header:a b", "body"] {
            assert_eq!(
                wrong.parse::<CacheKeyPart>(),
                Err(InvalidKeyPart),
                "{wrong}"
            );
        }
    }
}
