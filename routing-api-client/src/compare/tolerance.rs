//! What may differ without being a difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What may differ without being a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tolerances {
    /// Fields that do not count, with all below them; `*` stands for one part of a name: `tags`,
    /// `tags.rate`, `headers.set.x-trace`, `headers.*.x-trace`. They do not count in `on_exhausted`
    /// either; one that begins with `on_exhausted` is meant for there alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Milliseconds by which any timer may differ: `fr_timer`, `fr_inv_timer`, `max_call_ms`.
    pub timer_ms: u32,
    /// Milliseconds by which one timer may differ, instead of `timer_ms`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub timers: BTreeMap<String, u32>,
    /// The order in which targets are tried does not count. In a parallel group it never does.
    pub any_order: bool,
}

/// Why a word is no tolerance, and which there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTolerance(String);

/// The timers that may differ a little.
const TIMERS: [&str; 3] = ["fr_inv_timer", "fr_timer", "max_call_ms"];

/// What a field is made of.
enum Below {
    Nothing,
    /// Names that an application chooses.
    Anything,
    These(&'static [(&'static str, Self)]),
    /// All fields of a document again.
    Document,
}

/// All fields, as differences name them.
const FIELDS: &[(&str, Below)] = &[
    ("action", Below::Nothing),
    ("ask_on", Below::Nothing),
    ("attributes", Below::Anything),
    ("branch_flags", Below::Nothing),
    ("cache", Below::These(CACHE)),
    ("contacts", Below::Nothing),
    ("context", Below::Nothing),
    ("continue_on", Below::Nothing),
    ("dst_uri", Below::Nothing),
    ("fr_inv_timer", Below::Nothing),
    ("fr_timer", Below::Nothing),
    ("headers", Below::These(HEADERS)),
    ("location", Below::Nothing),
    ("max_call_ms", Below::Nothing),
    ("notify", Below::Nothing),
    ("on_exhausted", Below::Document),
    ("on_redirect", Below::Nothing),
    ("order", Below::Nothing),
    ("path", Below::Nothing),
    ("record_route", Below::Nothing),
    ("reply", Below::These(REPLY)),
    ("routing", Below::Nothing),
    ("socket", Below::Nothing),
    ("stop_on", Below::Nothing),
    ("tags", Below::Anything),
    ("targets", Below::Nothing),
    ("uri", Below::Nothing),
];

const CACHE: &[(&str, Below)] = &[
    ("key", Below::Nothing),
    ("stale_if_error_ms", Below::Nothing),
    ("ttl_ms", Below::Nothing),
];

const HEADERS: &[(&str, Below)] = &[
    ("append", Below::Anything),
    ("from", Below::These(IDENTITY)),
    ("remove", Below::Anything),
    ("set", Below::Anything),
    ("to", Below::These(IDENTITY)),
];

const IDENTITY: &[(&str, Below)] = &[("display", Below::Nothing), ("uri", Below::Nothing)];

const REPLY: &[(&str, Below)] = &[
    ("body", Below::Nothing),
    ("code", Below::Nothing),
    ("content_type", Below::Nothing),
    ("headers", Below::Anything),
    ("reason", Below::Nothing),
];

impl Tolerances {
    /// Adds a field that does not count: `tags`, `headers.set.x-trace`.
    ///
    /// # Errors
    /// There is no such field; says which there are.
    pub fn ignore(&mut self, field: &str) -> Result<(), InvalidTolerance> {
        let parts: Vec<&str> = field.split('.').collect();
        check(field, &parts, FIELDS, "")?;
        self.ignore.push(field.to_owned());
        Ok(())
    }

    /// Adds a tolerance: `fr_timer=500`, `timers=500` or `any_order`.
    ///
    /// # Errors
    /// It is none of these; says which timers there are.
    pub fn tolerate(&mut self, text: &str) -> Result<(), InvalidTolerance> {
        if text == "any_order" {
            self.any_order = true;
            return Ok(());
        }
        let known = TIMERS.join("=MS, ");
        let Some((timer, ms)) = text.split_once('=') else {
            let there_are = format!("there are {known}=MS, timers=MS and any_order");
            return Err(InvalidTolerance(format!(
                "no tolerance {text:?}: {there_are}"
            )));
        };
        let Ok(ms) = ms.parse() else {
            let needed = "milliseconds are needed, 0 to 4294967295";
            return Err(InvalidTolerance(format!(
                "{text}: {ms:?} is no number: {needed}"
            )));
        };
        match timer {
            "timers" => self.timer_ms = ms,
            _ if TIMERS.contains(&timer) => drop(self.timers.insert(timer.to_owned(), ms)),
            _ => {
                let there_are = format!("there are {known}=MS and timers=MS for all");
                return Err(InvalidTolerance(format!("no timer {timer:?}: {there_are}")));
            }
        }
        Ok(())
    }

    /// Finds what in these tolerances can't be meant, as where they were read from a file.
    ///
    /// # Errors
    /// A field or a timer that is none.
    pub fn check(&self) -> Result<(), InvalidTolerance> {
        let mut checked = Self::default();
        for field in &self.ignore {
            checked.ignore(field)?;
        }
        for (timer, ms) in &self.timers {
            checked.tolerate(&format!("{timer}={ms}"))?;
        }
        Ok(())
    }

    pub(super) fn of_timer(&self, name: &str) -> u32 {
        self.timers.get(name).copied().unwrap_or(self.timer_ms)
    }

    /// Whether a difference in this field does not count.
    pub(super) fn ignores(&self, field: &str) -> bool {
        let mut innermost = field;
        while let Some(inner) = innermost.strip_prefix("on_exhausted.") {
            innermost = inner;
        }
        let mut patterns = self.ignore.iter();
        patterns.any(|pattern| covers(pattern, field) || covers(pattern, innermost))
    }
}

/// Whether the pattern names the field or something that it is a part of.
fn covers(pattern: &str, field: &str) -> bool {
    let mut parts = field.split('.');
    pattern.split('.').all(|wanted| {
        let part = parts.next();
        part.is_some_and(|part| wanted == "*" || wanted.eq_ignore_ascii_case(part))
    })
}

fn check(
    field: &str,
    parts: &[&str],
    known: &[(&str, Below)],
    above: &str,
) -> Result<(), InvalidTolerance> {
    let Some((first, rest)) = parts.split_first() else {
        return Ok(());
    };
    let is_meant = |(name, _): &&(&str, Below)| *first == "*" || first.eq_ignore_ascii_case(name);
    let matching: Vec<_> = known.iter().filter(is_meant).collect();
    if matching.is_empty() {
        let names = known.iter().map(|(name, _)| format!("{above}{name}"));
        let names = names.collect::<Vec<_>>().join(", ");
        return Err(InvalidTolerance(format!(
            "no field {field:?}: there are {names}"
        )));
    }
    let fits = |(name, below): &&(&str, Below)| match below {
        Below::Nothing if rest.is_empty() => Ok(()),
        Below::Nothing => Err(InvalidTolerance(format!(
            "no field {field:?}: nothing is below {above}{name}"
        ))),
        Below::Anything => Ok(()),
        Below::These(known) => check(field, rest, known, &format!("{above}{name}.")),
        Below::Document => check(field, rest, FIELDS, &format!("{above}{name}.")),
    };
    let mut results = matching.iter().map(fits);
    match results.find(Result::is_ok) {
        Some(_) => Ok(()),
        None => matching.iter().try_for_each(fits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignoring(fields: &[&str]) -> Tolerances {
        let mut tolerances = Tolerances::default();
        for field in fields {
            tolerances.ignore(field).unwrap();
        }
        tolerances
    }

    #[test]
    fn a_field_is_ignored_with_all_that_is_below_it() {
        let tolerances = ignoring(&["headers.set.X-Trace", "tags", "reply.*"]);
        for field in [
            "headers.set.x-trace",
            "tags",
            "tags.rate",
            "reply.code",
            "on_exhausted.tags",
        ] {
            assert!(tolerances.ignores(field), "{field}");
        }
        for field in [
            "headers.set",
            "headers.set.x",
            "headers.append.x-trace",
            "reply",
            "uri",
        ] {
            assert!(!tolerances.ignores(field), "{field}");
        }
    }

    #[test]
    fn a_field_of_what_follows_is_ignored_there_alone() {
        let tolerances = ignoring(&["on_exhausted.uri"]);
        assert!(tolerances.ignores("on_exhausted.uri"));
        assert!(!tolerances.ignores("uri"));
    }

    #[test]
    fn a_field_that_does_not_exist_is_refused_with_those_that_do() {
        let refused = |field: &str| Tolerances::default().ignore(field).unwrap_err().to_string();
        assert!(
            refused("tag").contains("there are action, ask_on"),
            "{}",
            refused("tag")
        );
        let headers = refused("headers.add.x");
        assert!(
            headers.contains("headers.append, headers.from"),
            "{headers}"
        );
        let deep = refused("on_exhausted.rply");
        assert!(deep.contains("on_exhausted.reply"), "{deep}");
        let below = refused("uri.host");
        assert!(below.contains("nothing is below uri"), "{below}");
        assert!(refused("").contains("no field"));
        for known in [
            "*",
            "*.set.x-trace",
            "headers.*.x-trace",
            "tags.a.b",
            "on_exhausted.on_exhausted.uri",
        ] {
            Tolerances::default().ignore(known).unwrap();
        }
    }

    #[test]
    fn timers_may_differ_each_by_its_own_or_all_by_one_measure() {
        let mut tolerances = Tolerances::default();
        for text in ["fr_timer=500", "timers=20", "any_order"] {
            tolerances.tolerate(text).unwrap();
        }
        assert_eq!(tolerances.of_timer("fr_timer"), 500);
        assert_eq!(tolerances.of_timer("max_call_ms"), 20);
        assert!(tolerances.any_order);
    }

    #[test]
    fn a_tolerance_that_does_not_exist_is_refused_with_those_that_do() {
        let refused = |text: &str| {
            Tolerances::default()
                .tolerate(text)
                .unwrap_err()
                .to_string()
        };
        assert!(refused("timer=5").contains("fr_inv_timer=MS, fr_timer=MS"));
        assert!(refused("order").contains("any_order"));
        assert!(refused("fr_timer=5s").contains("\"5s\" is no number"));
    }

    #[test]
    fn what_was_read_from_a_file_can_be_checked() {
        let read: Tolerances = serde_json::from_str(r#"{"ignore":["tgas"]}"#).unwrap();
        assert!(read.check().unwrap_err().to_string().contains("\"tgas\""));
        let read: Tolerances = serde_json::from_str(r#"{"timers":{"fr":1}}"#).unwrap();
        assert!(read.check().is_err());
        Tolerances::default().check().unwrap();
    }
}
