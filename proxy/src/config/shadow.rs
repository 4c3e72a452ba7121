//! Applications that only look on.

use routing_api_client as client;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
use super::error::Problem;

/// How shadows are asked, and what counts as a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ShadowSettings")]
pub struct Shadow {
    /// Fields in which a shadow's documents may differ from those that decide, each with all below
    /// it: `tags`, `context`, `headers.set.x-trace`, `headers.*.x-trace`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// What may differ a little: `fr_timer=500` and `timers=500` in milliseconds, `any_order` for
    /// the order of targets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerate: Vec<String>,
    /// Questions that a shadow gets at once, unless its own `max_in_flight` says otherwise.
    pub max_in_flight: u32,
    /// Questions that wait to be asked of shadows; beyond them they are dropped and counted.
    pub queue: usize,
    /// Bytes that these take.
    pub queue_bytes: usize,
    /// Differing answers that are kept of each shadow, the newest.
    pub samples: usize,
    /// Bytes that these take.
    pub sample_bytes: usize,
}

impl Default for Shadow {
    fn default() -> Self {
        let client = client::ShadowSettings::default();
        Self {
            ignore: Vec::new(),
            tolerate: Vec::new(),
            max_in_flight: client.max_in_flight,
            queue: client.queue,
            queue_bytes: client.queue_bytes,
            samples: client.samples,
            sample_bytes: client.sample_bytes,
        }
    }
}

impl Shadow {
    /// What may differ, or which word is none that says so.
    pub(super) fn tolerances(&self) -> Result<client::Tolerances, Problem> {
        let mut tolerances = client::Tolerances::default();
        for (i, field) in self.ignore.iter().enumerate() {
            let ignored = tolerances.ignore(field);
            ignored.map_err(|error| wrong("ignore", i, &error))?;
        }
        for (i, text) in self.tolerate.iter().enumerate() {
            let tolerated = tolerances.tolerate(text);
            tolerated.map_err(|error| wrong("tolerate", i, &error))?;
        }
        Ok(tolerances)
    }
}

fn wrong(key: &str, at: usize, error: &client::InvalidTolerance) -> Problem {
    Problem::new(format!("routing.shadow.{key}[{at}]"), error.to_string())
}

impl Config {
    /// How shadows are asked.
    ///
    /// # Errors
    /// When it names what does not exist.
    pub fn shadow_settings(&self) -> Result<client::ShadowSettings, Problem> {
        let shadow = &self.routing.shadow;
        let engine = self.engine_without_documents();
        Ok(client::ShadowSettings {
            queue: shadow.queue,
            queue_bytes: shadow.queue_bytes,
            max_in_flight: shadow.max_in_flight,
            samples: shadow.samples,
            sample_bytes: shadow.sample_bytes,
            tolerances: shadow.tolerances()?,
            judge: client::Judge::new(move |document| engine.check_answer(document)),
        })
    }
}
