//! Why a configuration can't be used.

use std::io;
use std::path::PathBuf;

/// Where the configuration is wrong and why.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file can't be read.
    #[error("it can't be read")]
    Read(#[from] io::Error),
    /// It is no TOML, or a value has the wrong form. The message has the place and shows it.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// A rule makes no sense.
    #[error("line {line}: {rule}: {reason}")]
    Rule {
        /// Where the rule begins.
        line: usize,
        /// Its name.
        rule: String,
        /// Why.
        reason: &'static str,
    },
    /// A table makes no sense.
    #[error("[{table}]: {reason}")]
    Table {
        /// Its name.
        table: String,
        /// Why.
        reason: String,
    },
    /// A data file can't be read.
    #[error("{} can't be read: {error}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line of a data file is wrong.
    #[error("{} line {line}: {reason}", file.display())]
    Data {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// There is nothing in it: most likely it is being written.
    #[error("it says nothing: no [[rule]], no [default] and no module")]
    Empty,
}

impl SetupError {
    pub(crate) fn table(table: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Table {
            table: table.into(),
            reason: reason.into(),
        }
    }
}
