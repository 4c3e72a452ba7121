//! What is wrong with a configuration, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::locate;

/// All that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    file: Option<PathBuf>,
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// The key: `listen[0].advertise`. Empty where none is to blame.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            line: None,
            key: key.into(),
            message: message.into(),
        }
    }
}

impl ConfigError {
    pub(super) fn new(file: Option<PathBuf>, problems: Vec<Problem>) -> Self {
        Self { file, problems }
    }

    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        let message = format!("can't be read: {error}; check --config");
        Self::new(Some(file.to_owned()), vec![Problem::new("", message)])
    }

    /// The problems, in the order of their lines.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn write(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, problem.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, _) => {}
        }
        if !problem.key.is_empty() {
            write!(f, "{}: ", problem.key)?;
        }
        f.write_str(&problem.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            self.write(problem, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// What the TOML parser or serde refused.
pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> Problem {
    let at = error.span().map(|span| span.start);
    Problem {
        line: at.map(|at| locate::line_at(text, at)),
        key: at
            .and_then(|at| locate::key_at(text, at))
            .unwrap_or_default(),
        message: error.message().to_owned(),
    }
}
