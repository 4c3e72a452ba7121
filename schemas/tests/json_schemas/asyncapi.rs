//! The AsyncAPI document: a frame by hand, the messages from the types.
//!
//! AsyncAPI 3.0 reads schemas as draft 7, so that they are put into its words.

use std::collections::BTreeSet;

use jsonschema::Draft;
use serde_json::{Map, Value, json};

use super::check_in;
use super::components::{Components, Message};

const FRAME: &str = include_str!("frames/routing.asyncapi.json");

const CHANNEL: &str = "#/channels/routing/messages/";

fn document() -> Value {
    let components = Components::new();
    let mut document: Value = serde_json::from_str(FRAME).unwrap();
    let messages = components.messages();
    let in_channel = messages.map(|it| (it.key.clone(), reference("#/components/messages/", it)));
    document["channels"]["routing"]["messages"] = Value::Object(in_channel.collect());
    let described = components.messages().map(|it| {
        let described = describe(it, &components.schemas);
        (it.key.clone(), described)
    });
    document["components"]["messages"] = Value::Object(described.collect());
    let mut schemas = Value::Object(components.schemas.clone());
    schemas
        .as_object_mut()
        .unwrap()
        .values_mut()
        .for_each(as_draft_7);
    document["components"]["schemas"] = schemas;
    document
}

fn reference(place: &str, message: &Message) -> Value {
    json!({ "$ref": format!("{place}{}", message.key) })
}

fn describe(message: &Message, schemas: &Map<String, Value>) -> Value {
    let examples = message.examples.iter();
    let examples = examples.map(|(name, payload)| json!({ "name": name, "payload": payload }));
    let mut described = json!({
        "name": message.word,
        "title": message.schema,
        "summary": message.description,
        "contentType": "application/json",
        "payload": message.reference(),
        "examples": examples.collect::<Vec<_>>(),
    });
    if let Some(name) = correlation(&schemas[&message.schema]) {
        let name = format!("#/components/correlationIds/{name}");
        described["correlationId"] = json!({ "$ref": name });
    }
    described
}

/// The key by which an answer finds what it answers.
fn correlation(schema: &Value) -> Option<&'static str> {
    let keys = [
        ("id", "consultation"),
        ("event_id", "notification"),
        ("ref", "request"),
    ];
    let found = keys
        .into_iter()
        .find(|(key, _)| schema["properties"].get(key).is_some());
    found.map(|(_, name)| name)
}

/// `prefixItems` was `items`, and nothing counted beside `$ref`.
fn as_draft_7(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(places) = map.remove("prefixItems") {
                map.insert("items".to_owned(), places);
            }
            if map.len() > 1
                && let Some(reference) = map.remove("$ref")
            {
                map.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
            }
            map.values_mut().for_each(as_draft_7);
        }
        Value::Array(items) => items.iter_mut().for_each(as_draft_7),
        _ => {}
    }
}

#[test]
fn the_checked_in_asyncapi_document_is_that_of_the_types() {
    check_in("contract/routing.asyncapi.json", &document());
}

#[test]
fn every_message_belongs_to_an_operation() {
    let document = document();
    let mut used = BTreeSet::new();
    for operation in document["operations"].as_object().unwrap().values() {
        let sent = operation["messages"].as_array().unwrap().iter();
        let replies = operation["reply"]["messages"].as_array();
        for message in sent.chain(replies.into_iter().flatten()) {
            let key = message["$ref"].as_str().unwrap().strip_prefix(CHANNEL);
            used.insert(key.unwrap().to_owned());
        }
    }
    let known = document["components"]["messages"].as_object().unwrap();
    assert_eq!(used, known.keys().cloned().collect());
}

/// Who sends what is on record twice, in the types and in the frame.
#[test]
fn operations_send_what_applications_send_and_receive_what_the_proxy_sends() {
    let document = document();
    let from_proxy = |message: &Value| {
        let key = message["$ref"].as_str().unwrap();
        key.starts_with(&format!("{CHANNEL}proxy"))
    };
    for (name, operation) in document["operations"].as_object().unwrap() {
        let receives = operation["action"] == "receive";
        let messages = operation["messages"].as_array().unwrap();
        assert!(
            messages.iter().all(|it| from_proxy(it) == receives),
            "{name}"
        );
        let replies = operation["reply"]["messages"].as_array();
        let mut replies = replies.into_iter().flatten();
        assert!(replies.all(|it| from_proxy(it) != receives), "{name}");
    }
}

#[test]
fn in_the_words_of_draft_7_every_schema_accepts_its_examples_and_refuses_what_they_are_not() {
    let document = document();
    for message in Components::new().messages() {
        // `$ref` hides what stands beside it, the definitions too.
        let schema = json!({
            "allOf": [message.reference()],
            "components": document["components"],
        });
        let validator = jsonschema::options()
            .with_draft(Draft::Draft7)
            .build(&schema)
            .unwrap();
        for (name, example) in &message.examples {
            assert!(validator.is_valid(example), "{name}");
        }
        assert!(!validator.is_valid(&json!([])), "{}", message.key);
        let mistyped = json!({ "type": "nothing", "routes": 7 });
        assert!(!validator.is_valid(&mistyped), "{}", message.key);
    }
}
