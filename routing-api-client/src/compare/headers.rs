//! Changes to headers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_schemas::document::{Headers, Identity};

use super::report::{At, Found, Report, given, join};
use super::uri;

/// The values of headers by their names in one spelling, each with its pointer.
#[derive(Debug, Default)]
pub(super) struct Values<'a>(BTreeMap<String, Vec<(String, &'a str)>>);

impl<'a> Values<'a> {
    fn add(&mut self, name: &str, value: &'a str, pointer: String) {
        let values = self.0.entry(full_name(name)).or_default();
        values.push((pointer, value.trim()));
    }

    /// Pairs of names and values, as `append` and the headers of a `reply` have them.
    pub(super) fn of_pairs(pairs: &'a [(String, String)], at: &str) -> Self {
        let mut values = Self::default();
        for (index, (name, value)) in pairs.iter().enumerate() {
            values.add(name, value, join(at, &index.to_string()));
        }
        values
    }

    fn of_set(headers: &'a Headers, at: &str) -> Self {
        let mut values = Self::default();
        for (name, value) in &headers.set {
            values.add(name, value, join(at, name));
        }
        values
    }

    /// `append` and behind it the lines of `extra`, which do the same.
    fn of_appended(headers: &'a Headers, at: &str) -> Self {
        let mut values = Self::of_pairs(&headers.append, &join(at, "append"));
        let extra = headers.extra.as_deref().unwrap_or_default();
        for line in extra.split("\r\n").filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            values.add(name.trim_end(), value, join(at, "extra"));
        }
        values
    }

    fn of_removed(headers: &'a Headers, at: &str) -> Self {
        let mut values = Self::default();
        for (index, name) in headers.remove.iter().enumerate() {
            let is_new = !values.0.contains_key(&full_name(name));
            if is_new {
                values.add(name, name, join(at, &index.to_string()));
            }
        }
        values
    }

    fn get(&self, name: &str) -> &[(String, &'a str)] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn spelling(&self) -> String {
        let values =
            |values: &[(String, &'a str)]| values.iter().map(|it| it.1).collect::<Vec<_>>();
        let all = self.0.iter().map(|(name, list)| (name, values(list)));
        format!("{:?}", all.collect::<Vec<_>>())
    }

    /// Compares each name's values, in their order.
    pub(super) fn compare(&self, found: &Self, field: &str, report: &mut Report<'_>) {
        let names: BTreeSet<&String> = self.0.keys().chain(found.0.keys()).collect();
        for name in names {
            let (expected, found) = (self.get(name), found.get(name));
            let differ = || {
                !expected
                    .iter()
                    .map(|it| it.1)
                    .eq(found.iter().map(|it| it.1))
            };
            if differ() {
                report.differ(&format!("{field}.{name}"), shown(expected), shown(found));
            }
        }
    }
}

/// Compares the changes of two targets; none at all is as good as nothing.
pub(super) fn compare(
    expected: Option<&Headers>,
    found: Option<&Headers>,
    at: At<'_>,
    report: &mut Report<'_>,
) {
    let none = Headers::default();
    let (expected, found) = (expected.unwrap_or(&none), found.unwrap_or(&none));
    let pointers = (join(at.expected, "headers"), join(at.found, "headers"));
    let at = At {
        expected: &pointers.0,
        found: &pointers.1,
    };
    identity(
        "from",
        at,
        (expected.from.as_ref(), found.from.as_ref()),
        report,
    );
    identity("to", at, (expected.to.as_ref(), found.to.as_ref()), report);
    removed(expected, found, at, report);
    let set = |headers, at| Values::of_set(headers, &join(at, "set"));
    set(expected, at.expected).compare(&set(found, at.found), "headers.set", report);
    let appended = Values::of_appended(expected, at.expected);
    appended.compare(
        &Values::of_appended(found, at.found),
        "headers.append",
        report,
    );
}

/// All that is changed, in one spelling.
pub(super) fn spelling(headers: Option<&Headers>) -> String {
    let Some(headers) = headers else {
        return spelling(Some(&Headers::default()));
    };
    format!(
        "{:?}{:?}{:?}{}{}",
        parts(headers.from.as_ref()),
        parts(headers.to.as_ref()),
        Values::of_removed(headers, "").0.keys().collect::<Vec<_>>(),
        Values::of_set(headers, "").spelling(),
        Values::of_appended(headers, "").spelling(),
    )
}

fn removed(expected: &Headers, found: &Headers, at: At<'_>, report: &mut Report<'_>) {
    let names = |headers, at| Values::of_removed(headers, &join(at, "remove"));
    let (expected, found) = (names(expected, at.expected), names(found, at.found));
    let all: BTreeSet<&String> = expected.0.keys().chain(found.0.keys()).collect();
    for name in all {
        let (expected, found) = (expected.get(name), found.get(name));
        if expected.is_empty() != found.is_empty() {
            let field = format!("headers.remove.{name}");
            report.differ(&field, shown(expected), shown(found));
        }
    }
}

fn identity(
    key: &str,
    at: At<'_>,
    (expected, found): (Option<&Identity>, Option<&Identity>),
    report: &mut Report<'_>,
) {
    let field = format!("headers.{key}");
    let (expected_parts, found_parts) = (parts(expected), parts(found));
    let pairs = [
        ("display", expected_parts.0 == found_parts.0),
        ("uri", expected_parts.1 == found_parts.1),
    ];
    for (part, _) in pairs.into_iter().filter(|(_, same)| !same) {
        let shown = |identity: Option<&Identity>, at: &str| -> Found {
            let identity = identity?;
            let text = match part {
                "display" => given(&identity.display)?,
                _ => given(&identity.uri)?,
            };
            Some((join(&join(at, key), part), Value::from(text)))
        };
        let (expected, found) = (shown(expected, at.expected), shown(found, at.found));
        report.differ_in(&field, &format!("{field}.{part}"), expected, found);
    }
}

/// A display name as it is written, and a URI in one spelling.
fn parts(identity: Option<&Identity>) -> (Option<Cow<'_, str>>, Option<String>) {
    let Some(identity) = identity else {
        return (None, None);
    };
    (
        given(&identity.display).map(display),
        given(&identity.uri).map(uri::uri),
    )
}

/// A display name without its quotes and their escapes.
fn display(name: &str) -> Cow<'_, str> {
    let inside = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    match inside {
        Some(inside) => unescaped(inside).map_or(Cow::Borrowed(name), Cow::Owned),
        None => Cow::Borrowed(name),
    }
}

/// Nothing where a quote stands without its escape: then it is no quoted string.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return None,
            '\\' => out.push(letters.next()?),
            _ => out.push(letter),
        }
    }
    Some(out)
}

/// One value as it is, several as a list.
fn shown(values: &[(String, &str)]) -> Found {
    let (pointer, first) = values.first()?;
    let value = match values {
        [_] => Value::from(*first),
        _ => values.iter().map(|(_, value)| *value).collect(),
    };
    Some((pointer.clone(), value))
}

/// A name in lower case; a compact form as the name it stands for.
fn full_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let full = match lower.as_str() {
        "a" => "accept-contact",
        "b" => "referred-by",
        "c" => "content-type",
        "d" => "request-disposition",
        "e" => "content-encoding",
        "f" => "from",
        "i" => "call-id",
        "j" => "reject-contact",
        "k" => "supported",
        "l" => "content-length",
        "m" => "contact",
        "n" => "identity-info",
        "o" => "event",
        "r" => "refer-to",
        "s" => "subject",
        "t" => "to",
        "u" => "allow-events",
        "v" => "via",
        "x" => "session-expires",
        "y" => "identity",
        _ => return lower,
    };
    full.to_owned()
}
