//! Answers that differ, kept to be looked at.

use std::collections::VecDeque;

use serde_json::value::RawValue;

use super::ShadowSettings;
use crate::compare::Difference;

/// An answer of a shadow that differs from what was decided, or that is none.
#[derive(Debug, Clone)]
pub struct ShadowSample {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub time_ms: u64,
    /// Who decided.
    pub decided_by: Box<str>,
    /// The question, as JSON.
    pub event: Box<RawValue>,
    /// What was decided, as JSON.
    pub expected: Box<RawValue>,
    /// What the shadow answered, as JSON; nothing where that could not be read.
    pub found: Option<Box<RawValue>>,
    /// In what they differ.
    pub differences: Vec<Difference>,
    /// What is wrong with the answer by itself.
    pub problem: Option<String>,
}

impl ShadowSample {
    /// About how much room it takes.
    fn size(&self) -> usize {
        let value = |value: &Option<serde_json::Value>| {
            value.as_ref().map_or(0, |value| value.to_string().len())
        };
        let differences = self
            .differences
            .iter()
            .map(|it| it.field.len() + it.pointer.len() + value(&it.expected) + value(&it.found));
        self.event.get().len()
            + self.expected.get().len()
            + self.found.as_ref().map_or(0, |found| found.get().len())
            + differences.sum::<usize>()
            + self.problem.as_ref().map_or(0, String::len)
    }
}

/// The last ones.
#[derive(Debug, Default)]
pub(super) struct Samples {
    kept: VecDeque<(usize, ShadowSample)>,
    bytes: usize,
}

impl Samples {
    /// Keeps one; the oldest give way. One that is too large by itself is not kept.
    pub(super) fn keep(&mut self, settings: &ShadowSettings, sample: ShadowSample) {
        let size = sample.size();
        if size > settings.sample_bytes || settings.samples == 0 {
            return;
        }
        self.bytes += size;
        self.kept.push_back((size, sample));
        while self.kept.len() > settings.samples || self.bytes > settings.sample_bytes {
            let Some((size, _)) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= size;
        }
    }

    /// The newest first.
    pub(super) fn all(&self) -> Vec<ShadowSample> {
        let newest = self.kept.iter().rev();
        newest.map(|(_, sample)| sample.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: u64, bytes: usize) -> ShadowSample {
        let raw = |text: String| RawValue::from_string(text).unwrap();
        ShadowSample {
            time_ms: n,
            decided_by: "a".into(),
            event: raw("1".repeat(bytes - 2)),
            expected: raw("1".to_owned()),
            found: Some(raw("2".to_owned())),
            differences: Vec::new(),
            problem: None,
        }
    }

    fn kept(settings: &ShadowSettings, sizes: &[usize]) -> Vec<u64> {
        let mut samples = Samples::default();
        for (n, size) in (0..).zip(sizes) {
            samples.keep(settings, sample(n, *size));
        }
        samples.all().iter().map(|it| it.time_ms).collect()
    }

    #[test]
    fn the_newest_are_kept_within_both_bounds() {
        let settings = ShadowSettings {
            samples: 3,
            sample_bytes: 100,
            ..ShadowSettings::default()
        };
        assert_eq!(kept(&settings, &[10; 5]), [4, 3, 2]);
        assert_eq!(kept(&settings, &[40, 40, 40]), [2, 1]);
        assert_eq!(kept(&settings, &[10, 101, 90]), [2, 0]);
    }
}
