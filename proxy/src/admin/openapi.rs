//! The document of the API: OpenAPI 3.1, made from the table of operations.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::StatusCode;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use tidegate_schemas::admin::Failure;

use super::operation::{Content, Failing, Operation, Parameter};
use super::operations::{FORBIDDEN, INVALID, NOT_JSON, TOO_LARGE, UNAUTHORIZED, operations};

const JSON: &str = "application/json";

const ABOUT: &str = "What an operator asks of a running proxy. It is served where `[admin]` says, \
    `127.0.0.1:8450` unless configured. With `admin.token` every request has to show it; without \
    one only programs on the same machine may ask. `tidegate ctl` speaks it too.";

/// The text of it, with a line end.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document(&operations())));
    &TEXT
}

fn document(operations: &[Operation]) -> Value {
    let mut generator = generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_default();
        let method = operation.method.as_str().to_ascii_lowercase();
        path.insert(method, describe(operation, &mut generator));
        if let Some(name) = placeholder(operation.path) {
            path.insert("parameters".to_owned(), json!([in_path(name)]));
        }
    }
    generator.subschema_for::<Failure>();
    json!({
        "openapi": "3.1.1",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Tidegate admin API",
            "version": "1.0",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8450", "description": "As `admin.listen` has it." }],
        "security": [{ "token": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "`admin.token`, where one is configured.",
            } },
        },
    })
}

fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12();
    let settings = settings.with(|it| it.definitions_path = "/components/schemas".into());
    settings.into_generator()
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [tag(operation.path)],
        "responses": responses(operation, generator),
    });
    if !operation.query.is_empty() {
        described["parameters"] = operation.query.iter().map(in_query).collect();
    }
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({ "content": content(body, generator) });
    }
    described
}

fn responses(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut success = json!({ "description": success(operation.status) });
    if let Some(answer) = &operation.answer {
        success["content"] = content(answer, generator);
    }
    let mut responses = Map::new();
    responses.insert(operation.status.as_str().to_owned(), success);
    for (status, failures) in failures(operation) {
        responses.insert(status.to_string(), failure(&failures));
    }
    Value::Object(responses)
}

fn success(status: StatusCode) -> &'static str {
    match status {
        StatusCode::CREATED => "It is made.",
        StatusCode::NO_CONTENT => "It is done; there is no body.",
        _ => "As asked.",
    }
}

fn content(content: &Content, generator: &mut SchemaGenerator) -> Value {
    let schema = match (content.schema)(generator).to_value() {
        Value::Bool(_) => json!({}),
        schema => schema,
    };
    json!({ content.media: { "schema": schema, "example": content.example } })
}

/// By status, in the order of the table.
fn failures(operation: &Operation) -> BTreeMap<u16, Vec<Failing>> {
    let of_body: &[Failing] = match operation.body {
        Some(_) => &[TOO_LARGE, NOT_JSON, INVALID],
        None => &[],
    };
    let all = [UNAUTHORIZED, FORBIDDEN];
    let mut by_status: BTreeMap<u16, Vec<Failing>> = BTreeMap::new();
    for failing in all.iter().chain(operation.failures).chain(of_body) {
        by_status
            .entry(failing.status.as_u16())
            .or_default()
            .push(*failing);
    }
    by_status
}

fn failure(failures: &[Failing]) -> Value {
    let lines = failures
        .iter()
        .map(|it| format!("`{}`: {}", it.code, it.means));
    let examples = failures.iter().map(|it| {
        let value = json!({ "error": { "code": it.code, "message": it.means } });
        (it.code.to_owned(), json!({ "value": value }))
    });
    let examples: Map<_, _> = examples.collect();
    json!({
        "description": lines.collect::<Vec<_>>().join("\n\n"),
        "content": { JSON: {
            "schema": { "$ref": format!("#/components/schemas/{}", Failure::schema_name()) },
            "examples": examples,
        } },
    })
}

fn in_query(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": { "type": "boolean" },
    })
}

fn in_path(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

/// `name` in `/v1/applications/{name}/ask`.
fn placeholder(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once('{')?;
    rest.split('}').next()
}

/// `applications` in `/v1/applications/{name}`; what stands for itself is about the proxy.
fn tag(path: &str) -> &str {
    let word = path.split('/').nth(2).unwrap_or_default();
    match placeholder(path).is_some() || word.ends_with('s') && word != "counters" {
        true => word,
        false => "proxy",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tidegate_schemas::json;

    use super::*;

    const UPDATE: &str = "UPDATE_SCHEMAS";

    #[test]
    fn the_checked_in_document_is_that_of_the_router() {
        if std::env::var_os(UPDATE).is_some() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/contract");
            std::fs::write(folder.join("admin.openapi.json"), text()).unwrap();
            return;
        }
        assert!(
            text() == json::ADMIN_OPENAPI,
            "schemas/contract/admin.openapi.json is stale: the operations or their types have \
             changed. Write it anew with `{UPDATE}=1 cargo test -p tidegate --lib openapi`"
        );
    }

    #[test]
    fn every_operation_is_told_of_and_has_a_name_of_its_own() {
        let operations = operations();
        let document = document(&operations);
        let mut names = Vec::new();
        for operation in &operations {
            let method = operation.method.as_str().to_ascii_lowercase();
            let described = &document["paths"][operation.path][&method];
            assert!(!operation.summary.is_empty(), "{}", operation.path);
            assert_eq!(described["operationId"], operation.id);
            names.push(operation.id);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), operations.len());
    }

    #[test]
    fn what_a_path_is_about_is_its_tag() {
        assert_eq!(tag("/v1/health"), "proxy");
        assert_eq!(tag("/v1/counters"), "proxy");
        assert_eq!(tag("/v1/calls"), "calls");
        assert_eq!(tag("/v1/applications/{name}/ask"), "applications");
    }
}
