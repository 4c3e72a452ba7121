//! One destination of a rule.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::template::{Template, UriTemplate};

/// One destination: `"sip:{user}@192.0.2.7"` or a table with more.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) uri: Option<UriTemplate>,
    pub(crate) dst_uri: Option<UriTemplate>,
    pub(crate) socket: Option<String>,
    pub(crate) fr_timer: Option<u32>,
    pub(crate) fr_inv_timer: Option<u32>,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) remove_headers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTarget {
    uri: Option<UriTemplate>,
    dst_uri: Option<UriTemplate>,
    socket: Option<String>,
    #[serde(default, deserialize_with = "milliseconds")]
    fr_timer: Option<u32>,
    #[serde(default, deserialize_with = "milliseconds")]
    fr_inv_timer: Option<u32>,
    #[serde(default)]
    headers: BTreeMap<HeaderName, Template>,
    #[serde(default)]
    remove_headers: Vec<HeaderName>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct HeaderName(String);

impl<'de> Deserialize<'de> for HeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(D::Error::custom(format!("{name:?} is no header name")));
        }
        Ok(Self(name))
    }
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom("a timer has at least 1 millisecond")),
        timer => Ok(Some(timer)),
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

struct TargetVisitor;

impl<'de> Visitor<'de> for TargetVisitor {
    type Value = Target;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URI or a table with uri, dst_uri, socket, timers and headers")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Target, E> {
        let deserializer = serde::de::value::StrDeserializer::new(text);
        Ok(Target::to_uri(UriTemplate::deserialize(deserializer)?))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Target, A::Error> {
        let raw = RawTarget::deserialize(MapAccessDeserializer::new(map))?;
        if raw.uri.is_none() && raw.dst_uri.is_none() {
            return Err(A::Error::custom("a target needs `uri` or `dst_uri`"));
        }
        Ok(Target::from(raw))
    }
}

impl From<RawTarget> for Target {
    fn from(raw: RawTarget) -> Self {
        let headers = raw.headers.into_iter();
        Self {
            uri: raw.uri,
            dst_uri: raw.dst_uri,
            socket: raw.socket,
            fr_timer: raw.fr_timer,
            fr_inv_timer: raw.fr_inv_timer,
            headers: headers.map(|(name, value)| (name.0, value)).collect(),
            remove_headers: raw.remove_headers.into_iter().map(|name| name.0).collect(),
        }
    }
}

impl Target {
    pub(crate) fn to_uri(uri: UriTemplate) -> Self {
        Self {
            uri: Some(uri),
            dst_uri: None,
            socket: None,
            fr_timer: None,
            fr_inv_timer: None,
            headers: Vec::new(),
            remove_headers: Vec::new(),
        }
    }

    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let uris = self.uri.iter().chain(&self.dst_uri).map(|uri| &uri.0);
        uris.chain(self.headers.iter().map(|(_, value)| value))
    }
}
