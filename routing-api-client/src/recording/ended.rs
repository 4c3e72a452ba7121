//! Durations of calls, which stand in lines of their own.

use std::hash::BuildHasher;
use std::io::{self, BufRead};

use foldhash::quality::FixedState;
use memchr::memmem;
use tidegate_schemas::record::Ended;

use super::entry::Kind;
use super::lines::Lines;

/// Calls that are kept at most: 256 MiB.
const MOST: usize = 1 << 24;

/// The duration of each call that is over, by a hash of its name.
#[derive(Debug, Default)]
pub(super) struct Durations(Vec<(u64, u64)>);

impl Durations {
    /// Takes all that a file says of calls that are over; gives the bytes read.
    pub(super) fn read(&mut self, from: impl BufRead) -> io::Result<u64> {
        let mut lines = Lines::new(from);
        while let Some(line) = lines.next_line()? {
            let text = line.text.unwrap_or_default();
            if may_be_ended(&text)
                && self.0.len() < MOST
                && matches!(Kind::of(&text), Ok(Kind::Ended))
                && let Ok(ended) = serde_json::from_str::<Ended<'_>>(&text)
            {
                self.0.push((key(&ended.call), ended.duration_ms));
            }
        }
        Ok(lines.bytes_read())
    }

    /// To be called when all files are read.
    pub(super) fn sort(&mut self) {
        self.0.sort_unstable();
        self.0.shrink_to_fit();
    }

    pub(super) fn of(&self, call: &str) -> Option<u64> {
        let wanted = key(call);
        let at = self.0.partition_point(|(key, _)| *key < wanted);
        let (found, duration) = self.0.get(at)?;
        (*found == wanted).then_some(*duration)
    }
}

/// Saves reading what is longer or has no such word.
fn may_be_ended(text: &str) -> bool {
    const LONGEST: usize = 4096;
    text.len() <= LONGEST && memmem::find(text.as_bytes(), b"\"ended\"").is_some()
}

fn key(call: &str) -> u64 {
    FixedState::default().hash_one(call)
}
