use std::time::Duration;

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::{ConsultationId, RouteDocument};
use tokio::time::Instant as TokioInstant;

use super::*;
use crate::dialect::native::NativeDialect;
use crate::inbound::{Failure, Inbound};
use crate::policy::{Member, Pool};
use crate::samples;

fn member(name: &str, pool: usize) -> Member {
    Member {
        name: name.into(),
        pool,
        weight: 1,
        canary: None,
        shadow: None,
        max_in_flight: None,
        draining: false,
        dial: None,
    }
}

fn registry(applications: Vec<Member>) -> Arc<Registry> {
    let registry = Registry::new(Settings::default());
    registry.reconfigure(Arc::new(Policy {
        applications,
        pools: vec![Pool::named("first"), Pool::named("second")],
        ..Policy::simple()
    }));
    registry
}

fn join(registry: &Registry, pool: &str, name: &str) -> Arc<Application> {
    let dialect = Dialect::Native(NativeDialect::default());
    let application = registry.prepare(dialect, pool.into());
    application.introduce(name, None);
    registry.join(Arc::clone(&application));
    application
}

/// Name, pool and status of each.
fn seen(registry: &Registry) -> Vec<(String, String, MemberStatus)> {
    let members = registry.members().into_iter();
    members
        .map(|m| (m.name.to_string(), m.pool.to_string(), m.status))
        .collect()
}

fn is(name: &str, pool: &str, status: MemberStatus) -> (String, String, MemberStatus) {
    (name.to_owned(), pool.to_owned(), status)
}

#[test]
fn what_the_policy_names_is_down_until_it_connects() {
    let registry = registry(vec![member("a", 1)]);
    assert_eq!(seen(&registry), [is("a", "second", MemberStatus::Down)]);
    let a = join(&registry, "first", "a");
    assert_eq!(seen(&registry), [is("a", "second", MemberStatus::Up)]);
    a.drain();
    assert_eq!(seen(&registry), [is("a", "second", MemberStatus::Draining)]);
    registry.leave(a.id);
    assert_eq!(seen(&registry), [is("a", "second", MemberStatus::Down)]);
}

#[test]
fn what_it_does_not_name_is_in_the_pool_of_its_listener_while_it_is_connected() {
    let registry = registry(vec![]);
    let a = join(&registry, "second", "a");
    join(&registry, "", "b");
    let expected = [
        is("b", "first", MemberStatus::Up),
        is("a", "second", MemberStatus::Up),
    ];
    assert_eq!(seen(&registry), expected);
    registry.leave(a.id);
    assert_eq!(seen(&registry), expected[..1]);
}

#[test]
fn a_new_policy_takes_in_what_is_connected() {
    let registry = registry(vec![]);
    join(&registry, "first", "a");
    let renamed = Policy {
        applications: vec![member("a", 0)],
        pools: vec![Pool::named("third")],
        ..Policy::simple()
    };
    registry.reconfigure(Arc::new(renamed.clone()));
    assert_eq!(seen(&registry), [is("a", "third", MemberStatus::Up)]);
    assert!(registry.members()[0].configured);
    registry.reconfigure(Arc::new(Policy {
        applications: vec![],
        ..renamed
    }));
    assert_eq!(seen(&registry), [is("a", "third", MemberStatus::Up)]);
    assert!(!registry.members()[0].configured);
}

#[test]
fn applications_that_come_and_go_under_ever_new_names_are_forgotten() {
    let registry = registry(vec![]);
    for n in 0..1000 {
        let application = join(&registry, "first", &n.to_string());
        registry.leave(application.id);
    }
    assert!(registry.read().all.len() < 100);
    assert_eq!(seen(&registry), []);
}

#[test]
fn changes_at_runtime_are_changes_of_the_policy() {
    let registry = registry(vec![]);
    let policy = registry.policy();
    registry.add("second", member("a", 0)).unwrap();
    registry.reweight("a", 7).unwrap();
    registry.set_canary("a", Some(5)).unwrap();
    registry.drain("a").unwrap();
    let a = policy.borrow().applications[0].clone();
    assert_eq!((a.pool, a.weight, a.canary), (1, 7, Some(5)));
    assert!(a.draining);
    registry.remove("a").unwrap();
    assert!(policy.borrow().applications.is_empty());
}

#[test]
fn changes_that_make_no_sense_are_refused() {
    let registry = registry(vec![member("a", 0)]);
    let unknown = Err(ChangeError::UnknownApplication);
    assert_eq!(registry.drain("b"), unknown);
    assert_eq!(registry.remove("b"), unknown);
    let taken = registry.add("first", member("a", 0));
    assert_eq!(taken, Err(ChangeError::NameTaken));
    let nowhere = registry.add("third", member("b", 0));
    assert_eq!(nowhere, Err(ChangeError::UnknownPool));
    let more_than_all = registry.set_canary("a", Some(101));
    assert_eq!(more_than_all, Err(ChangeError::NotAPercentage));
}

#[test]
fn one_that_dialled_in_can_be_drained_and_removed() {
    let registry = registry(vec![]);
    let a = join(&registry, "second", "a");
    registry.drain("a").unwrap();
    assert_eq!(seen(&registry), [is("a", "second", MemberStatus::Draining)]);
    registry.resume("a").unwrap();
    assert_eq!(seen(&registry), [is("a", "second", MemberStatus::Up)]);
    registry.remove("a").unwrap();
    assert!(a.draining());
}

type Said = Result<Box<RouteDocument>, DocumentError>;

/// Asks a sample question, and lets its answer come.
async fn sample(
    say: impl FnOnce(ApplicationId, ConsultationId) -> Option<Inbound>,
) -> (Arc<Application>, Result<SampleAnswer, SampleError>) {
    let registry = registry(vec![]);
    let a = join(&registry, "first", "a");
    let within = Duration::from_millis(500);
    let asked = registry.sample("a", &samples::event(), within);
    assert_eq!(a.in_flight(), 1);
    let id = ConsultationId {
        instance: 0,
        index: 255 << 24,
        label: 0,
    };
    match say(a.id, id) {
        Some(Inbound::Answer { document, .. }) => {
            let answer = document.map(|it| *it).map_err(SampleError::Invalid);
            assert!(registry.take_sample(a.id, id, answer));
        }
        Some(Inbound::Failed { failure, .. }) => {
            assert!(registry.take_sample(a.id, id, Err(SampleError::Failed(failure))));
        }
        Some(_) => registry.leave(a.id),
        None => {}
    }
    let answer = asked.await;
    assert_eq!(a.in_flight(), 0);
    assert!(registry.samples_in_flight().is_empty());
    (a, answer)
}

fn answer(document: Said) -> impl FnOnce(ApplicationId, ConsultationId) -> Option<Inbound> {
    move |application, id| {
        Some(Inbound::Answer {
            application,
            id,
            document,
        })
    }
}

#[tokio::test]
async fn a_sample_question_is_answered_without_a_call() {
    let (_, answered) = sample(answer(Ok(Box::default()))).await;
    assert_eq!(answered.unwrap().document, RouteDocument::default());
    let error = DocumentError::new("/routes", "no");
    let (_, answered) = sample(answer(Err(error.clone()))).await;
    assert_eq!(answered, Err(SampleError::Invalid(error)));
    let failed = |application, id| {
        Some(Inbound::Failed {
            application,
            id,
            failure: Failure::ServerError(500),
        })
    };
    let (_, answered) = sample(failed).await;
    assert_eq!(
        answered,
        Err(SampleError::Failed(Failure::ServerError(500)))
    );
    let (_, answered) = sample(|application, _| Some(Inbound::Lost { application })).await;
    assert_eq!(answered, Err(SampleError::Lost));
}

#[tokio::test(start_paused = true)]
async fn a_sample_question_that_is_not_answered_ends_in_time_and_is_withdrawn() {
    let began = TokioInstant::now();
    let (_, answered) = sample(|_, _| None).await;
    assert_eq!(answered, Err(SampleError::TimedOut));
    assert_eq!(began.elapsed(), Duration::from_millis(500));
}

#[tokio::test]
async fn only_the_one_who_was_asked_can_answer_a_sample_question() {
    let registry = registry(vec![]);
    let [a, b] = ["a", "b"].map(|name| join(&registry, "first", name));
    let within = Duration::from_millis(500);
    let _asked = registry.sample("a", &samples::event(), within);
    let id = ConsultationId {
        instance: 0,
        index: 255 << 24,
        label: 0,
    };
    let elsewhere = ConsultationId { instance: 1, ..id };
    let answer = || Ok(RouteDocument::default());
    assert!(!registry.take_sample(b.id, id, answer()));
    assert!(!registry.take_sample(a.id, elsewhere, answer()));
    assert!(registry.take_sample(a.id, id, answer()));
    assert!(!registry.take_sample(a.id, id, answer()));
}

#[test]
fn one_that_dialled_in_can_be_made_to_look_on() {
    let registry = registry(vec![]);
    let a = join(&registry, "second", "a");
    registry.set_canary("a", Some(5)).unwrap();
    registry.set_shadow("a", Some(20)).unwrap();
    assert!(a.is_shadow());
    let is = |registry: &Registry| {
        let member = registry.members().remove(0);
        (member.shadow, member.canary)
    };
    assert_eq!(is(&registry), (Some(20), None));
    registry.set_canary("a", Some(5)).unwrap();
    assert_eq!(is(&registry), (None, Some(5)));
    assert!(!a.is_shadow());
}

#[tokio::test]
async fn who_is_not_there_cannot_be_asked_a_sample_question() {
    let registry = registry(vec![member("a", 0)]);
    let ask = async |name| {
        let within = Duration::from_secs(1);
        let event = samples::event();
        registry.sample(name, &event, within).await.unwrap_err()
    };
    assert_eq!(ask("a").await, SampleError::Down);
    assert_eq!(ask("b").await, SampleError::UnknownApplication);
}
