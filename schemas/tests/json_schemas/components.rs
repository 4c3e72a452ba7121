//! The schemas of all messages in one place, as AsyncAPI and OpenAPI want them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::samples;
use super::schemas::generated;

/// What has a `type`, or is a route document.
pub(crate) struct Message {
    /// `proxyHello`
    pub(crate) key: String,
    /// The word in `type`; `document` for what has none.
    pub(crate) word: String,
    /// `ProxyHello`, in `components.schemas`.
    pub(crate) schema: String,
    pub(crate) description: String,
    pub(crate) examples: Vec<(String, Value)>,
}

pub(crate) struct Components {
    pub(crate) from_proxy: Vec<Message>,
    pub(crate) from_application: Vec<Message>,
    pub(crate) schemas: Map<String, Value>,
}

impl Components {
    pub(crate) fn new() -> Self {
        let mut schemas = Map::new();
        let mut from_proxy = generated("from-proxy");
        let mut from_application = generated("from-application");
        for root in [&mut from_proxy, &mut from_application] {
            move_references(root);
            take_definitions(root, &mut schemas);
        }
        let from_proxy = messages(&from_proxy["oneOf"], "proxy", &mut schemas);
        let then = &from_application["then"]["oneOf"];
        let mut from_application = messages(then, "application", &mut schemas);
        from_application.push(document(&schemas));
        forget_unused(&mut schemas, from_proxy.iter().chain(&from_application));
        Self {
            from_proxy,
            from_application,
            schemas,
        }
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.from_proxy.iter().chain(&self.from_application)
    }
}

impl Message {
    pub(crate) fn reference(&self) -> Value {
        json!({ "$ref": format!("#/components/schemas/{}", self.schema) })
    }
}

/// Definitions move from `$defs` to `components`.
fn move_references(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get_mut("$ref") {
                *reference = reference.replace("#/$defs/", "#/components/schemas/");
            }
            map.values_mut().for_each(move_references);
        }
        Value::Array(items) => items.iter_mut().for_each(move_references),
        _ => {}
    }
}

fn take_definitions(root: &mut Value, schemas: &mut Map<String, Value>) {
    let definitions = root["$defs"].take();
    for (name, definition) in definitions.as_object().unwrap() {
        let before = schemas.insert(name.clone(), definition.clone());
        assert!(
            before.is_none_or(|before| before == *definition),
            "{name} is defined in two ways"
        );
    }
}

fn messages(all: &Value, sender: &str, schemas: &mut Map<String, Value>) -> Vec<Message> {
    let all = all.as_array().unwrap().iter();
    all.map(|alternative| {
        let word = alternative["properties"]["type"]["const"].as_str().unwrap();
        let key = format!("{sender}{}", capitalised(word));
        let schema = capitalised(&key);
        schemas.insert(schema.clone(), flat(alternative, schemas));
        let prefix = match word {
            "route" => "event".to_owned(),
            word => format!("from-{sender}-{word}"),
        };
        Message {
            key,
            word: word.to_owned(),
            schema,
            description: alternative["description"].as_str().unwrap().to_owned(),
            examples: samples(&prefix),
        }
    })
    .collect()
}

/// With the keys of what it refers to, since not every reader looks at what stands beside `$ref`.
fn flat(message: &Value, schemas: &Map<String, Value>) -> Value {
    let mut flat = message.clone();
    let Some(reference) = flat.as_object_mut().unwrap().remove("$ref") else {
        return flat;
    };
    let referred = &schemas[name_in(reference.as_str().unwrap())];
    let only = ["description", "properties", "required", "type"];
    let keys = referred.as_object().unwrap().keys();
    assert!(
        keys.into_iter().all(|key| only.contains(&key.as_str())),
        "{referred}"
    );
    let properties = flat["properties"].as_object_mut().unwrap();
    properties.extend(referred["properties"].as_object().unwrap().clone());
    let required = flat["required"].as_array_mut().unwrap();
    required.extend(
        referred["required"]
            .as_array()
            .into_iter()
            .flatten()
            .cloned(),
    );
    flat
}

fn name_in(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap()
}

fn forget_unused<'a>(
    schemas: &mut Map<String, Value>,
    messages: impl Iterator<Item = &'a Message>,
) {
    let mut used = BTreeSet::new();
    let mut waiting: Vec<String> = messages.map(|it| it.schema.clone()).collect();
    while let Some(name) = waiting.pop() {
        if used.insert(name.clone()) {
            references(&schemas[&name], &mut waiting);
        }
    }
    schemas.retain(|name, _| used.contains(name));
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            found.extend(
                map.get("$ref")
                    .and_then(Value::as_str)
                    .map(|it| name_in(it).to_owned()),
            );
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn document(schemas: &Map<String, Value>) -> Message {
    let schema = "RouteDocument".to_owned();
    Message {
        key: "routeDocument".to_owned(),
        word: "document".to_owned(),
        description: schemas[&schema]["description"].as_str().unwrap().to_owned(),
        schema,
        examples: samples("document"),
    }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}
