//! What a replay came to.

use std::fmt;

use serde::Serialize;

/// So many places and messages are kept; all are counted.
const KEPT: usize = 100;

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Records in the recording.
    pub records: usize,
    /// Questions that were answered by a record.
    pub served: u64,
    /// Questions for which there was no record.
    pub unmatched: u64,
    /// What was said to the first of them.
    pub failures: Vec<String>,
    /// Records that were never asked for.
    pub never_asked: usize,
    /// Where the first of them stand.
    pub never_asked_at: Vec<String>,
}

impl Summary {
    pub(crate) fn new<'r>(
        records: usize,
        served: u64,
        never_asked: impl ExactSizeIterator<Item = &'r str>,
    ) -> Self {
        Self {
            records,
            served,
            never_asked: never_asked.len(),
            never_asked_at: never_asked.take(KEPT).map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// Adds a question for which there was no record.
    pub(crate) fn add_failure(&mut self, message: String) {
        self.unmatched += 1;
        if self.failures.len() < KEPT {
            self.failures.push(message);
        }
    }

    /// Whether every question found its record.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unmatched == 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "served       {}", self.served)?;
        writeln!(f, "unmatched    {}", self.unmatched)?;
        for failure in &self.failures {
            writeln!(f, "    {failure}")?;
        }
        more(f, self.unmatched, self.failures.len())?;
        write!(f, "never asked  {} of {}", self.never_asked, self.records)?;
        for place in &self.never_asked_at {
            write!(f, "\n    {place}")?;
        }
        if self.never_asked > self.never_asked_at.len() {
            let more = self.never_asked - self.never_asked_at.len();
            write!(f, "\n    and {more} more")?;
        }
        Ok(())
    }
}

fn more(f: &mut fmt::Formatter<'_>, all: u64, told: usize) -> fmt::Result {
    match all - told as u64 {
        0 => Ok(()),
        more => writeln!(f, "    and {more} more"),
    }
}
