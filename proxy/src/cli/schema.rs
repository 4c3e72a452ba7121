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
    let found = json::ALL.iter().find(|(known, _)| *known == name);
    found.map(|(_, schema)| Cow::Borrowed(*schema))
}

fn list() -> String {
    let names: Vec<_> = json::ALL
        .iter()
        .map(|(name, _)| *name)
        .chain([CONFIG])
        .collect();
    names.join("\n")
}

fn unknown(name: &str) -> String {
    format!("there is no schema `{name}`; there are:\n{}", list())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_list_has_a_schema() {
        for name in list().lines() {
            let schema: serde_json::Value = serde_json::from_str(&schema(name).unwrap()).unwrap();
            assert!(schema["$schema"].is_string(), "{name}");
        }
        assert!(schema("nothing").is_none());
    }

    #[test]
    fn the_schema_of_the_configuration_explains_its_fields() {
        let schema: serde_json::Value = serde_json::from_str(&schema(CONFIG).unwrap()).unwrap();
        assert!(schema["properties"]["shards"]["description"].is_string());
    }
}
