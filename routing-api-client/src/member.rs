//! A named application, whatever becomes of its connections.

mod health;
mod limit;
mod record;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use crate::endpoint::{Endpoint, Scheme};
use crate::policy::Member;

pub(crate) use health::{Health, Standing};
pub(crate) use limit::{Limiter, Place};
pub(crate) use record::{Percentiles, Record, Tally};

/// What all shards and all connections of one application share. It outlives each of them.
#[derive(Debug)]
pub(crate) struct MemberState {
    pub(crate) name: Arc<str>,
    pub(crate) health: Health,
    pub(crate) limit: Arc<Limiter>,
    settings: RwLock<MemberSettings>,
    /// One for each shard that may ask it.
    records: Mutex<Vec<Arc<Record>>>,
    /// That of the thread that asks shadows.
    shadow_record: OnceLock<Arc<Record>>,
}

/// What the policy says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberSettings {
    /// The pool's name.
    pub(crate) pool: Arc<str>,
    pub(crate) weight: u32,
    pub(crate) canary: Option<u8>,
    /// The percentage of questions that it looks at, if it only looks on.
    pub(crate) shadow: Option<u8>,
    pub(crate) draining: bool,
    /// A SIP redirect server, which is not asked over a channel.
    pub(crate) redirect: Option<Arc<Endpoint>>,
    /// Whether the policy names it.
    pub(crate) configured: bool,
}

impl MemberSettings {
    /// Of an application that the policy does not name.
    pub(crate) fn unnamed(pool: Arc<str>) -> Self {
        Self {
            pool,
            weight: 1,
            canary: None,
            shadow: None,
            draining: false,
            redirect: None,
            configured: false,
        }
    }

    pub(crate) fn of(member: &Member, pool: Arc<str>) -> Self {
        let endpoint = member.dial.as_ref().map(|dial| &dial.endpoint);
        let redirect = endpoint.filter(|endpoint| endpoint.scheme == Scheme::Sip);
        Self {
            pool,
            weight: member.weight,
            canary: member.canary,
            shadow: member.shadow,
            draining: member.draining,
            redirect: redirect.map(|endpoint| Arc::new(endpoint.clone())),
            configured: true,
        }
    }
}

impl MemberState {
    pub(crate) fn new(name: Arc<str>, settings: MemberSettings) -> Self {
        Self {
            name,
            health: Health::default(),
            limit: Arc::default(),
            settings: RwLock::new(settings),
            records: Mutex::default(),
            shadow_record: OnceLock::new(),
        }
    }

    pub(crate) fn settings(&self) -> MemberSettings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn change(&self, settings: MemberSettings) {
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// A place for what one shard counts.
    pub(crate) fn new_record(&self) -> Arc<Record> {
        let record = Arc::new(Record::default());
        self.records().push(Arc::clone(&record));
        record
    }

    /// What is counted while it only looks on.
    pub(crate) fn shadow_record(&self) -> &Arc<Record> {
        self.shadow_record.get_or_init(|| self.new_record())
    }

    /// What all shards counted.
    pub(crate) fn tally(&self) -> Tally {
        let records = self.records();
        records
            .iter()
            .fold(Tally::default(), |sum, record| sum + record.tally())
    }

    /// How fast it answered of late.
    pub(crate) fn percentiles(&self, clock: u64) -> Option<Percentiles> {
        Percentiles::of(self.records().iter().map(|record| &**record), clock)
    }

    /// Forgets how fast it answered.
    pub(crate) fn forget_latencies(&self) {
        for record in self.records().iter() {
            record.forget_latencies();
        }
    }

    fn records(&self) -> MutexGuard<'_, Vec<Arc<Record>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
