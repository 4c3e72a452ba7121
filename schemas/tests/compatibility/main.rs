//! What is published is kept: no change breaks an application that was written for the contract in
//! `schemas/baseline/`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what can't be read fails the test"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "values are written where they are passed"
)]

mod alternatives;
mod bounds;
mod compare;
mod operations;
mod planted;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use compare::compare;

/// Who writes what a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// The proxy. Those who read it know what was published, and unknown keys do not trouble them.
    Sends,
    /// Others. The proxy has to go on taking, and honouring, what was published.
    Accepts,
}

/// The schemas of messages, and who writes them.
const SCHEMAS: [(&str, Direction); 5] = [
    ("from-application", Direction::Accepts),
    ("from-proxy", Direction::Sends),
    ("recording", Direction::Sends),
    ("route-document", Direction::Accepts),
    ("route-event", Direction::Sends),
];

/// A difference that breaks somebody.
#[derive(Debug, Clone, PartialEq)]
struct Breach {
    /// JSON Pointer into the published schema, or into the new one where that has something more.
    pointer: String,
    old: Value,
    new: Value,
    why: &'static str,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pointer,
            old,
            new,
            why,
        } = self;
        let show = |value: &Value| match value {
            Value::Null => "nothing".to_owned(),
            value => value.to_string(),
        };
        write!(f, "{pointer}: {why}\n    published: {}", show(old))?;
        write!(f, "\n    here:      {}", show(new))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    serde_json::from_str(&text).unwrap()
}

/// The folder of the newest published contract: `schemas/baseline/1.0`.
fn baseline() -> PathBuf {
    let folders = fs::read_dir(folder().join("baseline")).unwrap();
    let mut folders: Vec<_> = folders.map(|it| it.unwrap().path()).collect();
    folders.sort_by_key(|path| version(path));
    folders.pop().expect("a published contract")
}

fn version(path: &Path) -> Vec<u32> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let numbers = name.split('.').map(str::parse);
    numbers.map(Result::unwrap).collect()
}

fn published(name: &str) -> Value {
    read(&baseline().join(name).with_extension("schema.json"))
}

fn assert_none(of: &str, breaches: &[Breach]) {
    let lines: Vec<_> = breaches.iter().map(ToString::to_string).collect();
    assert!(
        breaches.is_empty(),
        "{of}: this would break what was written for {}:\n  {}\nschemas/README.md says what to do.",
        baseline().display(),
        lines.join("\n  ")
    );
}

#[test]
fn messages_are_what_applications_were_written_for() {
    for (name, direction) in SCHEMAS {
        let here = read(
            &folder()
                .join("json")
                .join(name)
                .with_extension("schema.json"),
        );
        assert_none(name, &compare(&published(name), &here, direction));
    }
}

#[test]
fn every_schema_is_published() {
    let names: Vec<_> = SCHEMAS.iter().map(|(name, _)| *name).collect();
    let known: Vec<_> = tidegate_schemas::json::ALL
        .iter()
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(names, known);
}

#[test]
fn the_admin_api_is_what_scripts_were_written_for() {
    let published = read(&baseline().join("admin.openapi.json"));
    let here = read(&folder().join("contract/admin.openapi.json"));
    assert_none("admin API", &operations::compare(&published, &here));
}
