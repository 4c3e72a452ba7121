//! Asks shadows, and compares what they answer.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tidegate_schemas::document::{Action, DocumentError};
use tidegate_schemas::{RouteDocument, RouteEvent};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::Shadows;
use super::counts::{Ledger, ShadowCounts};
use super::queue::Job;
use super::samples::ShadowSample;
use crate::application::Application;
use crate::compare::{Difference, compare};
use crate::dialect::decide_in_the_last_step;
use crate::inbound::Failure;
use crate::member::Record;
use crate::policy::{Member, Policy};
use crate::registry::{Registry, SampleAnswer, SampleError};

/// How often the queue is looked at while there is something in it.
const BATCH: Duration = Duration::from_millis(10);
/// Questions that are asked before answers are looked at.
const TURN: usize = 32;

/// Asks the shadows among `registry`'s applications, for as long as it is polled: on a thread of its
/// own, so that nothing it does holds up a shard.
pub async fn ask_shadows(registry: Arc<Registry>) {
    let worker = Worker {
        policy: registry.policy(),
        registry,
    };
    loop {
        worker.shadows().queue.filled().await;
        worker.work_off().await;
    }
}

struct Worker {
    registry: Arc<Registry>,
    policy: watch::Receiver<Arc<Policy>>,
}

impl Worker {
    fn shadows(&self) -> &Shadows {
        self.registry.shadows()
    }

    /// Until nothing came for a while.
    async fn work_off(&self) {
        loop {
            sleep(BATCH).await;
            let jobs = self.shadows().queue.take();
            if jobs.is_empty() {
                return;
            }
            for (n, job) in jobs.into_iter().enumerate() {
                self.ask_all(job);
                if n % TURN == TURN - 1 {
                    yield_now().await;
                }
            }
        }
    }

    fn ask_all(&self, job: Job) {
        let job = Arc::new(job);
        let event = OnceCell::new();
        let policy = Arc::clone(&self.policy.borrow());
        for name in &job.shadows {
            let mut members = policy.applications.iter();
            let member = members.find(|it| it.name == *name && it.shadow.is_some());
            if let Some(member) = member {
                self.ask(&job, &event, member);
            }
        }
    }

    fn ask<'a>(&self, job: &'a Arc<Job>, event: &OnceCell<Option<RouteEvent<'a>>>, to: &Member) {
        let ledger = self.shadows().ledger(&to.name);
        let Some(application) = self.reach(to) else {
            ledger.counts().down += 1;
            return;
        };
        if !self.has_time(&application, &ledger, to) {
            ledger.counts().busy += 1;
            return;
        }
        let event = event.get_or_init(|| serde_json::from_slice(&job.event).ok());
        let Some(event) = event else {
            return;
        };
        let within = Duration::from_millis(event.deadline_ms.into());
        let asked = self.registry.begin_sample(&to.name, event, within);
        let Ok(answer) = asked else {
            ledger.counts().busy += 1;
            return;
        };
        ledger.sent();
        let record = self.registry.shadow_record(&to.name);
        if let Some(record) = &record {
            record.asked.add();
        }
        let question = Question {
            job: Arc::clone(job),
            registry: Arc::clone(&self.registry),
            ledger,
            record,
        };
        tokio::spawn(async move {
            let answer = answer.await;
            question.settle(answer);
        });
    }

    /// A connection that takes questions.
    fn reach(&self, to: &Member) -> Option<Arc<Application>> {
        let application = self.registry.connection_of(&to.name)?;
        let takes = !to.draining && !application.draining() && !application.outgoing.closed();
        takes.then_some(application)
    }

    /// Looked at before the question is read, so that a shadow that hangs costs next to nothing.
    fn has_time(&self, application: &Application, ledger: &Ledger, to: &Member) -> bool {
        let most = self.shadows().settings.load().max_in_flight;
        let most = to.max_in_flight.unwrap_or(most);
        ledger.has_room(most) && application.takes() && !application.outgoing.full()
    }
}

/// A question that one shadow has.
struct Question {
    job: Arc<Job>,
    registry: Arc<Registry>,
    ledger: Arc<Ledger>,
    /// What is told of any application.
    record: Option<Arc<Record>>,
}

impl Question {
    fn settle(self, answer: Result<SampleAnswer, SampleError>) {
        self.ledger.settled();
        self.note(&answer);
        match answer {
            Ok(answer) => {
                self.ledger.times().record(answer.took);
                self.judge(answer.document);
            }
            Err(SampleError::Invalid(error)) => self.invalid(&error, None),
            Err(error) => *failure(&mut self.ledger.counts(), &error) += 1,
        }
    }

    fn note(&self, answer: &Result<SampleAnswer, SampleError>) {
        let Some(record) = &self.record else { return };
        match answer {
            Ok(answer) => {
                let clock = self.registry.clock(std::time::Instant::now());
                record.took(clock, answer.took);
                record.answered.add();
            }
            Err(SampleError::TimedOut) => record.timeouts.add(),
            Err(SampleError::Invalid(_)) => record.invalid.add(),
            Err(_) => record.errors.add(),
        }
    }

    fn judge(&self, mut found: RouteDocument) {
        if self.job.in_last_step {
            decide_in_the_last_step(&mut found);
        }
        let settings = self.registry.shadows().settings.load();
        if let Err(error) = self.check(&found) {
            self.invalid(&error, Some(&found));
            return;
        }
        let Ok(expected) = RouteDocument::from_json(&self.job.document) else {
            return;
        };
        let differences = compare(&expected, &found, &settings.tolerances);
        if differences.is_empty() {
            self.ledger.counts().agreed += 1;
            return;
        }
        self.ledger.counts().differ(&differences);
        self.keep(Some(&found), differences, None);
    }

    /// Whether a call could be routed by it.
    fn check(&self, found: &RouteDocument) -> Result<(), DocumentError> {
        match found.action {
            Some(Action::Pass) if self.job.in_last_step => Err(DocumentError::new(
                "/action",
                "there is no next application",
            )),
            Some(Action::Pass) => Ok(()),
            _ => self.registry.shadows().settings.load().judge.check(found),
        }
    }

    fn invalid(&self, error: &DocumentError, found: Option<&RouteDocument>) {
        self.ledger.counts().invalid += 1;
        self.keep(found, Vec::new(), Some(error.to_string()));
    }

    fn keep(
        &self,
        found: Option<&RouteDocument>,
        differences: Vec<Difference>,
        problem: Option<String>,
    ) {
        let [event, expected] = [&self.job.event, &self.job.document].map(|json| raw(json));
        let (Some(event), Some(expected)) = (event, expected) else {
            return;
        };
        let sample = ShadowSample {
            time_ms: self.registry.unix_ms(std::time::Instant::now()),
            decided_by: self.job.decided_by.clone(),
            event,
            expected,
            found: found.and_then(|found| serde_json::value::to_raw_value(found).ok()),
            differences,
            problem,
        };
        let settings = self.registry.shadows().settings.load();
        self.ledger.samples().keep(&settings, sample);
    }
}

fn failure<'a>(counts: &'a mut ShadowCounts, error: &SampleError) -> &'a mut u64 {
    match error {
        SampleError::TimedOut => &mut counts.timeout,
        SampleError::Failed(Failure::Refused) => &mut counts.refused,
        SampleError::Failed(_) => &mut counts.error,
        _ => &mut counts.lost,
    }
}

fn raw(json: &[u8]) -> Option<Box<RawValue>> {
    RawValue::from_string(String::from_utf8(json.to_vec()).ok()?).ok()
}
