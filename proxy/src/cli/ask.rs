//! `tidegate ask`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use routing_api_client::Recording;
use serde_json::{Map, Value};
use tidegate_schemas::admin::{SampleAnswer, SampleQuestion};
use tidegate_schemas::{RouteDocument, RouteEvent};

use super::ctl::client::{Client, Trouble};
use super::described::Described;
use super::exit;
use super::reach::{Reach, Unreachable};
use crate::ask::{Asked, Problem, draw, engine};
use crate::config::{Config, Overrides};
use crate::manage::sample;

pub(super) const EXAMPLES: &str = "\
The answer is printed and judged as the proxy would, and the plan that it makes is drawn: which target
is tried when, how long it is waited for, and what follows each outcome. No call is made.

Examples:
  tidegate ask --router tcp://127.0.0.1:8448 --uri sip:+12025550123@example.com
      What would the application there answer about an INVITE to this number?

  tidegate ask --listen tcp://127.0.0.1:8448 --uri sip:201@example.com --header 'X-Account: 42'
      The same of one that dials in, as most do. Stop the proxy first, or take another port.

  tidegate ask --router http://127.0.0.1:8080/ --recording decisions.jsonl --call 9d3f0a1c-00000007-0000002a
      The question of a recorded call again; says also what differs from the recorded decision.

  tidegate ask --application billing-a --uri sip:201@example.com
      An application of the running proxy, asked through its admin API.

  echo '{\"routes\":[{\"uri\":\"sip:a@192.0.2.7\"},{\"uri\":\"sip:b@192.0.2.8\"}]}' | tidegate ask --document -
      What would this document do? Nobody is asked.

  tidegate ask --router ws://127.0.0.1:8081 --config tidegate.toml --json | jq .plan
      For programs. With --config, its listeners, limits and timers count.

Exit codes:
  0  the answer can be used
  1  it can't, it differs from the recorded decision, or none came; where and why is printed
  2  the command line is wrong
  3  a file can't be read, or the application can't be reached";

/// Ask an application one question.
#[derive(Debug, Args)]
pub(super) struct Ask {
    #[command(flatten)]
    reach: Reach,

    /// Ask this application of a running proxy, through its admin API
    #[arg(long, value_name = "NAME", conflicts_with_all = ["router", "listen"])]
    application: Option<String>,

    /// Where that admin API is served
    #[arg(
        long,
        value_name = "URL",
        env = "TIDEGATE_ADMIN_URL",
        default_value = "http://127.0.0.1:8450"
    )]
    admin_url: String,

    /// The secret of that admin API
    #[arg(
        long,
        value_name = "SECRET",
        env = "TIDEGATE_ADMIN_TOKEN",
        hide_env_values = true
    )]
    admin_token: Option<String>,

    /// Ask nobody, and look at the document in this file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["router", "listen", "application"])]
    document: Option<PathBuf>,

    #[command(flatten)]
    question: Question,

    /// Listeners, limits and timers by which the answer is judged
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,

    /// Print question, answer and plan as JSON
    #[arg(long)]
    json: bool,
}

/// What is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "The question")]
struct Question {
    /// A whole event, as JSON in this file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recording", "uri", "from", "to", "method", "header", "source"])]
    event: Option<PathBuf>,

    /// A question of this recording: a file or a folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["uri", "from", "to", "method", "header", "source"])]
    recording: Option<PathBuf>,

    /// That of this call, or of this consultation
    #[arg(
        long,
        value_name = "ID",
        requires = "recording",
        conflicts_with = "line"
    )]
    call: Option<String>,

    /// That in this line
    #[arg(long, value_name = "N", requires = "recording")]
    line: Option<u64>,

    #[command(flatten)]
    request: Described,

    /// Milliseconds to wait for the answer
    #[arg(long, value_name = "MS")]
    deadline_ms: Option<u32>,
}

/// Why there is nothing to show.
#[derive(Debug)]
enum Failed {
    Usage(String),
    Unreached(String),
    /// The proxy would not.
    Refused(String),
}

impl From<Unreachable> for Failed {
    fn from(error: Unreachable) -> Self {
        match error {
            Unreachable::Usage(why) => Self::Usage(why),
            other => Self::Unreached(other.to_string()),
        }
    }
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Unreached(_) => Self::Unreached(trouble.to_string()),
            Trouble::Refused(_) | Trouble::Unusable(_) | Trouble::Invalid(_) => {
                Self::Refused(trouble.to_string())
            }
        }
    }
}

pub(super) fn ask(arguments: &Ask) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let asked = runtime
        .map_err(|error| Failed::Unreached(error.to_string()))
        .and_then(|runtime| runtime.block_on(run(arguments)));
    let asked = match asked {
        Ok(asked) => asked,
        Err(Failed::Usage(why)) => return exit::complain(exit::USAGE, &why),
        Err(Failed::Unreached(why)) => return exit::complain(exit::UNREACHED, &why),
        Err(Failed::Refused(why)) => return exit::complain(exit::DIFFERS, &why),
    };
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&asked).unwrap_or_default(),
        false => draw(&asked).trim_end().to_owned(),
    };
    let _ = exit::answer(&text);
    match asked.is_good() {
        true => ExitCode::from(exit::OK),
        false => ExitCode::from(exit::DIFFERS),
    }
}

async fn run(arguments: &Ask) -> Result<Asked, Failed> {
    let config = match &arguments.config {
        Some(file) => Config::load(Some(file), &Overrides::default())
            .map_err(|error| Failed::Unreached(error.to_string()))?,
        None => Config::default(),
    };
    let is_configured = arguments.config.is_some();
    if let Some(file) = &arguments.document {
        let method = arguments.question.request.method.as_deref();
        let is_invite = method.is_none_or(|method| method == "INVITE");
        let bytes = read(file)?;
        return Ok(match RouteDocument::from_json(&bytes) {
            Ok(document) => {
                let mut asked = Asked::of(document);
                asked.judge(&engine(&config, is_configured, None), is_invite);
                asked
            }
            Err(error) => Asked::invalid(&error),
        });
    }
    let (question, recorded) = arguments.question.read()?;
    if let Some(name) = &arguments.application {
        return arguments.through_the_proxy(name, &question).await;
    }
    if !arguments.reach.is_given() {
        return Err(Failed::Usage(
            "say whom to ask: --router URL, --listen URL where the application dials in, or \
             --application NAME of a running proxy; or --document FILE to ask nobody"
                .to_owned(),
        ));
    }
    let event = sample::event(&config, question);
    let event = event.map_err(|error| Failed::Unreached(error.to_string()))?;
    let text = event.to_string();
    let question: RouteEvent<'_> =
        sample::read(&text).map_err(|error| Failed::Unreached(error.to_string()))?;
    let engine = engine(&config, is_configured, Some(&question));
    let mut asked = arguments.put(&config, &question).await?;
    asked.event = Some(event);
    asked.judge(&engine, question.request.method == "INVITE");
    if let Some(recorded) = recorded {
        asked.compare(&recorded);
    }
    Ok(asked)
}

impl Ask {
    async fn put(&self, config: &Config, question: &RouteEvent<'_>) -> Result<Asked, Failed> {
        let asker = self.reach.connect(config).await?;
        let within = Duration::from_millis(question.deadline_ms.into());
        let began = Instant::now();
        let answer = asker.ask(question, within).await;
        let took = began.elapsed();
        let application = asker.application();
        asker.close().await;
        let mut asked = Asked::answered(answer);
        asked.application = Some(self.reach.name());
        asked.release = application.and_then(|it| it.release);
        asked.took_us = u64::try_from(took.as_micros()).ok();
        Ok(asked)
    }

    async fn through_the_proxy(
        &self,
        name: &str,
        question: &SampleQuestion,
    ) -> Result<Asked, Failed> {
        let client = Client::new(&self.admin_url, self.admin_token.as_deref())?;
        let answer = client
            .post(&["applications", name, "ask"], question)
            .await?;
        let strange = |error: serde_json::Error| {
            Failed::Unreached(format!("the admin API answers something else: {error}"))
        };
        let answer: SampleAnswer = serde_json::from_value(answer).map_err(strange)?;
        let config = client.get(&["config"]).await?;
        let config = config_of(config).unwrap_or_default();
        let is_invite = answer.event["request"]["method"] == "INVITE";
        let mut asked = Asked {
            application: Some(name.to_owned()),
            took_us: Some(answer.took_us),
            event: Some(answer.event),
            ..Asked::default()
        };
        if let Some(document) = answer.document {
            asked.document = serde_json::from_value(document).ok();
        }
        asked.judge(&engine(&config, true, None), is_invite);
        // The proxy has the last word.
        asked.problem = answer.problem.map(Problem::from).or(asked.problem);
        Ok(asked)
    }
}

/// The configuration of the running proxy, whose secrets are hidden.
fn config_of(answer: Value) -> Option<Config> {
    let config = answer.get("config").cloned().unwrap_or(answer);
    serde_json::from_value(config).ok()
}

impl Question {
    /// What is asked, and what was decided about it where it comes from a recording.
    fn read(&self) -> Result<(SampleQuestion, Option<RouteDocument>), Failed> {
        if let Some(file) = &self.recording {
            return self.recorded(file);
        }
        let event = self.event.as_deref().map(event).transpose()?;
        let question = SampleQuestion {
            event,
            deadline_ms: self.deadline_ms,
            ..self.request.question()
        };
        Ok((question, None))
    }

    fn recorded(&self, file: &Path) -> Result<(SampleQuestion, Option<RouteDocument>), Failed> {
        if self.call.is_none() && self.line.is_none() {
            let why = "say which question of the recording: --call ID or --line N";
            return Err(Failed::Usage(why.to_owned()));
        }
        let unread = |error: &dyn std::error::Error| Failed::Unreached(error.to_string());
        let recording = Recording::open(file).map_err(|error| unread(&error))?;
        for entry in recording {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if self.line == Some(error.line) => return Err(unread(&error)),
                Err(_) => continue,
            };
            if self.line.is_some_and(|line| line != entry.line()) {
                continue;
            }
            let record = entry.record().map_err(|error| unread(&error))?;
            let of_call = |id: &String| record.call == id.as_str() || record.id.to_string() == *id;
            if !self.call.as_ref().is_none_or(of_call) {
                continue;
            }
            let event = serde_json::to_value(&record.event).map_err(|error| unread(&error))?;
            let question = SampleQuestion {
                event: event.as_object().cloned(),
                deadline_ms: self.deadline_ms.or(Some(record.event.deadline_ms)),
                ..SampleQuestion::default()
            };
            return Ok((question, record.document.map(|document| *document)));
        }
        let file = file.display();
        let what = match (&self.call, self.line) {
            (Some(call), _) => format!("no question about a call {call}"),
            (None, line) => format!("no question in line {}", line.unwrap_or_default()),
        };
        Err(Failed::Unreached(format!("{file} has {what}")))
    }
}

/// A JSON object from a file.
fn event(file: &Path) -> Result<Map<String, Value>, Failed> {
    let bytes = read(file)?;
    let wrong = |error| Failed::Unreached(format!("{}: {error}", file.display()));
    serde_json::from_slice(&bytes).map_err(wrong)
}

fn read(file: &Path) -> Result<Vec<u8>, Failed> {
    let read = match file.as_os_str() == "-" {
        true => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        false => std::fs::read(file),
    };
    read.map_err(|error| Failed::Unreached(format!("{}: {error}", file.display())))
}
