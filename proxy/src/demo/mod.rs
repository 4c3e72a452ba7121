//! Calls through a real proxy, placed and drawn by the program itself.
//!
//! Nothing has to be configured and nothing else has to run: for each call a proxy is started on
//! free loopback ports, a routing application dials in over TCP, and endpoints speak SIP over UDP
//! and TCP. All are on one machine and in one process, but only sockets connect them.

mod application;
mod calls;
mod canvas;
mod cast;
mod checks;
mod compose;
mod endpoint;
mod ladder;
mod mailbox;
mod message;
mod outcome;
mod panel;
mod phone;
mod pretty;
mod record;
mod report;
mod style;
mod trace;

use std::io::{self, Write};
use std::time::Instant;

use serde_json::json;

use self::calls::{CALLS, Call};
use self::outcome::Outcome;
use self::style::Style;

/// What is to be shown, and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The names of the calls; without any, all.
    pub(crate) calls: Vec<String>,
    pub(crate) json: bool,
    pub(crate) coloured: bool,
}

/// The calls by name, with their titles.
pub(crate) fn calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    CALLS.iter().map(|call| (call.name, call.title))
}

/// Places the calls one after the other and shows each. Whether all ended as they should.
///
/// # Errors
/// When a proxy or a socket can't be had, or nothing can be written to `out`.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let wanted: Vec<&Call> = CALLS
        .iter()
        .filter(|call| {
            options.calls.is_empty() || options.calls.iter().any(|name| name == call.name)
        })
        .collect();
    runtime.block_on(show(&wanted, options, out))
}

async fn show(calls: &[&Call], options: &Options, out: &mut impl Write) -> io::Result<bool> {
    let began = Instant::now();
    let style = Style {
        coloured: options.coloured,
    };
    let mut outcomes = Vec::with_capacity(calls.len());
    for (number, call) in (1..).zip(calls) {
        let outcome = outcome::place(call).await?;
        if !options.json {
            let place = (number, calls.len());
            out.write_all(report::call(call, place, &outcome, style).as_bytes())?;
            out.flush()?;
        }
        outcomes.push((*call, outcome));
    }
    if options.json {
        write_json(&outcomes, out)?;
    } else {
        write_summary(&outcomes, began, style, out)?;
    }
    Ok(outcomes.iter().all(|(_, outcome)| outcome.is_good()))
}

fn write_summary(
    outcomes: &[(&Call, Outcome)],
    began: Instant,
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    for (call, outcome) in outcomes {
        writeln!(out, "{}", report::summary(call, outcome, style))?;
    }
    let good = outcomes.iter().filter(|(_, outcome)| outcome.is_good());
    let (good, all) = (good.count(), outcomes.len());
    let seconds = began.elapsed().as_secs_f64();
    writeln!(
        out,
        "\n{good} of {all} calls ended as they should, in {seconds:.1} s"
    )
}

fn write_json(outcomes: &[(&Call, Outcome)], out: &mut impl Write) -> io::Result<()> {
    let calls = outcomes
        .iter()
        .map(|(call, outcome)| record::call(call, outcome));
    let ok = outcomes.iter().all(|(_, outcome)| outcome.is_good());
    let whole = json!({"ok": ok, "calls": calls.collect::<Vec<_>>()});
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    writeln!(out)
}
