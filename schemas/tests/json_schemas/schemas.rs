//! The JSON Schema of each kind of message.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};
use tidegate_schemas::record::Line;
use tidegate_schemas::{FromApplication, FromProxy, RouteDocument, RouteEvent, json};

use super::check_in;

pub(crate) fn generated(name: &str) -> Value {
    match name {
        "from-application" => schema_of::<Anything>(),
        "from-proxy" => schema_of::<FromProxy<'_>>(),
        "recording" => schema_of::<Line<'_>>(),
        "route-document" => schema_of::<RouteDocument>(),
        "route-event" => route_event(),
        other => panic!("{other} is in json::ALL, but nothing generates it"),
    }
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    remove_defaults(&mut schema);
    schema
}

/// What is absent has no value of its own in this contract, and `null` would only be noise.
fn remove_defaults(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.contains_key("type") || map.contains_key("$ref") || map.contains_key("anyOf") {
                map.remove("default");
            }
            map.values_mut().for_each(remove_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_defaults),
        _ => {}
    }
}

/// An event as it goes over a channel, with the keys of its envelope.
fn route_event() -> Value {
    let mut schema = schema_of::<RouteEvent<'_>>();
    schema["properties"]["type"] = json!({ "const": "route" });
    schema["properties"]["version"] = json!({
        "type": "string",
        "description": "Version of the contract, `1.0`.",
    });
    if let Some(required) = schema["required"].as_array_mut() {
        required.extend([json!("type"), json!("version")]);
    }
    schema
}

/// A message or a route document.
struct Anything;

impl JsonSchema for Anything {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FromApplication".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> Schema {
        let document = generator.subschema_for::<RouteDocument>();
        let message = FromApplication::json_schema(generator);
        json_schema!({
            "description": "What an application sends: a message of the channel if it has a `type`, \
                a route document otherwise.",
            "type": "object",
            "if": {
                "required": ["type"],
                "properties": { "type": { "not": { "type": "null" } } },
            },
            "then": message,
            "else": document,
        })
    }
}

#[test]
fn the_checked_in_schemas_are_those_of_the_types() {
    for (name, _) in json::ALL {
        check_in(&format!("json/{name}.schema.json"), &generated(name));
    }
}

#[test]
fn every_schema_is_a_valid_one_of_draft_2020_12() {
    for (name, _) in json::ALL {
        let schema = generated(name);
        assert_eq!(
            schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
            "{name}"
        );
        jsonschema::meta::validate(&schema).unwrap();
    }
}
