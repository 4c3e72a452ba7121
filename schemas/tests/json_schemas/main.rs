//! What is checked in under `schemas/json/` and `schemas/contract/` is that of the types.

#![allow(clippy::unwrap_used, reason = "what can't be read fails the test")]

mod asyncapi;
mod components;
mod openapi;
mod schemas;

use std::fs;
use std::path::Path;

use serde_json::Value;

const UPDATE: &str = "UPDATE_SCHEMAS";

/// Compares a file of this crate with what it has to be, or writes it.
fn check_in(file: &str, fresh: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let fresh = format!("{fresh:#}\n");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(path, fresh).unwrap();
        return;
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == fresh,
        "schemas/{file} is stale: the types have changed. Write it anew with \
         `{UPDATE}=1 cargo test -p tidegate-schemas --test json_schemas`"
    );
}

/// The samples in `samples/valid` whose names begin so, by their names.
fn samples(prefix: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/valid");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == prefix || name.starts_with(&format!("{prefix}-")) {
            let text = fs::read_to_string(path).unwrap();
            found.push((name, serde_json::from_str(&text).unwrap()));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!found.is_empty(), "no sample begins with {prefix}");
    found
}
