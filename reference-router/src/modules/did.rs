//! Where the numbers of our own lead: from a table or a hash in Redis.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;
use tidegate_schemas::document::{RouteDocument, Routing};

use super::{OnFailure, Step};
use crate::action::target;
use crate::ask::Ask;
use crate::csv::{BadLine, Row, Table};
use crate::digits::{Prefixes, international};
use crate::error::SetupError;
use crate::files::Files;
use crate::setup::Shelf;
use crate::store::Store;
use crate::target::Target;
use crate::template::UriTemplate;

/// `[did]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    file: Option<PathBuf>,
    redis_hash: Option<String>,
    #[serde(default)]
    order: Routing,
    fr_timer: Option<u32>,
    fr_inv_timer: Option<u32>,
    #[serde(default = "default_prefix")]
    international_prefix: String,
    #[serde(default)]
    on_failure: OnFailure,
}

fn default_prefix() -> String {
    "00".to_owned()
}

/// Destinations of numbers.
#[derive(Debug)]
pub(crate) struct Did {
    numbers: HashMap<String, Vec<Target>>,
    blocks: Prefixes<Vec<Target>>,
    hash: Option<(Arc<dyn Store>, String)>,
    timers: (Option<u32>, Option<u32>),
    order: Routing,
    prefix: String,
    on_failure: OnFailure,
}

impl Did {
    pub(crate) fn load(
        settings: Settings,
        files: &mut Files,
        shelf: &Shelf,
    ) -> Result<Self, SetupError> {
        if settings.file.is_none() && settings.redis_hash.is_none() {
            return Err(SetupError::table("did", "`file` or `redis_hash` is needed"));
        }
        let hash = settings.redis_hash.map(|key| shelf.key("did", &key));
        let mut did = Self {
            numbers: HashMap::new(),
            blocks: Prefixes::default(),
            hash: hash.transpose()?,
            timers: (settings.fr_timer, settings.fr_inv_timer),
            order: settings.order,
            prefix: settings.international_prefix,
            on_failure: settings.on_failure,
        };
        if let Some(file) = &settings.file {
            let optional = ["dst_uri", "note"];
            files.table(file, &["number", "uri"], &optional, |table| did.add(table))?;
        }
        Ok(did)
    }

    pub(crate) fn count(&self) -> usize {
        self.numbers.len() + self.blocks.len()
    }

    pub(crate) async fn decide(&self, ask: &mut Ask<'_>) -> Step {
        let user = ask.number().to_owned();
        let number = international(&user, &self.prefix).unwrap_or(user);
        if let Some((rest, targets)) = self.find(&number) {
            return Step::done(self.document(ask, targets, rest));
        }
        match self.ask_store(&number).await {
            Ok(Some(target)) => Step::done(self.document(ask, &[target], "")),
            Ok(None) => Step::Next,
            Err(error) => self.on_failure.step("did", &*error),
        }
    }

    fn find<'s, 'n>(&'s self, number: &'n str) -> Option<(&'n str, &'s [Target])> {
        if let Some(targets) = self.numbers.get(number) {
            return Some(("", targets));
        }
        let (prefix, targets) = self.blocks.find(number)?;
        Some((number.get(prefix.len()..)?, targets))
    }

    async fn ask_store(
        &self,
        number: &str,
    ) -> Result<Option<Target>, Box<dyn std::error::Error + Send + Sync>> {
        let Some((store, key)) = &self.hash else {
            return Ok(None);
        };
        let words = ["HGET", key, number].map(str::to_owned).to_vec();
        match store.command(words).await?.text() {
            Some(uri) => Ok(Some(self.target(uri, "")?)),
            None => Ok(None),
        }
    }

    fn document(&self, ask: &mut Ask<'_>, targets: &[Target], rest: &str) -> RouteDocument {
        ask.tags.insert("did".to_owned(), ask.number().into());
        ask.with_filling(rest, |filling| RouteDocument {
            routing: Some(self.order),
            routes: targets
                .iter()
                .map(|wanted| target(wanted, filling))
                .collect(),
            ..RouteDocument::default()
        })
    }

    fn add(&mut self, table: &Table) -> Result<(), BadLine> {
        table
            .rows
            .iter()
            .try_for_each(|row| self.add_row(table, row))
    }

    fn add_row(&mut self, table: &Table, row: &Row) -> Result<(), BadLine> {
        let (number, uri, dst_uri) = (table.get(row, 0), table.get(row, 1), table.get(row, 2));
        let target = self.target(uri, dst_uri);
        let target = target.map_err(|error| row.refused(error.to_string()))?;
        let (digits, is_block) = match number.strip_suffix('*') {
            Some(prefix) => (prefix, true),
            None => (number, false),
        };
        let needs_rest = target.templates().any(|template| template.needs_rest());
        if needs_rest && !is_block {
            return Err(row.refused("{rest} is what stands behind a number that ends with *"));
        }
        let digits = international(digits, &self.prefix).unwrap_or_else(|| digits.to_owned());
        match is_block {
            _ if digits.is_empty() => return Err(row.refused("the number is missing")),
            false => self.numbers.entry(digits).or_default().push(target),
            true => {
                if self.blocks.insert(&digits, vec![target]).is_some() {
                    return Err(row.refused(format!("{number} stands twice in it")));
                }
            }
        }
        Ok(())
    }

    fn target(&self, uri: &str, dst_uri: &str) -> Result<Target, ValueError> {
        let template = |text: &str| UriTemplate::deserialize(text.into_deserializer());
        let mut target = Target::to_uri(template(uri)?);
        if !dst_uri.is_empty() {
            target.dst_uri = Some(template(dst_uri)?);
        }
        (target.fr_timer, target.fr_inv_timer) = self.timers;
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Fixture, Question};

    const DID: &str = "[did]\nfile = \"did.csv\"\norder = \"parallel\"\nfr_inv_timer = 20000\n";
    const TABLE: &str = "number,uri,dst_uri
+4930100,sip:alice@office,sip:192.0.2.1
+4930100,sip:alice@mobile,
+49301*,sip:{rest}@pbx,
";

    #[tokio::test]
    async fn a_number_rings_where_it_leads() {
        let fixture = Fixture::new(DID).file("did.csv", TABLE);
        let both = fixture
            .ask(&Question {
                uri: "sip:004930100@h",
                ..Question::default()
            })
            .await;
        assert_eq!(both["routing"], "parallel");
        assert_eq!(
            both["routes"],
            json!([
                {"uri": "sip:alice@office", "dst_uri": "sip:192.0.2.1", "fr_inv_timer": 20000},
                {"uri": "sip:alice@mobile", "fr_inv_timer": 20000},
            ])
        );
        let block = fixture
            .ask(&Question {
                uri: "sip:+4930142@h",
                ..Question::default()
            })
            .await;
        assert_eq!(block["routes"][0]["uri"], "sip:42@pbx");
        let other = fixture
            .ask(&Question {
                uri: "sip:+4940@h",
                ..Question::default()
            })
            .await;
        assert_eq!(other["reply"]["code"], 404);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, reason) in [
            ("number,uri\n1,102@h", "line 2: a URI begins"),
            ("number,uri\n1,sip:{x}@h", "unknown place"),
            ("number,uri\n1,sip:{rest}@h", "{rest} is"),
            ("number,uri\n,sip:h", "the number is missing"),
            (
                "number,uri\n1*,sip:h\n+1*,sip:i",
                "line 3: +1* stands twice",
            ),
        ] {
            let error = Fixture::new(DID).file("did.csv", text).refused();
            assert!(error.contains(reason), "{error}");
        }
        assert!(Fixture::new("[did]").refused().contains("[did]: `file`"));
    }
}
