//! Which target of one list is which target of the other.

use std::collections::{HashMap, VecDeque};

use super::routes::are_related;
use super::tree::Node;

/// Pairs of nodes that are looked at for what they have in common; beyond that the order decides.
const MOST_LOOKS: usize = 4096;

/// Who belongs to whom: first those that say the same, then those that lead to the same place, then
/// those between the same neighbours.
#[derive(Debug)]
pub(super) struct Pairing {
    /// For each expected node the one that was found.
    found: Vec<Option<usize>>,
    /// For each node that was found the one that was expected.
    expected: Vec<Option<usize>>,
}

impl Pairing {
    pub(super) fn new(expected: &[Node<'_>], found: &[Node<'_>], in_order: bool) -> Self {
        let mut pairing = Self {
            found: vec![None; expected.len()],
            expected: vec![None; found.len()],
        };
        pairing.pair_by(expected, found, |node| node.spelling());
        pairing.pair_by(expected, found, |node| node.destination());
        for (left, right) in pairing.gaps(in_order) {
            pairing.pair_related(expected, found, &left, &right);
            pairing.pair_rest(&left, &right);
        }
        pairing
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let pairs = self.found.iter().enumerate();
        pairs.filter_map(|(expected, found)| Some((expected, (*found)?)))
    }

    pub(super) fn is_in_order(&self) -> bool {
        self.pairs().is_sorted_by_key(|(_, found)| found)
    }

    /// What was expected and not found.
    pub(super) fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        alone(&self.found)
    }

    /// What was found and not expected.
    pub(super) fn extra(&self) -> impl Iterator<Item = usize> + '_ {
        alone(&self.expected)
    }

    fn pair(&mut self, expected: usize, found: usize) {
        if let (Some(one), Some(two)) = (self.found.get_mut(expected), self.expected.get_mut(found))
        {
            (*one, *two) = (Some(found), Some(expected));
        }
    }

    /// Pairs those that have the same key, the first with the first.
    fn pair_by(
        &mut self,
        expected: &[Node<'_>],
        found: &[Node<'_>],
        key: impl Fn(&Node<'_>) -> String,
    ) {
        let mut waiting: HashMap<String, VecDeque<usize>> = HashMap::new();
        for index in self.extra().collect::<Vec<_>>() {
            if let Some(node) = found.get(index) {
                waiting.entry(key(node)).or_default().push_back(index);
            }
        }
        for index in self.missing().collect::<Vec<_>>() {
            let queue = expected
                .get(index)
                .and_then(|node| waiting.get_mut(&key(node)));
            if let Some(found) = queue.and_then(VecDeque::pop_front) {
                self.pair(index, found);
            }
        }
    }

    /// What is still alone, by the pair that stands before it. Without order there is one gap.
    fn gaps(&self, in_order: bool) -> Vec<(Vec<usize>, Vec<usize>)> {
        if !in_order {
            return vec![(self.missing().collect(), self.extra().collect())];
        }
        let mut gaps: HashMap<Option<usize>, (Vec<usize>, Vec<usize>)> = HashMap::new();
        let mut before = None;
        for (index, found) in self.found.iter().enumerate() {
            match found {
                Some(_) => before = Some(index),
                None => gaps.entry(before).or_default().0.push(index),
            }
        }
        before = None;
        for (index, expected) in self.expected.iter().enumerate() {
            match expected {
                Some(_) => before = *expected,
                None => gaps.entry(before).or_default().1.push(index),
            }
        }
        gaps.into_values().collect()
    }

    fn pair_related(
        &mut self,
        expected: &[Node<'_>],
        found: &[Node<'_>],
        left: &[usize],
        right: &[usize],
    ) {
        if left.len().saturating_mul(right.len()) > MOST_LOOKS {
            return;
        }
        for &index in left {
            let is_free = |other: &&usize| self.expected.get(**other).is_some_and(Option::is_none);
            let related = |other: &&usize| {
                let nodes = expected.get(index).zip(found.get(**other));
                nodes.is_some_and(|(one, two)| are_related(one, two))
            };
            if let Some(&other) = right.iter().filter(is_free).find(related) {
                self.pair(index, other);
            }
        }
    }

    fn pair_rest(&mut self, left: &[usize], right: &[usize]) {
        let free = |side: &[Option<usize>], indices: &[usize]| -> Vec<usize> {
            let is_free = |index: &usize| side.get(*index).is_some_and(Option::is_none);
            indices.iter().copied().filter(is_free).collect()
        };
        let (left, right) = (free(&self.found, left), free(&self.expected, right));
        for (expected, found) in left.into_iter().zip(right) {
            self.pair(expected, found);
        }
    }
}

fn alone(side: &[Option<usize>]) -> impl Iterator<Item = usize> + '_ {
    let indices = side.iter().enumerate();
    indices.filter_map(|(index, other)| other.is_none().then_some(index))
}
