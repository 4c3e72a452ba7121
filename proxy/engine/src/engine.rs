//! The entry points of the engine: each finds the transaction concerned and lets it take a step.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use slab::Slab;
use tidegate_schemas::document::DocumentError;
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent};
use tidegate_sip::View;

use crate::address::Source;
use crate::call::{CallInfo, CallKinds, UnknownCall};
use crate::config::Config;
use crate::context::Context;
use crate::core::{Core, Step};
use crate::key::{BuildKeyHasher, TransactionKey};
use crate::output::{Output, ResolveId};
use crate::question;
use crate::stateless::Waiting;
use crate::stats::Stats;
use crate::time::Time;
use crate::wheel::Entry;

/// One shard of the proxy.
#[derive(Debug)]
pub struct Engine {
    pub(crate) core: Core,
    /// Boxed, so that the slab grows without moving them.
    pub(crate) contexts: Slab<Box<Context>>,
    keys: HashMap<TransactionKey, u32, BuildKeyHasher>,
    /// Messages without a transaction whose next hop is being looked up.
    pub(crate) waiting: Slab<Waiting>,
    /// Reused by every round of timers.
    pub(crate) due: Vec<Entry>,
    pub(crate) draining: bool,
}

/// Why a document was not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The consultation is over, or never was.
    #[error("no consultation waits for this answer")]
    Unknown,
    /// The document can't be honoured; the consultation still waits.
    #[error(transparent)]
    Invalid(#[from] DocumentError),
}

/// A running engine keeps its listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the listeners differ from those at the start")]
pub struct OtherListeners;

impl Engine {
    /// An engine for shard number `shard`. `secret` keys branches and tags and must be the same in
    /// all shards; `instance` differs from one start of the proxy to the next.
    #[must_use]
    pub fn new(config: Arc<Config>, shard: u8, secret: [u8; 16], instance: u32) -> Self {
        Self {
            core: Core::new(config, shard, secret, instance),
            contexts: Slab::new(),
            keys: HashMap::default(),
            waiting: Slab::new(),
            due: Vec::new(),
            draining: false,
        }
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// A message arrived.
    pub fn handle_message(
        &mut self,
        now: Time,
        source: &Source,
        view: View<'_>,
        out: &mut impl Output,
    ) {
        if view.is_request() {
            self.on_request(now, source, view, out);
        } else {
            self.on_response(now, view, out);
        }
    }

    /// An application answered. `tier` names it in logs.
    ///
    /// # Errors
    /// When no consultation waits for it, or the document can't be honoured. In the second case the
    /// consultation goes on: ask another application or call [`Engine::handle_unavailable`].
    pub fn handle_document(
        &mut self,
        now: Time,
        id: ConsultationId,
        document: &RouteDocument,
        tier: &str,
        out: &mut impl Output,
    ) -> Result<(), AnswerError> {
        self.resume(now, id, document, tier, out)
    }

    /// No application can answer: the static document decides, else the best response so far, else
    /// 503 with Retry-After.
    pub fn handle_unavailable(&mut self, now: Time, id: ConsultationId, out: &mut impl Output) {
        if let Some(slot) = self.suspended(id) {
            self.step(now, slot, out, |step| step.decide_alone());
        }
    }

    /// Reads the question of a consultation that still waits.
    pub fn question<R>(
        &self,
        now: Time,
        id: ConsultationId,
        read: impl FnOnce(&RouteEvent<'_>) -> R,
    ) -> Option<R> {
        let cx = self.contexts.get(self.suspended(id)? as usize)?;
        question::read(&self.core, cx, now, id, read)
    }

    /// The chain of applications that a consultation is for, as the request's [`Rule`](crate::Rule)
    /// says; 0 without one.
    #[must_use]
    pub fn chain(&self, id: ConsultationId) -> u16 {
        let context = self
            .suspended(id)
            .and_then(|slot| self.contexts.get(slot as usize));
        let request = context.and_then(|cx| cx.request.as_ref());
        request.map_or(0, |request| request.chain)
    }

    /// `payload`, a message sent earlier (or its beginning), could not be delivered.
    pub fn handle_send_failure(&mut self, now: Time, payload: &[u8], out: &mut impl Output) {
        self.on_send_failure(now, payload, out);
    }

    /// The answer to [`Output::resolve`]; no addresses when the look-up failed.
    pub fn handle_resolved(
        &mut self,
        now: Time,
        id: ResolveId,
        addresses: &[IpAddr],
        out: &mut impl Output,
    ) {
        self.on_resolved(now, id, addresses, out);
    }

    /// Timers that are due fire.
    pub fn handle_timeout(&mut self, now: Time, out: &mut impl Output) {
        self.fire_timers(now, out);
    }

    /// When [`Engine::handle_timeout`] is to be called next. May be early, is never late by more than
    /// a tick of the timer wheel.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        self.core.wheel.next_due_ms().map(Time)
    }

    /// From here on `config` counts. What lives goes on: timers that run keep their time, and a
    /// consultation its deadline.
    ///
    /// # Errors
    /// When the listeners are not the same; then nothing changes.
    pub fn reconfigure(&mut self, config: Arc<Config>) -> Result<(), OtherListeners> {
        if config.listeners != self.core.config.listeners {
            return Err(OtherListeners);
        }
        self.core.reconfigure(config);
        Ok(())
    }

    /// From here on, requests outside of dialogs get 503; what lives goes on.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// What anybody wants to be told about calls that begin from here on; nothing in the beginning.
    pub fn follow_calls(&mut self, kinds: CallKinds) {
        self.core.calls.kinds = kinds;
    }

    /// Ends a call that was answered, with BYE to both sides. `detail` goes into their Reason and
    /// into the notification.
    ///
    /// # Errors
    /// When there is no such call, or it is over.
    pub fn terminate(
        &mut self,
        now: Time,
        call: ConsultationId,
        detail: Option<&str>,
        out: &mut impl Output,
    ) -> Result<(), UnknownCall> {
        self.end_by_order(now, call, detail, out)
    }

    /// Reads every call that is followed, was answered and is not over.
    pub fn calls(&self, now: Time, read: impl FnMut(CallInfo<'_>)) {
        let calls = self.core.calls.each();
        calls.filter_map(|call| call.info(now)).for_each(read);
    }

    /// Calls that are kept, from their INVITE to the answer to the last request about them.
    #[must_use]
    pub fn followed_calls(&self) -> usize {
        self.core.calls.len()
    }

    /// Live transactions.
    #[must_use]
    pub fn live(&self) -> usize {
        self.contexts.len()
    }

    /// Live transactions whose final response has not been sent.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.contexts.iter().filter(|(_, cx)| !cx.is_done()).count()
    }

    /// Timers that were armed and have not fired, wanted or not.
    #[must_use]
    pub fn timers(&self) -> usize {
        self.core.wheel.len()
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            live: self.contexts.len() as u64,
            unanswered: self.unanswered() as u64,
            calls_live: self.core.calls.live() as u64,
            ..self.core.stats.clone()
        }
    }

    pub(crate) fn find(&self, key: TransactionKey) -> Option<u32> {
        self.keys.get(&key).copied()
    }

    pub(crate) fn insert(&mut self, context: Context) {
        self.keys.insert(context.key, context.slot);
        self.contexts.insert(Box::new(context));
    }

    /// Lets one transaction handle one input, and removes it once nothing can happen to it any more.
    pub(crate) fn step<O: Output>(
        &mut self,
        now: Time,
        slot: u32,
        out: &mut O,
        act: impl FnOnce(&mut Step<'_, O>),
    ) {
        let Some(cx) = self.contexts.get_mut(slot as usize) else {
            return;
        };
        act(&mut Step {
            now,
            core: &mut self.core,
            cx,
            out,
        });
        if cx.is_over() {
            let context = self.contexts.remove(slot as usize);
            self.keys.remove(&context.key);
        }
    }
}
