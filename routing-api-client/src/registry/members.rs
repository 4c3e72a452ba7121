//! Which connection belongs to which member, and which member to which pool.

use std::sync::Arc;

use crate::application::{Application, ApplicationId};
use crate::dialect::Dialect;
use crate::dialect::native::NativeDialect;
use crate::member::{Limiter, MemberSettings, MemberState};
use crate::policy::Policy;

use super::Entry;

/// Members that the policy does not name are remembered after their last connection, so that they
/// are known when they come back; the oldest give way beyond this many.
const DEPARTED: usize = 64;

#[derive(Debug)]
pub(super) struct Members {
    pub(super) policy: Arc<Policy>,
    pub(super) entries: Vec<Entry>,
    pub(super) all: Vec<Arc<MemberState>>,
    /// By the pool's name, whatever policy comes.
    limits: Vec<(Arc<str>, Arc<Limiter>)>,
}

impl Members {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            entries: Vec::new(),
            all: Vec::new(),
            limits: Vec::new(),
        }
    }

    pub(super) fn join(&mut self, application: Arc<Application>) {
        let member = self.member_of(&application);
        self.entries.push(Entry {
            application,
            member,
            redirect: false,
        });
    }

    pub(super) fn leave(&mut self, id: ApplicationId) {
        self.entries.retain(|entry| entry.application.id != id);
        self.forget_departed();
    }

    /// The bounds of the pools, in the policy's order.
    pub(super) fn limits(&self) -> Vec<Arc<Limiter>> {
        let of = |name: &Arc<str>| self.limits.iter().find(|(known, _)| known == name);
        let pools = self.policy.pools.iter();
        pools
            .map(|pool| of(&pool.name).map_or_else(Arc::default, |(_, limit)| Arc::clone(limit)))
            .collect()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Arc<MemberState>> {
        let known = || self.all.iter().filter(|member| *member.name == *name);
        let configured = known().find(|member| member.settings().configured);
        configured.or_else(|| known().find(|member| self.connections(member).next().is_some()))
    }

    pub(super) fn connections(&self, member: &Arc<MemberState>) -> impl Iterator<Item = &Entry> {
        let is_its = move |entry: &&Entry| Arc::ptr_eq(&entry.member, member);
        self.entries.iter().filter(is_its)
    }

    /// `prepare` makes the stand-ins for SIP redirect servers.
    pub(super) fn reconfigure(
        &mut self,
        policy: Arc<Policy>,
        prepare: impl Fn(Dialect, Arc<str>) -> Arc<Application>,
    ) {
        self.policy = policy;
        self.reconfigure_pools();
        self.reconfigure_members();
        let entries = std::mem::take(&mut self.entries);
        for mut entry in entries {
            if !entry.redirect {
                entry.member = self.member_of(&entry.application);
            } else if entry.member.settings().redirect.is_none() {
                continue;
            }
            self.entries.push(entry);
        }
        self.stand_in(prepare);
        self.forget_departed();
    }

    fn reconfigure_pools(&mut self) {
        for pool in &self.policy.pools {
            let known = self.limits.iter().find(|(name, _)| *name == pool.name);
            match known {
                Some((_, limit)) => limit.set(pool.max_in_flight),
                None => {
                    let limit = Limiter::default();
                    limit.set(pool.max_in_flight);
                    self.limits.push((Arc::clone(&pool.name), Arc::new(limit)));
                }
            }
        }
    }

    fn reconfigure_members(&mut self) {
        let policy = Arc::clone(&self.policy);
        for member in &self.all {
            if member.settings().configured {
                let pool = member.settings().pool;
                member.change(MemberSettings::unnamed(self.pool_or_first(&pool)));
                member.limit.set(None);
            }
        }
        for configured in &policy.applications {
            let Some(pool) = policy.pools.get(configured.pool) else {
                continue;
            };
            let settings = MemberSettings::of(configured, Arc::clone(&pool.name));
            let member = match self.named(&configured.name) {
                Some(member) => Arc::clone(member),
                None => self.find_or_make(&configured.name, &settings),
            };
            member.limit.set(configured.max_in_flight);
            member.change(settings);
        }
    }

    /// The policy's member of that name; else the one in the listener's pool.
    fn member_of(&mut self, application: &Application) -> Arc<MemberState> {
        let name = application.name();
        let mut known = self.all.iter().filter(|member| member.name == name);
        if let Some(member) = known.find(|member| member.settings().configured) {
            return Arc::clone(member);
        }
        let pool = self.pool_or_first(&application.pool);
        self.find_or_make(&name, &MemberSettings::unnamed(pool))
    }

    fn find_or_make(&mut self, name: &Arc<str>, settings: &MemberSettings) -> Arc<MemberState> {
        let is_it = |member: &&Arc<MemberState>| {
            member.name == *name && member.settings().pool == settings.pool
        };
        if let Some(member) = self.all.iter().find(is_it) {
            return Arc::clone(member);
        }
        let member = Arc::new(MemberState::new(Arc::clone(name), settings.clone()));
        self.all.push(Arc::clone(&member));
        member
    }

    /// A pool that is not there is the first one.
    fn pool_or_first(&self, name: &str) -> Arc<str> {
        let pools = &self.policy.pools;
        let pool = pools.iter().find(|pool| *pool.name == *name);
        pool.or_else(|| pools.first())
            .map_or_else(|| Arc::from(name), |pool| Arc::clone(&pool.name))
    }

    fn stand_in(&mut self, prepare: impl Fn(Dialect, Arc<str>) -> Arc<Application>) {
        for member in self.all.clone() {
            let settings = member.settings();
            let stands = self.connections(&member).any(|entry| entry.redirect);
            if settings.redirect.is_none() || stands {
                continue;
            }
            let dialect = Dialect::Native(NativeDialect::default());
            let application = prepare(dialect, settings.pool);
            application.introduce(&member.name, None);
            self.entries.push(Entry {
                application,
                member,
                redirect: true,
            });
        }
    }

    fn forget_departed(&mut self) {
        let entries = &self.entries;
        let is_departed = |member: &Arc<MemberState>| {
            let has_connection = entries.iter().any(|e| Arc::ptr_eq(&e.member, member));
            !has_connection && !member.settings().configured
        };
        let departed = self.all.iter().filter(|m| is_departed(m)).count();
        let mut surplus = departed.saturating_sub(DEPARTED);
        self.all.retain(|member| {
            let gives_way = surplus > 0 && is_departed(member);
            surplus -= usize::from(gives_way);
            !gives_way
        });
    }
}
