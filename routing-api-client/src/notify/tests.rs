use std::time::Duration;

use tidegate_schemas::frame::Framing;

use super::*;
use crate::dialect::Dialect;
use crate::dialect::native::NativeDialect;
use crate::outgoing::Batch;

/// A notifier and the moment it is.
struct Bench {
    notifier: Notifier,
    settings: Settings,
    now: Instant,
    connections: u32,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        Self {
            notifier: Notifier::new(settings.clone()),
            settings,
            now: Instant::now(),
            connections: 0,
        }
    }

    /// One more connection of the application of this name, which subscribes to everything.
    fn connect(&mut self, name: &str) -> Arc<Application> {
        self.subscribe(name, CallEventKind::ALL.into_iter().collect())
    }

    fn subscribe(&mut self, name: &str, wanted: Wanted) -> Arc<Application> {
        self.connections += 1;
        let framing = Some(Framing::Lines);
        let application = Application::new(
            ApplicationId(self.connections),
            Dialect::Native(NativeDialect { framing }),
            Arc::from(""),
            &self.settings,
        );
        application.set_framing(Framing::Lines);
        application.introduce(name, None);
        let application = Arc::new(application);
        self.notifier.subscribe(self.now, &application, wanted);
        application
    }

    fn push(&self, kind: CallEventKind, ids: &[&str]) {
        for id in ids {
            let payload = Bytes::copy_from_slice(id.as_bytes());
            self.notifier.push(self.now, kind, id, &payload);
        }
    }

    fn ended(&self, ids: &[&str]) {
        self.push(CallEventKind::Ended, ids);
    }

    fn leave(&self, application: &Application) {
        application.outgoing.close();
        self.notifier.leave(self.now, application.id);
    }

    fn ack(&self, name: &str, id: &str) {
        self.notifier.ack(self.now, name, id);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.notifier.tick(self.now);
    }
}

/// What was written for a connection.
fn read(application: &Application) -> Vec<String> {
    let mut batch = Batch::default();
    application.outgoing.take(&mut batch);
    let text = str::from_utf8(batch.rest()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn only_what_was_subscribed_to_arrives() {
    let mut bench = Bench::new(Settings::default());
    assert!(bench.notifier.wanted().is_empty());
    let ended = [CallEventKind::Ended].into_iter().collect();
    let billing = bench.subscribe("billing", ended);
    assert_eq!(bench.notifier.wanted(), ended);
    bench.push(CallEventKind::Answered, &["a"]);
    bench.ended(&["b"]);
    assert_eq!(read(&billing), ["b"]);
}

#[test]
fn one_connection_carries_everything_until_it_is_lost() {
    let mut bench = Bench::new(Settings::default());
    let first = bench.connect("billing");
    let second = bench.connect("billing");
    bench.ended(&["a", "b", "c"]);
    assert_eq!(read(&first), ["a", "b", "c"]);
    assert!(read(&second).is_empty());
    bench.ack("billing", "b");
    bench.leave(&first);
    assert_eq!(read(&second), ["a", "c"]);
    assert_eq!(bench.notifier.stats().resent, 2);
}

#[test]
fn what_happens_while_an_application_is_away_waits_for_it() {
    let mut bench = Bench::new(Settings::default());
    let first = bench.connect("billing");
    bench.leave(&first);
    assert!(!bench.notifier.wanted().is_empty());
    bench.ended(&["a", "b"]);
    let again = bench.connect("billing");
    assert_eq!(read(&again), ["a", "b"]);
}

#[test]
fn who_stays_away_is_forgotten() {
    let mut bench = Bench::new(Settings::default());
    let first = bench.connect("billing");
    bench.leave(&first);
    bench.ended(&["a"]);
    bench.pass(bench.settings.notify_keep);
    assert!(bench.notifier.wanted().is_empty());
    assert!(bench.notifier.subscribers().is_empty());
    assert_eq!(bench.notifier.stats().dropped, 1);
    let again = bench.connect("billing");
    assert!(read(&again).is_empty());
}

#[test]
fn what_is_not_acknowledged_in_time_is_sent_again_over_another_connection() {
    let mut bench = Bench::new(Settings::default());
    let first = bench.connect("billing");
    let second = bench.connect("billing");
    bench.ended(&["a"]);
    assert_eq!(read(&first), ["a"]);
    bench.pass(bench.settings.ack_timeout);
    assert!(read(&first).is_empty());
    assert_eq!(read(&second), ["a"]);
    bench.ack("billing", "a");
    bench.pass(bench.settings.ack_timeout * 2);
    assert!(read(&first).is_empty() && read(&second).is_empty());
    assert_eq!(bench.notifier.stats().acked, 1);
}

#[test]
fn repeats_come_less_often_while_nothing_is_acknowledged() {
    let mut bench = Bench::new(Settings::default());
    let only = bench.connect("billing");
    bench.ended(&["a"]);
    bench.pass(bench.settings.ack_timeout);
    assert_eq!(read(&only), ["a", "a"]);
    bench.pass(bench.settings.ack_timeout);
    assert!(read(&only).is_empty());
    bench.pass(bench.settings.ack_timeout);
    assert_eq!(read(&only), ["a"]);
}

#[test]
fn a_full_buffer_holds_up_only_its_own_subscriber() {
    let mut bench = Bench::new(Settings {
        outgoing_queue: 2,
        ..Settings::default()
    });
    let slow = bench.connect("slow");
    let quick = bench.connect("quick");
    bench.ended(&["a", "b"]);
    assert_eq!(read(&quick), ["a", "b"]);
    bench.ended(&["c"]);
    assert_eq!(read(&quick), ["c"]);
    assert_eq!(read(&slow), ["a", "b"]);
    bench.pass(Duration::from_millis(1));
    assert_eq!(read(&slow), ["c"]);
}

#[test]
fn the_queue_of_a_subscriber_is_bounded() {
    let mut bench = Bench::new(Settings {
        notify_queue: 2,
        ..Settings::default()
    });
    let first = bench.connect("billing");
    bench.leave(&first);
    bench.ended(&["a", "b", "c"]);
    let again = bench.connect("billing");
    assert_eq!(read(&again), ["b", "c"]);
    let states = bench.notifier.subscribers();
    assert_eq!((states[0].waiting, states[0].dropped), (2, 1));
}

#[test]
fn an_ack_of_another_application_means_nothing() {
    let mut bench = Bench::new(Settings::default());
    let first = bench.connect("billing");
    let other = bench.connect("other");
    bench.ended(&["a"]);
    bench.ack("other", "a");
    bench.leave(&first);
    let again = bench.connect("billing");
    assert_eq!(read(&again), ["a"]);
    assert_eq!(read(&other), ["a"]);
}
