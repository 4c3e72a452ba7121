//! Why something that an operator wanted was not done.

use tidegate_schemas::admin::Fault;

use crate::config::{ConfigError, Problem};

/// Why something that an operator wanted was not done. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ManageError {
    /// No application has this name.
    #[error("there is no application `{0}`")]
    UnknownApplication(String),
    /// No shadow has this name.
    #[error("there is no shadow `{0}`")]
    UnknownShadow(String),
    /// An application of this name is there already.
    #[error("there is an application `{0}` already; change that one, or remove it first")]
    Exists(String),
    /// It is not in the proxy's hands whether it is there.
    #[error("`{0}` dials in by itself: drain it, or stop it where it runs")]
    DialsIn(String),
    /// What was wanted can't be.
    #[error("{}", .0.message)]
    Invalid(Problem),
    /// The configuration is wrong.
    #[error("{0}")]
    Config(ConfigError),
    /// The configuration and what was changed at runtime do not go together.
    #[error("with what was changed at runtime the configuration is not sound: {}: {}", .0.key, .0.message)]
    Conflict(Problem),
    /// These keys are read at the start only.
    #[error("a restart is needed for {}; nothing was applied", .0.join(", "))]
    NeedsRestart(Vec<String>),
    /// There is no file to read.
    #[error(
        "the proxy was started without a configuration file, so that there is nothing to reload"
    )]
    NoFile,
    /// No live call has this name.
    #[error("no such call is live, or none that is followed")]
    UnknownCall,
    /// The application can't be asked.
    #[error("`{0}` can't be asked: {1}")]
    NotAsked(String, String),
}

impl ManageError {
    /// For programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownApplication(_) => "unknown_application",
            Self::UnknownShadow(_) => "unknown_shadow",
            Self::Exists(_) => "exists",
            Self::DialsIn(_) => "dials_in",
            Self::Invalid(_) => "invalid",
            Self::Config(_) => "invalid_configuration",
            Self::Conflict(_) => "conflict",
            Self::NeedsRestart(_) => "needs_restart",
            Self::NoFile => "no_file",
            Self::UnknownCall => "unknown_call",
            Self::NotAsked(..) => "not_asked",
        }
    }

    /// As the admin API says it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let pointer = match self {
            Self::Invalid(problem) if !problem.key.is_empty() => Some(pointer(&problem.key)),
            _ => None,
        };
        Fault {
            code: self.code().to_owned(),
            message: self.to_string(),
            pointer,
        }
    }
}

/// `tls.ca_file` and `headers[0]` as a JSON Pointer.
fn pointer(key: &str) -> String {
    format!(
        "/{}",
        key.replace("].", "/")
            .replace(['.', '['], "/")
            .replace(']', "")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_as_a_json_pointer() {
        assert_eq!(pointer("weight"), "/weight");
        assert_eq!(pointer("tls.ca_file"), "/tls/ca_file");
        assert_eq!(pointer("a[0].b"), "/a/0/b");
    }
}
