//! A recording in a file.

mod name;
mod output;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::sink::{Port, Sink};
use name::Rotated;
use output::Output;

/// How often it is looked whether the file is still where it was.
const LOOK: Duration = Duration::from_secs(1);

/// How long a rotation that failed is not tried again.
const RETRY: Duration = Duration::from_secs(60);

/// Which file, and when the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// The file that is written; full ones get the time of their last line into their names.
    pub path: PathBuf,
    /// Bytes after which another one begins.
    pub rotate_bytes: Option<u64>,
    /// The time after which another one begins.
    pub rotate: Option<Rotate>,
    /// Full files that are kept.
    pub keep: Option<usize>,
    /// Bytes of full files that are kept.
    pub keep_bytes: Option<u64>,
    /// Bytes that wait for the file.
    pub queue_bytes: usize,
}

/// When another file begins, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotate {
    /// At midnight.
    Daily,
    /// At each full hour.
    Hourly,
}

impl Rotate {
    /// The number of the hour or day.
    fn period(self, time: SystemTime) -> u64 {
        let seconds = name::seconds(time);
        match self {
            Self::Daily => seconds / 86_400,
            Self::Hourly => seconds / 3600,
        }
    }
}

/// Appends lines to a file, and begins new ones.
pub(super) struct Files {
    settings: FileSettings,
    rotated: Rotated,
    output: Option<Output>,
    looked: Instant,
    not_before: Option<Instant>,
    clock: fn() -> SystemTime,
}

impl Files {
    pub(super) fn new(settings: FileSettings) -> Self {
        Self {
            rotated: Rotated::of(&settings.path),
            settings,
            output: None,
            looked: Instant::now(),
            not_before: None,
            clock: SystemTime::now,
        }
    }

    /// Bytes that still go into the file; 0 for a full one.
    fn room(&self, output: &Output) -> u64 {
        match self.settings.rotate_bytes.filter(|_| self.may_rotate()) {
            Some(most) => most.saturating_sub(output.size()),
            None => u64::MAX,
        }
    }

    fn may_rotate(&self) -> bool {
        self.not_before.is_none_or(|at| Instant::now() >= at)
    }

    fn is_due(&self, output: &Output, next: u64) -> bool {
        let is_old =
            |rotate: Rotate| rotate.period(output.written()) != rotate.period((self.clock)());
        let is_full = next > self.room(output);
        let is_due = is_full || self.settings.rotate.is_some_and(is_old);
        is_due && output.size() > 0 && self.may_rotate()
    }

    /// The file, where it is to go on. Another one when it was moved away.
    fn output(&mut self, next: u64, port: &Port) -> io::Result<&mut Output> {
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            self.output = self.output.take().and_then(Output::in_place);
        }
        let mut output = match self.output.take() {
            Some(output) => output,
            None => Output::open(&self.settings.path)?,
        };
        if self.is_due(&output, next) {
            output = self.rotate(output, port)?;
        }
        Ok(self.output.insert(output))
    }

    /// Another file. What can't be moved away is written on.
    fn rotate(&mut self, output: Output, port: &Port) -> io::Result<Output> {
        let FileSettings {
            path,
            keep,
            keep_bytes,
            ..
        } = &self.settings;
        let shown = path.display();
        if let Err(error) = self.rotated.move_away(path, output.written()) {
            port.count_error();
            self.not_before = Some(Instant::now() + RETRY);
            tracing::warn!(%error, path = %shown, "the recording can't be rotated");
            return Ok(output);
        }
        port.count_renewed();
        drop(output);
        if let Err(error) = self.rotated.clean(*keep, *keep_bytes) {
            port.count_error();
            tracing::warn!(%error, path = %shown, "old files of the recording can't be removed");
        }
        Output::open(path)
    }

    /// How many of the lines go into the file together.
    fn chunk(&self, lines: &VecDeque<Bytes>) -> usize {
        let room = self.output.as_ref().map_or(0, |output| self.room(output));
        let mut size = 0;
        let fits = |line: &&Bytes| {
            size += line.len() as u64 + 1;
            size <= room
        };
        lines.iter().take_while(fits).count().max(1)
    }

    fn append(&mut self, lines: &mut VecDeque<Bytes>, port: &Port) -> io::Result<()> {
        let next = lines.front().map_or(0, |line| line.len() as u64 + 1);
        self.output(next, port)?;
        let count = self.chunk(lines).min(lines.len());
        let Some(output) = &mut self.output else {
            return Ok(());
        };
        let (written, outcome) = output.append(lines.range(..count), (self.clock)());
        lines.drain(..written);
        if outcome.is_err() {
            self.output = None;
        }
        outcome
    }
}

impl Sink for Files {
    const BATCH: usize = 1 << 20;

    fn write(&mut self, lines: &mut VecDeque<Bytes>, port: &Port) -> Result<(), String> {
        let outcome = loop {
            match self.append(lines, port) {
                Ok(()) if lines.is_empty() => break Ok(()),
                Ok(()) => {}
                Err(error) => break Err(error),
            }
        };
        let path = self.settings.path.display();
        outcome.map_err(|error| format!("{path}: {error}"))
    }
}

#[cfg(test)]
mod tests;
