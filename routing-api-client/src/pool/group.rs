//! The connections of one member.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::FixedState;

use super::{Pool, Seat};
use crate::member::{MemberSettings, MemberState, Record, Standing};
use crate::policy::{Member, Policy};
use crate::registry::Entry;

/// Answers without which nothing is said about how fast an application usually is.
const ENOUGH: u64 = 20;
/// Milliseconds between two looks at latencies.
const JUDGE_EVERY: u64 = 500;
/// What one question counts in turns for a weight of 1.
const STRIDE: u64 = 1 << 32;

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) member: Arc<MemberState>,
    pub(crate) seats: Vec<Arc<Seat>>,
    pub(super) weight: u32,
    /// The hundredths of calls that it gets alone.
    pub(super) canary: Option<(u8, u8)>,
    pub(super) draining: bool,
    pub(super) name_hash: u64,
    /// When its next turn is among those that have as much to do.
    pub(super) turn: u64,
    /// The connection at which the search begins.
    pub(super) next: usize,
    /// How long 95 of 100 answers take, if that is known.
    pub(crate) usual: Option<Duration>,
    record: Arc<Record>,
}

impl Pool {
    /// Shadows have no seat. `before` is what was known of the members.
    pub(super) fn fill(&mut self, entries: &[Entry], policy: &Policy, before: &[Group]) {
        for entry in entries {
            let settings = entry.member.settings();
            if settings.pool == self.settings.name && settings.shadow.is_none() {
                self.seat(entry, &settings, before);
            }
        }
        self.groups.sort_by_cached_key(|group| group.first());
        self.share_out_canaries(policy);
    }

    fn seat(&mut self, entry: &Entry, settings: &MemberSettings, before: &[Group]) {
        let is_it = |group: &Group| Arc::ptr_eq(&group.member, &entry.member);
        let at = match self.groups.iter().position(is_it) {
            Some(at) => at,
            None => {
                let known = before.iter().find(|group| is_it(group));
                self.groups
                    .push(Group::new(&entry.member, settings, known, self.turn));
                self.groups.len() - 1
            }
        };
        let Some(group) = self.groups.get_mut(at) else {
            return;
        };
        let redirect = settings.redirect.as_ref().filter(|_| entry.redirect);
        group.seats.push(Arc::new(Seat {
            application: Arc::clone(&entry.application),
            member: Arc::clone(&entry.member),
            record: Arc::clone(&group.record),
            on_failure: self.settings.on_failure,
            eject: self.settings.eject,
            redirect: redirect.cloned(),
        }));
    }

    /// Each canary gets hundredths of its own, in the order of their names: the same in all shards,
    /// and whether or not the others are connected.
    fn share_out_canaries(&mut self, policy: &Policy) {
        let pool_of = |member: &Member| policy.pools.get(member.pool).map(|pool| &pool.name);
        let members = policy.applications.iter();
        let ours = members.filter(|member| {
            member.shadow.is_none() && pool_of(member) == Some(&self.settings.name)
        });
        let canaries = ours.filter_map(|member| Some((Arc::clone(&member.name), member.canary?)));
        let mut canaries: Vec<_> = canaries.collect();
        canaries.sort();
        let mut begin = 0_u8;
        for (name, percentage) in canaries {
            let end = begin.saturating_add(percentage).min(100);
            let mut groups = self.groups.iter_mut();
            if let Some(group) = groups.find(|group| group.member.name == name) {
                group.canary = Some((begin, end));
            }
            begin = end;
        }
    }

    /// Looks from time to time how fast each member is, and leaves out who is too slow while another
    /// one is not. How many that are.
    pub(super) fn judge(&mut self, clock: u64) -> u64 {
        let allowed = self.settings.eject.slower_than;
        if (!self.settings.hedge && allowed.is_none()) || clock < self.judge_at {
            return 0;
        }
        self.judge_at = clock + JUDGE_EVERY;
        for group in &mut self.groups {
            let percentiles = group.member.percentiles(clock);
            group.usual = percentiles.filter(|p| p.count >= ENOUGH).map(|p| p.p95);
        }
        allowed.map_or(0, |allowed| self.leave_out_the_slow(clock, allowed))
    }

    fn leave_out_the_slow(&mut self, clock: u64, allowed: Duration) -> u64 {
        let is_fast = |group: &Group| {
            let can_be_asked =
                group.is_asked(clock) && group.seats.iter().any(|s| s.application.takes());
            can_be_asked && group.usual.is_some_and(|usual| usual <= allowed)
        };
        if !self.groups.iter().any(is_fast) {
            return 0;
        }
        let mut left_out = 0;
        for group in &mut self.groups {
            let too_slow = group.usual.is_some_and(|usual| usual > allowed);
            if too_slow
                && group
                    .member
                    .health
                    .lagged(clock, &self.settings.eject, allowed)
            {
                group.member.forget_latencies();
                group.usual = None;
                left_out += 1;
            }
        }
        left_out
    }
}

impl Group {
    fn new(
        member: &Arc<MemberState>,
        settings: &MemberSettings,
        before: Option<&Self>,
        turn: u64,
    ) -> Self {
        Self {
            member: Arc::clone(member),
            seats: Vec::new(),
            weight: settings.weight,
            canary: None,
            draining: settings.draining,
            name_hash: FixedState::with_seed(0).hash_one(&*member.name),
            turn: before.map_or(turn, |group| group.turn),
            next: before.map_or(0, |group| group.next),
            usual: before.and_then(|group| group.usual),
            record: before.map_or_else(|| member.new_record(), |group| Arc::clone(&group.record)),
        }
    }

    pub(super) fn is_asked(&self, clock: u64) -> bool {
        !self.draining && self.weight > 0 && self.member.health.standing(clock) == Standing::In
    }

    pub(super) fn in_flight(&self) -> u64 {
        let of = |seat: &Arc<Seat>| u64::from(seat.application.in_flight());
        self.seats.iter().map(of).sum()
    }

    /// It had its turn, which is further away the less it weighs.
    pub(super) fn took_turn(&mut self, seat: usize, now: u64) {
        self.turn = self.turn.max(now) + (STRIDE / u64::from(self.weight.max(1))).max(1);
        self.next = seat + 1;
    }

    fn first(&self) -> Option<crate::ApplicationId> {
        self.seats.iter().map(|seat| seat.id()).min()
    }
}
