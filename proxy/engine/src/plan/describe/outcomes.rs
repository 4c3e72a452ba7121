//! Sets of outcomes in the words of documents.

use std::fmt;

use serde::Serialize;

use super::super::BranchOutcome;

/// Outcomes of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcomes {
    /// Codes, classes, `timeout` and `transport`, as a document names them.
    pub outcomes: Vec<String>,
    /// Codes of those classes that are not meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

impl Outcomes {
    /// In as few words as it takes.
    pub(super) fn of(outcomes: &[BranchOutcome]) -> Self {
        let mut words = Self::default();
        for class in 3..7_u16 {
            words.add_class(class, outcomes);
        }
        let made_here = [
            (BranchOutcome::Timeout, "timeout"),
            (BranchOutcome::Transport, "transport"),
        ];
        for (outcome, word) in made_here {
            if outcomes.contains(&outcome) {
                words.outcomes.push(word.to_owned());
            }
        }
        words
    }

    fn add_class(&mut self, class: u16, outcomes: &[BranchOutcome]) {
        let codes = class * 100..class * 100 + 100;
        let is_meant = |code: &u16| outcomes.contains(&BranchOutcome::Status(*code));
        let (meant, not): (Vec<u16>, Vec<u16>) = codes.partition(is_meant);
        if meant.len() > not.len() {
            self.outcomes.push(format!("{class}xx"));
            self.except.extend(not.iter().map(ToString::to_string));
        } else {
            self.outcomes.extend(meant.iter().map(ToString::to_string));
        }
    }

    /// Whether a final response with this code is one of them.
    #[must_use]
    pub fn has_code(&self, code: u16) -> bool {
        let is = |words: &[String], word: &str| words.iter().any(|it| it == word);
        let (code, class) = (code.to_string(), format!("{}xx", code / 100));
        is(&self.outcomes, &code) || (is(&self.outcomes, &class) && !is(&self.except, &code))
    }
}

/// `408, 480, 5xx, timeout`, `4xx except 408 and 480`.
impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.outcomes.join(", "))?;
        match self.except.split_last() {
            None => Ok(()),
            Some((last, [])) => write!(f, " except {last}"),
            Some((last, first)) => write!(f, " except {} and {last}", first.join(", ")),
        }
    }
}
