//! What differs between two configurations, and whether it takes a restart.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::Config;

/// Keys that are read once, at the start. What begins with one of them needs a restart.
const FIXED: [&str; 18] = [
    "node",
    "shards",
    "listen",
    "streams",
    "routing.listen",
    "routing.token",
    "routing.max_in_flight",
    "routing.max_frame",
    "sip.limits.max_message",
    "sip.limits.max_headers",
    "sip.limits.max_line",
    "calls.notify_queue",
    "calls.notify_bytes",
    "calls.notify_keep_s",
    "calls.ack_timeout_ms",
    "recording",
    "admin",
    "log.format",
];

/// Stands for the value of a secret.
const MASK: &str = "…";

/// What differs between two configurations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// In the order of their keys.
    pub changes: Vec<Change>,
}

/// One key whose value differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The key; entries of lists are called by their names where they have some.
    pub key: String,
    /// The value before, without secrets; nothing where it was absent.
    pub old: Option<Value>,
    /// The value after.
    pub new: Option<Value>,
}

impl Difference {
    /// From `old` to `new`.
    #[must_use]
    pub fn between(old: &Config, new: &Config) -> Self {
        let (old, new) = (leaves(old), leaves(new));
        let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let differing = keys
            .into_iter()
            .filter(|key| old.get(*key) != new.get(*key));
        let changes = differing.map(|key| Change {
            key: key.clone(),
            old: old.get(key).map(|value| shown(key, value)),
            new: new.get(key).map(|value| shown(key, value)),
        });
        Self {
            changes: changes.collect(),
        }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The keys that can't be changed while the proxy runs.
    #[must_use]
    pub fn fixed(&self) -> Vec<&str> {
        let keys = self.changes.iter().map(|change| change.key.as_str());
        keys.filter(|key| is_fixed(key)).collect()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, change) in self.changes.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            change.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.key)?;
        match &self.old {
            Some(value) => value.fmt(f)?,
            None => f.write_str("(absent)")?,
        }
        f.write_str(" → ")?;
        match &self.new {
            Some(value) => value.fmt(f),
            None => f.write_str("(absent)"),
        }
    }
}

impl Config {
    /// The whole as JSON, without secrets.
    #[must_use]
    pub fn shown(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        mask(&mut value);
        value
    }
}

fn is_fixed(key: &str) -> bool {
    FIXED.iter().any(|fixed| {
        key.strip_prefix(fixed)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

fn is_secret(key: &str) -> bool {
    ["token", "hash_key"].contains(&last(key))
}

fn last(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, last)| last)
}

fn shown(key: &str, value: &Value) -> Value {
    match (is_secret(key), value) {
        (true, _) => Value::from(MASK),
        (false, Value::String(url)) if last(key) == "url" => without_password(url).into(),
        (false, value) => value.clone(),
    }
}

/// A URL may hold one in front of its host.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let Some((user, host)) = rest.rsplit_once('@') else {
        return url.to_owned();
    };
    let user = user.split_once(':').map_or(user, |(user, _)| user);
    format!("{scheme}://{user}:{MASK}@{host}")
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::Object(_) | Value::Array(_) => mask(value),
                    _ => *value = shown(key, value),
                }
            }
        }
        Value::Array(array) => array.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Every value that is no table, by its key. Documents count as one value.
fn leaves(config: &Config) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    let value = serde_json::to_value(config).unwrap_or_default();
    gather(String::new(), value, &mut leaves);
    leaves
}

fn gather(key: String, value: Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(object) if !key.ends_with(".document") => {
            for (name, value) in object {
                let dot = if key.is_empty() { "" } else { "." };
                gather(format!("{key}{dot}{name}"), value, leaves);
            }
        }
        Value::Array(array) if array.iter().any(Value::is_object) => {
            let names: Vec<_> = array
                .iter()
                .filter_map(|it| it.get("name"))
                .cloned()
                .collect();
            if !names.is_empty() {
                leaves.insert(key.clone(), names.into());
            }
            for (i, value) in array.into_iter().enumerate() {
                let name = value.get("name").and_then(Value::as_str);
                let name = name.filter(|name| !name.is_empty());
                let entry =
                    name.map_or_else(|| format!("{key}[{i}]"), |name| format!("{key}[{name}]"));
                gather(entry, value, leaves);
            }
        }
        value => {
            leaves.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, Pool, RecordingRedis};

    fn config(text: &str) -> Config {
        Config::from_toml(text, None, &Overrides::default()).unwrap()
    }

    #[test]
    fn nothing_differs_between_a_configuration_and_itself() {
        let config = Config::default();
        assert!(Difference::between(&config, &config).is_empty());
    }

    #[test]
    fn entries_are_called_by_their_names_and_secrets_are_masked() {
        let old =
            config("[[routing.application]]\nname = \"a\"\nurl = \"tcp://a:1\"\ntoken = \"t1\"\n");
        let new = config(
            "[[routing.application]]\nname = \"a\"\nurl = \"tcp://a:1\"\ntoken = \"t2\"\nweight = 3\n",
        );
        let difference = Difference::between(&old, &new);
        let text = difference.to_string();
        assert_eq!(
            text,
            "routing.application[a].token: \"…\" → \"…\"\nrouting.application[a].weight: 1 → 3"
        );
        assert!(difference.fixed().is_empty());
    }

    #[test]
    fn what_needs_a_restart_is_told_apart() {
        let old = Config::default();
        let mut new = old.clone();
        new.shards = Some(3);
        new.routing.deadline_ms = 1;
        new.listen.pop();
        let difference = Difference::between(&old, &new);
        assert_eq!(
            difference.fixed(),
            ["listen[1].address", "listen[1].transport", "shards"]
        );
        assert_eq!(difference.changes.len(), 4);
    }

    #[test]
    fn another_order_of_named_entries_is_a_difference() {
        let mut old = Config::default();
        old.routing.pool = ["a", "b"].map(Pool::named).into();
        let mut new = old.clone();
        new.routing.pool.reverse();
        let text = Difference::between(&old, &new).to_string();
        assert_eq!(text, r#"routing.pool: ["a","b"] → ["b","a"]"#);
    }

    #[test]
    fn no_secret_is_shown() {
        let mut config = Config::default();
        config.routing.token = Some("s3cret-1".to_owned());
        config.admin.token = Some("s3cret-2".to_owned());
        config.recording.hash_key = Some("s3cret-3".to_owned());
        let url = "rediss://me:s3cret-4@redis.example.com/1";
        config.recording.redis = Some(RecordingRedis::at(url));
        let shown = config.shown();
        let shown = &shown["recording"]["redis"]["url"];
        assert_eq!(shown, "rediss://me:…@redis.example.com/1");
        assert!(!config.shown().to_string().contains("s3cret"));
    }
}
