//! `tidegate schema`.

use std::process::ExitCode;

use super::exit;
use crate::config::Config;

/// The configuration file, beside the schemas of the contract.
const CONFIG: &str = "config";

pub(super) fn print(name: Option<&str>) -> ExitCode {
    match name {
        None => exit::answer(&list()),
        Some(CONFIG) => exit::answer(&config()),
        Some(other) => exit::complain(exit::CONFIG, &unknown(other)),
    }
}

fn list() -> String {
    CONFIG.to_owned()
}

fn config() -> String {
    let schema = schemars::schema_for!(Config);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

fn unknown(name: &str) -> String {
    format!("there is no schema `{name}`; there are:\n{}", list())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_the_configuration_explains_its_fields() {
        let schema: serde_json::Value = serde_json::from_str(&config()).unwrap();
        assert!(schema["properties"]["shards"]["description"].is_string());
    }
}
