//! Reading a recording: the lines that a proxy wrote about its decisions.
//!
//! Lines are read as they are asked for, so that a recording may be larger than memory. What is kept
//! is 16 bytes for each call that is over: its duration stands in a line of its own, behind the
//! consultations, and is joined to them.

mod ended;
mod entry;
mod files;
mod lines;

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use entry::{Entry, LineError};

use ended::Durations;
use entry::Kind;
use lines::{Line, Lines};

/// A recording that is read from its beginning to its end, one consultation after the other.
///
/// A line that is none of a recording is an error, and reading goes on behind it. A last line that is
/// cut off, as a crash leaves it, is a [warning](Recording::warnings).
pub struct Recording {
    reading: Option<Source>,
    to_read: VecDeque<PathBuf>,
    durations: Durations,
    warnings: Vec<String>,
    total_bytes: Option<u64>,
    bytes_before: u64,
}

/// What is read from, and what it is called.
struct Source {
    name: Arc<str>,
    lines: Lines<Box<dyn BufRead + Send>>,
}

/// A recording that can't be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {error}")]
pub struct RecordingError {
    /// What was to be read.
    pub file: String,
    /// Why it can't be.
    #[source]
    pub error: io::Error,
}

impl Recording {
    /// Opens a file, or all recordings in a folder in order of time; `-` is standard input.
    ///
    /// # Errors
    /// It can't be opened, or the folder has no recording.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        Self::open_all(&[path])
    }

    /// Opens several files or folders and reads them in order of time: of the first line in each.
    ///
    /// # Errors
    /// One can't be opened, or there is none. Standard input can't be one of several.
    pub fn open_all<P: AsRef<Path>>(paths: &[P]) -> Result<Self, RecordingError> {
        if let [path] = paths
            && path.as_ref() == Path::new("-")
        {
            return Ok(Self::named("standard input", BufReader::new(io::stdin())));
        }
        let files = files::in_order_of_time(paths)?;
        let mut durations = Durations::default();
        let mut total_bytes = 0;
        for file in &files {
            let read = durations.read(BufReader::new(open(file)?));
            total_bytes += read.map_err(|error| unreadable(file, error))?;
        }
        durations.sort();
        Ok(Self {
            reading: None,
            to_read: files.into(),
            durations,
            warnings: Vec::new(),
            total_bytes: Some(total_bytes),
            bytes_before: 0,
        })
    }

    /// Reads from anything. As this is read only once, the duration of a call is known only where it
    /// stands in its consultation.
    pub fn read(from: impl BufRead + Send + 'static) -> Self {
        Self::named("recording", from)
    }

    fn named(name: &str, from: impl BufRead + Send + 'static) -> Self {
        Self {
            reading: Some(Source {
                name: name.into(),
                lines: Lines::new(Box::new(from)),
            }),
            to_read: VecDeque::new(),
            durations: Durations::default(),
            warnings: Vec::new(),
            total_bytes: None,
            bytes_before: 0,
        }
    }

    /// What was passed over so far: last lines that a crash cut off.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Bytes to read altogether, where that is known.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// Bytes read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        let now = self.reading.as_ref();
        self.bytes_before + now.map_or(0, |source| source.lines.bytes_read())
    }

    /// The source that is read from, the next one if need be.
    fn source(&mut self) -> Option<Result<&mut Source, LineError>> {
        if self.reading.is_none() {
            let path = self.to_read.pop_front()?;
            let name: Arc<str> = path.to_string_lossy().into();
            match File::open(&path) {
                Ok(file) => {
                    let lines = Lines::new(Box::new(BufReader::new(file)) as Box<_>);
                    self.reading = Some(Source { name, lines });
                }
                Err(error) => return Some(Err(LineError::new(name, 0, error.to_string()))),
            }
        }
        self.reading.as_mut().map(Ok)
    }

    fn end_source(&mut self) {
        self.bytes_before = self.bytes_read();
        self.reading = None;
    }

    /// What a line says, unless it says nothing that a reader asks for.
    fn entry(&mut self, name: &Arc<str>, line: Line) -> Option<Result<Entry, LineError>> {
        let wrong = |reason| LineError::new(Arc::clone(name), line.number, reason);
        let text = match line.text {
            Ok(text) if text.is_empty() => return None,
            Ok(text) => text,
            Err(reason) => return Some(Err(wrong(reason))),
        };
        let duration = Kind::of(&text).map(|kind| match kind {
            Kind::Consultation(call) => Some(self.durations.of(&call)),
            Kind::Ended => None,
        });
        match duration {
            Ok(Some(duration)) => {
                let name = Arc::clone(name);
                Some(Ok(Entry::new(name, line.number, text.into(), duration)))
            }
            Ok(None) => None,
            Err(error) if line.is_cut_off && error.is_cut_off => {
                self.warnings.push(format!(
                    "{name}, line {}: cut off and passed over",
                    line.number
                ));
                None
            }
            Err(error) => Some(Err(wrong(error.reason))),
        }
    }
}

impl Iterator for Recording {
    type Item = Result<Entry, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let source = match self.source()? {
                Ok(source) => source,
                Err(error) => return Some(Err(error)),
            };
            let name = Arc::clone(&source.name);
            match source.lines.next_line() {
                Ok(Some(line)) => {
                    if let Some(entry) = self.entry(&name, line) {
                        return Some(entry);
                    }
                }
                Ok(None) => self.end_source(),
                Err(error) => {
                    let line = source.lines.number();
                    self.end_source();
                    return Some(Err(LineError::new(name, line, error.to_string())));
                }
            }
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("reading", &self.reading.as_ref().map(|source| &source.name))
            .field("to_read", &self.to_read)
            .finish_non_exhaustive()
    }
}

fn open(path: &Path) -> Result<File, RecordingError> {
    File::open(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> RecordingError {
    RecordingError {
        file: path.display().to_string(),
        error,
    }
}

#[cfg(test)]
mod tests;
