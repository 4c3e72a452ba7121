//! The JSON in the documentation is what it says it is.

#![allow(
    clippy::unwrap_used,
    reason = "a test file: what fails, fails the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;
use tidegate_schemas::message::parse_inbound;
use tidegate_schemas::record::Line;
use tidegate_schemas::{FromProxy, RouteDocument, json};

/// A fenced block that begins with ```` ```json KIND ````, or with ```` ```http KIND ```` where JSON
/// follows the header fields.
struct Block {
    place: String,
    kind: String,
    text: String,
}

/// What a block may be. `admin-NAME` is the type NAME of the admin API; `other` is JSON that is no
/// part of the contract.
const KINDS: &str = "document, event, from-proxy, from-application, recording, admin-NAME, other";

#[test]
fn every_json_block_of_the_documentation_fits_its_schema_and_its_type() {
    let blocks: Vec<Block> = pages().iter().flat_map(|page| blocks_of(page)).collect();
    assert!(blocks.len() >= 25, "found {} blocks only", blocks.len());
    for block in &blocks {
        if let Err(why) = judge(block) {
            panic!("{}: {why}", block.place);
        }
    }
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![root.join("README.md"), root.join("schemas/README.md")];
    for folder in ["docs", "examples", "tests"] {
        find_pages(&root.join(folder), &mut pages);
    }
    pages.sort();
    pages
}

fn find_pages(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
            find_pages(&path, pages);
        } else if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
}

fn blocks_of(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    blocks(&page.display().to_string(), &text)
}

fn blocks(page: &str, text: &str) -> Vec<Block> {
    let mut lines = text.lines().map(str::trim_start).enumerate();
    let mut blocks = Vec::new();
    while let Some((number, line)) = lines.next() {
        let Some(what) = line.strip_prefix("```") else {
            continue;
        };
        let body = lines.by_ref().map(|(_, line)| line);
        let body: Vec<_> = body.take_while(|line| !line.starts_with("```")).collect();
        let (language, kind) = what.split_once(' ').unwrap_or((what, ""));
        let text = match language {
            "http" => body_of(&body),
            language if language.starts_with("json") => Some(body.join("\n")),
            _ => None,
        };
        blocks.extend(text.map(|text| Block {
            place: format!("{page}:{}", number + 1),
            kind: kind.trim().to_owned(),
            text,
        }));
    }
    blocks
}

/// What follows the empty line of an HTTP message, if that is JSON.
fn body_of(message: &[&str]) -> Option<String> {
    let mut body = message.split(|line| line.is_empty()).skip(1);
    let body = body.next()?.join("\n");
    body.starts_with(['{', '[']).then_some(body)
}

fn judge(block: &Block) -> Result<(), String> {
    let value: Value =
        serde_json::from_str(&block.text).map_err(|error| format!("not JSON: {error}"))?;
    if block.kind == "other" {
        return Ok(());
    }
    let schema = schema_of(&block.kind)?;
    if let Err(error) = schema.validate(&value) {
        return Err(format!("{error} at {}", error.instance_path()));
    }
    read_as_type(block)
}

fn schema_of(kind: &str) -> Result<Validator, String> {
    let text = match kind {
        "document" => json::ROUTE_DOCUMENT,
        "event" => json::ROUTE_EVENT,
        "from-proxy" => json::FROM_PROXY,
        "from-application" => json::FROM_APPLICATION,
        "recording" => json::RECORDING,
        kind => return admin_schema(kind),
    };
    Ok(jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap())
}

fn admin_schema(kind: &str) -> Result<Validator, String> {
    let document: Value = serde_json::from_str(json::ADMIN_OPENAPI).unwrap();
    let components = &document["components"];
    let name = kind.strip_prefix("admin-");
    let schema = name.and_then(|name| components["schemas"].get(name));
    let Some(schema) = schema else {
        return Err(format!("say what it is: `{kind}` is none of {KINDS}"));
    };
    let mut schema = schema.clone();
    schema["components"] = components.clone();
    Ok(jsonschema::draft202012::new(&schema).unwrap())
}

fn read_as_type(block: &Block) -> Result<(), String> {
    let text = &block.text;
    let read = match block.kind.as_str() {
        "document" => RouteDocument::from_json(text.as_bytes()).map(drop),
        "from-application" => parse_inbound(text.as_bytes()).map(drop),
        "event" | "from-proxy" => {
            let message = serde_json::from_str::<FromProxy<'_>>(text);
            return message.map(drop).map_err(|error| error.to_string());
        }
        "recording" => {
            let line = serde_json::from_str::<Line<'_>>(text);
            return line.map(drop).map_err(|error| error.to_string());
        }
        _ => Ok(()),
    };
    read.map_err(|error| error.to_string())
}

#[test]
fn a_block_has_to_say_what_it_is_and_to_be_that() {
    let verdict = |text: &str| {
        let block = blocks("page.md", text).pop().expect("a block");
        judge(&block)
    };
    assert_eq!(
        verdict("```json document\n{\"action\":\"drop\"}\n```"),
        Ok(())
    );
    let indented = "1. so:\n   ```json admin-Promotion\n   {\"alone\":true}\n   ```";
    assert_eq!(verdict(indented), Ok(()));
    assert_eq!(verdict("```json other\n{\"found\":3}\n```"), Ok(()));
    for (wrong, why) in [
        ("```json\n{}\n```", "say what it is"),
        ("```json5\n{}\n```", "say what it is"),
        ("```json admin-Nothing\n{}\n```", "say what it is"),
        ("```json document\n{\"action\":\"dropp\"}\n```", "dropp"),
        ("```json admin-Promotion\n{\"alone\":1}\n```", "/alone"),
        ("```json recording\n{\"type\":\"ended\"}\n```", "oneOf"),
        ("```json other\n{\"found\":}\n```", "not JSON"),
        (
            "```http\nHTTP/1.1 200 OK\n\n{\"action\":\"drop\"}\n```",
            "say what it is",
        ),
        (
            "```http document\nHTTP/1.1 200 OK\n\n{\"routes\":1}\n```",
            "/routes",
        ),
    ] {
        let refused = verdict(wrong).unwrap_err();
        assert!(refused.contains(why), "{wrong}: {refused}");
    }
}

#[test]
fn what_has_no_json_needs_no_name() {
    let page = "```http\nGET /v1/health HTTP/1.1\nHost: localhost\n```\n```sh\njson\n```";
    assert!(blocks("page.md", page).is_empty());
}
