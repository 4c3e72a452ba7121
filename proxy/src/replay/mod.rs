//! Recorded questions asked again: whether an application decides as it was decided then.

mod pace;
mod report;
mod run;
mod select;
mod source;
mod verdict;

use std::time::Duration;

use routing_api_client::Tolerances;

use crate::config::Config;

pub(crate) use pace::Pace;
pub(crate) use report::{Collector, Differences, Report, html, text};
pub(crate) use run::run;
pub(crate) use select::Selection;
pub(crate) use source::Source;

/// What is asked, how fast, and what counts.
#[derive(Debug)]
pub(crate) struct Options {
    /// When each question is asked.
    pub(crate) pace: Pace,
    /// Most questions without an answer.
    pub(crate) concurrency: usize,
    /// Most questions.
    pub(crate) limit: Option<u64>,
    /// Those that match one of these; all where there is none.
    pub(crate) only: Vec<Selection>,
    /// Time for an answer, where it is not that of the recorded event.
    pub(crate) deadline: Option<Duration>,
    /// Also what no application decided.
    pub(crate) all: bool,
    /// What may differ.
    pub(crate) tolerances: Tolerances,
    /// By what answers are judged.
    pub(crate) config: Config,
    /// Whether that is the configuration of a real proxy.
    pub(crate) is_configured: bool,
}
