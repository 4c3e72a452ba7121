//! What becomes of lines while a sink fails, and at the end.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use super::*;

/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes one line, and fails at the next; tells what is seen of it from outside.
struct Full(Sender<SinkState>);

impl Sink for Full {
    const BATCH: usize = 100;

    fn write(&mut self, lines: &mut VecDeque<Bytes>, port: &Port) -> Result<(), String> {
        self.0.send(port.state()).unwrap();
        port.queue.close(Instant::now());
        lines.pop_front();
        Err("full".to_owned())
    }
}

/// Says what it is to write and when, and does what it is told: nothing, for a reason, or all.
struct Told {
    asked: Sender<(Instant, Vec<Bytes>)>,
    orders: Receiver<Option<&'static str>>,
}

impl Sink for Told {
    const BATCH: usize = 4;

    fn write(&mut self, lines: &mut VecDeque<Bytes>, _: &Port) -> Result<(), String> {
        let batch = lines.iter().cloned().collect();
        self.asked.send((Instant::now(), batch)).unwrap();
        // Whoever gives no orders any more wants it to fail.
        match self.orders.recv().unwrap_or(Some("nobody is there")) {
            Some(why) => Err(why.to_owned()),
            None => {
                lines.clear();
                Ok(())
            }
        }
    }
}

/// What the other side of a [`Told`] has.
struct Teller {
    asked: Receiver<(Instant, Vec<Bytes>)>,
    orders: Sender<Option<&'static str>>,
}

impl Teller {
    fn next(&self) -> (Instant, Vec<Bytes>) {
        self.asked.recv_timeout(PATIENCE).unwrap()
    }

    fn order(&self, order: Option<&'static str>) {
        self.orders.send(order).unwrap();
    }
}

/// Drives a sink with room for ten bytes, until `work` is done with it and it has ended.
fn driven(work: impl FnOnce(Teller, &Port)) -> SinkState {
    let port = Port::new("file", Queue::new(10));
    let (asked_in, asked) = channel();
    let (orders, orders_out) = channel();
    let sink = Told {
        asked: asked_in,
        orders: orders_out,
    };
    thread::scope(|scope| {
        scope.spawn(|| drive(sink, &port));
        work(Teller { asked, orders }, &port);
    });
    port.state()
}

fn push(port: &Port, texts: &[&'static str]) {
    let lines: Vec<_> = texts.iter().copied().map(Bytes::from).collect();
    port.queue.push(&lines);
}

#[test]
fn a_failing_sink_is_tried_again_with_growing_pauses_and_the_oldest_make_room() {
    let state = driven(|teller, port| {
        push(port, &["a1", "a2", "a3"]);
        let (first, batch) = teller.next();
        assert_eq!(batch, ["a1", "a2"]);
        push(port, &["b1", "b2", "b3", "b4", "b5", "b6"]);
        assert_eq!(port.dropped(), 2);
        teller.order(Some("down"));

        let (second, batch) = teller.next();
        assert_eq!(batch, ["a1", "a2"]);
        assert!(second - first >= PAUSES.0);
        let state = port.state();
        assert_eq!((state.error.as_deref(), state.errors), (Some("down"), 1));
        teller.order(Some("still down"));

        let (third, batch) = teller.next();
        assert_eq!(batch, ["a1", "a2"]);
        assert!(third - second >= PAUSES.0 * 2);
        let since = state.failing_since;
        let state = port.state();
        assert_eq!(
            (state.error.as_deref(), state.errors),
            (Some("still down"), 2)
        );
        assert!(since.is_some() && state.failing_since == since);
        teller.order(None);

        for wanted in [["b2", "b3"], ["b4", "b5"]] {
            assert_eq!(teller.next().1, wanted);
            assert_eq!(port.state().failing_since, None);
            teller.order(None);
        }
        assert_eq!(teller.next().1, ["b6"]);
        port.queue.close(Instant::now() + PATIENCE);
        teller.order(None);
    });
    assert_eq!((state.written, state.dropped, state.errors), (7, 2, 2));
    assert_eq!((state.waiting, state.error), (0, None));
}

#[test]
fn a_sink_that_works_again_before_the_end_writes_all() {
    let state = driven(|teller, port| {
        push(port, &["a1", "a2", "a3"]);
        teller.next();
        teller.order(Some("down"));
        teller.next();
        port.queue.close(Instant::now() + PATIENCE);
        teller.order(Some("down"));
        assert_eq!(teller.next().1, ["a1", "a2"]);
        teller.order(None);
        assert_eq!(teller.next().1, ["a3"]);
        teller.order(None);
    });
    assert_eq!((state.written, state.dropped, state.waiting), (3, 0, 0));
}

#[test]
fn what_fails_until_the_end_is_counted_as_dropped() {
    let begun = Instant::now();
    let state = driven(|teller, port| {
        push(port, &["a1", "a2", "a3"]);
        teller.next();
        port.queue.close(Instant::now() + PAUSES.0 * 3);
        teller.order(Some("down"));
        assert_eq!(teller.next().1, ["a1", "a2"]);
        teller.order(Some("down"));
        while teller.asked.recv_timeout(PATIENCE).is_ok() {
            teller.order(Some("down"));
        }
    });
    assert!(state.errors >= 2 && begun.elapsed() < PATIENCE);
    assert_eq!((state.written, state.dropped, state.waiting), (0, 3, 0));
}

#[test]
fn a_sink_that_comes_back_after_the_end_is_given_no_more_lines() {
    let state = driven(|teller, port| {
        push(port, &["a1", "a2", "a3"]);
        teller.next();
        port.queue.close(Instant::now());
        teller.order(None);
        assert!(teller.asked.recv_timeout(PATIENCE).is_err());
    });
    assert_eq!((state.written, state.dropped, state.waiting), (2, 1, 0));
}

#[test]
fn a_sink_without_lines_is_asked_to_look_after_itself() {
    let state = driven(|teller, port| {
        assert_eq!(teller.next().1, [""; 0]);
        teller.order(Some("gone"));
        assert_eq!(teller.next().1, [""; 0]);
        assert_eq!(port.state().error.as_deref(), Some("gone"));
        port.queue.close(Instant::now());
        teller.order(None);
    });
    assert_eq!((state.error, state.errors, state.dropped), (None, 1, 0));
}

#[test]
fn lines_in_the_hand_of_a_sink_wait_until_they_are_written_or_given_up() {
    let port = Port::new("file", Queue::new(1000));
    port.queue.push(&["aaaa", "bb", "c"].map(Bytes::from));
    let (seen, states) = channel();
    drive(Full(seen), &port);
    let before = states.recv().unwrap();
    assert_eq!((before.waiting, before.waiting_bytes), (3, 7));
    let after = port.state();
    assert_eq!((after.waiting, after.waiting_bytes), (0, 0));
    assert_eq!((after.written, after.dropped, after.errors), (1, 2, 1));
    assert_eq!(after.error.as_deref(), Some("full"));
    assert!(after.failing_since.is_some());
}
