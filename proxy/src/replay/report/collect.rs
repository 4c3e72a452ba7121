//! Adds up what answers are worth.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use routing_api_client::{Difference, Entry, LineError, SampleError};
use tidegate_schemas::document::RouteDocument;
use tidegate_schemas::record::Record;

use super::super::verdict::{Stake, Verdict};
use super::samples::{Samples, cut, pattern};
use super::{Differences, Field, Latencies, Latency, Problem, Report, Stakes};

/// Fields that are told apart: header names come from applications.
const MOST_FIELDS: usize = 500;
/// Problems that are told apart.
const MOST_PROBLEMS: usize = 100;
/// What is behind them.
const OTHERS: &str = "(others)";
/// Warnings that are kept.
const MOST_WARNINGS: usize = 5;
/// Applications that are told apart.
const MOST_NAMES: usize = 20;
/// The longest latency that is told apart: ten minutes.
const LONGEST_US: u64 = 600_000_000;

/// Adds up what answers are worth.
pub(crate) struct Collector {
    report: Report,
    fields: BTreeMap<String, Field>,
    problems: BTreeMap<String, Problem>,
    samples: Samples,
    recorded: Option<Histogram<u64>>,
    found: Option<Histogram<u64>>,
    differences: Option<Differences>,
    began: Instant,
}

impl Collector {
    /// Keeps `samples` for each field. `differences` gets all of them.
    pub(crate) fn new(report: Report, samples: usize, differences: Option<Differences>) -> Self {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, 3).ok();
        Self {
            report,
            fields: BTreeMap::new(),
            problems: BTreeMap::new(),
            samples: Samples::new(samples),
            recorded: histogram(),
            found: histogram(),
            differences,
            began: Instant::now(),
        }
    }

    /// What is known so far; complete after [`Collector::finish`].
    pub(crate) fn so_far(&self) -> &Report {
        &self.report
    }

    pub(in crate::replay) fn skip(&mut self, why: &str) {
        *self.report.skipped.entry(why.to_owned()).or_default() += 1;
    }

    pub(in crate::replay) fn unreadable(&mut self, error: &LineError) {
        self.report.unreadable += 1;
        self.warn(error.to_string());
    }

    pub(in crate::replay) fn warnings(&mut self, warnings: Vec<String>) {
        warnings.into_iter().for_each(|warning| self.warn(warning));
    }

    pub(in crate::replay) fn stopped(&mut self, why: String) {
        self.report.stopped.get_or_insert(why);
    }

    /// One question is over.
    pub(in crate::replay) fn take(
        &mut self,
        entry: &Entry,
        record: &Record<'_>,
        expected: &RouteDocument,
        verdict: Verdict,
        took: Option<Duration>,
    ) {
        self.report.asked += 1;
        self.report.masked += u64::from(!record.masked.is_empty());
        self.count_application(record);
        note(&mut self.recorded, record.latency_us);
        if let Some(took) = took {
            note(
                &mut self.found,
                u64::try_from(took.as_micros()).unwrap_or(LONGEST_US),
            );
        }
        if !matches!(verdict, Verdict::Same)
            && let Some(file) = &mut self.differences
            && let Err(why) = file.write(entry, record, expected, &verdict)
        {
            self.differences = None;
            self.stopped(why);
        }
        match verdict {
            Verdict::Same => self.report.same += 1,
            Verdict::Differs(differences, found) => {
                self.report.different += 1;
                let question = Asked {
                    entry,
                    record,
                    expected,
                };
                self.differs(&question, &differences, &found);
            }
            Verdict::Invalid(error) => {
                self.report.invalid += 1;
                let pointer = error.pointer.to_string();
                self.problem(entry, record, expected, Some(&pointer), &error.reason);
            }
            Verdict::NoAnswer(error) => {
                self.report.no_answer += 1;
                self.problem(entry, record, expected, None, &said(&error));
            }
        }
    }

    /// The whole report.
    pub(crate) fn finish(mut self) -> Report {
        if let Some(mut file) = self.differences.take()
            && let Err(why) = file.finish()
        {
            self.stopped(why);
        }
        let mut report = self.report;
        report.took_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        report.agreement_percent = report.percent(report.same);
        report.latency = Latencies {
            recorded: latency(self.recorded.as_ref()),
            found: latency(self.found.as_ref()),
        };
        report.fields = self.fields.into_values().collect();
        report
            .fields
            .sort_by_key(|field| std::cmp::Reverse(field.questions));
        report.problems = self.problems.into_values().collect();
        report
            .problems
            .sort_by_key(|problem| std::cmp::Reverse(problem.questions));
        report.questions = self.samples.questions;
        report
    }

    fn differs(&mut self, asked: &Asked<'_>, differences: &[Difference], found: &RouteDocument) {
        let stake = Stake::of(asked.record);
        let names: BTreeSet<&str> = differences.iter().map(|it| it.field.as_str()).collect();
        let mut place = None;
        for name in names {
            let is_known = self.fields.contains_key(name);
            let name = if is_known || self.fields.len() < MOST_FIELDS {
                name
            } else {
                OTHERS
            };
            let field = self.fields.entry(name.to_owned()).or_insert_with(|| Field {
                field: name.to_owned(),
                questions: 0,
                stakes: Stakes::default(),
                samples: Vec::new(),
            });
            field.questions += 1;
            field.stakes.add(stake);
            if field.samples.len() < self.samples.most {
                let first = differences.iter().find(|it| it.field == name);
                let add = || self.samples.add(asked, Some(found), differences);
                let question = *place.get_or_insert_with(add);
                if let (Some(question), Some(first)) = (question, first) {
                    let difference = cut(first);
                    field.samples.push(super::Sample {
                        question,
                        difference,
                    });
                }
            }
        }
    }

    fn problem(
        &mut self,
        entry: &Entry,
        record: &Record<'_>,
        expected: &RouteDocument,
        pointer: Option<&str>,
        message: &str,
    ) {
        let pointer = pointer.map(pattern);
        let key = pointer.clone().unwrap_or_else(|| message.to_owned());
        let is_known = self.problems.contains_key(&key);
        let is_one_of_many = !is_known && self.problems.len() >= MOST_PROBLEMS;
        let key = if is_one_of_many {
            OTHERS.to_owned()
        } else {
            key
        };
        let problem = self.problems.entry(key).or_insert_with(|| Problem {
            pointer,
            message: message.chars().take(500).collect(),
            questions: 0,
            stakes: Stakes::default(),
            samples: Vec::new(),
        });
        problem.questions += 1;
        problem.stakes.add(Stake::of(record));
        if problem.samples.len() < self.samples.most {
            let asked = Asked {
                entry,
                record,
                expected,
            };
            problem.samples.extend(self.samples.add(&asked, None, &[]));
        }
    }

    fn count_application(&mut self, record: &Record<'_>) {
        let name = match &record.application {
            Some(it) => match &it.release {
                Some(release) => format!("{} {release}", it.name),
                None => it.name.to_string(),
            },
            None => record.tier.to_string(),
        };
        let known = &mut self.report.recorded_by;
        let is_new = known.len() >= MOST_NAMES && !known.contains_key(&name);
        let name = if is_new { OTHERS.to_owned() } else { name };
        *known.entry(name).or_default() += 1;
    }

    fn warn(&mut self, warning: String) {
        if self.report.warnings.len() < MOST_WARNINGS {
            self.report.warnings.push(warning);
        }
    }
}

/// A question and what was decided.
pub(super) struct Asked<'a> {
    pub(super) entry: &'a Entry,
    pub(super) record: &'a Record<'a>,
    pub(super) expected: &'a RouteDocument,
}

/// In words that are the same for the same reason.
pub(super) fn said(error: &SampleError) -> String {
    error.to_string()
}

fn note(histogram: &mut Option<Histogram<u64>>, us: u64) {
    if let Some(histogram) = histogram {
        histogram.saturating_record(us.clamp(1, LONGEST_US));
    }
}

fn latency(histogram: Option<&Histogram<u64>>) -> Latency {
    histogram.map_or_else(Latency::default, |histogram| Latency {
        p50_us: histogram.value_at_quantile(0.5),
        p99_us: histogram.value_at_quantile(0.99),
        max_us: histogram.max(),
    })
}
