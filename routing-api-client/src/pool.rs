//! One shard's list of the applications that it may ask.

use std::sync::Arc;

use crate::application::{Application, ApplicationId};
use crate::pending::Asked;
use crate::registry::Registry;

#[derive(Debug)]
pub(crate) struct Pool {
    registry: Arc<Registry>,
    version: u64,
    applications: Vec<Arc<Application>>,
    /// Where the search begins, so that equals take turns.
    next: usize,
}

/// The application to ask.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) application: Arc<Application>,
    /// Whether another one could be asked after it.
    pub(crate) others: bool,
}

/// What was found in a search.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    pub(crate) choice: Option<Choice>,
    /// Applications that were left out since their outgoing queue is full.
    pub(crate) full: u64,
}

impl Pool {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        let version = registry.version();
        let applications = registry.snapshot();
        Self {
            registry,
            version,
            applications,
            next: 0,
        }
    }

    /// Learns of new applications. Those that are gone stay known until their loss is reported.
    pub(crate) fn refresh(&mut self) {
        let version = self.registry.version();
        if version == self.version {
            return;
        }
        self.version = version;
        for application in self.registry.snapshot() {
            if self.get(application.id).is_none() {
                self.applications.push(application);
            }
        }
    }

    pub(crate) fn get(&self, id: ApplicationId) -> Option<&Arc<Application>> {
        self.applications.iter().find(|a| a.id == id)
    }

    pub(crate) fn len(&self) -> usize {
        self.applications.len()
    }

    pub(crate) fn forget(&mut self, id: ApplicationId) {
        self.applications.retain(|a| a.id != id);
    }

    /// Finds the application with the fewest questions in flight among those that can be asked and
    /// were not; the suspect come last.
    pub(crate) fn choose(&mut self, clock: u64, asked: &[Asked]) -> Search {
        let mut search = Search::default();
        let (mut best, mut candidates) = (None, 0);
        for (at, application) in self.in_turn() {
            if asked.iter().any(|a| a.application == application.id) || !application.takes() {
                continue;
            }
            if application.outgoing.full() {
                search.full += 1;
                continue;
            }
            candidates += 1;
            let load = (application.suspect(clock), application.in_flight());
            if best.is_none_or(|(least, _)| load < least) {
                best = Some((load, at));
            }
        }
        search.choice = best.and_then(|(_, at)| self.take(at, candidates > 1));
        search
    }

    fn in_turn(&self) -> impl Iterator<Item = (usize, &Arc<Application>)> {
        let all = || self.applications.iter().enumerate();
        all().skip(self.next).chain(all().take(self.next))
    }

    fn take(&mut self, at: usize, others: bool) -> Option<Choice> {
        let application = Arc::clone(self.applications.get(at)?);
        self.next = at + 1;
        Some(Choice {
            application,
            others,
        })
    }
}
