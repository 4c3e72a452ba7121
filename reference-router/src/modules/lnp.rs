//! Number portability: the routing number of a ported callee (RFC 4694), from a table, a hash in
//! Redis or a service over HTTP.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{OnFailure, Step};
use crate::ask::{Ask, Ported};
use crate::csv::{BadLine, Table};
use crate::digits::international;
use crate::error::SetupError;
use crate::files::Files;
use crate::setup::Shelf;
use crate::store::{Store, StoreError};

/// `[lnp]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    file: Option<PathBuf>,
    redis_hash: Option<String>,
    url: Option<String>,
    #[serde(default = "default_timeout")]
    timeout_ms: u64,
    #[serde(default = "default_prefix")]
    international_prefix: String,
    rn_context: Option<String>,
    #[serde(default)]
    on_failure: OnFailure,
}

fn default_timeout() -> u64 {
    200
}

fn default_prefix() -> String {
    "00".to_owned()
}

/// Where ported numbers are looked up.
#[derive(Debug)]
pub(crate) struct Lnp {
    source: Source,
    prefix: String,
    rn_context: Option<String>,
    on_failure: OnFailure,
}

#[derive(Debug)]
enum Source {
    Http(Client, String),
    Redis(Arc<dyn Store>, String),
    Table(HashMap<String, String>),
}

#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("{0:?} is no routing number")]
    NoNumber(String),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("HTTP {0}")]
    Status(StatusCode),
}

/// What the service answers: `{"rn": "+4919912345"}`, or null for a number that was not ported.
#[derive(Deserialize)]
struct Answer {
    rn: Option<String>,
}

impl Lnp {
    pub(crate) fn load(
        settings: Settings,
        files: &mut Files,
        shelf: &Shelf,
    ) -> Result<Self, SetupError> {
        let source = match (&settings.file, &settings.redis_hash, &settings.url) {
            (Some(file), None, None) => {
                Source::Table(files.table(file, &["number", "rn"], &["note"], numbers)?)
            }
            (None, Some(hash), None) => {
                let (store, key) = shelf.key("lnp", hash)?;
                Source::Redis(store, key)
            }
            (None, None, Some(url)) => http(url, Duration::from_millis(settings.timeout_ms))?,
            _ => {
                let reason = "one of `file`, `redis_hash` and `url` is needed";
                return Err(SetupError::table("lnp", reason));
            }
        };
        Ok(Self {
            source,
            prefix: settings.international_prefix,
            rn_context: settings.rn_context,
            on_failure: settings.on_failure,
        })
    }

    pub(crate) fn count(&self) -> Option<usize> {
        match &self.source {
            Source::Table(numbers) => Some(numbers.len()),
            Source::Http(..) | Source::Redis(..) => None,
        }
    }

    pub(crate) async fn decide(&self, ask: &mut Ask<'_>) -> Step {
        if ask.callee.npdi || ask.ported.is_some() {
            return Step::Next;
        }
        let Some(digits) = international(ask.number(), &self.prefix) else {
            return Step::Next;
        };
        let found = self.source.look_up(&digits).await;
        match found.and_then(|rn| rn.map(checked).transpose()) {
            Ok(rn) => {
                let ported = Ported {
                    rn,
                    rn_context: self.rn_context.clone(),
                };
                ask.attributes.insert("lnp".to_owned(), json!(ported));
                ask.ported = Some(ported);
                Step::Next
            }
            Err(error) => self.on_failure.step("lnp", &error),
        }
    }
}

fn http(url: &str, limit: Duration) -> Result<Source, SetupError> {
    if !url.contains("{number}") || !url.starts_with("http") {
        let reason = "`url` is like \"http://lnp.example/{number}\"";
        return Err(SetupError::table("lnp", reason));
    }
    let client = Client::builder().timeout(limit).build();
    let client = client.map_err(|error| SetupError::table("lnp", error.to_string()))?;
    Ok(Source::Http(client, url.to_owned()))
}

fn numbers(table: &Table) -> Result<HashMap<String, String>, BadLine> {
    let mut numbers = HashMap::with_capacity(table.rows.len());
    for row in &table.rows {
        let (number, rn) = (table.get(row, 0), table.get(row, 1));
        let digits = international(number, "")
            .ok_or_else(|| row.refused(format!("{number:?} is no number")))?;
        let rn = checked(rn.to_owned()).map_err(|error| row.refused(error.to_string()))?;
        if numbers.insert(digits, rn).is_some() {
            return Err(row.refused(format!("{number} stands twice in it")));
        }
    }
    Ok(numbers)
}

/// RFC 4694 section 5.4: hexadecimal digits, with `+` where it is a global one.
fn checked(rn: String) -> Result<String, LookupError> {
    let digits = rn.strip_prefix('+').unwrap_or(&rn);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_number {
        Ok(rn)
    } else {
        Err(LookupError::NoNumber(rn))
    }
}

impl Source {
    async fn look_up(&self, digits: &str) -> Result<Option<String>, LookupError> {
        match self {
            Self::Table(numbers) => Ok(numbers.get(digits).cloned()),
            Self::Redis(store, key) => {
                let words = ["HGET", key, digits].map(str::to_owned).to_vec();
                let reply = store.command(words).await?;
                Ok(reply.text().map(str::to_owned))
            }
            Self::Http(client, url) => {
                let response = client.get(url.replace("{number}", digits)).send().await?;
                match response.status() {
                    StatusCode::OK => Ok(response.json::<Answer>().await?.rn),
                    StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => Ok(None),
                    other => Err(LookupError::Status(other)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Fixture, Question, answering_http};

    const TABLE: &str = "number,rn\n+4930123,+49199\n4940123,D123\n";
    const LNP: &str = "[lnp]\nfile = \"lnp.csv\"\nrn_context = \"+49\"\n";
    const ROUTE: &str = "[[rule]]\ntargets = [{ dst_uri = \"sip:192.0.2.1\" }, \"sip:{number}@b\"]";

    async fn uris(uri: &str) -> (String, String) {
        let fixture = Fixture::new(&format!("{LNP}{ROUTE}")).file("lnp.csv", TABLE);
        let answer = fixture
            .ask(&Question {
                uri,
                ..Question::default()
            })
            .await;
        let uri = |at: usize| {
            answer["routes"][at]["uri"]
                .as_str()
                .unwrap_or("")
                .to_owned()
        };
        (uri(0), uri(1))
    }

    #[tokio::test]
    async fn a_ported_number_gets_its_routing_number_and_says_that_it_was_asked() {
        for (uri, first, second) in [
            (
                "sip:+4930123@h",
                "sip:+4930123;npdi;rn=+49199@h",
                "sip:+4930123;npdi;rn=+49199@b",
            ),
            (
                "sip:004930123@h",
                "sip:004930123;npdi;rn=+49199@h",
                "sip:004930123;npdi;rn=+49199@b",
            ),
            (
                "sip:+4940123@h",
                "sip:+4940123;npdi;rn=D123;rn-context=+49@h",
                "sip:+4940123;npdi;rn=D123;rn-context=+49@b",
            ),
            (
                "sip:+4950123@h",
                "sip:+4950123;npdi@h",
                "sip:+4950123;npdi@b",
            ),
            (
                "tel:+49-30-123",
                "tel:+49-30-123;npdi;rn=+49199",
                "sip:+4930123;npdi;rn=+49199@b",
            ),
        ] {
            assert_eq!(
                uris(uri).await,
                (first.to_owned(), second.to_owned()),
                "{uri}"
            );
        }
    }

    #[tokio::test]
    async fn who_was_asked_before_is_not_asked_again() {
        let (kept, written) = uris("sip:+4930123;npdi;rn=+49777@h").await;
        assert_eq!(kept, "");
        assert_eq!(written, "sip:+4930123;npdi;rn=+49777@b");
        assert_eq!(
            uris("sip:alice@h").await,
            (String::new(), "sip:alice@b".to_owned())
        );
    }

    #[tokio::test]
    async fn as_a_step_it_passes_what_a_later_step_uses() {
        let lnp = Fixture::new(LNP).file("lnp.csv", TABLE);
        let passed = lnp
            .ask(&Question {
                uri: "sip:+4930123@h",
                ..Question::default()
            })
            .await;
        assert_eq!(passed["action"], "pass");
        assert_eq!(
            passed["attributes"],
            json!({"lnp": {"rn": "+49199", "rn_context": "+49"}})
        );
        let attributes = passed["attributes"].clone();
        let question = Question {
            uri: "sip:+4930123@h",
            attributes,
            ..Question::default()
        };
        let routed = Fixture::new(ROUTE).ask(&question).await;
        assert_eq!(routed["routes"][0]["uri"], "sip:+4930123;npdi;rn=+49199@h");
    }

    #[tokio::test]
    async fn a_service_is_asked_over_http() {
        for (answer, uri) in [
            (
                "200 OK\r\nContent-Length: 15\r\n\r\n{\"rn\":\"+49199\"}",
                "sip:+4930123;npdi;rn=+49199@h",
            ),
            (
                "200 OK\r\nContent-Length: 11\r\n\r\n{\"rn\":null}",
                "sip:+4930123;npdi@h",
            ),
            (
                "404 Not Found\r\nContent-Length: 0\r\n\r\n",
                "sip:+4930123;npdi@h",
            ),
            ("500 Oops\r\nContent-Length: 0\r\n\r\n", ""),
            ("200 OK\r\nContent-Length: 10\r\n\r\n{\"rn\":\"x\"}", ""),
        ] {
            let address = answering_http(answer).await;
            let lnp = format!("[lnp]\nurl = \"http://{address}/{{number}}\"\n{ROUTE}");
            let question = Question {
                uri: "sip:+4930123@h",
                ..Question::default()
            };
            let routed = Fixture::new(&lnp).ask(&question).await;
            assert_eq!(
                routed["routes"][0]["uri"].as_str().unwrap_or(""),
                uri,
                "{answer}"
            );
            let closed = lnp.replace("[lnp]", "[lnp]\non_failure = \"closed\"");
            let refused = Fixture::new(&closed).ask(&question).await;
            assert_eq!(refused["code"] == "unable", uri.is_empty(), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_service_that_is_silent_is_waited_for_no_longer_than_is_said() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let lnp = format!("[lnp]\nurl = \"http://{address}/{{number}}\"\ntimeout_ms = 50\n{ROUTE}");
        let question = Question {
            uri: "sip:+4930123@h",
            ..Question::default()
        };
        let routed = Fixture::new(&lnp).ask(&question).await;
        assert_eq!(routed["routes"][1]["uri"], "sip:+4930123@b");
    }

    #[test]
    fn a_wrong_table_is_refused_with_its_line() {
        for (text, reason) in [
            ("number,rn\nalice,+49", "line 2: \"alice\" is no number"),
            ("number,rn\n1,\n", "line 2: \"\" is no routing number"),
            ("number,rn\n1,+49\n+1,+50", "line 3: +1 stands twice"),
        ] {
            let error = Fixture::new(LNP).file("lnp.csv", text).refused();
            assert!(error.contains(reason), "{error}");
        }
        assert!(Fixture::new("[lnp]").refused().contains("[lnp]: one of"));
    }
}
