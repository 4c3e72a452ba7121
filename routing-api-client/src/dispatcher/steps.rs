//! A chain: applications in a row, each of which may leave the decision to the next one.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use tidegate_schemas::document::Action;
use tidegate_schemas::event::AskReason;
use tidegate_schemas::{RouteDocument, RouteEvent};

use super::Dispatcher;
use super::ask::{Asking, Decided, Outcome};
use super::settle::By;
use crate::cache::{Attributes, Cache, Where};
use crate::pending::{Consultation, Next, Passed, State};

/// How it is called in logs that an earlier decision decides.
pub(super) const CACHED: &str = "cached decision";

impl Dispatcher {
    /// The same question may have been decided before.
    pub(super) fn begin_step(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
    ) -> Option<Outcome> {
        let deadline = c.step().and_then(|step| step.deadline);
        let end = deadline.and_then(|deadline| asking.now.checked_add(deadline));
        c.step_end = end.map_or(c.decide_by, |end| end.min(c.decide_by));
        self.note_question(asking, c);
        let Some(document) = self.find_decision(asking, c, false) else {
            c.next = Next::Pools;
            return None;
        };
        self.stats.cache_hit += 1;
        self.use_decision(asking, c, document, By::Fresh)
    }

    /// Goes on with a document that nobody was asked for.
    pub(super) fn use_decision(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
        document: Arc<RouteDocument>,
        by: By,
    ) -> Option<Outcome> {
        if document.action == Some(Action::Pass) && !c.is_last_step() {
            self.stats.passed += 1;
            self.note_tier(asking.id, asking.now, c, by, CACHED, &document);
            c.pass(document.attributes.as_ref());
            return None;
        }
        Some(Outcome::Decided(Decided {
            tier: Arc::from(CACHED),
            document,
            by,
        }))
    }

    /// Decisions are those on new requests: one on what became of them would be tried again.
    pub(super) fn find_decision(
        &mut self,
        asking: Asking<'_>,
        c: &Consultation,
        stale: bool,
    ) -> Option<Arc<RouteDocument>> {
        let may_be_used = self.registry.cache.used() && asking.event.reason == AskReason::New;
        let at = c.place().filter(|_| may_be_used)?;
        let (cache, scratch) = (&self.registry.cache, &mut self.scratch);
        let found = cache.find(&at, asking.event, asking.now, stale, scratch);
        found.map(|decision| decision.document)
    }

    /// A document that passed may be used again.
    pub(super) fn store_passed(
        &mut self,
        now: Instant,
        c: &mut Consultation,
        event: &RouteEvent<'_>,
    ) {
        let Some(passed) = c.passed.take() else {
            return;
        };
        let at = c.place_of(passed.step, passed.attributes.as_deref());
        let at = at.filter(|_| event.reason == AskReason::New);
        let draft = at.and_then(|at| Cache::draft(&at, event, &passed.document, &mut self.scratch));
        if let Some(draft) = draft {
            self.store(draft, now);
        }
    }
}

impl Consultation {
    /// Leaves the decision to the next step, with what is passed on; the later wins.
    pub(super) fn pass(&mut self, attributes: Option<&Attributes>) {
        if let Some(attributes) = attributes.filter(|attributes| !attributes.is_empty()) {
            let merged = Arc::make_mut(self.attributes.get_or_insert_default());
            let copied = attributes.iter().map(|(k, v)| (k.clone(), v.clone()));
            merged.extend(copied);
        }
        self.asked
            .retain(|attempt| attempt.state == State::Withdrawn);
        self.replaced.clear();
        self.step += 1;
        self.tier = 0;
        self.next = Next::Begin;
        self.hedge_at = None;
        self.wait_until(self.deadline);
    }

    /// Where its decisions belong.
    pub(super) fn place(&self) -> Option<Where<'_>> {
        self.place_of(self.step, self.attributes.as_deref())
    }

    fn place_of<'a>(
        &'a self,
        step: usize,
        attributes: Option<&'a Attributes>,
    ) -> Option<Where<'a>> {
        let chain = self.chain()?;
        Some(Where {
            chain: &chain.name,
            step,
            name: &chain.steps.get(step)?.name,
            attributes,
        })
    }

    /// A document that says `pass` and may be used again, to be stored when its question is at hand.
    pub(super) fn keep_passed(&mut self, document: Box<RouteDocument>) {
        self.passed = document.cache.is_some().then(|| {
            Box::new(Passed {
                step: self.step,
                attributes: self.attributes.clone(),
                document,
            })
        });
    }

    /// The event as the applications of this step see it.
    pub(super) fn describe<R>(
        &self,
        event: &RouteEvent<'_>,
        read: impl FnOnce(&RouteEvent<'_>) -> R,
    ) -> R {
        let name = self.step().map_or("", |step| &step.name);
        if name.is_empty() && self.attributes.is_none() {
            return read(event);
        }
        let mut event: RouteEvent<'_> = event.clone();
        event.step = (!name.is_empty()).then_some(Cow::Borrowed(name));
        event.attributes = self.attributes.as_deref().map(Cow::Borrowed);
        read(&event)
    }
}
