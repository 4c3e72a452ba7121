//! What one subscriber has not acknowledged.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

/// Notifications in their order. Those at the front have been sent and wait for their `ack`.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    in_flight: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    id: Box<str>,
    payload: Bytes,
    queued: Instant,
}

impl Queue {
    /// Appends one, and gives up the oldest as long as there are more than `most` or they have more
    /// than `most_bytes`. How many were given up.
    pub(super) fn push(
        &mut self,
        now: Instant,
        id: &str,
        payload: Bytes,
        (most, most_bytes): (usize, usize),
    ) -> u64 {
        self.bytes += payload.len();
        self.entries.push_back(Entry {
            id: id.into(),
            payload,
            queued: now,
        });
        self.drop_while(|queue| queue.entries.len() > most || queue.bytes > most_bytes)
    }

    /// The next one to be sent, unless `window` of them wait for their `ack`.
    pub(super) fn next(&self, window: usize) -> Option<&Bytes> {
        let next = self.entries.get(self.in_flight)?;
        (self.in_flight < window).then_some(&next.payload)
    }

    /// That one has been sent.
    pub(super) fn sent(&mut self) {
        self.in_flight = (self.in_flight + 1).min(self.entries.len());
    }

    /// The next one has been sent, and needs no `ack`.
    pub(super) fn taken(&mut self) {
        if let Some(entry) = self.entries.remove(self.in_flight) {
            self.bytes -= entry.payload.len();
        }
    }

    /// Whether `id` was waiting for its `ack`.
    pub(super) fn ack(&mut self, id: &str) -> bool {
        let mut sent = self.entries.iter().take(self.in_flight);
        let Some(at) = sent.position(|entry| *entry.id == *id) else {
            return false;
        };
        self.in_flight -= 1;
        if let Some(entry) = self.entries.remove(at) {
            self.bytes -= entry.payload.len();
        }
        true
    }

    /// All that was sent has to be sent again. How many that are.
    pub(super) fn rewind(&mut self) -> u64 {
        std::mem::take(&mut self.in_flight) as u64
    }

    /// Gives up what is older than `oldest`. How many were given up.
    pub(super) fn expire(&mut self, oldest: Instant) -> u64 {
        self.drop_while(|queue| {
            let first = queue.entries.front();
            first.is_some_and(|entry| entry.queued < oldest)
        })
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn drop_while(&mut self, too_much: impl Fn(&Self) -> bool) -> u64 {
        let mut dropped = 0;
        while too_much(self)
            && let Some(entry) = self.entries.pop_front()
        {
            self.bytes -= entry.payload.len();
            self.in_flight = self.in_flight.saturating_sub(1);
            dropped += 1;
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NO_LIMIT: (usize, usize) = (100, 10_000);

    fn queue(ids: &[&str], limits: (usize, usize)) -> (Queue, u64) {
        let mut queue = Queue::default();
        let now = Instant::now();
        let dropped = ids
            .iter()
            .map(|id| queue.push(now, id, Bytes::copy_from_slice(id.as_bytes()), limits));
        let dropped = dropped.sum();
        (queue, dropped)
    }

    fn send_all(queue: &mut Queue, window: usize) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(next) = queue.next(window) {
            sent.push(String::from_utf8(next.to_vec()).unwrap());
            queue.sent();
        }
        sent
    }

    #[test]
    fn what_is_not_acknowledged_holds_back_the_rest_once_the_window_is_full() {
        let (mut queue, _) = queue(&["a", "b", "c"], NO_LIMIT);
        assert_eq!(send_all(&mut queue, 2), ["a", "b"]);
        assert!(queue.ack("b"));
        assert_eq!(send_all(&mut queue, 2), ["c"]);
        assert!(!queue.ack("b"));
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_in_its_order() {
        let (mut queue, _) = queue(&["a", "b", "c"], NO_LIMIT);
        send_all(&mut queue, 3);
        queue.ack("b");
        assert_eq!(queue.rewind(), 2);
        assert_eq!(send_all(&mut queue, 3), ["a", "c"]);
    }

    #[test]
    fn what_needs_no_ack_is_gone_once_it_is_sent() {
        let (mut queue, _) = queue(&["a", "b"], NO_LIMIT);
        queue.next(9).unwrap();
        queue.taken();
        assert_eq!((queue.len(), queue.in_flight()), (1, 0));
        assert_eq!(send_all(&mut queue, 9), ["b"]);
    }

    #[test]
    fn an_ack_for_what_was_not_sent_removes_nothing() {
        let (mut queue, _) = queue(&["a"], NO_LIMIT);
        assert!(!queue.ack("a"));
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn the_oldest_is_given_up_when_there_are_too_many_or_too_large_ones() {
        let (mut few, dropped) = queue(&["a", "b", "c"], (2, 100));
        assert_eq!((dropped, few.len()), (1, 2));
        assert_eq!(send_all(&mut few, 9), ["b", "c"]);
        let (small, dropped) = queue(&["aaaa", "bbbb", "c"], (9, 6));
        assert_eq!((dropped, small.len()), (1, 2));
    }

    #[test]
    fn one_that_was_sent_may_be_given_up_as_well() {
        let (mut queue, _) = queue(&["a", "b"], (2, 100));
        send_all(&mut queue, 1);
        queue.push(Instant::now(), "c", Bytes::from_static(b"c"), (2, 100));
        assert_eq!(queue.in_flight(), 0);
        assert_eq!(send_all(&mut queue, 9), ["b", "c"]);
    }

    #[test]
    fn what_is_too_old_is_given_up() {
        let (mut queue, _) = queue(&["a", "b"], NO_LIMIT);
        let later = Instant::now() + Duration::from_secs(1);
        queue.push(later, "c", Bytes::from_static(b"c"), NO_LIMIT);
        assert_eq!(queue.expire(later), 2);
        assert_eq!(queue.len(), 1);
    }
}
