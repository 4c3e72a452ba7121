//! Planted changes: those that break somebody are found where they are, the others are let through.

use serde_json::{Value, json};

use super::Direction::{Accepts, Sends};
use super::{Breach, Direction, SCHEMAS, compare, operations, published};

/// A change to the published schema of that name.
struct Change {
    schema: &'static str,
    pointer: &'static str,
    to: Value,
}

impl Change {
    /// Sets a value; `null` takes it away, and `-` at the end adds it to a list.
    fn apply(&self, root: &mut Value) {
        let (parent, key) = self.pointer.rsplit_once('/').unwrap();
        match root.pointer_mut(parent).expect(self.pointer) {
            Value::Array(list) if key == "-" => list.push(self.to.clone()),
            Value::Array(list) if self.to.is_null() => {
                list.remove(key.parse().unwrap());
            }
            Value::Array(list) => list[key.parse::<usize>().unwrap()] = self.to.clone(),
            Value::Object(map) if self.to.is_null() => {
                map.remove(key).expect(self.pointer);
            }
            parent => parent[key] = self.to.clone(),
        }
    }

    fn breaches(&self) -> Vec<Breach> {
        let old = published(self.schema);
        let mut new = old.clone();
        self.apply(&mut new);
        let (_, direction) = SCHEMAS
            .iter()
            .find(|(name, _)| *name == self.schema)
            .unwrap();
        compare(&old, &new, *direction)
    }
}

fn change(schema: &'static str, pointer: &'static str, to: Value) -> Change {
    Change {
        schema,
        pointer,
        to,
    }
}

/// Where in a list of the schema a value is.
fn place(schema: &str, list: &str, is_it: impl Fn(&Value) -> bool) -> usize {
    let schema = published(schema);
    let list = schema.pointer(list).unwrap().as_array().unwrap();
    list.iter().position(is_it).unwrap()
}

fn only(breaches: &[Breach]) -> (&str, &str) {
    match breaches {
        [breach] => (&breach.pointer, breach.why),
        others => panic!("{others:#?}"),
    }
}

fn assert_breaks(change: &Change, pointer: &str, why: &str) {
    let breaches = change.breaches();
    assert_eq!(only(&breaches), (pointer, why), "{}", change.pointer);
}

#[test]
fn what_the_proxy_sends_must_not_change_its_form() {
    let request = "/$defs/Request/properties";
    for (pointer, to, at, why) in [
        (
            "/contact",
            json!(null),
            "/contact",
            "applications may use it, and it is gone",
        ),
        (
            "/call_id/type",
            json!(["string", "null"]),
            "/call_id",
            "applications do not expect this kind of value",
        ),
        (
            "/cseq/type",
            json!("string"),
            "/cseq",
            "applications do not expect this kind of value",
        ),
        (
            "/cseq/format",
            json!("uint64"),
            "/cseq/maximum",
            "applications do not expect larger values",
        ),
        ("/cseq/minimum", json!(-1), "/cseq/minimum", ""),
        (
            "/headers/items/maxItems",
            json!(3),
            "/headers/items/maxItems",
            "applications do not expect larger values",
        ),
    ] {
        let pointer: &'static str = format!("{request}{pointer}").leak();
        let found = change("route-event", pointer, to).breaches();
        if why.is_empty() {
            // The format still says that it is not negative.
            assert_eq!(found, [], "{pointer}");
        } else {
            assert_eq!(only(&found), (&*format!("{request}{at}"), why), "{pointer}");
        }
    }
}

#[test]
fn what_the_proxy_always_sends_must_not_become_optional() {
    let at = place("route-event", "/$defs/Request/required", |it| it == "uri");
    let pointer = format!("/$defs/Request/required/{at}").leak();
    let why = "applications rely on it to be there";
    assert_breaks(
        &change("route-event", pointer, json!(null)),
        "/$defs/Request/required",
        why,
    );
}

#[test]
fn words_and_messages_that_applications_do_not_know_are_not_sent() {
    let word = json!({ "const": "retargeted", "type": "string" });
    let new = change("route-event", "/$defs/AskReason/oneOf/-", word);
    let at = published("route-event")["$defs"]["AskReason"]["oneOf"]
        .as_array()
        .unwrap()
        .len();
    assert_breaks(
        &new,
        &format!("/$defs/AskReason/oneOf/{at}"),
        "applications do not know this word",
    );
    let message = json!({ "type": "object", "properties": { "type": { "const": "news" } } });
    let new = change("from-proxy", "/oneOf/-", message);
    let at = published("from-proxy")["oneOf"].as_array().unwrap().len();
    assert_breaks(
        &new,
        &format!("/oneOf/{at}"),
        "applications do not know this message",
    );
}

#[test]
fn messages_that_applications_wait_for_are_sent() {
    let at = place("from-proxy", "/oneOf", |it| {
        it["properties"]["type"]["const"] == "cancelled"
    });
    let pointer: &'static str = format!("/oneOf/{at}").leak();
    let why = "applications wait for this message";
    assert_breaks(&change("from-proxy", pointer, json!(null)), pointer, why);
}

#[test]
fn what_applications_send_goes_on_being_taken() {
    for (pointer, to, at, why) in [
        (
            "/properties/context",
            json!(null),
            "/properties/context",
            "applications may send it, and it would be ignored",
        ),
        (
            "/required",
            json!(["id"]),
            "/required",
            "applications need not send it",
        ),
        (
            "/properties/context/type",
            json!("integer"),
            "/properties/context",
            "",
        ),
        (
            "/properties/tags/type",
            json!("object"),
            "/properties/tags",
            "applications send this kind of value",
        ),
        (
            "/properties/version/pattern",
            json!("^1$"),
            "/properties/version/pattern",
            "applications send values of another form",
        ),
        (
            "/additionalProperties",
            json!(false),
            "/additionalProperties",
            "applications may send keys of their own",
        ),
        (
            "/properties/max_call_ms/maximum",
            json!(1000),
            "/properties/max_call_ms/maximum",
            "applications send larger values",
        ),
        (
            "/properties/max_call_ms/minimum",
            json!(10),
            "/properties/max_call_ms/minimum",
            "applications send smaller values",
        ),
        (
            "/properties/context/maxLength",
            json!(10),
            "/properties/context/maxLength",
            "applications send larger values",
        ),
        (
            "/$defs/Outcome/pattern",
            json!("^[3-6]xx$"),
            "/$defs/Outcome/pattern",
            "applications send values of another form",
        ),
        (
            "/$defs/Cache/properties/key/minItems",
            json!(2),
            "/$defs/Cache/properties/key/minItems",
            "applications send smaller values",
        ),
        (
            "/$defs/Target/additionalProperties",
            json!(false),
            "/$defs/Target/additionalProperties",
            "applications may send keys of their own",
        ),
    ] {
        let found = change("route-document", pointer, to).breaches();
        assert!(!found.is_empty(), "{pointer}");
        for breach in &found {
            assert_eq!(breach.pointer, at);
            assert!(why.is_empty() || breach.why == why, "{breach}");
        }
    }
}

#[test]
fn words_and_messages_that_applications_send_go_on_being_taken() {
    let at = place("route-document", "/$defs/Action/oneOf", |it| {
        it["const"] == "pass"
    });
    let pointer: &'static str = format!("/$defs/Action/oneOf/{at}").leak();
    let why = "applications send this word";
    assert_breaks(
        &change("route-document", pointer, json!(null)),
        pointer,
        why,
    );
    let at = place("from-application", "/then/oneOf", |it| {
        it["properties"]["type"]["const"] == "terminate"
    });
    let pointer: &'static str = format!("/then/oneOf/{at}").leak();
    let change = change("from-application", pointer, json!(null));
    // It is defined where it is referred to.
    assert_breaks(
        &change,
        "/$defs/Terminate",
        "applications send this message",
    );
}

#[test]
fn a_change_deep_in_a_definition_is_found_once() {
    let change = change(
        "from-application",
        "/$defs/Target/properties/fr_timer/maximum",
        json!(9),
    );
    let at = "/$defs/Target/properties/fr_timer/maximum";
    assert_breaks(&change, at, "applications send larger values");
}

#[test]
fn when_a_route_is_a_group_is_not_to_change() {
    let change = change(
        "route-document",
        "/$defs/Route/if/required/0",
        json!("group"),
    );
    assert!(!change.breaches().is_empty());
}

#[test]
fn what_nobody_can_compare_has_to_stay() {
    let change = change(
        "route-document",
        "/properties/tags/propertyNames",
        json!({ "maxLength": 3 }),
    );
    let why = "this can't be compared, and has to stay as it is";
    let breaches = change.breaches();
    assert!(
        breaches.iter().all(|it| it.why == why) && !breaches.is_empty(),
        "{breaches:#?}"
    );
}

#[test]
fn harmless_changes_are_let_through() {
    let text = json!({ "type": "string" });
    let word = json!({ "const": "beg", "type": "string" });
    let message = json!({ "type": "object", "properties": { "type": { "const": "news" } } });
    for harmless in [
        change("route-event", "/properties/news", text.clone()),
        change(
            "route-event",
            "/$defs/Request/properties/news",
            text.clone(),
        ),
        change("route-event", "/required/-", json!("step")),
        change("route-event", "/description", json!("Reworded.")),
        change("route-event", "/properties/step/type", json!("string")),
        change("route-event", "/properties/attempt/maximum", json!(9)),
        change("route-event", "/$defs/AskReason/oneOf/0", json!(null)),
        change(
            "from-proxy",
            "/$defs/CallEvent/properties/news",
            text.clone(),
        ),
        change("recording", "/$defs/Record/properties/news", text.clone()),
        change("route-document", "/properties/news", text),
        change("route-document", "/$defs/Action/oneOf/-", word),
        change("route-document", "/$defs/Outcome/pattern", json!(null)),
        change("route-document", "/$defs/Cache/required/0", json!(null)),
        change(
            "route-document",
            "/properties/max_call_ms/maximum",
            json!(null),
        ),
        change(
            "route-document",
            "/properties/context/type",
            json!(["string", "integer", "null"]),
        ),
        change("from-application", "/then/oneOf/-", message),
    ] {
        assert_eq!(
            harmless.breaches(),
            [],
            "{} {}",
            harmless.schema,
            harmless.pointer
        );
    }
}

#[test]
fn the_form_of_a_schema_does_not_matter() {
    let same = [
        (
            json!({ "enum": ["a", "b"] }),
            json!({ "oneOf": [{ "const": "b" }, { "const": "a" }] }),
        ),
        (
            json!({ "type": ["string", "null"] }),
            json!({ "anyOf": [{ "type": "null" }, { "type": "string", "title": "S" }] }),
        ),
        (
            json!({ "$ref": "#/$defs/A", "$defs": { "A": { "minimum": 1, "type": "integer" } } }),
            json!({ "allOf": [{ "type": "integer" }, { "minimum": 1 }] }),
        ),
        (json!(true), json!({ "description": "anything" })),
    ];
    for (one, other) in &same {
        for direction in [Sends, Accepts] {
            assert_eq!(compare(one, other, direction), [], "{one} {other}");
            assert_eq!(compare(other, one, direction), [], "{other} {one}");
        }
    }
}

#[test]
fn what_widens_in_one_direction_breaks_in_the_other() {
    let narrow = json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } });
    let wide = json!({ "type": "array", "items": { "type": "number" } });
    let breaks = |old, new, direction: Direction| !compare(old, new, direction).is_empty();
    assert!(breaks(&narrow, &wide, Sends) && !breaks(&narrow, &wide, Accepts));
    assert!(breaks(&wide, &narrow, Accepts) && !breaks(&wide, &narrow, Sends));
}

#[test]
fn operations_that_clients_use_stay() {
    let old = json!({
        "paths": { "/v1/a": {
            "get": { "responses": { "200": answer(json!({ "type": "string" })) } },
            "post": {
                "requestBody": answer(json!({ "type": "object", "properties": { "x": true } })),
                "parameters": [{ "name": "dry_run" }],
                "responses": { "204": {} },
            },
        } }
    });
    assert_eq!(operations::compare(&old, &old), []);
    for (pointer, to, at) in [
        ("/get", json!(null), "/get"),
        ("/get/responses/200", json!(null), "/get/responses/200"),
        (
            "/get/responses/200/content/application~1json/schema/type",
            json!("integer"),
            "/get/responses/200/content/application~1json/schema",
        ),
        (
            "/post/parameters/0/name",
            json!("dry"),
            "/post/parameters/dry_run",
        ),
        (
            "/post/requestBody/content/application~1json/schema/required",
            json!(["x"]),
            "/post/requestBody/content/application~1json/schema/required",
        ),
    ] {
        let mut new = old.clone();
        let pointer: &'static str = format!("/paths/~1v1~1a{pointer}").leak();
        change("", pointer, to).apply(&mut new);
        let found = operations::compare(&old, &new);
        assert_eq!(only(&found).0, format!("/paths/~1v1~1a{at}"), "{pointer}");
    }
}

fn answer(schema: Value) -> Value {
    json!({ "content": { "application/json": { "schema": schema } } })
}
