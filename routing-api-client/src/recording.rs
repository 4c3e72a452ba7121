//! Reading a recording: the lines that a proxy wrote about its decisions.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use tidegate_schemas::record::Record;

/// A recording that is read from its beginning to its end, one consultation after the other.
pub struct Recording {
    warnings: Vec<String>,
}

/// One consultation of a recording.
#[derive(Debug, Clone)]
pub struct Entry {
    file: Arc<str>,
    line: u64,
    text: Arc<str>,
}

/// A recording that can't be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {error}")]
pub struct RecordingError {
    /// What was to be read.
    pub file: String,
    /// Why it can't be.
    #[source]
    pub error: std::io::Error,
}

/// A line that is none of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {reason}")]
pub struct LineError {
    /// The file it stands in.
    pub file: Arc<str>,
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl Recording {
    /// Opens a file, or all files of a folder in order of time; `-` is standard input.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        Self::open_all(&[path])
    }

    /// Opens several files or folders and reads them in order of time.
    ///
    /// # Errors
    /// One can't be opened.
    pub fn open_all<P: AsRef<Path>>(paths: &[P]) -> Result<Self, RecordingError> {
        let _ = paths;
        Ok(Self {
            warnings: Vec::new(),
        })
    }

    /// Reads from anything. As nothing can be read twice, a call's duration is known only where it
    /// stands in its consultation.
    pub fn read(from: impl BufRead + Send + 'static) -> Self {
        let _ = from;
        Self {
            warnings: Vec::new(),
        }
    }

    /// What was passed over so far: a last line that a crash cut off.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Bytes to read altogether, where that is known.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        None
    }

    /// Bytes read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        0
    }
}

impl Iterator for Recording {
    type Item = Result<Entry, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

impl Entry {
    /// The consultation, with the duration of its call where the recording has it.
    ///
    /// # Errors
    /// The line is no consultation.
    pub fn record(&self) -> Result<Record<'_>, LineError> {
        serde_json::from_str(&self.text).map_err(|error| LineError {
            file: Arc::clone(&self.file),
            line: self.line,
            reason: error.to_string(),
        })
    }

    /// The file it stands in.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The number of its line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }
}
