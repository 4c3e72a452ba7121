//! Texts with places for parts of the request: `sip:{user}@192.0.2.7`.

use std::fmt::Write;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::uri::{Callee, escape_user};

/// What a place stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Domain,
    Number,
    Rest,
    Uri,
    User,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Place(Place),
    Text(String),
}

/// A text whose places are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

/// What the places of a template are filled with.
pub(crate) struct Filling<'a> {
    pub(crate) callee: &'a Callee<'a>,
    /// The user behind the prefix that matched.
    pub(crate) rest: &'a str,
    /// The user as it stands in a URI, with what number portability adds.
    pub(crate) number: &'a str,
    /// The Request-URI, with what number portability adds.
    pub(crate) uri: &'a str,
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (word, after) = behind
                .split_once('}')
                .ok_or_else(|| format!("'{{' without '}}' in {text:?}"))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Place(Place::parse(word)?));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(Self(parts))
    }

    pub(crate) fn fill(&self, filling: &Filling<'_>) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place(place) => place.fill(filling, &mut out),
            }
        }
        out
    }

    pub(crate) fn needs_user(&self) -> bool {
        self.has(Place::User) || self.has(Place::Number) || self.needs_rest()
    }

    pub(crate) fn needs_rest(&self) -> bool {
        self.has(Place::Rest)
    }

    fn has(&self, place: Place) -> bool {
        self.0.contains(&Part::Place(place))
    }

    fn starts_with_any(&self, prefixes: &[&str]) -> bool {
        match self.0.first() {
            Some(Part::Text(text)) => prefixes.iter().any(|prefix| text.starts_with(prefix)),
            Some(Part::Place(place)) => *place == Place::Uri,
            None => false,
        }
    }

    fn texts(&self) -> impl Iterator<Item = char> {
        let texts = self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            Part::Place(_) => None,
        });
        texts.flat_map(|text| text.chars())
    }
}

impl Place {
    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "domain" => Ok(Self::Domain),
            "number" => Ok(Self::Number),
            "rest" => Ok(Self::Rest),
            "uri" => Ok(Self::Uri),
            "user" => Ok(Self::User),
            other => Err(format!(
                "unknown place {{{other}}}; there are {{user}}, {{number}}, {{rest}}, {{domain}} and {{uri}}"
            )),
        }
    }

    fn fill(self, filling: &Filling<'_>, out: &mut String) {
        match self {
            Self::Domain => fill_domain(&filling.callee.domain, out),
            Self::Number => out.push_str(filling.number),
            Self::Rest => escape_user(filling.rest, out),
            Self::Uri => out.push_str(filling.uri),
            Self::User => escape_user(filling.callee.user.as_deref().unwrap_or_default(), out),
        }
    }
}

fn fill_domain(domain: &str, out: &mut String) {
    if domain.contains(':') {
        let _ = write!(out, "[{domain}]");
    } else {
        out.push_str(domain);
    }
}

/// A template of a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UriTemplate(pub(crate) Template);

impl<'de> Deserialize<'de> for UriTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let template = Template::deserialize(deserializer)?;
        if !template.starts_with_any(&["sip:", "sips:", "tel:"]) {
            return Err(D::Error::custom("a URI begins with sip:, sips: or tel:"));
        }
        let is_bad = |character: char| character.is_whitespace() || "<>\"".contains(character);
        let bad = template.texts().find(|character| is_bad(*character));
        match bad {
            Some(bad) => Err(D::Error::custom(format!("{bad:?} can't stand in a URI"))),
            None => Ok(Self(template)),
        }
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let template =
            Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        if template.texts().any(char::is_control) {
            return Err(D::Error::custom("control characters can't stand here"));
        }
        Ok(template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_from_the_request() {
        let callee = Callee::parse("sip:0049 30@[2001:db8::1]");
        let filling = Filling {
            callee: &callee,
            rest: "30",
            number: "+4930;npdi",
            uri: "sip:+4930;npdi@h",
        };
        let fill = |text| Template::parse(text).unwrap().fill(&filling);
        assert_eq!(fill("sip:+49{rest}@{domain}"), "sip:+4930@[2001:db8::1]");
        assert_eq!(fill("{user}"), "0049%2030");
        assert_eq!(fill("{number}"), "+4930;npdi");
        assert_eq!(fill("{uri}"), "sip:+4930;npdi@h");
        assert_eq!(fill("plain"), "plain");
    }

    #[test]
    fn unknown_and_open_places_are_refused() {
        assert!(
            Template::parse("sip:{usr}@x")
                .unwrap_err()
                .contains("{usr}")
        );
        assert!(
            Template::parse("sip:{user@x")
                .unwrap_err()
                .contains("without")
        );
    }
}
