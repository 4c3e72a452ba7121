//! `tidegate schema`.

use std::borrow::Cow;
use std::process::ExitCode;

use tidegate_schemas::json;

use super::exit;
use crate::config::Config;

/// The configuration file, beside the schemas of the contract.
const CONFIG: &str = "config";

pub(super) fn print(name: Option<&str>) -> ExitCode {
    let Some(name) = name else {
        return exit::answer(&list());
    };
    match schema(name) {
        Some(schema) => exit::answer(&schema.trim_end()),
        None => exit::complain(exit::CONFIG, &unknown(name)),
    }
}

fn schema(name: &str) -> Option<Cow<'static, str>> {
    if name == CONFIG {
        let schema = schemars::schema_for!(Config);
        return serde_json::to_string_pretty(&schema).ok().map(Cow::Owned);
    }
    let found = contract().find(|(known, _)| *known == name);
    found.map(|(_, text)| Cow::Borrowed(text))
}

/// Schemas of messages, then documents of interfaces.
fn contract() -> impl Iterator<Item = (&'static str, &'static str)> {
    json::ALL.into_iter().chain(json::DOCUMENTS)
}

fn list() -> String {
    let names = contract().map(|(name, _)| name).chain([CONFIG]);
    names.collect::<Vec<_>>().join("\n")
}

fn unknown(name: &str) -> String {
    format!("there is no schema `{name}`; there are:\n{}", list())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_list_has_a_schema_or_a_document() {
        for name in list().lines() {
            let schema: serde_json::Value = serde_json::from_str(&schema(name).unwrap()).unwrap();
            let says_what_it_is = ["$schema", "asyncapi", "openapi"]
                .iter()
                .any(|key| schema[key].is_string());
            assert!(says_what_it_is, "{name}");
        }
        assert!(schema("nothing").is_none());
    }

    #[test]
    fn the_schema_of_the_configuration_explains_its_fields() {
        let schema: serde_json::Value = serde_json::from_str(&schema(CONFIG).unwrap()).unwrap();
        assert!(schema["properties"]["shards"]["description"].is_string());
    }
}
