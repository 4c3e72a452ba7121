//! What a replay found: totals and samples, never all answers.

mod collect;
mod differences;
pub(crate) mod html;
mod page;
mod samples;
pub(crate) mod text;

use std::collections::BTreeMap;

use routing_api_client::Difference;
use serde::Serialize;
use serde_json::Value;

use super::verdict::Stake;

pub(crate) use collect::Collector;
pub(crate) use differences::Differences;

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Report {
    /// Who was asked.
    pub(crate) application: String,
    /// Its own version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<String>,
    /// What was read.
    pub(crate) recordings: Vec<String>,
    /// Who had decided, with their versions.
    pub(crate) recorded_by: BTreeMap<String, u64>,
    /// How long it took.
    pub(crate) took_ms: u64,
    pub(crate) asked: u64,
    pub(crate) same: u64,
    pub(crate) different: u64,
    /// Answers that can't be used.
    pub(crate) invalid: u64,
    /// Questions without an answer.
    pub(crate) no_answer: u64,
    /// Of those asked: the part that is the same.
    pub(crate) agreement_percent: f64,
    /// Questions with masked values.
    pub(crate) masked: u64,
    /// Consultations that were not asked about again, by the reason.
    pub(crate) skipped: BTreeMap<String, u64>,
    pub(crate) latency: Latencies,
    /// What differs, the most frequent first.
    pub(crate) fields: Vec<Field>,
    /// What is wrong with answers, the most frequent first.
    pub(crate) problems: Vec<Problem>,
    /// The questions that samples name.
    pub(crate) questions: Vec<Question>,
    /// Lines that are none of a recording.
    pub(crate) unreadable: u64,
    /// The first of them, and what else is to be known about the recording.
    pub(crate) warnings: Vec<String>,
    /// Why it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<String>,
}

/// Times to a decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Latencies {
    pub(crate) recorded: Latency,
    pub(crate) found: Latency,
}

/// In microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Field {
    pub(crate) field: String,
    /// Questions in whose answers it differs.
    pub(crate) questions: u64,
    pub(crate) stakes: Stakes,
    pub(crate) samples: Vec<Sample>,
}

/// What became of the calls then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Stakes {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
}

impl Stakes {
    fn add(&mut self, stake: Stake) {
        match stake {
            Stake::Answered => self.answered += 1,
            Stake::Failed => self.failed += 1,
            Stake::Unknown => self.unknown += 1,
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// Its place in `questions`.
    pub(crate) question: usize,
    pub(crate) difference: Difference,
}

/// Something that is wrong with answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Problem {
    /// Where in the document, with `*` for any index; absent where there is no document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// What, the first time.
    pub(crate) message: String,
    pub(crate) questions: u64,
    pub(crate) stakes: Stakes,
    /// Some of them: places in `questions`.
    pub(crate) samples: Vec<usize>,
}

/// A question of which more is to be seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Question {
    pub(crate) call: String,
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) time_ms: u64,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) from: String,
    pub(crate) outcome: Stake,
    /// The final code that the caller got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u16>,
    /// The recorded document.
    pub(crate) expected: Value,
    /// The answer; absent where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) found: Option<Value>,
    pub(crate) differences: Vec<Difference>,
}

impl Report {
    /// How many answers are not the recorded decision.
    pub(crate) fn unlike(&self) -> u64 {
        self.asked.saturating_sub(self.same)
    }

    /// The part of those asked that `count` is.
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    pub(crate) fn percent(&self, count: u64) -> f64 {
        match self.asked {
            0 => 0.0,
            asked => count as f64 * 100.0 / asked as f64,
        }
    }
}

/// `4.1 ms`
fn micros(us: u64) -> String {
    match us {
        0..1000 => format!("{us} µs"),
        1000..1_000_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        1_000_000.. => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// `1 question`, `2 questions`
fn count(number: u64, one: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {one}{end}")
}

#[cfg(test)]
mod tests;
