//! The OpenAPI document of an application that is asked over HTTP: a frame by hand, the messages
//! from the types.

use serde_json::{Map, Value, json};

use super::check_in;
use super::components::{Components, Message};

const FRAME: &str = include_str!("frames/application.openapi.json");

/// The connection is closed instead.
const NOT_OVER_HTTP: &str = "cancelled";

fn document() -> Value {
    let mut components = Components::new();
    components.from_proxy.retain(|it| it.word != NOT_OVER_HTTP);
    let schemas = &mut components.schemas;
    schemas.remove("ProxyCancelled");
    let mut document: Value = serde_json::from_str(FRAME).unwrap();
    document["components"]["schemas"] = Value::Object(components.schemas);
    let post = &mut document["paths"]["/"]["post"];
    post["requestBody"]["content"] =
        content(&request(&components.from_proxy), &components.from_proxy);
    let answers = &components.from_application;
    post["responses"]["200"]["content"] = content(&response(answers), answers);
    document
}

fn content(schema: &Value, messages: &[Message]) -> Value {
    let examples = messages.iter().flat_map(|it| &it.examples);
    let examples = examples.map(|(name, value)| (name.clone(), json!({ "value": value })));
    let examples: Map<_, _> = examples.collect();
    json!({ "application/json": { "schema": schema, "examples": examples } })
}

fn references<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<Value> {
    messages.into_iter().map(Message::reference).collect()
}

fn request(messages: &[Message]) -> Value {
    let mapping = messages.iter().map(|it| {
        let place = it.reference()["$ref"].clone();
        (it.word.clone(), place)
    });
    json!({
        "oneOf": references(messages),
        "discriminator": { "propertyName": "type", "mapping": mapping.collect::<Map<_, _>>() },
    })
}

/// A document has no `type`; what has one is that message and no other.
fn response(messages: &[Message]) -> Value {
    let typed = messages.iter().filter(|it| it.word != "document");
    json!({
        "anyOf": references(messages),
        "if": {
            "required": ["type"],
            "properties": { "type": { "not": { "type": "null" } } },
        },
        "then": { "oneOf": references(typed) },
    })
}

#[test]
fn the_checked_in_openapi_document_is_that_of_the_types() {
    check_in("contract/application.openapi.json", &document());
}

#[test]
fn requests_and_responses_accept_their_examples_and_nothing_of_another_form() {
    let document = document();
    let post = &document["paths"]["/"]["post"];
    for place in [&post["requestBody"], &post["responses"]["200"]] {
        let content = &place["content"]["application/json"];
        let mut schema = content["schema"].clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for (name, example) in content["examples"].as_object().unwrap() {
            assert!(validator.is_valid(&example["value"]), "{name}");
        }
        for wrong in [
            json!([]),
            json!({ "type": "nothing" }),
            json!({ "type": "error" }),
        ] {
            assert!(!validator.is_valid(&wrong), "{wrong}");
        }
    }
}
