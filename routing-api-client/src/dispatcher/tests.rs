mod cached;
mod chains;
mod failures;
mod health;
mod hedges;
mod orders;
mod pools;
mod redirects;
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
        self.dispatcher.accepted(id(n), asked, self.now);
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

#[test]
fn without_an_application_nothing_waits() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(1), Err(Unavailable));
    assert_eq!(
        (bench.dispatcher.open(), bench.dispatcher.next_timeout()),
        (0, None)
    );
    assert_eq!(bench.stats().unavailable, 1);
}

#[test]
fn a_question_carries_its_id_and_the_time_that_is_left() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    assert_eq!(bench.ask_at(1, 300), Ok(a.id));
    let told = told(&a);
    assert_eq!(told[0]["type"], "route");
    assert_eq!(told[0]["id"], id(1).to_string());
    assert_eq!(told[0]["deadline_ms"], 700);
    assert_eq!(told[0]["request"]["method"], "INVITE");
}

#[test]
fn an_answer_ends_the_consultation_and_frees_the_place() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(a.in_flight(), 1);
    assert_answered(&bench.answer(1, &a), 1, "a");
    assert_eq!((a.in_flight(), bench.dispatcher.open()), (0, 0));
    assert_eq!(bench.dispatcher.next_timeout(), None);
    assert_eq!((bench.stats().asked, bench.stats().answered), (1, 1));
}

#[test]
fn the_application_with_the_fewest_questions_is_asked() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    bench.ask(2).unwrap();
    let b = bench.join("b", 9);
    assert_eq!(bench.ask(3), Ok(b.id));
    assert_eq!(bench.ask(4), Ok(b.id));
    bench.answer(1, &a);
    assert_eq!(bench.ask(5), Ok(a.id));
}

#[test]
fn equals_take_turns() {
    let mut bench = Bench::new();
    let ids = ["a", "b", "c"].map(|name| bench.join(name, 99).id);
    for n in 0..6 {
        let asked = bench.ask(n).unwrap();
        assert_eq!(asked, ids[n as usize % 3]);
    }
}

#[test]
fn credit_is_never_exceeded() {
    let mut bench = Bench::new();
    let a = bench.join("a", 2);
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(a.id), Ok(a.id)));
    assert_eq!(bench.ask(3), Err(Unavailable));
    bench.answer(1, &a);
    assert_eq!(bench.ask(4), Ok(a.id));
}

#[test]
fn shards_share_the_credit() {
    let mut bench = Bench::new();
    let a = bench.join("a", 1);
    let mut other = Dispatcher::new(Arc::clone(&bench.registry));
    assert_eq!(bench.ask(1), Ok(a.id));
    let (now, deadline) = (bench.at(0), bench.at(1000));
    let asked = other.ask(id(2), now, deadline, 0, &samples::event());
    assert_eq!(asked, Asked::Unavailable);
}

#[test]
fn an_application_that_drains_gets_no_new_questions_but_may_answer() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    a.drain();
    let draining = Inbound::Draining { application: a.id };
    assert_eq!(
        bench.dispatcher.on_inbound(bench.start, draining),
        Verdict::Nothing
    );
    assert_eq!((bench.ask(2), bench.ask(3)), (Ok(b.id), Ok(b.id)));
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn a_full_outgoing_queue_is_passed_over() {
    let mut bench = Bench::with(Settings {
        outgoing_queue: 1,
        ..Settings::default()
    });
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(a.id), Ok(b.id)));
    assert_eq!(bench.ask(3), Err(Unavailable));
    assert_eq!(bench.stats().queue_full, 3);
    assert_eq!(told(&b).len(), 1);
    assert_eq!(bench.ask(4), Ok(b.id));
}

#[test]
fn an_attempt_gets_half_of_what_remains_while_another_could_follow() {
    let mut bench = Bench::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| bench.join(name, 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(500)));
    assert_eq!(bench.time_out_at(499), []);
    assert_eq!(bench.time_out_at(500), [id(1)]);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(750)));
    assert_eq!(bench.time_out_at(750), [id(1)]);
    assert_eq!(bench.ask_at(1, 750), Ok(c.id));
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(1000)));
    assert_eq!(bench.time_out_at(1000), []);
    assert_eq!(bench.dispatcher.open(), 0);
    assert_eq!([&a, &b, &c].map(|x| x.in_flight()), [0; 3]);
    let stats = bench.stats();
    assert_eq!(
        (stats.attempt_timed_out, stats.timed_out, stats.reasked),
        (2, 1, 2)
    );
}

#[test]
fn the_only_application_gets_all_of_the_time() {
    let mut bench = Bench::new();
    bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(1000)));
}

#[test]
fn an_earlier_attempt_may_still_answer_and_the_other_is_told() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.time_out_at(500);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    assert_answered(&bench.answer(1, &a), 1, "a");
    assert_eq!(bench.stats().late_attempt, 1);
    assert_eq!(types(&b), ["route", "cancelled"]);
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0; 2]);
    assert_eq!(bench.answer(1, &b), Verdict::Nothing);
    assert_eq!(bench.stats().late, 1);
}

#[test]
fn the_same_connection_is_not_asked_twice_but_waited_for() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.time_out_at(500);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    assert_eq!(bench.refuse(1, &b), Verdict::AskAgain(vec![id(1)]));
    assert_eq!(bench.ask_at(1, 600), Ok(a.id));
    assert_eq!(types(&a), ["route"]);
    assert_eq!(bench.dispatcher.next_timeout(), Some(bench.at(1000)));
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn an_application_that_refused_is_not_asked_again() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(bench.refuse(1, &a), Verdict::AskAgain(vec![id(1)]));
    assert_eq!(a.in_flight(), 0);
    assert_eq!(bench.ask_at(1, 1), Err(Unavailable));
    assert_eq!(bench.dispatcher.open(), 0);
    assert_eq!(bench.ask_at(2, 1), Ok(a.id));
}

#[test]
fn a_lost_application_gives_back_all_that_it_held() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    bench.ask(2).unwrap();
    let b = bench.join("b", 9);
    let Verdict::AskAgain(mut again) = bench.lose(&a) else {
        panic!("nothing to ask again");
    };
    again.sort();
    assert_eq!(again, [id(1), id(2)]);
    assert_eq!(
        (bench.ask_at(1, 10), bench.ask_at(2, 10)),
        (Ok(b.id), Ok(b.id))
    );
    assert_eq!(bench.stats().lost, 2);
    assert_answered(&bench.answer(1, &b), 1, "b");
}

#[test]
fn the_loss_of_the_last_application_leaves_nothing_waiting() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    assert_eq!(bench.lose(&a), Verdict::AskAgain(vec![id(1)]));
    assert_eq!(bench.ask_at(1, 10), Err(Unavailable));
    assert_eq!(
        (bench.dispatcher.open(), bench.dispatcher.next_timeout()),
        (0, None)
    );
}

#[test]
fn the_loss_of_an_earlier_attempt_disturbs_nobody() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    bench.time_out_at(500);
    bench.ask_at(1, 500).unwrap();
    assert_eq!(bench.lose(&a), Verdict::Nothing);
    assert_answered(&bench.answer(1, &b), 1, "b");
}

#[test]
fn an_application_that_came_back_can_be_asked_about_the_same_consultation() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    bench.lose(&a);
    let back = bench.join("a", 9);
    assert_eq!(bench.ask_at(1, 10), Ok(back.id));
}

#[test]
fn what_is_closed_before_its_loss_is_reported_is_passed_over() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    a.outgoing.close();
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(b.id), Ok(b.id)));
}

#[test]
fn answers_after_the_end_are_told_apart_and_harmless() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    bench.answer(1, &a);
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!(bench.stats().duplicate, 1);
    assert_eq!(bench.answer(1, &b), Verdict::Nothing);
    assert_eq!(bench.answer(99, &b), Verdict::Nothing);
    assert_eq!(bench.stats().unknown, 2);
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0; 2]);
    assert!(told(&b).iter().all(|m| m["code"] == "unknown_id"));
}

#[test]
fn an_answer_from_one_that_was_not_asked_is_not_taken_while_the_question_is_open() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    assert_eq!(bench.answer(1, &b), Verdict::Nothing);
    assert_eq!(bench.stats().unknown, 1);
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn an_answer_to_another_start_of_the_proxy_is_counted() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    let stale = ConsultationId {
        instance: 1,
        ..id(1)
    };
    let verdict = bench.dispatcher.on_inbound(
        bench.start,
        Inbound::Answer {
            application: a.id,
            id: stale,
            document: Ok(Box::default()),
        },
    );
    assert_eq!(
        (verdict, bench.stats().wrong_instance),
        (Verdict::Nothing, 1)
    );
    assert_answered(&bench.answer(1, &a), 1, "a");
}

#[test]
fn a_caller_who_hung_up_is_reported_and_the_answer_is_late() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    bench.ask(1).unwrap();
    bench.dispatcher.cancel(id(1));
    bench.dispatcher.cancel(id(1));
    let told = told(&a);
    assert_eq!(
        (told.len(), &told[1]["type"]),
        (2, &Value::from("cancelled"))
    );
    assert_eq!(told[1]["id"], id(1).to_string());
    assert_eq!((a.in_flight(), bench.dispatcher.next_timeout()), (0, None));
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!((bench.stats().cancelled, bench.stats().late), (1, 1));
}

#[test]
fn a_deadline_that_passed_elsewhere_is_told_to_nobody_and_the_answer_is_late() {
    let mut bench = Bench::new();
    let a = bench.join("a", 1);
    bench.ask(1).unwrap();
    told(&a);
    bench.dispatcher.expire(id(1), bench.at(999));
    assert!(told(&a).is_empty());
    assert_eq!((bench.dispatcher.open(), bench.stats().timed_out), (0, 1));
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!((bench.stats().late, bench.stats().answered), (1, 0));
    bench.ask(2).unwrap();
}

#[test]
fn an_answer_that_is_no_document_goes_back_and_the_next_is_asked() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    assert_eq!(bench.answer_badly(1, &a), Verdict::AskAgain(vec![id(1)]));
    let told = told(&a);
    assert_eq!(told[1]["code"], "invalid_document");
    assert_eq!(told[1]["pointer"], "/routes");
    assert_eq!(bench.ask_at(1, 1), Ok(b.id));
    assert_eq!(bench.answer(1, &a), Verdict::Nothing);
    assert_eq!((bench.stats().invalid, bench.stats().duplicate), (1, 1));
}

#[test]
fn a_document_that_cannot_be_honoured_is_asked_of_others_only() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    assert_answered(&bench.answer(1, &a), 1, "a");
    let error = DocumentError::new("/routes/0/socket", "no such listener");
    bench.dispatcher.reject(id(1), a.id, &error);
    assert_eq!(told(&a)[1]["pointer"], "/routes/0/socket");
    assert_eq!(bench.ask_at(1, 1), Ok(b.id));
    assert_answered(&bench.answer(1, &b), 1, "b");
    bench.dispatcher.reject(id(1), b.id, &error);
    assert_eq!(bench.ask_at(1, 2), Err(Unavailable));
    assert_eq!(bench.stats().invalid, 2);
}

#[test]
fn one_that_let_a_question_time_out_comes_last_for_a_while() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!(bench.ask(1), Ok(a.id));
    bench.time_out_at(500);
    assert_eq!(bench.ask_at(1, 500), Ok(b.id));
    bench.answer(1, &b);
    for n in 2..6 {
        assert_eq!(bench.ask_between(n, 600, 1600), Ok(b.id));
    }
    assert_eq!(bench.ask_between(7, 6000, 7000), Ok(a.id));
}

#[test]
fn an_answer_in_time_restores_trust() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    assert_eq!((bench.ask(1), bench.ask(2)), (Ok(a.id), Ok(b.id)));
    bench.time_out_at(500);
    assert!(a.suspect(bench.registry.clock(bench.at(500))));
    bench.answer(1, &a);
    assert!(!a.suspect(bench.registry.clock(bench.at(500))));
}

#[test]
fn a_repetition_that_comes_too_late_gives_back_every_place() {
    let mut bench = Bench::new();
    let (a, b) = (bench.join("a", 9), bench.join("b", 9));
    bench.ask(1).unwrap();
    assert_eq!(bench.time_out_at(500), [id(1)]);
    assert_eq!(bench.ask_at(1, 1000), Err(Unavailable));
    assert_eq!([&a, &b].map(|x| x.in_flight()), [0; 2]);
    assert_eq!(bench.dispatcher.open(), 0);
}

#[test]
fn documents_that_nobody_can_honour_are_asked_of_each_but_once() {
    let mut bench = Bench::new();
    let all: Vec<_> = (0..9).map(|n| bench.join(&n.to_string(), 9)).collect();
    for _ in 0..all.len() {
        let asked = bench.ask(1).unwrap();
        let application = all.iter().find(|a| a.id == asked).unwrap();
        bench.answer(1, application);
        let error = DocumentError::new("", "no");
        bench.dispatcher.reject(id(1), asked, &error);
    }
    assert_eq!(bench.ask(1), Err(Unavailable));
}

#[test]
fn a_question_past_its_deadline_is_not_asked() {
    let mut bench = Bench::new();
    let a = bench.join("a", 9);
    assert_eq!(bench.ask_at(1, 1000), Err(Unavailable));
    assert_eq!(told(&a).len(), 0);
}
