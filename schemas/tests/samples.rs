//! The samples, the types and the JSON Schemas agree.

#![allow(clippy::unwrap_used, reason = "what can't be read fails the test")]

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};
use tidegate_schemas::message::{Inbound, Question, parse_inbound};
use tidegate_schemas::record::Line;
use tidegate_schemas::{DocumentError, FromProxy, RouteDocument, json, lenient};

struct Sample {
    name: String,
    value: Value,
}

impl Sample {
    /// What it is a sample of: the first words of its name.
    fn kind(&self) -> &'static str {
        let kinds = [
            "document",
            "event",
            "from-application",
            "from-proxy",
            "recording",
        ];
        kinds
            .into_iter()
            .find(|kind| self.name.starts_with(kind))
            .unwrap_or_else(|| panic!("{} is a sample of nothing", self.name))
    }

    fn text(&self, key: &str) -> &str {
        let text = self.value[key].as_str();
        text.unwrap_or_else(|| panic!("{} needs a string `{key}`", self.name))
    }

    /// The document or message that is to be refused.
    fn subject(&self) -> &Value {
        let key = if self.kind() == "document" {
            "document"
        } else {
            "message"
        };
        &self.value[key]
    }
}

fn samples(folder: &str) -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(folder);
    let mut samples: Vec<Sample> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            Sample { name, value }
        })
        .collect();
    assert!(!samples.is_empty());
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    samples
}

fn validator(kind: &str) -> Validator {
    let text = match kind {
        "document" => json::ROUTE_DOCUMENT,
        "event" => json::ROUTE_EVENT,
        "from-application" => json::FROM_APPLICATION,
        "from-proxy" => json::FROM_PROXY,
        "recording" => json::RECORDING,
        other => panic!("no schema for {other}"),
    };
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn read(kind: &str, value: &Value) -> Result<(), DocumentError> {
    let json = serde_json::to_vec(value).unwrap();
    match kind {
        "document" => RouteDocument::from_json(&json).map(drop),
        "from-application" => parse_inbound(&json).map(drop),
        "recording" => serde_json::from_slice::<Line<'_>>(&json)
            .map(drop)
            .map_err(|error| DocumentError::new("", error.to_string())),
        _ => serde_json::from_slice::<FromProxy<'_>>(&json)
            .map(drop)
            .map_err(|error| DocumentError::new("", error.to_string())),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[test]
fn valid_samples_are_valid_for_the_types_and_the_schemas() {
    for sample in samples("valid") {
        let kind = sample.kind();
        if let Err(error) = read(kind, &sample.value) {
            panic!("{}: {error}", sample.name);
        }
        if let Err(error) = validator(kind).validate(&sample.value) {
            panic!("{}: {error} at {}", sample.name, error.instance_path());
        }
    }
}

#[test]
fn invalid_samples_are_refused_by_the_types_with_their_pointer() {
    for sample in samples("invalid") {
        let refused = read(sample.kind(), sample.subject());
        let pointer = refused.map_err(|error| error.pointer.into_owned());
        let expected = Err(sample.text("pointer").to_owned());
        assert_eq!(pointer, expected, "{}: {}", sample.name, sample.text("why"));
    }
}

#[test]
fn invalid_samples_are_refused_by_the_schemas() {
    for sample in samples("invalid") {
        let is_valid = validator(sample.kind()).is_valid(sample.subject());
        assert!(!is_valid, "{}: {}", sample.name, sample.text("why"));
    }
}

#[test]
fn what_only_the_plan_refuses_is_valid_here() {
    for sample in samples("refused-by-plan") {
        let document = &sample.value["document"];
        assert_eq!(read("document", document), Ok(()), "{}", sample.name);
        assert!(validator("document").is_valid(document), "{}", sample.name);
        assert!(sample.text("pointer").starts_with('/') && !sample.text("why").is_empty());
    }
}

#[test]
fn documents_of_other_habits_mean_what_the_sample_says() {
    for sample in samples("lenient") {
        let document = lenient::document_from_value(&sample.value["document"]).unwrap();
        let means = serde_json::to_vec(&sample.value["means"]).unwrap();
        assert_eq!(
            document,
            RouteDocument::from_json(&means).unwrap(),
            "{}",
            sample.name
        );
    }
}

#[test]
fn every_valid_document_means_the_same_to_the_lenient_reader() {
    for sample in samples("valid")
        .iter()
        .filter(|sample| sample.kind() == "document")
    {
        let json = serde_json::to_vec(&sample.value).unwrap();
        let strict = RouteDocument::from_json(&json).unwrap();
        let lenient = lenient::document_from_json(&json).unwrap();
        let version = strict.version.clone();
        assert_eq!(
            RouteDocument { version, ..lenient },
            strict,
            "{}",
            sample.name
        );
    }
}

#[test]
fn documents_lose_nothing_but_unknown_keys_on_their_way() {
    for sample in samples("valid")
        .iter()
        .filter(|sample| sample.kind() == "document")
    {
        let json = serde_json::to_vec(&sample.value).unwrap();
        let document = RouteDocument::from_json(&json).unwrap();
        let written = serde_json::to_value(&document).unwrap();
        if !sample.name.ends_with("of-its-own") && !sample.name.ends_with("null-is-absent") {
            assert_eq!(written, without_nulls(&sample.value), "{}", sample.name);
        }
        let again = RouteDocument::from_json(&serde_json::to_vec(&written).unwrap());
        assert_eq!(again, Ok(document), "{}", sample.name);
    }
}

#[test]
fn what_the_proxy_sends_is_written_as_it_was_read() {
    for sample in samples("valid") {
        if !matches!(sample.kind(), "event" | "from-proxy") {
            continue;
        }
        let json = serde_json::to_vec(&sample.value).unwrap();
        let message: FromProxy<'_> = serde_json::from_slice(&json).unwrap();
        assert_eq!(
            serde_json::to_value(&message).unwrap(),
            sample.value,
            "{}",
            sample.name
        );
        if let FromProxy::Route { event, .. } = &message {
            let question = serde_json::to_value(Question::new(event)).unwrap();
            assert_eq!(question, sample.value, "{}", sample.name);
        }
    }
}

#[test]
fn a_line_of_a_recording_is_written_as_it_was_read() {
    let of_recordings = |sample: &&Sample| sample.kind() == "recording";
    for sample in samples("valid").iter().filter(of_recordings) {
        let json = serde_json::to_vec(&sample.value).unwrap();
        let line: Line<'_> = serde_json::from_slice(&json).unwrap();
        let written = serde_json::to_value(&line).unwrap();
        assert_eq!(written, sample.value, "{}", sample.name);
    }
}

#[test]
fn every_message_has_a_valid_sample() {
    let names: Vec<_> = samples("valid").into_iter().map(|it| it.name).collect();
    for (kind, text, pointer) in [
        ("from-proxy", json::FROM_PROXY, "/oneOf"),
        ("from-application", json::FROM_APPLICATION, "/then/oneOf"),
        ("recording", json::RECORDING, "/oneOf"),
    ] {
        let schema: Value = serde_json::from_str(text).unwrap();
        for message in schema.pointer(pointer).unwrap().as_array().unwrap() {
            let word = message["properties"]["type"]["const"].as_str().unwrap();
            let wanted = match word {
                "route" => "event".to_owned(),
                word => format!("{kind}-{word}"),
            };
            let is_there = names.iter().any(|name| name.starts_with(&wanted));
            assert!(is_there, "samples/valid has no {wanted}*.json");
        }
    }
}

#[test]
fn every_event_is_something_that_the_proxy_sends() {
    let from_proxy = validator("from-proxy");
    for sample in samples("valid")
        .iter()
        .filter(|sample| sample.kind() == "event")
    {
        assert!(from_proxy.is_valid(&sample.value), "{}", sample.name);
    }
}

#[test]
fn every_document_is_something_that_an_application_sends() {
    let from_application = validator("from-application");
    for sample in samples("valid")
        .iter()
        .filter(|sample| sample.kind() == "document")
    {
        assert!(from_application.is_valid(&sample.value), "{}", sample.name);
        let json = serde_json::to_vec(&sample.value).unwrap();
        assert!(
            matches!(parse_inbound(&json), Ok(Inbound::Document(_))),
            "{}",
            sample.name
        );
    }
}

#[test]
fn unknown_keys_are_allowed_everywhere() {
    for (kind, value) in [
        (
            "document",
            json!({"x": 1, "routes": [{"x": 1, "headers": {"x": 1}}, {"x": 1, "routes": []}]}),
        ),
        (
            "document",
            json!({"reply": {"code": 404, "x": 1}, "contacts": [{"uri": "sip:a", "x": 1}]}),
        ),
        (
            "from-application",
            json!({"type": "hello", "name": "a", "version": "1.0", "x": 1}),
        ),
        ("from-proxy", json!({"type": "ping", "x": 1})),
    ] {
        assert_eq!(read(kind, &value), Ok(()), "{value}");
        assert!(validator(kind).is_valid(&value), "{value}");
    }
}
