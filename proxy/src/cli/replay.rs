//! `tidegate replay`.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use routing_api_client::{Asker, Tolerances};

use super::exit;
use super::reach::{Reach, Unreachable};
use crate::config::{Config, Overrides};
use crate::replay::{
    Collector, Differences, Options, Pace, Report, Selection, Source, html, run, text,
};

pub(super) const EXAMPLES: &str = "\
A proxy with [recording] in its configuration writes down every decision. This asks the same questions
again, of another version of the application, and compares the answers with what was decided then: by
what they mean, not by how they are written. No call is made.

Examples:
  tidegate replay decisions.jsonl --router tcp://127.0.0.1:8448
      All questions that an application decided, as fast as it answers them.

  tidegate replay /var/lib/tidegate/recording --listen tcp://127.0.0.1:8448 --html report.html
      A folder of recordings, an application that dials in, and a page to look at.

  tidegate replay decisions.jsonl --router http://127.0.0.1:8080/ --rate 500 --limit 10000
  tidegate replay decisions.jsonl --router http://127.0.0.1:8080/ --as-recorded --speed 10
      At 500 a second; and as the calls came, ten times as fast.

  tidegate replay decisions.jsonl --router tcp://127.0.0.1:8448 --only reason=new,step=core
      Some of them. Keys: application, cause, code, method, node, outcome (answered, failed, unknown),
      reason, release, step, tier. A comma is `and`; several --only are `or`.

  tidegate replay decisions.jsonl --router tcp://127.0.0.1:8448 --ignore tags --ignore headers.*.x-trace \\
      --tolerance fr_timer=500 --tolerance any_order
      What may differ.

  tidegate replay decisions.jsonl --router tcp://127.0.0.1:8448 --max-percent 0.1 --json - > report.json
      In CI: up to one answer in a thousand may be another one.

Exit codes:
  0  no difference, or no more than --max-differences or --max-percent allow
  1  differences, answers that can't be used, or questions without an answer
  2  the command line is wrong
  3  a recording can't be read, or the application can't be reached or went away";

/// Ask an application what was asked before, and compare.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Recordings: files or folders; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    reach: Reach,

    #[command(flatten)]
    asking: Asking,

    #[command(flatten)]
    comparing: Comparing,

    #[command(flatten)]
    reporting: Reporting,
}

/// Which questions, and how fast.
#[derive(Debug, Args)]
#[command(next_help_heading = "The questions")]
struct Asking {
    /// Questions a second; as fast as answers come when left out
    #[arg(long, value_name = "N", value_parser = above_zero, conflicts_with = "as_recorded")]
    rate: Option<f64>,

    /// With the pauses that were between them
    #[arg(long)]
    as_recorded: bool,

    /// How many times as fast as recorded
    #[arg(long, value_name = "TIMES", value_parser = above_zero, requires = "as_recorded")]
    speed: Option<f64>,

    /// Most questions without an answer at any time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,

    /// Most questions altogether
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Only these, such as reason=new,step=core; may be given several times
    #[arg(long, value_name = "KEY=VALUE,…")]
    only: Vec<Selection>,

    /// Also decisions that no application made: cached, documents, …
    #[arg(long)]
    all: bool,

    /// Milliseconds to wait for each answer; as recorded when left out
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..))]
    deadline_ms: Option<u32>,
}

/// What counts as a difference.
#[derive(Debug, Args)]
#[command(next_help_heading = "The comparison")]
struct Comparing {
    /// A field that does not count, such as tags or headers.set.x-trace; may be given several times
    #[arg(long, value_name = "FIELD")]
    ignore: Vec<String>,

    /// How much may differ: fr_timer=500, timers=500, any_order; may be given several times
    #[arg(long, value_name = "WHAT")]
    tolerance: Vec<String>,

    /// Listeners and limits by which answers are judged
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,

    /// So many answers may be other ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_differences: u64,

    /// So much of the answers may be other ones
    #[arg(long, value_name = "PERCENT", conflicts_with = "max_differences", value_parser = percent)]
    max_percent: Option<f64>,
}

/// Where the result goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "The report")]
struct Reporting {
    /// Samples for each field that differs
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=1000))]
    samples: u16,

    /// The report as JSON; `-` prints it instead of the text
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// The report as one page for a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Each question that is answered otherwise, with both documents, as a line of JSON
    #[arg(long, value_name = "FILE")]
    differences: Option<PathBuf>,
}

/// Why there is no report.
enum Failed {
    Usage(String),
    Unreached(String),
}

impl From<Unreachable> for Failed {
    fn from(error: Unreachable) -> Self {
        match error {
            Unreachable::Usage(why) => Self::Usage(why),
            other => Self::Unreached(other.to_string()),
        }
    }
}

pub(super) fn replay(arguments: &Replay) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let report = runtime
        .map_err(|error| Failed::Unreached(error.to_string()))
        .and_then(|runtime| {
            let report = runtime.block_on(ask_all(arguments));
            // Standard input may be read for ever.
            runtime.shutdown_background();
            report
        })
        .and_then(|report| arguments.reporting.write(&report).map(|()| report));
    match report {
        Ok(report) => ExitCode::from(arguments.comparing.exit(&report)),
        Err(Failed::Usage(why)) => exit::complain(exit::USAGE, &why),
        Err(Failed::Unreached(why)) => exit::complain(exit::UNREACHED, &why),
    }
}

async fn ask_all(arguments: &Replay) -> Result<Report, Failed> {
    let options = options(arguments)?;
    let unread = |error: &dyn std::error::Error| Failed::Unreached(error.to_string());
    let source = Source::open(&arguments.files).map_err(|error| unread(&error))?;
    let differences = arguments.reporting.differences.as_deref();
    let differences = differences.map(Differences::create).transpose();
    let differences = differences.map_err(Failed::Unreached)?;
    let asker = arguments.reach.connect(&options.config).await?;
    let report = Report {
        application: arguments.reach.name(),
        release: asker.application().and_then(|it| it.release),
        recordings: arguments
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
        ..Report::default()
    };
    let samples = usize::from(arguments.reporting.samples);
    let mut collector = Collector::new(report, samples, differences);
    let bar = progress();
    run(&asker, source, &options, &mut collector, |so_far, read| {
        show(&bar, so_far.so_far(), read);
    })
    .await;
    bar.finish_and_clear();
    close(asker).await;
    Ok(collector.finish())
}

/// An application that does not let go is left alone.
async fn close(asker: Asker) {
    let _ = tokio::time::timeout(Duration::from_secs(2), asker.close()).await;
}

fn options(arguments: &Replay) -> Result<Options, Failed> {
    let Replay {
        asking, comparing, ..
    } = arguments;
    let config = match &comparing.config {
        Some(file) => Config::load(Some(file), &Overrides::default())
            .map_err(|error| Failed::Unreached(error.to_string()))?,
        None => Config::default(),
    };
    let mut tolerances = Tolerances::default();
    for field in &comparing.ignore {
        let added = tolerances.ignore(field);
        added.map_err(|error| Failed::Usage(format!("--ignore: {error}")))?;
    }
    for what in &comparing.tolerance {
        let added = tolerances.tolerate(what);
        added.map_err(|error| Failed::Usage(format!("--tolerance: {error}")))?;
    }
    Ok(Options {
        pace: match (asking.rate, asking.as_recorded) {
            (Some(rate), _) => Pace::Rate(rate),
            (None, true) => Pace::AsRecorded(asking.speed.unwrap_or(1.0)),
            (None, false) => Pace::Free,
        },
        concurrency: asking.concurrency.into(),
        limit: asking.limit,
        only: asking.only.clone(),
        deadline: asking
            .deadline_ms
            .map(|ms| Duration::from_millis(ms.into())),
        all: asking.all,
        tolerances,
        config,
        is_configured: comparing.config.is_some(),
    })
}

impl Comparing {
    fn exit(&self, report: &Report) -> u8 {
        if report.stopped.is_some() {
            return exit::UNREACHED;
        }
        let is_too_much = match self.max_percent {
            Some(most) => report.percent(report.unlike()) > most,
            None => report.unlike() > self.max_differences,
        };
        match (is_too_much, report.unreadable) {
            (true, _) => exit::DIFFERS,
            (false, 1..) => exit::UNREACHED,
            (false, 0) => exit::OK,
        }
    }
}

impl Reporting {
    fn write(&self, report: &Report) -> Result<(), Failed> {
        let is_printed = |file: &&PathBuf| file.as_os_str() == "-";
        if let Some(file) = self.html.as_ref().filter(|file| !is_printed(file)) {
            put(file, &html::html(report))?;
        }
        let json = || serde_json::to_string_pretty(report).unwrap_or_default() + "\n";
        if let Some(file) = self.json.as_ref().filter(|file| !is_printed(file)) {
            put(file, &json())?;
        }
        let printed = match (&self.json, &self.html) {
            (Some(file), _) if is_printed(&file) => json(),
            (_, Some(file)) if is_printed(&file) => html::html(report),
            _ => text::text(report),
        };
        // A reader that has had enough is no failure.
        let _ = io::stdout().write_all(printed.as_bytes());
        Ok(())
    }
}

fn put(file: &Path, text: &str) -> Result<(), Failed> {
    fs::write(file, text).map_err(|error| Failed::Unreached(format!("{}: {error}", file.display())))
}

fn progress() -> ProgressBar {
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    ProgressBar::with_draw_target(None, target)
}

fn show(bar: &ProgressBar, report: &Report, (read, total): (u64, Option<u64>)) {
    if bar.is_hidden() {
        return;
    }
    let known = "{bar:30} {percent:>3} %  {msg}  {eta} left";
    let template = if total.is_some() {
        known
    } else {
        "{spinner} {msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if let Some(total) = total {
        bar.set_length(total);
    }
    bar.set_position(read);
    let rate = report.asked as f64 / bar.elapsed().as_secs_f64().max(0.001);
    let (asked, unlike) = (report.asked, report.unlike());
    bar.set_message(format!("{asked} asked, {rate:.0}/s, {unlike} unlike"));
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|it| it.is_finite() && *it > 0.0);
    number.ok_or_else(|| "write a number above 0".to_owned())
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|it| (0.0..=100.0).contains(it));
    number.ok_or_else(|| "write a number from 0 to 100".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparing(max_differences: u64, max_percent: Option<f64>) -> Comparing {
        Comparing {
            ignore: Vec::new(),
            tolerance: Vec::new(),
            config: None,
            max_differences,
            max_percent,
        }
    }

    fn report(asked: u64, same: u64) -> Report {
        Report {
            asked,
            same,
            ..Report::default()
        }
    }

    #[test]
    fn the_exit_status_says_whether_it_is_too_much() {
        assert_eq!(comparing(0, None).exit(&report(10, 10)), exit::OK);
        assert_eq!(comparing(0, None).exit(&report(10, 9)), exit::DIFFERS);
        assert_eq!(comparing(1, None).exit(&report(10, 9)), exit::OK);
        assert_eq!(comparing(0, Some(10.0)).exit(&report(10, 9)), exit::OK);
        assert_eq!(comparing(0, Some(9.9)).exit(&report(10, 9)), exit::DIFFERS);
    }

    #[test]
    fn what_was_not_read_or_not_asked_is_no_success() {
        let unread = Report {
            unreadable: 1,
            ..report(10, 10)
        };
        assert_eq!(comparing(0, None).exit(&unread), exit::UNREACHED);
        let stopped = Report {
            stopped: Some("gone".to_owned()),
            ..report(10, 9)
        };
        assert_eq!(comparing(0, None).exit(&stopped), exit::UNREACHED);
    }
}
