//! Which questions are asked again.

use std::str::FromStr;

use serde::Serialize;
use tidegate_schemas::record::Record;

use super::verdict::Stake;

/// Conditions that all hold: `reason=new,step=billing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection(Vec<(Key, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Application,
    Cause,
    Code,
    Method,
    Node,
    Outcome,
    Reason,
    Release,
    Step,
    Tier,
}

const KEYS: [(&str, Key); 10] = [
    ("application", Key::Application),
    ("cause", Key::Cause),
    ("code", Key::Code),
    ("method", Key::Method),
    ("node", Key::Node),
    ("outcome", Key::Outcome),
    ("reason", Key::Reason),
    ("release", Key::Release),
    ("step", Key::Step),
    ("tier", Key::Tier),
];

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let conditions = text.split(',').map(|condition| {
            let (name, value) = condition
                .split_once('=')
                .ok_or_else(|| format!("`{condition}`: write key=value"))?;
            let known = KEYS.iter().find(|(known, _)| *known == name.trim());
            let (_, key) = known.ok_or_else(|| {
                let names: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
                format!("`{name}` is none of {}", names.join(", "))
            })?;
            Ok((*key, value.trim().to_owned()))
        });
        conditions.collect::<Result<_, String>>().map(Self)
    }
}

impl Selection {
    pub(super) fn matches(&self, record: &Record<'_>) -> bool {
        let mut conditions = self.0.iter();
        conditions.all(|(key, wanted)| has(record, *key, wanted))
    }
}

fn has(record: &Record<'_>, key: Key, wanted: &str) -> bool {
    let application = record.application.as_ref();
    match key {
        Key::Application => application.is_some_and(|it| it.name == wanted),
        Key::Cause => word(&record.cause) == wanted,
        Key::Code => {
            let code = record.outcome.as_ref().and_then(|it| it.code);
            code.is_some_and(|code| code.to_string() == wanted)
        }
        Key::Method => record.event.request.method == wanted,
        Key::Node => record.node == wanted,
        Key::Outcome => Stake::of(record).name() == wanted,
        Key::Reason => word(&record.event.reason) == wanted,
        Key::Release => application.is_some_and(|it| it.release.as_deref() == Some(wanted)),
        Key::Step => record.event.step.as_deref() == Some(wanted),
        Key::Tier => record.tier == wanted,
    }
}

/// As it stands in the line.
pub(super) fn word(of: &impl Serialize) -> String {
    let written = serde_json::to_value(of).unwrap_or_default();
    written.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::verdict::samples::record;

    #[test]
    fn all_conditions_have_to_hold() {
        let line = record("1", "sip:1@h", 2000);
        let record: Record<'_> = serde_json::from_str(&line).unwrap();
        let matches = |text: &str| text.parse::<Selection>().unwrap().matches(&record);
        assert!(matches("reason=new"));
        assert!(matches(
            "reason=new, method=INVITE,cause=answered,outcome=answered,code=200"
        ));
        assert!(!matches("reason=new,method=BYE"));
        assert!(!matches("step=billing"));
    }

    #[test]
    fn a_condition_that_is_none_is_refused_with_what_there_is() {
        assert!(
            "colour=red"
                .parse::<Selection>()
                .unwrap_err()
                .contains("reason")
        );
        assert!(
            "red"
                .parse::<Selection>()
                .unwrap_err()
                .contains("key=value")
        );
    }
}
