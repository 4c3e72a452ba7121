//! A schema as a list of what may stand in its place.
//!
//! `$ref`, `allOf`, `oneOf`, `anyOf`, `if` and lists of types are resolved, so that what is left are
//! schemas of one type each, and two of them can be compared keyword by keyword.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// One thing that may stand in the place of a schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alternative {
    /// Where it is defined.
    pub(crate) pointer: String,
    /// Where its keywords and properties are defined, which may be elsewhere.
    places: BTreeMap<String, String>,
    /// In which branches of conditions it stands.
    pub(crate) branch: String,
    pub(crate) schema: Map<String, Value>,
}

/// What says nothing about values.
const ANNOTATIONS: [&str; 8] = [
    "$comment",
    "$defs",
    "$schema",
    "default",
    "deprecated",
    "description",
    "examples",
    "title",
];

impl Alternative {
    fn new(pointer: &str, schema: Map<String, Value>) -> Self {
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties = properties.into_iter().flat_map(|it| it.keys());
        let properties = properties.map(|name| format!("properties/{}", escaped(name)));
        let all = schema.keys().cloned().chain(properties);
        Self {
            pointer: pointer.to_owned(),
            branch: String::new(),
            places: all.map(|part| (part, pointer.to_owned())).collect(),
            schema,
        }
    }

    /// Where a keyword is defined, or `properties/NAME`.
    pub(crate) fn place(&self, part: &str) -> Option<String> {
        let found = self.places.get(part)?;
        Some(format!("{found}/{part}"))
    }

    pub(crate) fn get(&self, keyword: &str) -> &Value {
        self.schema.get(keyword).unwrap_or(&Value::Null)
    }

    pub(crate) fn kind(&self) -> Option<&str> {
        self.get("type").as_str()
    }

    /// The only value, if there is only one.
    pub(crate) fn word(&self) -> Option<&Value> {
        self.schema.get("const")
    }

    /// The `type` of a message.
    pub(crate) fn message(&self) -> Option<&str> {
        self.get("properties").pointer("/type/const")?.as_str()
    }

    /// For people.
    pub(crate) fn shown(&self) -> Value {
        match (self.word(), self.message()) {
            (Some(word), _) => word.clone(),
            (_, Some(message)) => json!({ "type": message }),
            _ => Value::Object(self.schema.clone()),
        }
    }
}

/// Everything that may stand in the place of `schema`, which is found in `root` at `pointer`.
pub(crate) fn alternatives(root: &Value, schema: &Value, pointer: &str) -> Vec<Alternative> {
    let mut schema = match schema {
        Value::Bool(false) => return Vec::new(),
        Value::Object(schema) => schema.clone(),
        _ => Map::new(),
    };
    schema.retain(|keyword, _| !ANNOTATIONS.contains(&keyword.as_str()));
    split(root, Alternative::new(pointer, schema))
}

/// Takes the first keyword that combines schemas apart, and what comes of it.
fn split(root: &Value, mut whole: Alternative) -> Vec<Alternative> {
    let pointer = whole.pointer.clone();
    if let Some(Value::String(reference)) = whole.schema.remove("$ref") {
        let at = reference.strip_prefix('#').unwrap();
        let found = root.pointer(at).expect(at);
        return combine(root, &whole, alternatives(root, found, at));
    }
    if let Some(Value::Array(all)) = whole.schema.remove("allOf") {
        return all
            .iter()
            .enumerate()
            .fold(vec![whole], |found, (at, one)| {
                let each = |it: &Alternative| {
                    let one = alternatives(root, one, &format!("{pointer}/allOf/{at}"));
                    combine(root, it, one)
                };
                found.iter().flat_map(each).collect()
            });
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(Value::Array(all)) = whole.schema.remove(keyword) {
            let each = all.iter().enumerate().flat_map(|(at, one)| {
                alternatives(root, one, &format!("{pointer}/{keyword}/{at}"))
            });
            return combine(root, &whole, each.collect());
        }
    }
    if let Some(condition) = whole.schema.remove("if") {
        return branches(root, &mut whole, &condition);
    }
    by_type(whole)
}

/// Both branches of a condition, each under its own name.
fn branches(root: &Value, whole: &mut Alternative, condition: &Value) -> Vec<Alternative> {
    let mut found = Vec::new();
    for name in ["then", "else"] {
        let branch = whole.schema.remove(name).unwrap_or(Value::Bool(true));
        for mut one in alternatives(root, &branch, &format!("{}/{name}", whole.pointer)) {
            one.branch = format!("{name} of {condition}{}", one.branch);
            found.push(one);
        }
    }
    combine(root, whole, found)
}

/// Each of `all` with what stands beside them.
fn combine(root: &Value, beside: &Alternative, all: Vec<Alternative>) -> Vec<Alternative> {
    let each = all.into_iter().flat_map(|one| {
        let mut places = beside.places.clone();
        places.extend(one.places);
        let together = Alternative {
            places,
            branch: format!("{}{}", beside.branch, one.branch),
            schema: merge(&beside.schema, one.schema),
            pointer: one.pointer,
        };
        split(root, together)
    });
    each.collect()
}

/// What fulfils both.
fn merge(beside: &Map<String, Value>, mut schema: Map<String, Value>) -> Map<String, Value> {
    for (keyword, value) in beside {
        let both = match (keyword.as_str(), schema.remove(keyword)) {
            (_, None) => value.clone(),
            ("properties", Some(other)) => properties(value, other),
            ("required", Some(other)) => union(value, other),
            ("type", Some(other)) => narrower(value, other),
            (_, Some(other)) => {
                assert!(other == *value, "{keyword} is {value} and {other} at once");
                other
            }
        };
        schema.insert(keyword.clone(), both);
    }
    schema
}

fn properties(beside: &Value, mut all: Value) -> Value {
    for (name, value) in beside.as_object().unwrap() {
        let both = match all.get(name) {
            Some(other) if other != value => json!({ "allOf": [value, other] }),
            _ => value.clone(),
        };
        all[name] = both;
    }
    all
}

fn union(beside: &Value, mut all: Value) -> Value {
    let list = all.as_array_mut().unwrap();
    list.extend(beside.as_array().unwrap().iter().cloned());
    all
}

/// `object` and one of several types that has it.
fn narrower(one: &Value, other: Value) -> Value {
    let has = |types: &Value, kind: &Value| types.as_array().is_some_and(|it| it.contains(kind));
    match (one == &other, has(&other, one), has(one, &other)) {
        (true, ..) | (_, _, true) => other,
        (_, true, _) => one.clone(),
        _ => panic!("the type is {one} and {other} at once"),
    }
}

/// One for each type, and for each word of an enumeration.
fn by_type(whole: Alternative) -> Vec<Alternative> {
    let one = |keyword: &str, value: &Value| {
        let mut one = whole.clone();
        one.schema.remove("enum");
        one.schema.insert(keyword.to_owned(), value.clone());
        one
    };
    if let Value::Array(words) = whole.get("enum") {
        let words = words.iter().map(|word| one("const", word));
        return words.collect();
    }
    match whole.get("type") {
        Value::Array(types) => types.iter().map(|kind| one("type", kind)).collect(),
        _ => vec![whole],
    }
}

/// A reference token of a JSON Pointer (RFC 6901 section 3).
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
