//! What the checks found.

use std::collections::BTreeMap;

use serde_json::Value;

use super::catalogue::{ALL, Check, Severity};

/// Findings of one check that are kept whole.
const KEPT: usize = 3;

/// A broken rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) why: String,
    /// What was sent to the application.
    pub(crate) sent: Option<Value>,
    /// What came from it: JSON, or text where it is none.
    pub(crate) came: Option<Value>,
    /// A JSON Pointer into what came.
    pub(crate) pointer: Option<String>,
}

impl Finding {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            sent: None,
            came: None,
            pointer: None,
        }
    }

    pub(crate) fn sent(self, sent: &Value) -> Self {
        Self {
            sent: Some(sent.clone()),
            ..self
        }
    }

    /// Bytes that are no JSON are shown as text.
    pub(crate) fn came(self, came: &[u8]) -> Self {
        let came = serde_json::from_slice(came)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(came).into_owned()));
        Self {
            came: Some(came),
            ..self
        }
    }

    pub(crate) fn at(self, pointer: &str) -> Self {
        Self {
            pointer: Some(pointer.to_owned()),
            ..self
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        self.pointer.is_some() && self.pointer == other.pointer && self.why == other.why
    }
}

/// What became of one check.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    /// How often the rule was kept.
    pub(crate) passed: u32,
    pub(crate) findings: Vec<Finding>,
    /// Findings that were like these, or too many.
    pub(crate) more: u32,
    /// Why it did not apply.
    pub(crate) skipped: Option<String>,
}

/// What became of all checks.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Where the application is.
    pub(crate) address: String,
    /// What it calls itself, with its release.
    pub(crate) application: Option<String>,
    /// What was measured.
    pub(crate) figures: Vec<(&'static str, String)>,
    tallies: BTreeMap<&'static str, Tally>,
}

impl Report {
    /// Nothing was tried yet.
    pub(crate) fn about(address: String) -> Self {
        Self {
            address,
            ..Self::default()
        }
    }

    pub(crate) fn pass(&mut self, check: &'static Check) {
        self.tally(check).passed += 1;
    }

    pub(crate) fn find(&mut self, check: &'static Check, finding: Finding) {
        let tally = self.tally(check);
        let known = tally.findings.iter().any(|other| other.is_like(&finding));
        match known || tally.findings.len() >= KEPT {
            true => tally.more += 1,
            false => tally.findings.push(finding),
        }
    }

    pub(crate) fn skip(&mut self, check: &'static Check, reason: &str) {
        let tally = self.tally(check);
        tally.skipped.get_or_insert_with(|| reason.to_owned());
    }

    /// Passes or finds.
    pub(crate) fn verify(&mut self, check: &'static Check, found: Option<Finding>) {
        match found {
            None => self.pass(check),
            Some(finding) => self.find(check, finding),
        }
    }

    pub(crate) fn has_found(&self, check: &'static Check) -> bool {
        self.of(check)
            .is_some_and(|tally| !tally.findings.is_empty())
    }

    pub(crate) fn of(&self, check: &'static Check) -> Option<&Tally> {
        self.tallies.get(check.name)
    }

    /// How many findings there are of one severity, as checks.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        let found = ALL.iter().filter(|check| self.has_found(check));
        found.filter(|check| check.severity == severity).count()
    }

    fn tally(&mut self, check: &'static Check) -> &mut Tally {
        self.tallies.entry(check.name).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_router::catalogue::ANSWERS_HONOURED;

    #[test]
    fn what_is_found_again_at_the_same_place_is_counted() {
        let mut report = Report::default();
        for _ in 0..5 {
            report.find(&ANSWERS_HONOURED, Finding::new("Via").at("/routes/0"));
        }
        report.find(&ANSWERS_HONOURED, Finding::new("Via").at("/routes/1"));
        let tally = report.of(&ANSWERS_HONOURED).unwrap();
        assert_eq!((tally.findings.len(), tally.more), (2, 4));
        assert_eq!(report.count(Severity::Error), 1);
    }
}
