//! What an operator may set: a TOML file, the environment and the command line over it.
//!
//! The doc comment of each field is what the user reads: `tidegate schema config` prints it, and
//! `examples/tidegate.toml` is generated from it.

mod address;
mod admin;
mod applications;
mod calls;
mod chains;
mod check;
mod dialects;
mod difference;
mod documents;
mod error;
mod listen;
mod locate;
mod log;
mod origin;
mod overrides;
mod peers;
mod policy;
mod pools;
mod recording;
mod routing;
mod rules;
mod shadow;
mod sip;
mod streams;
mod tls;
mod translate;
mod treatments;

#[cfg(test)]
mod example;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use address::Advertised;
pub use admin::Admin;
pub(crate) use admin::DEFAULT as DEFAULT_ADMIN;
pub use applications::{Application, Dial, RoutingListen, RoutingTransport};
pub use calls::Calls;
pub use chains::{Chain, Otherwise, Step};
pub use dialects::{AnswerPaths, Dialect, Framing};
pub use difference::{Change, Difference};
pub use documents::StaticDocument;
pub use error::{ConfigError, Problem};
pub use listen::{Listen, SipTransport};
pub use log::{Log, LogFormat};
pub use origin::Origin;
pub use overrides::Overrides;
pub use peers::{Cgrates, Drachtio, DrachtioMethod, Wazo};
pub use pools::{Choose, Eject, FailureTable, OnFailure, Pool};
pub use recording::{
    Mask, MaskHow, Preset, RecordingFile, RecordingRedis, RecordingSettings, Rotation,
};
pub use routing::Routing;
pub use rules::{Rule, Then};
pub use shadow::Shadow;
pub use sip::{Sip, SipLimits, Timers};
pub use streams::Streams;
pub use tls::{ClientTls, ServerTls};
pub(crate) use translate::listener;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The name of this proxy in events and logs.
    pub node: String,
    /// Threads that handle SIP, each with transactions of its own, from 1 to 255. Without it: one
    /// less than the machine has cores, at least 1. One shard handles thousands of calls a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<u8>,
    /// Seconds that live transactions get to end after SIGTERM or SIGINT.
    pub shutdown_grace_s: u32,
    /// Where SIP is taken. Without any: UDP and TCP on 127.0.0.1:5060.
    pub listen: Vec<Listen>,
    /// SIP itself.
    pub sip: Sip,
    /// TCP connections.
    pub streams: Streams,
    /// The routing applications.
    pub routing: Routing,
    /// Calls that are followed.
    pub calls: Calls,
    /// The recording of decisions.
    pub recording: RecordingSettings,
    /// The HTTP API for operators, which `tidegate ctl` speaks.
    pub admin: Admin,
    /// What is written about the work.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            node: "tidegate".to_owned(),
            shards: None,
            shutdown_grace_s: 35,
            listen: listen::defaults(),
            sip: Sip::default(),
            streams: Streams::default(),
            routing: Routing::default(),
            calls: Calls::default(),
            recording: RecordingSettings::default(),
            admin: Admin::default(),
            log: Log::default(),
        }
    }
}

impl Config {
    /// Reads `file`, or the defaults without one, puts `overrides` over it and checks the whole.
    ///
    /// # Errors
    /// All that is wrong, with file, line and key where they are known.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let Some(path) = file else {
            return Self::from_toml("", None, overrides);
        };
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::unreadable(path, &error))?;
        Self::from_toml(&text, Some(path), overrides)
    }

    /// As [`Config::load`], from a text. `file` is named in errors, and file names in the text are
    /// relative to its folder.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_toml(
        text: &str,
        file: Option<&Path>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let fail = |problems| ConfigError::new(file.map(PathBuf::from), problems);
        let mut config: Self =
            toml::from_str(text).map_err(|error| fail(vec![error::from_toml(text, &error)]))?;
        if let Some(folder) = file.and_then(Path::parent) {
            config.routing.resolve_against(folder);
            config.recording.resolve_against(folder);
        }
        overrides.apply(&mut config);
        let mut problems = check::problems(&config);
        for problem in &mut problems {
            problem.line = locate::line_of(text, &problem.key);
        }
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(fail(problems))
        }
    }

    /// All that is wrong with it; where it was read is not known any more.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        check::problems(self)
    }

    /// How many shards there will be.
    #[must_use]
    pub fn shard_count(&self) -> u8 {
        self.shards.unwrap_or_else(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            u8::try_from(cores.saturating_sub(1).max(1)).unwrap_or(u8::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::from_toml(text, Some(Path::new("t.toml")), &Overrides::default())
    }

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_is_the_default_and_the_default_is_sound() {
        assert_eq!(parse("").unwrap(), Config::default());
        assert_eq!(Config::default().listen.len(), 2);
        assert_eq!(Config::default().routing.listen.len(), 1);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_the_keys_there_are() {
        let text = refusal("node = \"a\"\n[sip]\nrecord_rout = true\n");
        assert!(text.contains("t.toml:3: sip.record_rout"), "{text}");
        assert!(text.contains("`record_route`"), "{text}");
    }

    #[test]
    fn a_wrong_type_is_refused_with_its_place() {
        let text = refusal("[sip.timers]\nt1 = \"fast\"\n");
        assert!(text.contains("t.toml:2: sip.timers.t1"), "{text}");
    }

    #[test]
    fn a_wildcard_address_needs_an_advertised_one() {
        let text = refusal("[[listen]]\ntransport = \"udp\"\naddress = \"0.0.0.0:5060\"\n");
        assert!(text.contains("t.toml:1: listen[0].advertise"), "{text}");
        assert!(text.contains("advertise = "), "{text}");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = refusal("shards = 0\n[sip.timers]\nt1 = 0\n");
        assert!(text.contains("t.toml:1: shards"), "{text}");
        assert!(text.contains("t.toml:3: sip.timers.t1"), "{text}");
    }

    #[test]
    fn a_fallback_document_that_can_not_be_executed_is_refused_with_a_pointer() {
        let text =
            refusal("[routing.fallback]\ndocument = { routes = [{ uri = \"mailto:x\" }] }\n");
        assert!(
            text.contains("t.toml:2: routing.fallback.document"),
            "{text}"
        );
        assert!(text.contains("/routes/0/uri"), "{text}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Config::load(Some(Path::new("no/such.toml")), &Overrides::default());
        assert!(error.unwrap_err().to_string().contains("no/such.toml"));
    }
}
