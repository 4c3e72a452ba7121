//! By what a question finds its record.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// What stands in the place of a missing value.
static NOTHING: Value = Value::Null;

/// By what a question finds its record: values of the event that both have to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Vec<Pointer>);

/// Where one value of an event is: a JSON Pointer (RFC 6901). `/request/headers/NAME` is the value
/// of that header field, of whatever case and place; all values where the request has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    text: String,
    tokens: Vec<String>,
}

/// Why a text is no place in an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no JSON Pointer: it has to begin with a slash, like /request/uri")]
pub struct InvalidPointer(pub String);

impl FromStr for Pointer {
    type Err = InvalidPointer;

    fn from_str(text: &str) -> Result<Self, InvalidPointer> {
        let rest = text.strip_prefix('/');
        let rest = rest.ok_or_else(|| InvalidPointer(text.to_owned()))?;
        Ok(Self {
            text: text.to_owned(),
            tokens: rest.split('/').map(unescape).collect(),
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pointer {
    /// The value in an event, `null` where there is none.
    #[must_use]
    pub fn find(&self, event: &Value) -> Value {
        match self.header() {
            Some(name) => header(event, name),
            None => event.pointer(&self.text).unwrap_or(&NOTHING).clone(),
        }
    }

    /// The name of the header field, where it is one.
    fn header(&self) -> Option<&str> {
        match self.tokens.as_slice() {
            [request, headers, name] if request == "request" && headers == "headers" => {
                let is_index = name.bytes().all(|byte| byte.is_ascii_digit());
                (!is_index).then_some(name)
            }
            _ => None,
        }
    }

    /// Whether a value that was masked at `masked`, a pointer into the record or its event, is this
    /// one or a part of it.
    fn is_touched_by(&self, masked: &str, event: &Value) -> bool {
        let masked: Vec<_> = masked.split('/').skip(1).map(unescape).collect();
        let masked = match masked.split_first() {
            Some((first, rest)) if first == "event" => rest,
            _ => &masked,
        };
        let same =
            |(own, masked): (&String, &String)| masked == "*" || own.eq_ignore_ascii_case(masked);
        if let (Some(name), [request, headers, place, ..]) = (self.header(), masked)
            && request == "request"
            && headers == "headers"
            && let Some(field) = field_name(event, place)
        {
            return name.eq_ignore_ascii_case(field);
        }
        self.tokens.iter().zip(masked).all(same)
    }
}

/// The name of the header field at a place in the list.
fn field_name<'e>(event: &'e Value, place: &str) -> Option<&'e str> {
    let place: usize = place.parse().ok()?;
    let fields = event.pointer("/request/headers")?;
    fields.get(place)?.get(0)?.as_str()
}

impl Default for Key {
    fn default() -> Self {
        let pointers = Self::DEFAULT.iter().filter_map(|text| text.parse().ok());
        Self(pointers.collect())
    }
}

impl Key {
    /// The default: the request as people see it, and how far its routing has come.
    pub const DEFAULT: [&str; 6] = [
        "/request/method",
        "/request/uri",
        "/request/from/uri",
        "/reason",
        "/attempt",
        "/step",
    ];

    /// Of these values.
    #[must_use]
    pub fn new(pointers: Vec<Pointer>) -> Self {
        Self(pointers)
    }

    /// Where its values are.
    #[must_use]
    pub fn pointers(&self) -> &[Pointer] {
        &self.0
    }

    /// The values in an event.
    #[must_use]
    pub fn values(&self, event: &Value) -> Vec<Value> {
        self.0.iter().map(|pointer| pointer.find(event)).collect()
    }

    /// Which of its values are masked in a record that has these pointers in `masked`.
    #[must_use]
    pub fn masked(&self, masked: &[impl AsRef<str>], event: &Value) -> Vec<String> {
        let touched = |pointer: &&Pointer| {
            let mut masked = masked.iter().map(AsRef::as_ref);
            masked.any(|masked| pointer.is_touched_by(masked, event))
        };
        let touched = self.0.iter().filter(touched);
        touched.map(ToString::to_string).collect()
    }
}

/// RFC 6901 section 4.
fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn header(event: &Value, name: &str) -> Value {
    let fields = event.pointer("/request/headers").and_then(Value::as_array);
    let mut values: Vec<_> = fields
        .into_iter()
        .flatten()
        .filter(|field| {
            let given = field.get(0).and_then(Value::as_str);
            given.is_some_and(|given| given.eq_ignore_ascii_case(name))
        })
        .filter_map(|field| field.get(1).cloned())
        .collect();
    match values.len() {
        0 | 1 => values.pop().unwrap_or_default(),
        _ => Value::Array(values),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({
            "attempt": 1,
            "request": {"uri": "sip:bob@h", "from": {"uri": "sip:alice@h"},
                        "headers": [["X-Test", "one"], ["Via", "a"], ["via", "b"]]},
        })
    }

    fn pointer(text: &str) -> Pointer {
        text.parse().unwrap()
    }

    #[test]
    fn a_pointer_finds_a_value_and_a_header_by_its_name() {
        for (text, value) in [
            ("/request/uri", json!("sip:bob@h")),
            ("/attempt", json!(1)),
            ("/step", Value::Null),
            ("/request/headers/x-test", json!("one")),
            ("/request/headers/Via", json!(["a", "b"])),
            ("/request/headers/X-Other", Value::Null),
            ("/request/headers/0/1", json!("one")),
        ] {
            assert_eq!(pointer(text).find(&event()), value, "{text}");
        }
        assert!("request/uri".parse::<Pointer>().is_err());
        assert_eq!(pointer("/a~1b/c~0d").tokens, ["a/b", "c~d"]);
    }

    #[test]
    fn a_masked_value_is_noticed_where_the_key_needs_it() {
        let key = Key::new(vec![
            pointer("/request/from/uri"),
            pointer("/request/headers/X-Test"),
        ]);
        for (masked, found) in [
            ("/event/request/from/uri", &["/request/from/uri"][..]),
            ("/request/from", &["/request/from/uri"]),
            ("/event/request/headers/0/1", &["/request/headers/X-Test"]),
            (
                "/event/request/headers/x-test",
                &["/request/headers/X-Test"],
            ),
            ("/event/request/headers/*", &["/request/headers/X-Test"]),
            ("/event/request/headers/1/1", &[]),
            ("/event/request/to/uri", &[]),
            ("/document/routes/0/uri", &[]),
        ] {
            assert_eq!(key.masked(&[masked], &event()), found, "{masked}");
        }
    }
}
