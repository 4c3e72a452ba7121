//! What a child process writes, line by line, for tests to wait on.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::PATIENCE;

/// The output of a child process.
#[derive(Debug, Clone, Default)]
pub struct Log {
    shared: Arc<(Mutex<Lines>, Condvar)>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    /// Reads `output` to its end on a thread of its own.
    pub fn follow(output: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let writer = log.clone();
        std::thread::spawn(move || writer.fill(output));
        log
    }

    /// Waits for the first line after the first `skip` that `wanted` accepts.
    #[must_use]
    pub fn wait_after(&self, skip: usize, wanted: impl Fn(&str) -> bool) -> String {
        let (lines, changed) = &*self.shared;
        let deadline = Instant::now() + PATIENCE;
        let mut lines = lines.lock().unwrap();
        loop {
            if let Some(line) = lines.lines.iter().skip(skip).find(|line| wanted(line)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !lines.ended,
                "no such line:\n{}",
                lines.lines.join("\n")
            );
            lines = changed.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Waits for a line that contains `text`.
    #[must_use]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_after(0, |line| line.contains(text))
    }

    /// How many lines there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.0.lock().unwrap().lines.len()
    }

    /// Whether nothing was written so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that was written so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.shared.0.lock().unwrap().lines.join("\n")
    }

    fn fill(&self, output: impl Read) {
        let (lines, changed) = &*self.shared;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines.lock().unwrap().lines.push(line);
            changed.notify_all();
        }
        lines.lock().unwrap().ended = true;
        changed.notify_all();
    }
}
