//! Commands of the binary that come to an end.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use crate::binary::binary;

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit status.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// A command that runs.
#[derive(Debug)]
pub struct Tool(Child);

impl Tool {
    /// Starts `tidegate` with these arguments and this standard input.
    #[must_use]
    pub fn start(arguments: &[&str], input: &str) -> Self {
        let mut child = Command::new(binary("tidegate"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tidegate");
        // Who does not read it has ended, and is about to say why.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Self(child)
    }

    /// Waits for its end.
    #[must_use]
    pub fn end(self) -> Said {
        let done = self.0.wait_with_output().expect("tidegate");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said {
            code: done.status.code(),
            out: text(done.stdout),
            err: text(done.stderr),
        }
    }
}
