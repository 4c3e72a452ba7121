//! Static documents: decisions that the operator made beforehand.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_engine as engine;
use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::DocumentError;

use super::error::Problem;
use super::tls;

/// A route document in the configuration, or in a file of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StaticDocument {
    /// A file that holds a route document in JSON, instead of `document`. A relative name counts
    /// from the folder of the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_file: Option<PathBuf>,
    /// A route document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
}

impl StaticDocument {
    pub(super) fn resolve_against(&mut self, folder: &Path) {
        tls::resolve(&mut self.document_file, folder);
    }

    /// The document, once it is known that `engine` can execute it. `key` is where it stands.
    pub(super) fn read(
        &self,
        key: &str,
        engine: &engine::Config,
    ) -> Result<Option<RouteDocument>, Problem> {
        match (&self.document, &self.document_file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                let message = "both a document and a file are given; keep one of them";
                Err(Problem::new(format!("{key}.document_file"), message))
            }
            (Some(document), None) => {
                let read = parse(engine, document.to_string().as_bytes());
                read.map(Some).map_err(|error| {
                    Problem::new(
                        format!("{key}.document"),
                        format!("can't be executed: {error}"),
                    )
                })
            }
            (None, Some(file)) => from_file(file, engine)
                .map(Some)
                .map_err(|message| Problem::new(format!("{key}.document_file"), message)),
        }
    }
}

fn from_file(file: &Path, engine: &engine::Config) -> Result<RouteDocument, String> {
    let wrong = |what: String| format!("{} {what}", file.display());
    let json = std::fs::read(file).map_err(|error| wrong(format!("can't be read: {error}")))?;
    parse(engine, &json).map_err(|error| wrong(format!("can't be executed: {error}")))
}

fn parse(engine: &engine::Config, json: &[u8]) -> Result<RouteDocument, DocumentError> {
    let document = RouteDocument::from_json(json)?;
    engine.check_document(&document)?;
    Ok(document)
}
