//! `continue_on`, `stop_on` and `ask_on`: sets of outcomes.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_schemas::document::Outcome;

use super::report::{At, Report, join};

/// What one level of a document says of outcomes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcomes<'a> {
    pub(super) continue_on: &'a [Outcome],
    pub(super) stop_on: &'a [Outcome],
    pub(super) ask_on: &'a [Outcome],
}

impl<'a> Outcomes<'a> {
    pub(super) fn new(
        continue_on: &'a Option<Vec<Outcome>>,
        stop_on: &'a Option<Vec<Outcome>>,
        ask_on: &'a Option<Vec<Outcome>>,
    ) -> Self {
        Self {
            continue_on: continue_on.as_deref().unwrap_or_default(),
            stop_on: stop_on.as_deref().unwrap_or_default(),
            ask_on: ask_on.as_deref().unwrap_or_default(),
        }
    }

    /// A level that says nothing is no level.
    pub(super) fn is_empty(self) -> bool {
        self.continue_on.is_empty() && self.stop_on.is_empty() && self.ask_on.is_empty()
    }

    fn lists(self) -> [(&'static str, &'a [Outcome]); 3] {
        [
            ("continue_on", self.continue_on),
            ("stop_on", self.stop_on),
            ("ask_on", self.ask_on),
        ]
    }

    /// All that it says, in one spelling.
    pub(super) fn spelling(self) -> String {
        let [continue_on, stop_on, ask_on] = self.lists().map(|(_, list)| set(list));
        format!("{continue_on:?}{stop_on:?}{ask_on:?}")
    }

    pub(super) fn compare(self, found: Self, at: At<'_>, report: &mut Report<'_>) {
        for ((key, expected), (_, found)) in self.lists().into_iter().zip(found.lists()) {
            if set(expected) == set(found) {
                continue;
            }
            let value = |list: &[Outcome], at: &str| {
                let words = list.iter().map(|word| Value::from(word.0.as_str()));
                (!list.is_empty()).then(|| (join(at, key), words.collect()))
            };
            report.differ(key, value(expected, at.expected), value(found, at.found));
        }
    }
}

/// The words, without those that another one contains: a class contains its codes, and a code what
/// the proxy makes of a silent or unreachable peer.
fn set(list: &[Outcome]) -> BTreeSet<&str> {
    let words: BTreeSet<&str> = list.iter().map(|word| word.0.as_str()).collect();
    let is_contained = |word: &str| match word {
        "timeout" => words.contains("408") || words.contains("4xx"),
        "transport" => words.contains("503") || words.contains("5xx"),
        _ => {
            let class = word.get(..1).map(|digit| format!("{digit}xx"));
            class.is_some_and(|class| class != word && words.contains(&*class))
        }
    };
    words
        .iter()
        .copied()
        .filter(|word| !is_contained(word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_another_one_contains_adds_nothing() {
        let list = |words: &[&str]| {
            words
                .iter()
                .map(|&word| Outcome(word.to_owned()))
                .collect::<Vec<_>>()
        };
        let same = |one: &[&str], two: &[&str]| set(&list(one)) == set(&list(two));
        assert!(same(
            &["486", "5xx", "503", "transport"],
            &["5xx", "486", "486"]
        ));
        assert!(same(&["408", "timeout"], &["408"]));
        assert!(!same(&["timeout"], &["408"]));
        assert!(!same(&["503"], &["5xx"]));
    }
}
