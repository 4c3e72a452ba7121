//! One shard's list of the applications that it may ask.

mod choose;
mod group;

use std::sync::Arc;

use crate::application::{Application, ApplicationId};
use crate::endpoint::Endpoint;
use crate::member::{Limiter, MemberState, Record};
use crate::policy;
use crate::registry::{Registry, Roster};

pub(crate) use choose::{Choice, Query, Search};
pub(crate) use group::Group;

/// One connection to an application, as one shard sees it.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) application: Arc<Application>,
    pub(crate) member: Arc<MemberState>,
    /// This shard's own.
    pub(crate) record: Arc<Record>,
    pub(crate) on_failure: policy::FailureTable,
    pub(crate) eject: policy::Eject,
    /// It stands for a SIP redirect server.
    pub(crate) redirect: Option<Arc<Endpoint>>,
}

impl Seat {
    pub(crate) fn id(&self) -> ApplicationId {
        self.application.id
    }

    pub(crate) fn is_of(&self, member: &Arc<MemberState>) -> bool {
        Arc::ptr_eq(&self.member, member)
    }
}

/// A pool of the policy, and who is there of it.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) settings: policy::Pool,
    pub(crate) limit: Arc<Limiter>,
    pub(crate) groups: Vec<Group>,
    /// How far the turns have come.
    turn: u64,
    /// When latencies are looked at again.
    judge_at: u64,
}

/// All pools, in the policy's order.
#[derive(Debug)]
pub(crate) struct Pools {
    registry: Arc<Registry>,
    version: u64,
    /// As the registry has it.
    source: Arc<policy::Policy>,
    /// A copy, so that counting its holders concerns this shard alone.
    policy: Arc<policy::Policy>,
    pools: Vec<Pool>,
}

impl Pools {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        let roster = registry.roster();
        let mut pools = Self {
            registry,
            version: 0,
            source: Arc::default(),
            policy: Arc::default(),
            pools: Vec::new(),
        };
        pools.take(roster);
        pools
    }

    /// Learns of new applications and of a new policy.
    pub(crate) fn refresh(&mut self) {
        if self.registry.version() != self.version {
            let roster = self.registry.roster();
            self.take(roster);
        }
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> &Arc<policy::Policy> {
        &self.policy
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Pool> {
        self.pools.get_mut(index)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Pool> {
        self.pools.get(index)
    }

    /// A pool of a policy that may no longer be in force, by its name.
    pub(crate) fn find(&self, policy: &Arc<policy::Policy>, index: usize) -> Option<usize> {
        if Arc::ptr_eq(policy, &self.policy) {
            return Some(index);
        }
        let name = &policy.pools.get(index)?.name;
        let mut pools = self.pools.iter();
        pools.position(|pool| pool.settings.name == *name)
    }

    pub(crate) fn seat(&self, id: ApplicationId) -> Option<&Arc<Seat>> {
        let groups = self.pools.iter().flat_map(|pool| pool.groups.iter());
        let mut seats = groups.flat_map(|group| group.seats.iter());
        seats.find(|seat| seat.id() == id)
    }

    /// Connections in all pools.
    pub(crate) fn seats(&self) -> usize {
        let groups = self.pools.iter().flat_map(|pool| pool.groups.iter());
        groups.map(|group| group.seats.len()).sum()
    }

    fn take(&mut self, roster: Roster) {
        self.version = roster.version;
        if !Arc::ptr_eq(&self.source, &roster.policy) {
            self.policy = Arc::new(policy::Policy::clone(&roster.policy));
            self.source = Arc::clone(&roster.policy);
        }
        let limits = roster.limits.into_iter();
        let settings = roster.policy.pools.iter().zip(limits);
        let before = std::mem::take(&mut self.pools);
        let mut groups: Vec<Group> = Vec::new();
        let mut turns: Vec<(Arc<str>, u64)> = Vec::new();
        for pool in before {
            turns.push((pool.settings.name, pool.turn));
            groups.extend(pool.groups);
        }
        for (settings, limit) in settings {
            let turn = turns.iter().find(|(name, _)| *name == settings.name);
            let mut pool = Pool {
                settings: settings.clone(),
                limit,
                groups: Vec::new(),
                turn: turn.map_or(0, |(_, turn)| *turn),
                judge_at: 0,
            };
            pool.fill(&roster.entries, &roster.policy, &groups);
            self.pools.push(pool);
        }
    }
}
