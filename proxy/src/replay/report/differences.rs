//! All that differs, one line of JSON for each question.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use routing_api_client::{Difference, Entry};
use serde::Serialize;
use tidegate_schemas::document::RouteDocument;
use tidegate_schemas::record::{Record, RecordedOutcome};

use super::super::verdict::Verdict;
use super::collect::said;

/// The file.
#[derive(Debug)]
pub(crate) struct Differences {
    path: PathBuf,
    file: BufWriter<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    line: u64,
    call: &'a str,
    id: String,
    method: &'a str,
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a RecordedOutcome<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    differences: &'a [Difference],
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    expected: &'a RouteDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a RouteDocument>,
}

impl Differences {
    pub(crate) fn create(path: &Path) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    pub(super) fn write(
        &mut self,
        entry: &Entry,
        record: &Record<'_>,
        expected: &RouteDocument,
        verdict: &Verdict,
    ) -> Result<(), String> {
        let mut line = Line {
            file: entry.file(),
            line: entry.line(),
            call: &record.call,
            id: record.id.to_string(),
            method: &record.event.request.method,
            uri: &record.event.request.uri,
            outcome: record.outcome.as_ref(),
            differences: &[],
            pointer: None,
            problem: None,
            expected,
            found: None,
        };
        match verdict {
            Verdict::Same => return Ok(()),
            Verdict::Differs(differences, found) => {
                line.differences = differences;
                line.found = Some(found);
            }
            Verdict::Invalid(error) => {
                line.pointer = Some(error.pointer.to_string());
                line.problem = Some(error.reason.to_string());
            }
            Verdict::NoAnswer(error) => line.problem = Some(said(error)),
        }
        let written = serde_json::to_writer(&mut self.file, &line).map_err(Into::into);
        let written = written.and_then(|()| self.file.write_all(b"\n"));
        self.done(written)
    }

    pub(super) fn finish(&mut self) -> Result<(), String> {
        let written = self.file.flush();
        self.done(written)
    }

    fn done(&self, written: std::io::Result<()>) -> Result<(), String> {
        written.map_err(|error| format!("{}: {error}", self.path.display()))
    }
}
