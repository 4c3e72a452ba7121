//! Least-cost routing: carriers by the rate of the longest prefix that each has, the cheapest first.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use tidegate_schemas::call::{CallEvent, CallEventKind};
use tidegate_schemas::document::{Outcome, Route, RouteDocument, Routing};

use super::Step;
use crate::action::target;
use crate::ask::Ask;
use crate::csv::{BadLine, Row, Table};
use crate::digits::{Prefixes, international};
use crate::error::SetupError;
use crate::files::Files;
use crate::setup::Shelf;
use crate::store::{Store, StoreError, command};
use crate::target::Target;
use crate::template::Filling;

/// `[lcr]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    rates_file: PathBuf,
    carrier: BTreeMap<String, Carrier>,
    #[serde(default = "default_carriers")]
    max_carriers: usize,
    #[serde(default = "default_prefix")]
    international_prefix: String,
    continue_on: Option<Vec<Outcome>>,
    stop_on: Option<Vec<Outcome>>,
    #[serde(default = "default_longest_call")]
    longest_call_s: u64,
}

fn default_carriers() -> usize {
    5
}

fn default_prefix() -> String {
    "00".to_owned()
}

fn default_longest_call() -> u64 {
    4 * 3600
}

/// One carrier as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carrier {
    target: Target,
    /// How many digits are taken off the number in international form.
    #[serde(default)]
    strip: usize,
    /// What is put in front of the rest; `+` where nothing is said.
    #[serde(default = "default_prepend")]
    prepend: String,
    max_channels: Option<u64>,
}

fn default_prepend() -> String {
    "+".to_owned()
}

/// Carriers and their rates.
#[derive(Debug)]
pub(crate) struct Lcr {
    carriers: Vec<Rated>,
    channels: Option<Channels>,
    max_carriers: usize,
    prefix: String,
    continue_on: Option<Vec<Outcome>>,
    stop_on: Option<Vec<Outcome>>,
}

#[derive(Debug)]
struct Rated {
    name: String,
    carrier: Carrier,
    rates: Prefixes<u64>,
}

/// The calls that carriers have, as sorted sets of calls by the time when each is over at the latest.
#[derive(Debug)]
struct Channels {
    store: Arc<dyn Store>,
    key: String,
    longest_call_s: u64,
}

impl Lcr {
    pub(crate) fn load(
        settings: Settings,
        files: &mut Files,
        shelf: &Shelf,
    ) -> Result<Self, SetupError> {
        let refused = |name: &str, reason: &str| {
            Err(SetupError::table(format!("lcr.carrier.{name}"), reason))
        };
        for (name, carrier) in &settings.carrier {
            if carrier.target.uri.is_none() {
                return refused(name, "its target needs `uri`, where the number stands");
            }
            if carrier
                .target
                .templates()
                .any(|template| template.needs_rest())
            {
                return refused(name, "{rest} belongs to rules with `prefix`; use `strip`");
            }
        }
        let limited = settings
            .carrier
            .values()
            .any(|carrier| carrier.max_channels.is_some());
        let channels = limited.then(|| shelf.key("lcr", "channels:")).transpose()?;
        let rated = |(name, carrier)| Rated {
            name,
            carrier,
            rates: Prefixes::default(),
        };
        let mut lcr = Self {
            carriers: settings.carrier.into_iter().map(rated).collect(),
            channels: channels.map(|(store, key)| Channels {
                store,
                key,
                longest_call_s: settings.longest_call_s,
            }),
            max_carriers: settings.max_carriers,
            prefix: settings.international_prefix,
            continue_on: settings.continue_on,
            stop_on: settings.stop_on,
        };
        let needed = ["prefix", "carrier", "rate"];
        files.table(&settings.rates_file, &needed, &["note"], |table| {
            lcr.add(table)
        })?;
        Ok(lcr)
    }

    /// Carriers and rates.
    pub(crate) fn count(&self) -> (usize, usize) {
        let rates = self.carriers.iter().map(|carrier| carrier.rates.len());
        (self.carriers.len(), rates.sum())
    }

    pub(crate) fn wants_notifications(&self) -> bool {
        self.channels.is_some()
    }

    pub(crate) async fn decide(&self, ask: &mut Ask<'_>) -> Step {
        let Some(routing) = international(ask.routing_number(), &self.prefix) else {
            return Step::Next;
        };
        let Some(dialled) = international(ask.number(), &self.prefix) else {
            return Step::Next;
        };
        let mut chosen = Vec::new();
        for carrier in self.by_cost(&routing) {
            let is_open = chosen.len() < self.max_carriers && !was_tried(ask, carrier);
            if is_open && self.has_room(carrier).await {
                chosen.push(carrier);
            }
        }
        if chosen.is_empty() {
            return Step::Next;
        }
        let names = chosen.iter().map(|carrier| carrier.name.as_str());
        ask.tags.insert("carriers".to_owned(), names.collect());
        ask.wants_notifications |= self.wants_notifications();
        let routes = chosen.iter().map(|carrier| carrier.route(ask, &dialled));
        Step::done(RouteDocument {
            routing: Some(Routing::Serial),
            routes: routes.collect(),
            continue_on: self.continue_on.clone(),
            stop_on: self.stop_on.clone(),
            ..RouteDocument::default()
        })
    }

    /// Those that have a rate, the cheapest first; of two that cost the same, by name.
    fn by_cost(&self, number: &str) -> Vec<&Rated> {
        let rated = self
            .carriers
            .iter()
            .filter_map(|carrier| Some((*carrier.rates.find(number)?.1, carrier)));
        let mut rated: Vec<_> = rated.collect();
        rated.sort_by_key(|(rate, _)| *rate);
        rated.into_iter().map(|(_, carrier)| carrier).collect()
    }

    /// Whether one more call may go to this carrier. Where that can't be told it may: a call too
    /// many is refused by the carrier and goes to the next one.
    async fn has_room(&self, carrier: &Rated) -> bool {
        let (Some(channels), Some(limit)) = (&self.channels, carrier.carrier.max_channels) else {
            return true;
        };
        match channels.count(&carrier.name).await {
            Ok(count) => count < limit,
            Err(error) => {
                tracing::warn!(carrier = carrier.name, %error, "its calls can't be counted");
                true
            }
        }
    }

    /// Keeps the count of calls.
    pub(crate) async fn notify(&self, event: &CallEvent<'_>) -> Result<(), StoreError> {
        let Some(channels) = &self.channels else {
            return Ok(());
        };
        let is_it = |carrier: &&Rated| event.branch_flags == Some(flags(&carrier.name));
        match self.carriers.iter().find(is_it) {
            Some(carrier) => channels.notify(&carrier.name, event).await,
            None => Ok(()),
        }
    }

    fn add(&mut self, table: &Table) -> Result<(), BadLine> {
        table
            .rows
            .iter()
            .try_for_each(|row| self.add_row(table, row))
    }

    fn add_row(&mut self, table: &Table, row: &Row) -> Result<(), BadLine> {
        let (prefix, name, rate) = (table.get(row, 0), table.get(row, 1), table.get(row, 2));
        let digits = match prefix {
            "" => Some(String::new()),
            _ => international(prefix, &self.prefix),
        };
        let digits = digits.ok_or_else(|| row.refused(format!("{prefix:?} is no prefix")))?;
        let rate = rate.parse().map_err(|_| {
            row.refused(format!(
                "{rate:?} is no rate: whole micro-units a minute are needed"
            ))
        })?;
        let carrier = self
            .carriers
            .iter_mut()
            .find(|carrier| carrier.name == name);
        let carrier =
            carrier.ok_or_else(|| row.refused(format!("there is no [lcr.carrier.{name}]")))?;
        match carrier.rates.insert(&digits, rate) {
            Some(_) => Err(row.refused(format!("{name} has a rate for {prefix:?} already"))),
            None => Ok(()),
        }
    }
}

impl Rated {
    fn route(&self, ask: &Ask<'_>, digits: &str) -> Route {
        let rest = digits.get(self.carrier.strip..).unwrap_or_default();
        let user = format!("{}{rest}", self.carrier.prepend);
        let number = ask.written_number(&user);
        let callee = crate::uri::Callee {
            user: Some(user),
            ..ask.callee.clone()
        };
        let mut route = target(
            &self.carrier.target,
            &Filling {
                callee: &callee,
                rest: "",
                number: &number,
                uri: ask.callee.uri,
            },
        );
        if let Route::Target(target) = &mut route {
            target.branch_flags = Some(flags(&self.name));
        }
        route
    }
}

/// Asked again about a call, it does not name those again that have failed.
fn was_tried(ask: &Ask<'_>, carrier: &Rated) -> bool {
    let flags = Some(flags(&carrier.name));
    let mut attempts = ask.event.attempts.iter();
    attempts.any(|attempt| attempt.branch_flags == flags)
}

/// A number by which notifications tell the carrier: FNV-1a of its name, the same after any change of
/// the configuration.
fn flags(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

impl Channels {
    fn key(&self, carrier: &str) -> String {
        format!("{}{carrier}", self.key)
    }

    async fn now(&self) -> Result<u64, StoreError> {
        let reply = command(&*self.store, &["TIME"]).await?;
        let seconds = reply.list().first().and_then(|seconds| seconds.number());
        seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .ok_or(StoreError::Unexpected)
    }

    async fn count(&self, carrier: &str) -> Result<u64, StoreError> {
        let now = self.now().await?.to_string();
        let count = command(&*self.store, &["ZCOUNT", &self.key(carrier), &now, "+inf"]).await?;
        let count = count.number().and_then(|count| u64::try_from(count).ok());
        count.ok_or(StoreError::Unexpected)
    }

    async fn notify(&self, carrier: &str, event: &CallEvent<'_>) -> Result<(), StoreError> {
        let key = self.key(carrier);
        match event.event {
            CallEventKind::Answered => {
                let now = self.now().await?;
                let over = (now + self.longest_call_s).to_string();
                command(
                    &*self.store,
                    &["ZREMRANGEBYSCORE", &key, "-inf", &now.to_string()],
                )
                .await?;
                command(&*self.store, &["ZADD", &key, &over, &event.call]).await?;
            }
            CallEventKind::Ended | CallEventKind::Failed => {
                command(&*self.store, &["ZREM", &key, &event.call]).await?;
            }
            CallEventKind::Progress => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Fixture, Question};

    const LCR: &str = r#"
        [lcr]
        rates_file = "rates.csv"
        max_carriers = 2
        continue_on = ["5xx", "timeout"]
        [lcr.carrier.alpha]
        target = { uri = "sip:{number}@alpha", fr_timer = 1500 }
        [lcr.carrier.beta]
        target = "sip:{number}@beta"
        strip = 2
        prepend = "0"
        [lcr.carrier.gamma]
        target = { uri = "sip:{user}@gamma", dst_uri = "sip:192.0.2.3" }
        prepend = "00"
    "#;
    const RATES: &str = "prefix,carrier,rate
49,alpha,20000
+4930,alpha,5000
49,beta,10000
49,gamma,30000
1,gamma,1
49199,gamma,2
";

    async fn ask(question: &Question<'_>) -> Value {
        Fixture::new(LCR)
            .file("rates.csv", RATES)
            .ask(question)
            .await
    }

    async fn uris(uri: &str) -> Vec<Value> {
        let answer = ask(&Question {
            uri,
            ..Question::default()
        })
        .await;
        let routes = answer["routes"].as_array().cloned().unwrap_or_default();
        routes
            .into_iter()
            .map(|route| route["uri"].clone())
            .collect()
    }

    #[tokio::test]
    async fn the_cheapest_carrier_of_the_longest_prefix_comes_first() {
        assert_eq!(
            uris("sip:+493012@h").await,
            ["sip:+493012@alpha", "sip:03012@beta"]
        );
        assert_eq!(
            uris("sip:00494012@h").await,
            ["sip:04012@beta", "sip:+494012@alpha"]
        );
        assert_eq!(uris("sip:+1555@h").await, ["sip:001555@gamma"]);
        assert_eq!(uris("sip:+33@h").await, [""; 0]);
        assert_eq!(uris("sip:alice@h").await, [""; 0]);
    }

    #[tokio::test]
    async fn each_carrier_has_its_own_timers_and_failover_is_said() {
        let answer = ask(&Question {
            uri: "sip:+493012@h",
            ..Question::default()
        })
        .await;
        assert_eq!(answer["routing"], "serial");
        assert_eq!(answer["continue_on"], json!(["5xx", "timeout"]));
        assert_eq!(answer["routes"][0]["fr_timer"], 1500);
        assert_eq!(answer["routes"][1]["fr_timer"], Value::Null);
        assert_eq!(answer["tags"]["carriers"], json!(["alpha", "beta"]));
    }

    #[tokio::test]
    async fn a_ported_number_is_routed_by_its_routing_number_and_keeps_its_own() {
        let attributes = json!({"lnp": {"rn": "+49199"}});
        let question = Question {
            uri: "sip:+493012@h",
            attributes,
            ..Question::default()
        };
        let answer = ask(&question).await;
        assert_eq!(answer["routes"][0]["uri"], "sip:00493012@gamma");
        assert_eq!(answer["routes"][1]["uri"], "sip:03012;npdi;rn=+49199@beta");
    }

    #[tokio::test]
    async fn asked_again_it_names_those_that_were_not_tried() {
        let first = Question {
            uri: "sip:+493012@h",
            ..Question::default()
        };
        let tried = ask(&first).await["routes"][0]["branch_flags"].clone();
        let again = Question {
            uri: "sip:+493012@h",
            attempts: json!([{"target": "sip:x", "code": 503, "reason": "", "cause": "response",
                              "time_ms": 5, "branch_flags": tried}]),
            ..Question::default()
        };
        let carriers = ask(&again).await["tags"]["carriers"].clone();
        assert_eq!(carriers, json!(["beta", "gamma"]));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, reason) in [
            (
                "prefix,carrier,rate\nx,alpha,1",
                "line 2: \"x\" is no prefix",
            ),
            ("prefix,carrier,rate\n49,alpha,0.5", "\"0.5\" is no rate"),
            ("prefix,carrier,rate\n49,delta,1", "no [lcr.carrier.delta]"),
            (
                "prefix,carrier,rate\n49,beta,1\n+49,beta,2",
                "line 3: beta has a rate",
            ),
        ] {
            let error = Fixture::new(LCR).file("rates.csv", text).refused();
            assert!(error.contains(reason), "{error}");
        }
        let limited = LCR.replace("strip = 2", "max_channels = 2");
        let error = Fixture::new(&limited).file("rates.csv", RATES).refused();
        assert!(error.contains("[redis]"), "{error}");
    }
}
