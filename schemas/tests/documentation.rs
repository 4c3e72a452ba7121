//! The JSON in the documentation is what it says it is.

#![allow(
    clippy::unwrap_used,
    reason = "a test file: what fails, fails the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;
use tidegate_schemas::{FromApplication, FromProxy, RouteDocument, json};

/// A fenced block that begins with ```` ```json KIND ````.
struct Block {
    place: String,
    kind: String,
    text: String,
}

#[test]
fn every_json_block_of_the_documentation_fits_its_schema_and_its_type() {
    let blocks: Vec<Block> = pages().iter().flat_map(|page| blocks(page)).collect();
    assert!(blocks.len() >= 10, "found {} blocks only", blocks.len());
    for block in &blocks {
        let value: Value = serde_json::from_str(&block.text)
            .unwrap_or_else(|error| panic!("{}: not JSON: {error}", block.place));
        if let Err(error) = schema_of(block).validate(&value) {
            panic!("{}: {error} at {}", block.place, error.instance_path());
        }
        if let Err(error) = read_as_type(block) {
            panic!("{}: {error}", block.place);
        }
    }
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap_or_default();
    let mut lines = text.lines().enumerate();
    let mut blocks = Vec::new();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```json ") else {
            continue;
        };
        let body = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```");
        blocks.push(Block {
            place: format!("{}:{}", page.display(), number + 1),
            kind: kind.to_owned(),
            text: body.collect::<Vec<_>>().join("\n"),
        });
    }
    blocks
}

fn schema_of(block: &Block) -> Validator {
    let text = match block.kind.as_str() {
        "document" => json::ROUTE_DOCUMENT,
        "from-proxy" => json::FROM_PROXY,
        "from-application" => json::FROM_APPLICATION,
        other => panic!("{}: `{other}` is no kind of message", block.place),
    };
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn read_as_type(block: &Block) -> Result<(), String> {
    let text = &block.text;
    match block.kind.as_str() {
        "document" => RouteDocument::from_json(text.as_bytes())
            .map(drop)
            .map_err(|e| e.to_string()),
        "from-proxy" => serde_json::from_str::<FromProxy<'_>>(text)
            .map(drop)
            .map_err(|e| e.to_string()),
        _ => serde_json::from_str::<FromApplication<'_>>(text)
            .map(drop)
            .map_err(|e| e.to_string()),
    }
}
