//! Where a configuration comes from, so that it can be read again.

use std::path::PathBuf;

use super::{Config, ConfigError, Overrides};

/// A file, and what stands over it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// The file; without it, the defaults.
    pub file: Option<PathBuf>,
    /// What the environment and the command line said at the start.
    pub overrides: Overrides,
}

impl Origin {
    /// Reads the configuration.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load(&self) -> Result<Config, ConfigError> {
        Config::load(self.file.as_deref(), &self.overrides)
    }
}
