//! A map that forgets the oldest beyond a bound.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// What is newer than this many others is kept.
#[derive(Debug)]
pub(super) struct Ledger<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// In the order of their ages; entries that are gone stay in it until it is swept.
    order: VecDeque<(u64, K)>,
    next: u64,
    most: usize,
}

/// Leftovers in the order that are not worth a sweep.
const SLACK: usize = 64;

impl<K: Copy + Eq + Hash, V> Ledger<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            next: 0,
            most: most.max(1),
        }
    }

    /// Takes an entry in, as the newest.
    pub(super) fn insert(&mut self, key: K, value: V) {
        self.entries.insert(key, (self.next, value));
        self.order.push_back((self.next, key));
        self.next += 1;
        while self.entries.len() > self.most {
            self.drop_oldest();
        }
        if self.order.len() > 2 * self.entries.len() + SLACK {
            let entries = &self.entries;
            self.order.retain(|(age, key)| is_live(entries, *age, key));
        }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(_, value)| value)
    }

    fn drop_oldest(&mut self) {
        if let Some((age, key)) = self.order.pop_front()
            && is_live(&self.entries, age, &key)
        {
            self.entries.remove(&key);
        }
    }
}

fn is_live<K: Eq + Hash, V>(entries: &HashMap<K, (u64, V)>, age: u64, key: &K) -> bool {
    entries.get(key).is_some_and(|(known, _)| *known == age)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_one_that_came_again_is_new() {
        let mut ledger = Ledger::new(2);
        for key in [1, 2, 1, 3] {
            ledger.insert(key, ());
        }
        assert!(ledger.remove(&2).is_none());
        assert!(ledger.remove(&1).is_some() && ledger.remove(&3).is_some());
    }

    proptest! {
        #[test]
        fn holds_no_more_than_its_bound_whatever_happens(
            steps in proptest::collection::vec((any::<bool>(), 0..50_u8), 0..600)
        ) {
            let mut ledger = Ledger::new(8);
            for (insert, key) in steps {
                match insert {
                    true => ledger.insert(key, key),
                    false => {
                        ledger.remove(&key);
                    }
                }
                prop_assert!(ledger.entries.len() <= 8);
                prop_assert!(ledger.order.len() <= 2 * 8 + SLACK + 1);
                prop_assert!(ledger.order.len() >= ledger.entries.len());
            }
        }
    }
}
