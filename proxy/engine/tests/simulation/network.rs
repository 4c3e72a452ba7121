//! The network: datagrams are lost, doubled, late and out of order; streams keep their order.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::rng::Choose;
use crate::scene::PeerId;

/// No datagram is under way for longer than this, in milliseconds; less than T4.
const LATEST: u64 = 4_000;

#[derive(Debug)]
pub(crate) struct Network {
    /// In percent.
    loss: u32,
    duplication: u32,
    /// Datagrams that take up to [`LATEST`].
    stragglers: u32,
    /// In per mille: datagrams whose bytes change.
    pub(crate) corruption: u32,
    /// In per mille: datagrams that somebody sends again, much later.
    pub(crate) replays: u32,
    /// The usual delay in milliseconds.
    delay: u64,
    /// When the last bytes of a stream arrive.
    streams: BTreeMap<(PeerId, Direction), u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    ToProxy,
    ToPeer,
}

impl Network {
    /// Good or bad, by the seed.
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let good = rng.percent(30);
        let upto = |rng: &mut Rng, most| if good { 0 } else { rng.u32(0..=most) };
        Self {
            loss: upto(rng, 25),
            duplication: upto(rng, 15),
            stragglers: upto(rng, 10),
            corruption: upto(rng, 8),
            replays: upto(rng, 8),
            delay: rng.u64(0..150),
            streams: BTreeMap::new(),
        }
    }

    /// When the copies of one datagram arrive: none, one or two of them.
    pub(crate) fn datagram(&self, rng: &mut Rng, now: u64) -> Vec<u64> {
        if rng.percent(self.loss) {
            return Vec::new();
        }
        let copies = if rng.percent(self.duplication) { 2 } else { 1 };
        (0..copies).map(|_| now + self.delay_of_one(rng)).collect()
    }

    /// When a message on a stream arrives: not before the one ahead of it.
    pub(crate) fn segment(
        &mut self,
        rng: &mut Rng,
        now: u64,
        peer: PeerId,
        direction: Direction,
    ) -> u64 {
        let earliest = self.streams.entry((peer, direction)).or_default();
        *earliest = (*earliest).max(now + rng.u64(0..=self.delay));
        *earliest
    }

    fn delay_of_one(&self, rng: &mut Rng) -> u64 {
        if rng.percent(self.stragglers) {
            rng.u64(0..LATEST)
        } else {
            rng.u64(0..=self.delay)
        }
    }
}
