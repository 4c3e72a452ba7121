//! Who is refused: callers, callees and sources, from the configuration, a table or a set in Redis.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;
use tidegate_schemas::document::{Action, RouteDocument};

use super::condition::Network;
use super::{OnFailure, Step};
use crate::action::Reply;
use crate::ask::Ask;
use crate::csv::{BadLine, Row, Table};
use crate::error::SetupError;
use crate::files::Files;
use crate::list::List;
use crate::pattern::Pattern;
use crate::setup::Shelf;
use crate::store::{Store, StoreError};

/// `[block]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default)]
    callers: List<Pattern>,
    #[serde(default)]
    callees: List<Pattern>,
    #[serde(default)]
    sources: List<Network>,
    file: Option<PathBuf>,
    redis_set: Option<String>,
    #[serde(default = "forbidden")]
    reply: Reply,
    #[serde(default)]
    drop: bool,
    #[serde(default)]
    on_failure: OnFailure,
}

fn forbidden() -> Reply {
    Reply::new(403)
}

/// The list of those who are refused.
#[derive(Debug)]
pub(crate) struct Block {
    list: List3,
    set: Option<(Arc<dyn Store>, String)>,
    answer: RouteDocument,
    on_failure: OnFailure,
}

#[derive(Debug)]
struct List3 {
    callers: Vec<Pattern>,
    callees: Vec<Pattern>,
    sources: Vec<Network>,
}

impl Block {
    pub(crate) fn load(
        settings: Settings,
        files: &mut Files,
        shelf: &Shelf,
    ) -> Result<Self, SetupError> {
        let mut list = List3 {
            callers: settings.callers.0,
            callees: settings.callees.0,
            sources: settings.sources.0,
        };
        if let Some(file) = &settings.file {
            files.table(file, &["kind", "value"], &["note"], |table| list.add(table))?;
        }
        let set = settings.redis_set.map(|key| shelf.key("block", &key));
        let answer = match settings.drop {
            true => RouteDocument {
                action: Some(Action::Drop),
                ..RouteDocument::default()
            },
            false => settings.reply.document(),
        };
        Ok(Self {
            list,
            set: set.transpose()?,
            answer,
            on_failure: settings.on_failure,
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.list.callers.len() + self.list.callees.len() + self.list.sources.len()
    }

    pub(crate) async fn decide(&self, ask: &mut Ask<'_>) -> Step {
        let listed = match self.list.find(ask) {
            Some(kind) => Ok(Some(kind)),
            None => self.ask_store(ask).await,
        };
        match listed {
            Ok(None) => Step::Next,
            Ok(Some(kind)) => {
                ask.tags.insert("blocked".to_owned(), kind.into());
                Step::done(self.answer.clone())
            }
            Err(error) => self.on_failure.step("block", &error),
        }
    }

    async fn ask_store(&self, ask: &Ask<'_>) -> Result<Option<&'static str>, StoreError> {
        let Some((store, key)) = &self.set else {
            return Ok(None);
        };
        let members = [
            ("caller", ask.caller.user.clone().unwrap_or_default()),
            ("callee", ask.number().to_owned()),
            ("source", ask.event.source.ip.to_canonical().to_string()),
        ];
        let mut words = vec!["SMISMEMBER".to_owned(), key.clone()];
        words.extend(
            members
                .iter()
                .map(|(kind, value)| format!("{kind}:{value}")),
        );
        let reply = store.command(words).await?;
        let answers = reply.list().iter().map(|answer| answer.number() == Some(1));
        let listed = answers.zip(members).find(|(is_member, _)| *is_member);
        Ok(listed.map(|(_, (kind, _))| kind))
    }
}

impl List3 {
    fn add(&mut self, table: &Table) -> Result<(), BadLine> {
        table
            .rows
            .iter()
            .try_for_each(|row| self.add_row(table, row))
    }

    fn add_row(&mut self, table: &Table, row: &Row) -> Result<(), BadLine> {
        let value = table.get(row, 1).to_owned();
        match table.get(row, 0) {
            _ if value.is_empty() => return Err(row.refused("the value is missing")),
            "caller" => self.callers.push(value.into()),
            "callee" => self.callees.push(value.into()),
            "source" => self
                .sources
                .push(network(&value).map_err(|why| row.refused(why))?),
            other => {
                let reason = format!("{other:?} is none of caller, callee and source");
                return Err(row.refused(reason));
            }
        }
        Ok(())
    }

    fn find(&self, ask: &Ask<'_>) -> Option<&'static str> {
        let caller = ask.caller.user.as_deref().unwrap_or_default();
        let ip = ask.event.source.ip.to_canonical();
        if self.sources.iter().any(|network| network.contains(ip)) {
            Some("source")
        } else if self.callers.iter().any(|pattern| pattern.matches(caller)) {
            Some("caller")
        } else if self
            .callees
            .iter()
            .any(|pattern| pattern.matches(ask.number()))
        {
            Some("callee")
        } else {
            None
        }
    }
}

fn network(text: &str) -> Result<Network, String> {
    let deserializer = String::from_str(text)
        .unwrap_or_default()
        .into_deserializer();
    Network::deserialize(deserializer).map_err(|error: ValueError| error.to_string())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, Question};

    const BLOCK: &str = r#"
        [block]
        callers = ["anonymous", "+49190*"]
        callees = "0900*"
        file = "blocked.csv"
        reply = { code = 603, reason = "Decline" }
    "#;

    #[tokio::test]
    async fn who_is_on_a_list_is_refused_and_others_go_on() {
        let fixture = Fixture::new(BLOCK).file(
            "blocked.csv",
            "kind,value\nsource,198.51.100.0/24\ncallee,13",
        );
        for (from, uri, ip, blocked) in [
            (
                "sip:anonymous@anonymous.invalid",
                "sip:1@h",
                "192.0.2.1",
                "caller",
            ),
            ("sip:+49190123@h", "sip:1@h", "192.0.2.1", "caller"),
            ("sip:a@h", "sip:0900123@h", "192.0.2.1", "callee"),
            ("sip:a@h", "sip:13@h", "192.0.2.1", "callee"),
            ("sip:a@h", "sip:1@h", "::ffff:198.51.100.7", "source"),
        ] {
            let answer = fixture
                .ask(&Question {
                    from,
                    uri,
                    ip,
                    ..Question::default()
                })
                .await;
            assert_eq!(answer["reply"]["code"], 603, "{uri}");
            assert_eq!(answer["tags"]["blocked"], blocked, "{uri}");
        }
        let other = fixture
            .ask(&Question {
                uri: "sip:131@h",
                ..Question::default()
            })
            .await;
        assert_eq!(other["action"], "pass");
    }

    #[tokio::test]
    async fn an_attack_can_be_left_without_an_answer() {
        let fixture = Fixture::new("[block]\nsources = \"192.0.2.1\"\ndrop = true");
        assert_eq!(fixture.ask(&Question::default()).await["action"], "drop");
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, reason) in [
            ("kind,value\nnumber,1", "line 2: \"number\" is none of"),
            ("kind,value\n\nsource,x", "line 3: \"x\" is neither"),
            ("kind,value\ncaller,", "line 2: the value is missing"),
        ] {
            let error = Fixture::new(BLOCK).file("blocked.csv", text).refused();
            assert!(
                error.contains("blocked.csv") && error.contains(reason),
                "{error}"
            );
        }
    }

    #[test]
    fn a_set_needs_redis() {
        let error = Fixture::new("[block]\nredis_set = \"blocked\"").refused();
        assert!(
            error.contains("[block]") && error.contains("[redis]"),
            "{error}"
        );
    }
}
