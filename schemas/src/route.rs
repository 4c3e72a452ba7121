//! Reading a route: a target or a group, told apart by `routes`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::de::{self, Object};
use crate::document::{Group, Headers, Outcome, Route, Routing, Target};

const TARGET_ONLY: [&str; 8] = [
    "uri",
    "dst_uri",
    "path",
    "socket",
    "headers",
    "branch_flags",
    "fr_timer",
    "fr_inv_timer",
];

/// The keys of both kinds, so that one pass reads either, whatever the order of its keys.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    uri: Option<String>,
    dst_uri: Option<String>,
    path: Option<String>,
    socket: Option<String>,
    #[serde(deserialize_with = "de::object")]
    headers: Option<Headers>,
    branch_flags: Option<u32>,
    #[serde(deserialize_with = "de::milliseconds")]
    fr_timer: Option<u32>,
    #[serde(deserialize_with = "de::milliseconds")]
    fr_inv_timer: Option<u32>,
    continue_on: Option<Vec<Outcome>>,
    stop_on: Option<Vec<Outcome>>,
    ask_on: Option<Vec<Outcome>>,
    routing: Option<Routing>,
    routes: Option<Vec<Route>>,
}

impl Keys {
    fn has_target_keys(&self) -> bool {
        self.uri.is_some()
            || self.dst_uri.is_some()
            || self.path.is_some()
            || self.socket.is_some()
            || self.headers.is_some()
            || self.branch_flags.is_some()
            || self.fr_timer.is_some()
            || self.fr_inv_timer.is_some()
    }

    fn into_group(self, routes: Vec<Route>) -> Route {
        Route::Group(Group {
            routing: self.routing,
            routes,
            continue_on: self.continue_on,
            stop_on: self.stop_on,
            ask_on: self.ask_on,
        })
    }

    fn into_target(self) -> Route {
        Route::Target(Box::new(Target {
            uri: self.uri,
            dst_uri: self.dst_uri,
            path: self.path,
            socket: self.socket,
            headers: self.headers,
            branch_flags: self.branch_flags,
            fr_timer: self.fr_timer,
            fr_inv_timer: self.fr_inv_timer,
            continue_on: self.continue_on,
            stop_on: self.stop_on,
            ask_on: self.ask_on,
        }))
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(mut keys) = Object::<Keys>::deserialize(deserializer)?;
        match keys.routes.take() {
            Some(_) if keys.has_target_keys() => Err(D::Error::custom(
                "a group (an object with `routes`) has no such key: it belongs to a target",
            )),
            Some(routes) => Ok(keys.into_group(routes)),
            None if keys.routing.is_some() => Err(D::Error::custom(
                "`routing` belongs to a group, which needs `routes`",
            )),
            None => Ok(keys.into_target()),
        }
    }
}

/// The key for which the route `value` was refused, where it is one of the wrong kind.
pub(crate) fn misplaced_key(value: &Value) -> Option<&'static str> {
    let present = |key: &&str| value.get(*key).is_some_and(|found| !found.is_null());
    if present(&"routes") {
        TARGET_ONLY.into_iter().find(present)
    } else {
        ["routing"].into_iter().find(present)
    }
}

impl JsonSchema for Route {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Route".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let no = json_schema!({ "type": "null" });
        let nothing_of_a_target: serde_json::Map<String, Value> = TARGET_ONLY
            .iter()
            .map(|key| ((*key).to_owned(), no.clone().to_value()))
            .collect();
        let group = generator.subschema_for::<Group>();
        let target = generator.subschema_for::<Target>();
        json_schema!({
            "description": "A target or a group: an object with `routes` is a group.",
            "type": "object",
            "if": {
                "required": ["routes"],
                "properties": { "routes": { "not": { "type": "null" } } },
            },
            "then": { "allOf": [group, { "properties": nothing_of_a_target }] },
            "else": { "allOf": [target, { "properties": { "routing": no } }] },
        })
    }
}
