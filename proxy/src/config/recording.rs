//! The recording of decisions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use routing_api_client as client;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// Every consultation as one line of JSON: the question, the decision, and what became of the call.
/// It is off unless there is a file or a Redis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordingSettings {
    /// The share of calls that are recorded, from 0 to 1. All consultations of a call are, or none.
    pub sample: f64,
    /// Whether those are recorded beside the share in which an application failed, nothing decided,
    /// or the caller got 5xx.
    pub failures: bool,
    /// Whether calls are followed to their end, so that the recording has their durations. They
    /// count for `calls.max_calls`, and the proxy stays on their path.
    pub durations: bool,
    /// Bytes of one shard's lines that wait to be masked and handed over; beyond them new lines are
    /// dropped.
    pub queue_bytes: usize,
    /// Bytes of one shard's consultations that wait for their outcome; beyond them the oldest are
    /// written without it.
    pub waiting_bytes: usize,
    /// Whether the values of Authorization and Proxy-Authorization are recorded. Otherwise they are
    /// masked.
    pub credentials: bool,
    /// A secret of at least 16 characters, for masks with `hash`: the same number gets the same word
    /// as long as this stays the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_key: Option<String>,
    /// What is masked before a line is written. Where two are about the same place, the first
    /// counts.
    pub mask: Vec<Mask>,
    /// A file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<RecordingFile>,
    /// A Redis Stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<RecordingRedis>,
}

/// What is masked: one of `pointer`, `header` and `preset`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mask {
    /// A JSON Pointer into the record: `/event/request/from/uri`. `*` stands for every element, and
    /// behind `headers`, `set`, `append` and `extra` a header's name for all its values. What is
    /// said about the routes of a document holds for the routes in its groups and for the document
    /// in `on_exhausted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// A header, wherever it stands: in the request, and where a document sets or adds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// `numbers`: all places where the number of a caller or callee stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// `redact`: a text becomes `[masked]`, anything else `null`. `digits`: the last digits of each
    /// number become 0, so that it is still routed by its prefix. `hash`: each number becomes a word,
    /// the same for the same number. `remove`: it is left out.
    pub how: MaskHow,
    /// For `digits`: how many of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits: Option<usize>,
}

/// Several places by one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// All places where the number of a caller or callee stands.
    Numbers,
}

/// What becomes of a value that is masked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MaskHow {
    /// The last digits of each number become 0.
    Digits,
    /// Each number becomes a word.
    Hash,
    /// A text becomes `[masked]`, anything else `null`.
    #[default]
    Redact,
    /// It is left out.
    Remove,
}

/// The recording in a file. It may be moved away at any time, as logrotate does: another one is
/// begun within a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordingFile {
    /// The file, relative to the folder of the configuration. It is made where it is missing, its
    /// folder is not.
    pub path: PathBuf,
    /// Bytes after which another file begins; 0: never. The full one gets the time of its last line
    /// into its name: `decisions-20261123T081500Z.jsonl`.
    #[serde(default = "rotate_bytes")]
    pub rotate_bytes: u64,
    /// When else another file begins, in UTC: `daily`, `hourly` or `never`.
    #[serde(default)]
    pub rotate: Rotation,
    /// Full files that are kept; the oldest are removed. 0: all.
    #[serde(default = "keep")]
    pub keep: usize,
    /// Bytes of full files that are kept; the oldest are removed. 0: all.
    #[serde(default)]
    pub keep_bytes: u64,
    /// Bytes of lines that wait for the file; beyond them the oldest are dropped.
    #[serde(default = "queue_bytes")]
    pub queue_bytes: usize,
}

/// When another file begins, whatever its size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rotation {
    /// At midnight.
    Daily,
    /// At each full hour.
    Hourly,
    /// Not for the time's sake.
    #[default]
    Never,
}

/// The recording in a Redis Stream: entries with the fields `type`, `call` and `line`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordingRedis {
    /// `redis://user:password@host:6379/0`, or `rediss://…` for TLS.
    pub url: String,
    /// The stream's key.
    #[serde(default = "stream")]
    pub stream: String,
    /// Lines that it holds, about; older ones are removed.
    #[serde(default = "max_len")]
    pub max_len: u64,
    /// Bytes of lines that wait for Redis; beyond them the oldest are dropped.
    #[serde(default = "queue_bytes")]
    pub queue_bytes: usize,
    /// Milliseconds for a connection, and for the answer to a batch of lines.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u32,
}

const fn rotate_bytes() -> u64 {
    256 << 20
}

const fn keep() -> usize {
    30
}

const fn queue_bytes() -> usize {
    64 << 20
}

fn stream() -> String {
    "tidegate:decisions".to_owned()
}

const fn max_len() -> u64 {
    100_000
}

const fn timeout_ms() -> u32 {
    1000
}

impl Default for RecordingSettings {
    fn default() -> Self {
        let client = client::RecordSettings::default();
        Self {
            sample: client.sample,
            failures: client.failures,
            durations: false,
            queue_bytes: 16 << 20,
            waiting_bytes: client.waiting_bytes,
            credentials: false,
            hash_key: None,
            mask: Vec::new(),
            file: None,
            redis: None,
        }
    }
}

impl RecordingFile {
    /// With the defaults.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            rotate_bytes: rotate_bytes(),
            rotate: Rotation::default(),
            keep: keep(),
            keep_bytes: 0,
            queue_bytes: queue_bytes(),
        }
    }
}

impl RecordingRedis {
    /// With the defaults.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            stream: stream(),
            max_len: max_len(),
            queue_bytes: queue_bytes(),
            timeout_ms: timeout_ms(),
        }
    }
}

impl Mask {
    /// As the client has it; several for a header or a preset.
    pub(super) fn rules(&self) -> Result<Vec<client::MaskRule>, &'static str> {
        let how = match self.how {
            MaskHow::Digits => client::How::Digits(self.digits.unwrap_or(DIGITS)),
            MaskHow::Hash => client::How::Hash,
            MaskHow::Redact => client::How::Redact,
            MaskHow::Remove => client::How::Remove,
        };
        let places = match (&self.pointer, &self.header, self.preset) {
            (Some(pointer), None, None) => vec![pointer.clone()],
            (None, Some(header), None) => client::header_places(header),
            (None, None, Some(Preset::Numbers)) => client::number_places(how),
            _ => return Err("write one of `pointer`, `header` and `preset`"),
        };
        let rule = |pointer| client::MaskRule { pointer, how };
        Ok(places.into_iter().map(rule).collect())
    }
}

/// Digits that are blanked unless something else is said.
const DIGITS: usize = 4;

impl RecordingSettings {
    /// Makes the path relative to `folder`.
    pub(super) fn resolve_against(&mut self, folder: &Path) {
        if let Some(file) = &mut self.file {
            file.path = folder.join(&file.path);
        }
    }

    /// Whether anything is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.file.is_some() || self.redis.is_some()
    }

    /// What a shard needs to know.
    pub(crate) fn shard(&self) -> client::RecordSettings {
        client::RecordSettings {
            sample: self.sample,
            failures: self.failures,
            waiting_bytes: self.waiting_bytes,
        }
    }

    /// What the recorder needs to know.
    pub(crate) fn recorder(&self) -> Result<client::RecorderSettings, Problem> {
        Ok(client::RecorderSettings {
            masks: self.masks()?,
            file: self.file.as_ref().map(file),
            redis: self.redis.as_ref().map(redis),
        })
    }

    /// The masks, or what is wrong with one.
    pub(super) fn masks(&self) -> Result<client::Masks, Problem> {
        let mut rules = Vec::new();
        let mut places = Vec::new();
        for (i, mask) in self.mask.iter().enumerate() {
            let at = |why: &str| Problem::new(format!("recording.mask[{i}]"), why);
            rules.extend(mask.rules().map_err(at)?);
            places.resize(rules.len(), i);
        }
        let key = self.hash_key.as_deref().unwrap_or_default();
        client::Masks::new(&rules, !self.credentials, key).map_err(|invalid| {
            let place = places.get(invalid.rule).copied().unwrap_or_default();
            Problem::new(format!("recording.mask[{place}]"), invalid.why)
        })
    }
}

fn file(file: &RecordingFile) -> client::FileSettings {
    client::FileSettings {
        path: file.path.clone(),
        rotate_bytes: Some(file.rotate_bytes).filter(|bytes| *bytes > 0),
        rotate: match file.rotate {
            Rotation::Daily => Some(client::Rotate::Daily),
            Rotation::Hourly => Some(client::Rotate::Hourly),
            Rotation::Never => None,
        },
        keep: Some(file.keep).filter(|keep| *keep > 0),
        keep_bytes: Some(file.keep_bytes).filter(|bytes| *bytes > 0),
        queue_bytes: file.queue_bytes,
    }
}

pub(super) fn redis(redis: &RecordingRedis) -> client::RedisSettings {
    client::RedisSettings {
        url: redis.url.clone(),
        stream: redis.stream.clone(),
        max_len: redis.max_len,
        queue_bytes: redis.queue_bytes,
        timeout: Duration::from_millis(redis.timeout_ms.into()),
    }
}
