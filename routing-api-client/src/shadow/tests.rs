//! What comes of the questions, on a clock that the tests turn.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_schemas::frame::Framing;
use tidegate_schemas::{ConsultationId, RouteDocument};
use tokio::time::sleep;

use super::*;
use crate::application::Application;
use crate::dialect::Dialect;
use crate::dialect::native::NativeDialect;
use crate::inbound::Failure;
use crate::outgoing::Batch;
use crate::policy::{Member, Policy};
use crate::registry::{Registry, SampleError};
use crate::samples;
use crate::settings::Settings;

/// One shadow `s`, and the thread that asks it.
struct Bench {
    registry: Arc<Registry>,
}

impl Bench {
    fn start(settings: ShadowSettings) -> Self {
        let registry = Registry::new(Settings::default());
        let member = Member {
            name: "s".into(),
            pool: 0,
            weight: 1,
            canary: None,
            shadow: Some(100),
            max_in_flight: None,
            draining: false,
            dial: None,
        };
        registry.reconfigure(Arc::new(Policy {
            applications: vec![member],
            ..Policy::simple()
        }));
        registry.shadows().configure(settings);
        tokio::spawn(ask_shadows(Arc::clone(&registry)));
        Self { registry }
    }

    fn join(&self) -> Arc<Application> {
        let framing = Some(Framing::Lines);
        let dialect = Dialect::Native(NativeDialect { framing });
        let application = self.registry.prepare(dialect, "default".into());
        application.set_framing(Framing::Lines);
        application.introduce("s", None);
        self.registry.join(Arc::clone(&application));
        application
    }

    /// A question to which `document` was the answer.
    async fn offer(&self, document: &Value) {
        let event = serde_json::to_vec(&samples::event()).unwrap();
        let document = document.to_string();
        let decided = Decided {
            event: &event,
            document: document.as_bytes(),
            by: "a",
            in_last_step: true,
        };
        self.registry
            .shadows()
            .offer(&Names::from_iter(["s".into()]), decided);
        sleep(Duration::from_millis(20)).await;
    }

    async fn answer(
        &self,
        from: &Application,
        id: ConsultationId,
        answer: Result<Value, SampleError>,
    ) {
        let answer = answer.map(|it| serde_json::from_value::<RouteDocument>(it).unwrap());
        assert!(self.registry.take_sample(from.id, id, answer));
        sleep(Duration::from_millis(1)).await;
    }

    fn counts(&self) -> ShadowCounts {
        self.registry.shadow_reports().remove(0).counts
    }

    fn samples(&self) -> Vec<ShadowSample> {
        self.registry.shadow_samples("s").unwrap()
    }
}

/// The questions that it got, and what it was told beside them.
fn told(application: &Application) -> (Vec<ConsultationId>, Vec<Value>) {
    let mut batch = Batch::default();
    application.outgoing.take(&mut batch);
    let lines = batch.rest().split(|b| *b == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let (questions, others): (Vec<_>, Vec<_>) = messages.partition(|it| it["type"] == "route");
    let ids = questions
        .iter()
        .map(|it| it["id"].as_str().unwrap().parse().unwrap());
    (ids.collect(), others)
}

fn routes(uri: &str) -> Value {
    json!({ "routes": [{ "uri": uri }] })
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_means_the_same_agrees_and_another_differs() {
    let bench = Bench::start(ShadowSettings::default());
    let s = bench.join();
    for found in ["sip:b@x", "sip:c@x"] {
        bench.offer(&routes("sip:b@x")).await;
        let [id] = told(&s).0[..] else { panic!() };
        bench.answer(&s, id, Ok(routes(found))).await;
    }
    let counts = bench.counts();
    assert_eq!((counts.asked, counts.agreed, counts.differed), (2, 1, 1));
    assert_eq!(counts.fields.values().sum::<u64>(), 1);
    let [sample] = &bench.samples()[..] else {
        panic!()
    };
    assert!(sample.expected.get().contains("sip:b@x"));
    assert!(sample.found.as_ref().unwrap().get().contains("sip:c@x"));
    assert_eq!((&*sample.decided_by, sample.differences.len()), ("a", 1));
    let report = bench.registry.shadow_reports().remove(0);
    assert_eq!((report.samples, report.latency.unwrap().count), (1, 2));
    assert_eq!(bench.registry.members()[0].answered, 2);
}

#[tokio::test(start_paused = true)]
async fn a_shadow_has_the_time_that_the_question_had() {
    let bench = Bench::start(ShadowSettings::default());
    let s = bench.join();
    bench.offer(&routes("sip:b@x")).await;
    let [id] = told(&s).0[..] else { panic!() };
    sleep(Duration::from_millis(1900)).await;
    assert_eq!((bench.counts().timeout, s.in_flight()), (0, 1));
    sleep(Duration::from_millis(200)).await;
    assert_eq!((bench.counts().timeout, s.in_flight()), (1, 0));
    assert_eq!(told(&s).1[0]["type"], "cancelled");
    let late = Ok(RouteDocument::default());
    assert!(!bench.registry.take_sample(s.id, id, late));
    assert_eq!([s.is_late(), s.is_late()], [true, false]);
}

#[tokio::test(start_paused = true)]
async fn each_failure_is_counted_as_what_it_is() {
    let bench = Bench::start(ShadowSettings::default());
    let s = bench.join();
    let invalid = DocumentError::new("/routes", "no");
    for error in [
        SampleError::Failed(Failure::Error),
        SampleError::Failed(Failure::ServerError(500)),
        SampleError::Failed(Failure::Refused),
        SampleError::Invalid(invalid.clone()),
    ] {
        bench.offer(&routes("sip:b@x")).await;
        let [id] = told(&s).0[..] else { panic!() };
        bench.answer(&s, id, Err(error)).await;
    }
    bench.offer(&routes("sip:b@x")).await;
    bench.registry.leave(s.id);
    bench.offer(&routes("sip:b@x")).await;
    let counts = bench.counts();
    let failed = [counts.error, counts.refused, counts.invalid, counts.lost];
    assert_eq!((failed, counts.down, counts.asked), ([2, 1, 1, 1], 1, 5));
    let [sample] = &bench.samples()[..] else {
        panic!()
    };
    assert_eq!(sample.problem, Some(invalid.to_string()));
    assert!(sample.found.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_answer_by_which_no_call_could_be_routed_is_invalid() {
    let judge = Judge::new(|_| Err(DocumentError::new("/routes/0/uri", "no")));
    let bench = Bench::start(ShadowSettings {
        judge,
        ..ShadowSettings::default()
    });
    let s = bench.join();
    bench.offer(&routes("sip:b@x")).await;
    let [id] = told(&s).0[..] else { panic!() };
    bench.answer(&s, id, Ok(routes("sip:b@x"))).await;
    let counts = bench.counts();
    assert_eq!((counts.invalid, counts.agreed), (1, 0));
    assert!(bench.samples()[0].found.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_shadow_that_hangs_gets_no_more_than_its_bound() {
    let bench = Bench::start(ShadowSettings {
        max_in_flight: 2,
        ..ShadowSettings::default()
    });
    let s = bench.join();
    for _ in 0..5 {
        bench.offer(&routes("sip:b@x")).await;
    }
    assert_eq!(told(&s).0.len(), 2);
    assert_eq!((bench.counts().asked, bench.counts().busy), (2, 3));
    sleep(Duration::from_secs(2)).await;
    bench.offer(&routes("sip:b@x")).await;
    assert_eq!((bench.counts().asked, bench.counts().timeout), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_was_reached_may_be_raised() {
    let mut settings = ShadowSettings {
        max_in_flight: 1,
        ..ShadowSettings::default()
    };
    let bench = Bench::start(settings.clone());
    let s = bench.join();
    bench.offer(&routes("sip:b@x")).await;
    bench.offer(&routes("sip:b@x")).await;
    assert_eq!((bench.counts().asked, bench.counts().busy), (1, 1));
    settings.max_in_flight = 2;
    bench.registry.shadows().configure(settings);
    for asked in [2, 2] {
        bench.offer(&routes("sip:b@x")).await;
        assert_eq!(bench.counts().asked, asked);
    }
    assert_eq!(told(&s).0.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_shadow_that_drains_is_not_asked() {
    let bench = Bench::start(ShadowSettings::default());
    let s = bench.join();
    s.drain();
    bench.offer(&routes("sip:b@x")).await;
    assert_eq!((bench.counts().down, bench.counts().asked), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_promoted_meanwhile_is_not_asked() {
    let bench = Bench::start(ShadowSettings::default());
    let s = bench.join();
    bench.registry.set_canary("s", Some(5)).unwrap();
    bench.offer(&routes("sip:b@x")).await;
    assert!(told(&s).0.is_empty());
    assert!(bench.registry.shadow_reports().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_counted_can_be_begun_anew() {
    let bench = Bench::start(ShadowSettings::default());
    bench.offer(&routes("sip:b@x")).await;
    assert_eq!(bench.counts().down, 1);
    assert!(bench.registry.shadows().reset("s"));
    assert_eq!(bench.counts(), ShadowCounts::default());
    assert!(!bench.registry.shadows().reset("t"));
}
