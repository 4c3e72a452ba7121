mod attempts;
mod cached;
mod chains;
mod failures;
mod health;
mod hedges;
mod orders;
mod pools;
mod records;
mod redirects;
mod shadows;
mod tiers;

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_schemas::frame::Framing;

use super::*;
use crate::application::Application;
use crate::dialect::Dialect;
use crate::dialect::native::NativeDialect;
use crate::inbound::Failure;
use crate::outgoing::Batch;
use crate::policy::{self, Chain, Choose, Eject, Member, OnFailure, Otherwise, Policy, Step};
use crate::samples::{self, id};
use crate::settings::Settings;

/// A dispatcher, and applications without connections.
struct Bench {
    registry: Arc<Registry>,
    dispatcher: Dispatcher,
    start: Instant,
    /// When things arrive.
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let registry = Registry::new(Settings {
            instance: samples::INSTANCE,
            ..settings
        });
        Self {
            dispatcher: Dispatcher::new(Arc::clone(&registry)),
            start: registry.started(),
            now: registry.started(),
            registry,
        }
    }

    /// With other pools and steps than [`Policy::simple`] has.
    fn configured(policy: Policy) -> Self {
        let bench = Self::new();
        bench.registry.reconfigure(Arc::new(policy));
        bench
    }

    fn join(&self, name: &str, credit: u32) -> Arc<Application> {
        self.join_in("default", name, credit)
    }

    fn join_in(&self, pool: &str, name: &str, credit: u32) -> Arc<Application> {
        let framing = Some(Framing::Lines);
        let dialect = Dialect::Native(NativeDialect { framing });
        let application = self.registry.prepare(dialect, Arc::from(pool));
        application.set_framing(Framing::Lines);
        application.introduce(name, Some(credit));
        self.registry.join(Arc::clone(&application));
        application
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn ask(&mut self, n: u32) -> Result<ApplicationId, Unavailable> {
        self.ask_at(n, 0)
    }

    fn ask_at(&mut self, n: u32, millis: u64) -> Result<ApplicationId, Unavailable> {
        self.ask_between(n, millis, 1000)
    }

    fn ask_between(
        &mut self,
        n: u32,
        now: u64,
        deadline: u64,
    ) -> Result<ApplicationId, Unavailable> {
        let (now, deadline) = (self.at(now), self.at(deadline));
        let asked = self
            .dispatcher
            .ask(id(n), now, deadline, 0, &samples::event());
        waiting(asked)
    }

    fn answer(&mut self, n: u32, from: &Application) -> Verdict {
        self.dispatcher.on_inbound(
            self.now,
            Inbound::Answer {
                application: from.id,
                id: id(n),
                document: Ok(Box::default()),
            },
        )
    }

    fn answer_badly(&mut self, n: u32, from: &Application) -> Verdict {
        self.dispatcher.on_inbound(
            self.now,
            Inbound::Answer {
                application: from.id,
                id: id(n),
                document: Err(DocumentError::new("/routes", "a list is needed")),
            },
        )
    }

    fn refuse(&mut self, n: u32, from: &Application) -> Verdict {
        let application = from.id;
        let inbound = Inbound::Failed {
            application,
            id: id(n),
            failure: Failure::Error,
        };
        self.dispatcher.on_inbound(self.now, inbound)
    }

    fn answer_with(&mut self, n: u32, from: &Application, document: Value) -> Verdict {
        let document = serde_json::from_value(document).unwrap();
        let inbound = Inbound::Answer {
            application: from.id,
            id: id(n),
            document: Ok(Box::new(document)),
        };
        self.dispatcher.on_inbound(self.now, inbound)
    }

    fn fail(&mut self, n: u32, from: &Application, failure: Failure) -> Verdict {
        let inbound = Inbound::Failed {
            application: from.id,
            id: id(n),
            failure,
        };
        self.dispatcher.on_inbound(self.now, inbound)
    }

    /// Asks with another event, with a second of time.
    fn ask_about(&mut self, n: u32, event: &RouteEvent<'_>) -> Asked {
        let deadline = self.now + Duration::from_secs(1);
        self.dispatcher.ask(id(n), self.now, deadline, 0, event)
    }

    /// Asks whoever is asked, who answers `millis` later. His name.
    fn ask_and_answer(&mut self, n: u32, all: &[&Arc<Application>], millis: u64) -> Arc<str> {
        let asked = self.ask_about(n, &samples::event());
        let asked = waiting(asked).unwrap();
        let by = all.iter().find(|a| a.id == asked).unwrap();
        self.now += Duration::from_millis(millis);
        assert_answered(&self.answer(n, by), n, &by.name());
        self.dispatcher
            .accepted(id(n), asked, self.now, &RouteDocument::default());
        by.name()
    }

    fn lose(&mut self, lost: &Application) -> Verdict {
        lost.outgoing.close();
        self.registry.leave(lost.id);
        let application = lost.id;
        self.dispatcher
            .on_inbound(self.now, Inbound::Lost { application })
    }

    fn time_out_at(&mut self, millis: u64) -> Vec<ConsultationId> {
        let mut again = Vec::new();
        self.dispatcher.on_timeout(self.at(millis), &mut again);
        again
    }

    fn stats(&self) -> Stats {
        *self.dispatcher.stats()
    }
}

/// A policy with one chain; applications are not named.
fn policy<const N: usize>(pools: [policy::Pool; N], steps: Vec<Step>) -> Policy {
    Policy {
        chains: vec![Chain {
            name: "default".into(),
            steps,
        }],
        pools: pools.into(),
        applications: Vec::new(),
    }
}

fn step(name: &str, ask: &[usize], otherwise: &[Otherwise]) -> Step {
    Step {
        name: name.into(),
        ask: ask.into(),
        deadline: None,
        otherwise: otherwise.into(),
    }
}

/// A step without a name that asks the first pool.
fn only_step(otherwise: &[Otherwise]) -> Vec<Step> {
    vec![step("", &[0], otherwise)]
}

fn member(name: &str) -> Member {
    Member {
        name: name.into(),
        pool: 0,
        weight: 1,
        canary: None,
        shadow: None,
        max_in_flight: None,
        draining: false,
        dial: None,
    }
}

fn pool() -> policy::Pool {
    policy::Pool::named("default")
}

fn a_document() -> Otherwise {
    let document = json!({"routes": [{"uri": "sip:static@example.com"}]});
    let document: RouteDocument = serde_json::from_value(document).unwrap();
    Otherwise::Document("carrier".into(), Arc::new(document))
}

#[track_caller]
fn assert_decided(asked: &Asked, by: &str) {
    match asked {
        Asked::Decided { tier, .. } => assert_eq!(&**tier, by),
        other => panic!("{other:?}"),
    }
}

/// An event of another call.
fn call(n: u32) -> RouteEvent<'static> {
    let mut event = samples::event();
    event.request.call_id = format!("call-{n}").into();
    event.call = format!("call-{n}").into();
    event
}

/// Nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unavailable;

#[track_caller]
fn waiting(asked: Asked) -> Result<ApplicationId, Unavailable> {
    match asked {
        Asked::Waiting(application) => Ok(application),
        Asked::Unavailable => Err(Unavailable),
        Asked::Decided { tier, .. } => panic!("decided by {tier}"),
    }
}

/// What was written to an application since the last call.
fn told(application: &Application) -> Vec<Value> {
    let mut batch = Batch::default();
    application.outgoing.take(&mut batch);
    let lines = batch
        .rest()
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn types(application: &Application) -> Vec<String> {
    let told = told(application);
    let kinds = told.iter().map(|m| m["type"].as_str().unwrap().to_owned());
    kinds.collect()
}

#[track_caller]
fn assert_answered(verdict: &Verdict, n: u32, by: &str) {
    match verdict {
        Verdict::Answered {
            id: answered, name, ..
        } => {
            assert_eq!((*answered, &**name), (id(n), by));
        }
        other => panic!("{other:?}"),
    }
}
