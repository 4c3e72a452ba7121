//! A few values of a JSON object, without reading the rest of it into memory.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer, de};
use serde_json::value::RawValue;

/// The values of the `keys` of one object, in their order, as they stand in the text. Of a key that
/// is repeated the first counts.
pub(crate) fn pick<'a, const N: usize>(
    json: &'a [u8],
    keys: [&str; N],
) -> Result<[Option<&'a RawValue>; N], serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let found = deserializer.deserialize_map(Picker { keys })?;
    deserializer.end()?;
    Ok(found)
}

struct Picker<'k, const N: usize> {
    keys: [&'k str; N],
}

impl<'de, const N: usize> Visitor<'de> for Picker<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let wanted = |k: &&str| *k == key.0;
            if !self.keys.iter().any(wanted) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&RawValue>()?;
            for (slot, _) in found.iter_mut().zip(&self.keys).filter(|(_, k)| wanted(k)) {
                slot.get_or_insert(value);
            }
        }
        Ok(found)
    }
}

/// Borrowed unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> de::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<const N: usize>(json: &str, keys: [&str; N]) -> Option<[Option<String>; N]> {
        let found = pick(json.as_bytes(), keys).ok()?;
        Some(found.map(|value| value.map(|v| v.get().to_owned())))
    }

    #[test]
    fn finds_values_as_they_stand() {
        let json = r#" {"a": 1,"b":{"a":2 },"\u0063":"x", "a": 3} "#;
        let found = texts(json, ["b", "a", "c", "d"]).unwrap();
        let expected = [Some(r#"{"a":2 }"#), Some("1"), Some("\"x\""), None];
        assert_eq!(found, expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn one_key_can_be_wanted_twice() {
        let found = texts(r#"{"a":1}"#, ["a", "a"]).unwrap();
        assert_eq!(found, [Some("1".to_owned()), Some("1".to_owned())]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for wrong in ["", "[]", "1", "{", "{}x", r#"{"a":}"#, "\u{0}"] {
            assert_eq!(texts(wrong, ["a"]), None, "{wrong}");
        }
    }
}
