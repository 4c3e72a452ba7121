//! The configuration: one TOML file and the data files that it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_schemas::call::CallEventKind;
use toml::Spanned;

use crate::ask::NOTIFICATIONS;
use crate::error::SetupError;
use crate::files::Files;
use crate::modules::Name;
use crate::modules::block::{self, Block};
use crate::modules::did::{self, Did};
use crate::modules::hours::{self, Hours};
use crate::modules::lcr::{self, Lcr};
use crate::modules::lnp::{self, Lnp};
use crate::modules::prepaid::{self, Prepaid};
use crate::modules::rules::{RawRule, Rules};
use crate::steps::Steps;
use crate::store::{Redis, Store, StoreSettings};

/// What is decided by.
#[derive(Debug)]
pub struct Setup {
    pub(crate) block: Option<Block>,
    pub(crate) hours: Vec<Hours>,
    pub(crate) lnp: Option<Lnp>,
    pub(crate) did: Option<Did>,
    pub(crate) rules: Rules,
    pub(crate) lcr: Option<Lcr>,
    pub(crate) prepaid: Option<Prepaid>,
    pub(crate) steps: Steps,
    shelf: Shelf,
    files: Vec<PathBuf>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "rule")]
    rules: Vec<Spanned<RawRule>>,
    default: Option<Spanned<RawRule>>,
    #[serde(default)]
    steps: BTreeMap<String, Vec<Name>>,
    redis: Option<StoreSettings>,
    block: Option<block::Settings>,
    #[serde(default)]
    hours: Vec<hours::Settings>,
    lnp: Option<lnp::Settings>,
    did: Option<did::Settings>,
    lcr: Option<lcr::Settings>,
    prepaid: Option<prepaid::Settings>,
}

/// Where modules find Redis.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf(Option<(StoreSettings, Arc<dyn Store>)>);

impl Shelf {
    fn open(settings: Option<StoreSettings>, before: Option<&Self>) -> Result<Self, SetupError> {
        let Some(settings) = settings else {
            return Ok(Self::default());
        };
        if let Some(Self(Some((same, store)))) = before
            && *same == settings
        {
            return Ok(Self(Some((settings, Arc::clone(store)))));
        }
        let redis = Redis::new(&settings);
        let redis = redis.map_err(|error| SetupError::table("redis", error.to_string()))?;
        Ok(Self(Some((settings, Arc::new(redis)))))
    }

    /// Redis, and the full name of a key in it.
    pub(crate) fn key(
        &self,
        table: &str,
        name: &str,
    ) -> Result<(Arc<dyn Store>, String), SetupError> {
        match &self.0 {
            Some((settings, store)) => {
                Ok((Arc::clone(store), format!("{}{name}", settings.prefix)))
            }
            None => {
                let reason = "it needs Redis: [redis] with its `url` is missing";
                Err(SetupError::table(table, reason))
            }
        }
    }
}

impl Setup {
    /// Reads and checks a file and what it names. `before` lends its connection to Redis.
    ///
    /// # Errors
    /// Where it is wrong and why; with the data files that were read.
    pub fn load(path: &Path, before: Option<&Self>) -> Result<Self, (SetupError, Vec<PathBuf>)> {
        let directory = path.parent().unwrap_or_else(|| Path::new(""));
        let mut files = Files::new(directory);
        let text = fs::read_to_string(path).map_err(|error| (error.into(), Vec::new()))?;
        match Self::build(&text, &mut files, before) {
            Ok(setup) => Ok(Self {
                files: files.into_paths(),
                ..setup
            }),
            Err(error) => Err((error, files.into_paths())),
        }
    }

    /// Checks the text of a file whose data files are in the current directory.
    ///
    /// # Errors
    /// Where it is wrong and why.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        Self::build(text, &mut Files::new(Path::new("")), None)
    }

    fn build(text: &str, files: &mut Files, before: Option<&Self>) -> Result<Self, SetupError> {
        let file: File = toml::from_str(text)?;
        let shelf = Shelf::open(file.redis, before.map(|before| &before.shelf))?;
        let has_rules = !file.rules.is_empty() || file.default.is_some();
        let rules = Rules::build(text, file.rules, file.default)?;
        let mut setup = Self {
            block: file
                .block
                .map(|block| Block::load(block, files, &shelf))
                .transpose()?,
            hours: file
                .hours
                .into_iter()
                .map(Hours::load)
                .collect::<Result<_, _>>()?,
            lnp: file
                .lnp
                .map(|lnp| Lnp::load(lnp, files, &shelf))
                .transpose()?,
            did: file
                .did
                .map(|did| Did::load(did, files, &shelf))
                .transpose()?,
            rules,
            lcr: file
                .lcr
                .map(|lcr| Lcr::load(lcr, files, &shelf))
                .transpose()?,
            prepaid: file
                .prepaid
                .map(|prepaid| Prepaid::load(prepaid, files, &shelf))
                .transpose()?,
            steps: Steps::default(),
            shelf,
            files: files.paths().to_vec(),
        };
        let configured = Name::ALL
            .into_iter()
            .filter(|name| setup.has(*name, has_rules));
        let configured: Vec<_> = configured.collect();
        if configured.is_empty() {
            return Err(SetupError::Empty);
        }
        setup.steps = Steps::new(configured, file.steps)?;
        Ok(setup)
    }

    fn has(&self, name: Name, has_rules: bool) -> bool {
        match name {
            Name::Block => self.block.is_some(),
            Name::Hours => !self.hours.is_empty(),
            Name::Lnp => self.lnp.is_some(),
            Name::Did => self.did.is_some(),
            Name::Rules => has_rules,
            Name::Lcr => self.lcr.is_some(),
            Name::Prepaid => self.prepaid.is_some(),
        }
    }

    /// What is allowed but hardly meant.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        self.rules.warnings()
    }

    /// The data files that it was read from.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The notifications that its modules live on.
    #[must_use]
    pub fn subscribes(&self) -> &'static [CallEventKind] {
        let counts = self.lcr.as_ref().is_some_and(Lcr::wants_notifications);
        if counts || self.prepaid.is_some() {
            &NOTIFICATIONS
        } else {
            &[]
        }
    }

    /// What is loaded, for people.
    #[must_use]
    pub fn summary(&self) -> Value {
        let mut modules = Map::new();
        for name in self.steps.configured() {
            modules.insert(name.as_str().to_owned(), self.describe(*name));
        }
        json!({
            "modules": modules,
            "steps": self.steps.describe(),
            "files": self.files,
        })
    }

    fn describe(&self, name: Name) -> Value {
        match name {
            Name::Block => json!({"entries": self.block.as_ref().map(Block::count)}),
            Name::Hours => json!({"entries": self.hours.len()}),
            Name::Lnp => json!({"numbers": self.lnp.as_ref().and_then(Lnp::count)}),
            Name::Did => json!({"numbers": self.did.as_ref().map(Did::count)}),
            Name::Rules => json!({"rules": self.rules.count()}),
            Name::Lcr => {
                let (carriers, rates) = self.lcr.as_ref().map(Lcr::count).unwrap_or_default();
                json!({"carriers": carriers, "rates": rates})
            }
            Name::Prepaid => json!({"rates": self.prepaid.as_ref().map(Prepaid::count)}),
        }
    }
}
