//! `tidegate check-router`, run to its end.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::binary::binary;

/// What the kit found.
#[derive(Debug)]
pub struct Verdict {
    /// The exit code.
    pub code: Option<i32>,
    /// The report; `null` when there is none.
    pub report: Value,
    /// What it wrote to standard error.
    pub complaint: String,
}

impl Verdict {
    /// Runs the kit with these arguments.
    #[must_use]
    pub fn of(arguments: &[&str]) -> Self {
        let done = Command::new(binary("tidegate"))
            .arg("check-router")
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("tidegate");
        Self {
            code: done.status.code(),
            report: serde_json::from_slice(&done.stdout).unwrap_or_default(),
            complaint: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// The checks with findings.
    #[must_use]
    pub fn broken(&self) -> Vec<&Value> {
        self.with("broken")
    }

    /// The names of the checks that came out like this: `kept`, `broken` or `skipped`.
    #[must_use]
    pub fn names(&self, outcome: &str) -> Vec<&str> {
        let checks = self.with(outcome).into_iter();
        checks.filter_map(|check| check["name"].as_str()).collect()
    }

    fn with(&self, outcome: &str) -> Vec<&Value> {
        let checks = self.report["checks"].as_array().into_iter().flatten();
        checks.filter(|check| check["outcome"] == outcome).collect()
    }
}

/// What the program answers to these arguments.
#[must_use]
pub fn tidegate(arguments: &[&str]) -> String {
    let done = Command::new(binary("tidegate")).args(arguments).output();
    let done = done.expect("tidegate");
    assert!(done.status.success(), "tidegate {arguments:?}");
    String::from_utf8(done.stdout).unwrap()
}
