//! The data files that a configuration names, read beside it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::csv::{BadLine, Table};
use crate::error::SetupError;

/// Reads data files and remembers which.
#[derive(Debug)]
pub(crate) struct Files {
    directory: PathBuf,
    read: Vec<PathBuf>,
}

impl Files {
    /// Names are meant from `directory`.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            read: Vec::new(),
        }
    }

    /// Reads a table and makes something of it.
    pub(crate) fn table<T>(
        &mut self,
        name: &Path,
        needed: &[&str],
        optional: &[&str],
        build: impl FnOnce(&Table) -> Result<T, BadLine>,
    ) -> Result<T, SetupError> {
        let file = self.directory.join(name);
        self.read.push(file.clone());
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => return Err(SetupError::Unreadable { file, error }),
        };
        let table = Table::parse(&text, needed, optional);
        table
            .and_then(|table| build(&table))
            .map_err(|bad| SetupError::Data {
                file,
                line: bad.line,
                reason: bad.reason,
            })
    }

    /// What was read, also in vain.
    pub(crate) fn into_paths(self) -> Vec<PathBuf> {
        self.read
    }

    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.read
    }
}
