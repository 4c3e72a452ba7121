//! One part of the cache.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use tidegate_schemas::RouteDocument;

use super::Stored;

/// A decision, and how long it may be used.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    pub(crate) document: Arc<RouteDocument>,
    pub(crate) fresh_until: Instant,
    pub(crate) stale_until: Instant,
}

/// Bounded: the oldest gives way.
#[derive(Debug)]
pub(super) struct Shelf {
    most: usize,
    most_bytes: usize,
    bytes: usize,
    next: u64,
    entries: HashMap<Arc<[u8]>, Entry, foldhash::fast::RandomState>,
    /// In the order of their storing; an entry that was replaced is at its first place no more.
    order: VecDeque<(u64, Arc<[u8]>)>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    bytes: usize,
    decision: Decision,
}

impl Shelf {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            most,
            most_bytes,
            bytes: 0,
            next: 0,
            entries: HashMap::default(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn find(&mut self, key: &[u8], now: Instant, stale: bool) -> Option<Decision> {
        let decision = self.entries.get(key)?.decision.clone();
        if decision.stale_until <= now {
            self.take(key);
            return None;
        }
        (stale || now < decision.fresh_until).then_some(decision)
    }

    pub(super) fn store(&mut self, key: Box<[u8]>, decision: Decision, now: Instant) -> Stored {
        let bytes = weigh(&key, &decision.document);
        if bytes > self.most_bytes || self.most == 0 {
            return Stored::default();
        }
        self.take(&key);
        let mut evicted = 0;
        while self.entries.len() >= self.most || self.bytes + bytes > self.most_bytes {
            match self.drop_oldest(now) {
                None => break,
                Some(served) => evicted += u64::from(served),
            }
        }
        self.insert(key.into(), bytes, decision);
        Stored {
            stored: true,
            evicted,
        }
    }

    pub(super) fn remove(&mut self, document: &Arc<RouteDocument>) {
        let is_it = |entry: &Entry| Arc::ptr_eq(&entry.decision.document, document);
        let known = self.entries.iter().find(|(_, entry)| is_it(entry));
        if let Some(key) = known.map(|(key, _)| Arc::clone(key)) {
            self.take(&key);
        }
    }

    fn insert(&mut self, key: Arc<[u8]>, bytes: usize, decision: Decision) {
        let number = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.order.push_back((number, Arc::clone(&key)));
        let entry = Entry {
            number,
            bytes,
            decision,
        };
        self.entries.insert(key, entry);
        if self.order.len() > 2 * self.most {
            let entries = &self.entries;
            self.order
                .retain(|(number, key)| entries.get(key).is_some_and(|e| e.number == *number));
        }
    }

    fn take(&mut self, key: &[u8]) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }

    /// Whether it could still have served; nothing when none is left.
    fn drop_oldest(&mut self, now: Instant) -> Option<bool> {
        while let Some((number, key)) = self.order.pop_front() {
            let entry = self.entries.get(&key).filter(|e| e.number == number);
            if let Some(served) = entry.map(|entry| entry.decision.stale_until > now) {
                self.take(&key);
                return Some(served);
            }
        }
        None
    }
}

/// About the bytes that an entry takes: a document is a few times larger than its text.
fn weigh(key: &[u8], document: &RouteDocument) -> usize {
    let mut counter = Counter(0);
    let _ = serde_json::to_writer(&mut counter, document);
    key.len() * 2 + counter.0 * 3 + size_of::<RouteDocument>() + size_of::<Entry>()
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn decision(now: Instant, uri: &str) -> Decision {
        let document = RouteDocument {
            context: Some(uri.to_owned()),
            ..RouteDocument::default()
        };
        Decision {
            document: Arc::new(document),
            fresh_until: now + Duration::from_secs(1),
            stale_until: now + Duration::from_secs(1),
        }
    }

    fn key(n: u8) -> Box<[u8]> {
        vec![n].into()
    }

    #[test]
    fn the_oldest_gives_way_when_the_bytes_are_used_up() {
        let now = Instant::now();
        let each = weigh(&key(0), &decision(now, "a").document);
        let mut shelf = Shelf::new(100, 2 * each);
        for n in 0..3 {
            assert!(shelf.store(key(n), decision(now, "a"), now).stored);
        }
        assert_eq!((shelf.entries.len(), shelf.bytes), (2, 2 * each));
        assert!(shelf.find(&key(0), now, true).is_none());
        assert!(shelf.find(&key(2), now, true).is_some());
    }

    #[test]
    fn what_is_larger_than_all_the_room_is_not_stored() {
        let now = Instant::now();
        let mut shelf = Shelf::new(100, 10_000);
        let large = decision(now, &"x".repeat(10_000));
        assert_eq!(shelf.store(key(1), large, now), Stored::default());
        assert_eq!(shelf.bytes, 0);
    }

    #[test]
    fn a_newer_decision_takes_the_place_of_the_older() {
        let now = Instant::now();
        let mut shelf = Shelf::new(2, 100_000);
        for uri in 0..100 {
            shelf.store(key(1), decision(now, &uri.to_string()), now);
        }
        let found = shelf.find(&key(1), now, false).unwrap();
        assert_eq!(found.document.context.as_deref(), Some("99"));
        assert_eq!(shelf.entries.len(), 1);
        assert!(shelf.order.len() <= 5);
    }

    #[test]
    fn what_is_too_old_is_gone() {
        let now = Instant::now();
        let mut shelf = Shelf::new(2, 100_000);
        shelf.store(key(1), decision(now, "a"), now);
        let later = now + Duration::from_secs(1);
        assert!(shelf.find(&key(1), later, true).is_none());
        assert_eq!((shelf.entries.len(), shelf.bytes), (0, 0));
    }
}
