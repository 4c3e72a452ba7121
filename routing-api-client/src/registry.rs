//! Which applications are connected.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tidegate_schemas::message::FromProxy;
use tokio::sync::watch;

use crate::application::{Application, ApplicationId};
use crate::connection::unknown_call;
use crate::dialect::Dialect;
use crate::notify::Notifier;
use crate::policy::Policy;
use crate::settings::Settings;
use crate::stats::{ChannelCounters, ChannelStats};

/// The connected applications, shared by all shards and all connections.
///
/// A dispatcher keeps its own list of them and copies it anew only when the version moved, so that
/// asking costs one atomic load here.
#[derive(Debug)]
pub struct Registry {
    settings: Settings,
    started: Instant,
    next_id: AtomicU32,
    version: AtomicU64,
    applications: RwLock<Vec<Arc<Application>>>,
    policy: watch::Sender<Arc<Policy>>,
    notifications: Notifier,
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
}

impl Registry {
    /// Makes an empty registry.
    #[must_use]
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            notifications: Notifier::new(settings.clone()),
            settings,
            started: Instant::now(),
            next_id: AtomicU32::new(1),
            version: AtomicU64::new(0),
            applications: RwLock::default(),
            policy: watch::Sender::new(Arc::new(Policy::simple())),
            counters: ChannelCounters::default(),
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

    /// Replaces the policy while calls run.
    pub fn reconfigure(&self, policy: Arc<Policy>) {
        self.policy.send_replace(policy);
        self.change(|_| ());
    }

    /// The notifications about calls.
    #[must_use]
    pub fn notifications(&self) -> &Notifier {
        &self.notifications
    }

    /// Tells a connected application something that it did ask for. `false` when its connection is
    /// gone or does not read.
    pub fn tell(&self, id: ApplicationId, message: &FromProxy<'_>) -> bool {
        let all = self.snapshot();
        let application = all.iter().find(|application| application.id == id);
        let told = application.is_some_and(|application| application.notify(message).is_ok());
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
        self.snapshot().iter().map(|a| state(a)).collect()
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

    pub(crate) fn join(&self, application: Arc<Application>) {
        self.change(|all| all.push(application));
    }

    pub(crate) fn leave(&self, id: ApplicationId) {
        self.change(|all| all.retain(|a| a.id != id));
        self.notifications.leave(Instant::now(), id);
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn snapshot(&self) -> Vec<Arc<Application>> {
        self.applications
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Milliseconds since the start.
    pub(crate) fn clock(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX)
    }

    fn change(&self, edit: impl FnOnce(&mut Vec<Arc<Application>>)) {
        let mut all = self
            .applications
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        edit(&mut all);
        self.version.fetch_add(1, Ordering::Release);
    }
}

fn state(application: &Application) -> ApplicationState {
    ApplicationState {
        id: application.id,
        name: application.name(),
        dialect: application.dialect().name(),
        in_flight: application.in_flight(),
        credit: application.credit(),
        draining: application.draining(),
    }
}
