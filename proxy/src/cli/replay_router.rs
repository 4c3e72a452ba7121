//! `tidegate replay-router`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use routing_application::args::Channels;
use routing_application::replay::{Key, Pointer, Repeat, Summary};
use tokio::runtime::Builder;

use super::exit;
use super::signals::{Signals, Wish};
use crate::config::Log;
use crate::replay_router::{self, Options, ReplayRouterError};
use crate::telemetry;

pub(super) const EXAMPLES: &str = "\
The application of a recording, without the application: each question gets the decision that was
recorded for it, so that a SIP test always sees the same. A question finds its record by a key: values
that the event and the recorded event have to share. A question without a record is never guessed at:
it is answered with the error `no_record`, which names its key and what comes nearest, it is logged,
and the program ends with 1.

Examples:
  tidegate replay-router tests/calls.jsonl
      Dials a proxy on this machine and answers as it was recorded, until SIGTERM or SIGINT

  tidegate replay-router tests/calls.jsonl --listen 127.0.0.1:8080
      For proxies that ask over HTTP, at http://127.0.0.1:8080/route, or dial over WebSocket, at
      ws://127.0.0.1:8080/route; /counters tells what came so far

  tidegate replay-router tests/calls.jsonl --listen-tcp 127.0.0.1:8450 --token s3cret
      For proxies that dial over TCP and show this secret

  tidegate replay-router calls.jsonl --key /request/headers/X-Test-Case,/reason,/attempt
      Where the test says in a header which record it means

  tidegate replay-router calls.jsonl --repeat fail --exit-when-idle 10 --json > result.json
      Nothing is served more often than it was recorded; ends by itself when no question has come for
      ten seconds

Exit codes:
  0  every question found its record
  1  one did not; the summary tells which
  2  the command line is wrong, or a pointer of --key leads nowhere in any record
  3  the recording can't be read, or an address can't be listened on";

/// What to serve, and where.
#[derive(Debug, Args)]
pub(super) struct ReplayRouter {
    /// The recording: files, or folders of files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// What a question and its record have to share: JSON Pointers into the event, separated by
    /// commas; /request/headers/NAME is a header field by its name
    #[arg(long, value_name = "POINTERS", value_delimiter = ',', default_values = Key::DEFAULT)]
    key: Vec<Pointer>,

    /// What follows when all records with one key have been served, in the order in which they were
    /// asked
    #[arg(long, value_enum, default_value = "cycle")]
    repeat: RepeatName,

    #[command(flatten)]
    channels: Channels,

    /// The name under which the proxy logs this application
    #[arg(long, default_value = "replay-router")]
    name: String,

    /// End when no question has come for so long, after the first
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    exit_when_idle: Option<Duration>,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    /// What is logged to standard error: error, warn, info or debug
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = level)]
    log: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RepeatName {
    /// They are served once more from the first on: a test can be run again
    Cycle,
    /// The last of them is served from then on
    Last,
    /// The question is unmatched: nothing is served more often than it was recorded
    Fail,
}

impl From<RepeatName> for Repeat {
    fn from(name: RepeatName) -> Self {
        match name {
            RepeatName::Cycle => Self::Cycle,
            RepeatName::Last => Self::Last,
            RepeatName::Fail => Self::Fail,
        }
    }
}

pub(super) fn replay_router(arguments: &ReplayRouter) -> ExitCode {
    telemetry::init(&Log {
        level: arguments.log.clone(),
        ..Log::default()
    });
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::complain(exit::START, &error),
    };
    match runtime.block_on(serve(arguments)) {
        Ok(summary) => report(&summary, arguments.json),
        Err(error @ ReplayRouterError::LeadingNowhere(_)) => exit::complain(exit::USAGE, &error),
        Err(error) => exit::complain(exit::START, &error),
    }
}

async fn serve(arguments: &ReplayRouter) -> Result<Summary, ReplayRouterError> {
    let mut signals = Signals::new()?;
    let told = async { while !matches!(signals.next().await, Wish::End) {} };
    let release = env!("CARGO_PKG_VERSION");
    let options = Options {
        files: &arguments.files,
        key: Key::new(arguments.key.clone()),
        repeat: arguments.repeat.into(),
        identity: arguments.channels.identity(&arguments.name, release),
        channels: &arguments.channels,
        idle: arguments.exit_when_idle,
    };
    replay_router::serve(options, told).await
}

fn report(summary: &Summary, as_json: bool) -> ExitCode {
    let written = if as_json {
        exit::answer(&serde_json::json!(summary))
    } else {
        exit::answer(summary)
    };
    match summary.is_clean() {
        true => written,
        false => ExitCode::from(exit::UNLIKE),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "no number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn level(text: &str) -> Result<String, String> {
    telemetry::filter(text).map(|_| text.to_owned())
}
