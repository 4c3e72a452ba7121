//! Which applications are connected, and what the policy says about them.

mod change;
mod members;
mod report;
mod sample;
mod trouble;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tidegate_schemas::message::FromProxy;
use tokio::sync::watch;

use crate::application::{Application, ApplicationId};
use crate::cache::Cache;
use crate::connection::unknown_call;
use crate::dialect::Dialect;
use crate::member::{Limiter, MemberState};
use crate::notify::Notifier;
use crate::policy::Policy;
use crate::settings::Settings;
use crate::shadow::Shadows;
use crate::stats::{ChannelCounters, ChannelStats};
use members::Members;
use sample::Samples;
use trouble::Trouble;

pub use change::ChangeError;
pub use report::{Latency, MemberReport, MemberStatus};
pub use sample::{SampleAnswer, SampleError};

/// The connected applications, shared by all shards and all connections.
///
/// A dispatcher keeps its own list of them and copies it anew only when the version moved, so that
/// asking costs one atomic load here.
#[derive(Debug)]
pub struct Registry {
    settings: Settings,
    started: Instant,
    started_unix_ms: u64,
    next_id: AtomicU32,
    version: AtomicU64,
    members: RwLock<Members>,
    policy: watch::Sender<Arc<Policy>>,
    /// Held while the policy is exchanged, so that the watch and the members see the same order.
    changing: Mutex<()>,
    samples: Samples,
    trouble: Trouble,
    notifications: Notifier,
    shadows: Shadows,
    pub(crate) cache: Cache,
    pub(crate) counters: ChannelCounters,
}

/// One application, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationState {
    /// Its connection.
    pub id: ApplicationId,
    /// What it calls itself, or its address.
    pub name: Arc<str>,
    /// `native` or `evapi`.
    pub dialect: &'static str,
    /// Questions that it has not answered.
    pub in_flight: u32,
    /// Most questions that it takes at once.
    pub credit: u32,
    /// Whether it gets new questions.
    pub draining: bool,
    /// Whether it only looks on.
    pub shadow: bool,
}

/// A copy of all that a dispatcher has to know.
#[derive(Debug)]
pub(crate) struct Roster {
    pub(crate) version: u64,
    pub(crate) policy: Arc<Policy>,
    /// One for each of the policy's pools.
    pub(crate) limits: Vec<Arc<Limiter>>,
    pub(crate) entries: Vec<Entry>,
}

/// An application that can be asked, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) application: Arc<Application>,
    pub(crate) member: Arc<MemberState>,
    /// It stands for a SIP redirect server, and has no connection.
    pub(crate) redirect: bool,
}

impl Registry {
    /// Makes an empty registry, with [`Policy::simple`].
    #[must_use]
    pub fn new(settings: Settings) -> Arc<Self> {
        let policy = Arc::new(Policy::simple());
        Arc::new(Self {
            started: Instant::now(),
            started_unix_ms: unix_ms(),
            next_id: AtomicU32::new(1),
            version: AtomicU64::new(0),
            members: RwLock::new(Members::new(Arc::clone(&policy))),
            policy: watch::Sender::new(policy),
            changing: Mutex::default(),
            samples: Samples::default(),
            trouble: Trouble::default(),
            notifications: Notifier::new(settings.clone()),
            shadows: Shadows::default(),
            cache: Cache::new(settings.cache_entries, settings.cache_bytes),
            counters: ChannelCounters::default(),
            settings,
        })
    }

    /// How applications are asked.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whom to ask, as it is and as it changes.
    #[must_use]
    pub fn policy(&self) -> watch::Receiver<Arc<Policy>> {
        self.policy.subscribe()
    }

    /// Replaces the policy while calls run. Consultations that are under way end by the chain with
    /// which they began.
    pub fn reconfigure(&self, policy: Arc<Policy>) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.exchange(policy);
    }

    /// The notifications about calls.
    #[must_use]
    pub fn notifications(&self) -> &Notifier {
        &self.notifications
    }

    /// Those that only look on.
    #[must_use]
    pub fn shadows(&self) -> &Shadows {
        &self.shadows
    }

    /// Tells a connected application something that it did ask for. `false` when its connection is
    /// gone or does not read.
    pub fn tell(&self, id: ApplicationId, message: &FromProxy<'_>) -> bool {
        let members = self.read();
        let mut entries = members.entries.iter();
        let entry = entries.find(|entry| entry.application.id == id);
        let told = entry.is_some_and(|entry| entry.application.notify(message).is_ok());
        if !told {
            self.counters.notices_dropped.add();
        }
        told
    }

    /// Tells a connected application that there is no such call to be ended.
    pub fn tell_unknown_call(&self, id: ApplicationId, reference: Option<&str>) -> bool {
        self.tell(id, &FromProxy::Error(unknown_call(reference)))
    }

    /// A copy of what is connected.
    #[must_use]
    pub fn applications(&self) -> Vec<ApplicationState> {
        let members = self.read();
        let connected = members.entries.iter().filter(|entry| !entry.redirect);
        connected.map(|entry| state(&entry.application)).collect()
    }

    /// What all connections counted together.
    #[must_use]
    pub fn stats(&self) -> ChannelStats {
        self.counters.read()
    }

    /// An application that nobody asks before it has [joined](Self::join).
    pub(crate) fn prepare(&self, dialect: Dialect, pool: Arc<str>) -> Arc<Application> {
        let id = ApplicationId(self.next_id.fetch_add(1, Ordering::Relaxed));
        Arc::new(Application::new(id, dialect, pool, &self.settings))
    }

    /// Makes it one of the connections of the member that has its name.
    pub(crate) fn join(&self, application: Arc<Application>) {
        self.change(|members| members.join(application));
    }

    pub(crate) fn leave(&self, id: ApplicationId) {
        self.change(|members| members.leave(id));
        self.lose_samples(id);
        self.notifications.leave(Instant::now(), id);
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn roster(&self) -> Roster {
        let members = self.read();
        Roster {
            version: self.version(),
            policy: Arc::clone(&members.policy),
            limits: members.limits(),
            entries: members.entries.clone(),
        }
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub(crate) fn unix_ms(&self, now: Instant) -> u64 {
        self.started_unix_ms + self.clock(now)
    }

    #[cfg(test)]
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    #[cfg(test)]
    pub(crate) fn snapshot(&self) -> Vec<Arc<Application>> {
        let members = self.read();
        let all = members.entries.iter();
        all.map(|entry| Arc::clone(&entry.application)).collect()
    }

    /// Milliseconds since the start.
    pub(crate) fn clock(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX)
    }

    fn exchange(&self, policy: Arc<Policy>) {
        self.change(|members| {
            members.reconfigure(Arc::clone(&policy), |dialect, pool| {
                self.prepare(dialect, pool)
            });
        });
        self.policy.send_replace(policy);
    }

    fn read(&self) -> RwLockReadGuard<'_, Members> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, edit: impl FnOnce(&mut Members)) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        edit(&mut members);
        for entry in &members.entries {
            let looks_on = entry.member.settings().shadow.is_some();
            entry.application.look_on(looks_on);
        }
        self.version.fetch_add(1, Ordering::Release);
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn state(application: &Application) -> ApplicationState {
    ApplicationState {
        id: application.id,
        name: application.name(),
        dialect: application.dialect().name(),
        in_flight: application.in_flight(),
        credit: application.credit(),
        draining: application.draining(),
        shadow: application.is_shadow(),
    }
}

#[cfg(test)]
mod tests;
