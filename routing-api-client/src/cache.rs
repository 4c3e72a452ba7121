//! Decisions that may be used again.

mod key;
mod shelf;

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use foldhash::quality::FixedState;
use tidegate_schemas::cache::CacheKeyPart;
use tidegate_schemas::{RouteDocument, RouteEvent};

pub(crate) use key::{Attributes, Where};
pub(crate) use shelf::Decision;
use shelf::Shelf;

/// Parts under locks of their own. A power of two.
const SHELVES: usize = 8;
/// Different keys that the documents of one step may have; the one that was used last stays.
const RECIPES: usize = 8;
/// Steps whose keys are known.
const STEPS: usize = 256;

/// Shared by all shards, bounded in entries and in bytes. Only copies leave it.
///
/// A key is the step of the chain, what earlier steps passed on, the names of the key's parts and
/// their values: a question that differs in any of these finds nothing.
#[derive(Debug)]
pub(crate) struct Cache {
    shelves: Vec<Mutex<Shelf>>,
    recipes: RwLock<Vec<Recipes>>,
    /// Until something is stored, looking costs no more than this.
    used: AtomicBool,
    hasher: FixedState,
}

/// The keys that the documents of one step had, the latest first.
#[derive(Debug)]
struct Recipes {
    chain: Arc<str>,
    step: usize,
    name: Arc<str>,
    keys: Vec<Arc<[CacheKeyPart]>>,
}

/// A decision that is not yet known to be honoured.
#[derive(Debug)]
pub(crate) struct Draft {
    key: Box<[u8]>,
    parts: Arc<[CacheKeyPart]>,
    at: (Arc<str>, usize, Arc<str>),
    document: Arc<RouteDocument>,
    fresh: Duration,
    stale: Duration,
}

/// What became of a draft.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) stored: bool,
    /// Others that had to give way.
    pub(crate) evicted: u64,
}

impl Cache {
    pub(crate) fn new(entries: usize, bytes: usize) -> Self {
        let shelves = if entries < 64 * SHELVES { 1 } else { SHELVES };
        let shelf = || Mutex::new(Shelf::new(entries / shelves, bytes / shelves));
        Self {
            shelves: (0..shelves).map(|_| shelf()).collect(),
            recipes: RwLock::default(),
            used: AtomicBool::new(false),
            hasher: FixedState::with_seed(0),
        }
    }

    /// Whether there is anything to find.
    pub(crate) fn used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Finds a decision on the same question: a fresh one, or also a stale one where nobody answers.
    pub(crate) fn find(
        &self,
        at: &Where<'_>,
        event: &RouteEvent<'_>,
        now: Instant,
        stale: bool,
        scratch: &mut Vec<u8>,
    ) -> Option<Decision> {
        self.used().then_some(())?;
        self.recipes(at).iter().find_map(|parts| {
            key::write(at, parts, event, scratch);
            self.shelf(scratch)?.find(scratch, now, stale)
        })
    }

    /// Prepares to store the decision on a question; nothing where it may not be used again.
    pub(crate) fn draft(
        at: &Where<'_>,
        event: &RouteEvent<'_>,
        document: &RouteDocument,
        scratch: &mut Vec<u8>,
    ) -> Option<Draft> {
        let cache = document.cache.as_ref()?;
        let stale = cache.stale_if_error_ms.unwrap_or(0);
        if cache.key.is_empty() || (cache.ttl_ms == 0 && stale == 0) {
            return None;
        }
        let mut parts = cache.key.clone();
        parts.sort();
        parts.dedup();
        key::write(at, &parts, event, scratch);
        Some(Draft {
            key: scratch.as_slice().into(),
            parts: parts.into(),
            at: (Arc::clone(at.chain), at.step, Arc::clone(at.name)),
            document: Arc::new(RouteDocument {
                id: None,
                ..document.clone()
            }),
            fresh: Duration::from_millis(cache.ttl_ms.into()),
            stale: Duration::from_millis(stale.into()),
        })
    }

    pub(crate) fn store(&self, draft: Draft, now: Instant) -> Stored {
        let Some(fresh_until) = now.checked_add(draft.fresh) else {
            return Stored::default();
        };
        let stale_until = fresh_until.checked_add(draft.stale).unwrap_or(fresh_until);
        let decision = Decision {
            document: draft.document,
            fresh_until,
            stale_until,
        };
        let (chain, step, name) = draft.at;
        self.remember_recipe(chain, step, name, &draft.parts);
        let Some(mut shelf) = self.shelf(&draft.key) else {
            return Stored::default();
        };
        let stored = shelf.store(draft.key, decision, now);
        if stored.stored {
            self.used.store(true, Ordering::Relaxed);
        }
        stored
    }

    /// Forgets a decision that could not be honoured.
    pub(crate) fn remove(&self, document: &Arc<RouteDocument>) {
        for shelf in &self.shelves {
            let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
            shelf.remove(document);
        }
    }

    fn shelf(&self, key: &[u8]) -> Option<MutexGuard<'_, Shelf>> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0);
        let shelf = self.shelves.get(hash.checked_rem(self.shelves.len())?)?;
        Some(shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn recipes(&self, at: &Where<'_>) -> Vec<Arc<[CacheKeyPart]>> {
        let recipes = self.recipes.read().unwrap_or_else(PoisonError::into_inner);
        let known = recipes.iter().find(|recipes| recipes.is_of(at));
        known.map_or_else(Vec::new, |recipes| recipes.keys.clone())
    }

    fn remember_recipe(
        &self,
        chain: Arc<str>,
        step: usize,
        name: Arc<str>,
        parts: &Arc<[CacheKeyPart]>,
    ) {
        let at = Where {
            chain: &chain,
            step,
            name: &name,
            attributes: None,
        };
        if self.recipes(&at).first() == Some(parts) {
            return;
        }
        let mut all = self.recipes.write().unwrap_or_else(PoisonError::into_inner);
        let mut known = match all.iter().position(|recipes| recipes.is_of(&at)) {
            Some(known) => all.remove(known).keys,
            None => Vec::new(),
        };
        known.retain(|key| key != parts);
        known.insert(0, Arc::clone(parts));
        known.truncate(RECIPES);
        all.insert(
            0,
            Recipes {
                chain,
                step,
                name,
                keys: known,
            },
        );
        all.truncate(STEPS);
    }
}

impl Recipes {
    fn is_of(&self, at: &Where<'_>) -> bool {
        self.chain == *at.chain && self.step == at.step && self.name == *at.name
    }
}
