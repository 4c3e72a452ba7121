//! The entry points of the engine: each finds the transaction concerned and lets it take a step.

use std::net::IpAddr;
use std::sync::Arc;

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent};
use tidegate_sip::View;

use crate::address::Source;
use crate::config::Config;
use crate::output::{Output, ResolveId};
use crate::stats::Stats;
use crate::time::Time;

/// One shard of the proxy.
#[derive(Debug)]
pub struct Engine {
    stats: Stats,
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

/// The shard that owns a message: a response by the branch we gave it, a request by its Call-ID.
#[must_use]
pub fn steer(secret: [u8; 16], shards: u8, view: View<'_>) -> u8 {
    let _ = (secret, shards, view);
    0
}

impl Engine {
    /// An engine for shard number `shard`. `secret` keys branches and tags and must be the same in
    /// all shards; `instance` differs from one start of the proxy to the next.
    #[must_use]
    pub fn new(config: Arc<Config>, shard: u8, secret: [u8; 16], instance: u32) -> Self {
        let _ = (config, shard, secret, instance);
        Self { stats: Stats::default() }
    }

    /// A message arrived.
    pub fn handle_message(
        &mut self,
        now: Time,
        source: &Source,
        view: View<'_>,
        out: &mut impl Output,
    ) {
        let _ = (now, source, view, out);
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
        let _ = (now, id, document, tier, out);
        Err(AnswerError::Unknown)
    }

    /// No application can answer: the static document decides, else 503 with Retry-After.
    pub fn handle_unavailable(&mut self, now: Time, id: ConsultationId, out: &mut impl Output) {
        let _ = (now, id, out);
    }

    /// Reads the question of a consultation that still waits.
    pub fn question<R>(
        &self,
        now: Time,
        id: ConsultationId,
        read: impl FnOnce(&RouteEvent<'_>) -> R,
    ) -> Option<R> {
        let _ = (now, id, read);
        None
    }

    /// `payload`, a message sent earlier (or its beginning), could not be delivered.
    pub fn handle_send_failure(&mut self, now: Time, payload: &[u8], out: &mut impl Output) {
        let _ = (now, payload, out);
    }

    /// The answer to [`Output::resolve`]; no addresses when the look-up failed.
    pub fn handle_resolved(
        &mut self,
        now: Time,
        id: ResolveId,
        addresses: &[IpAddr],
        out: &mut impl Output,
    ) {
        let _ = (now, id, addresses, out);
    }

    /// Timers that are due fire.
    pub fn handle_timeout(&mut self, now: Time, out: &mut impl Output) {
        let _ = (now, out);
    }

    /// When [`Engine::handle_timeout`] is to be called next. May be early, is never late by more than
    /// a tick of the timer wheel.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        None
    }

    /// From here on, new requests get 503; what lives goes on.
    pub fn drain(&mut self) {}

    /// Live transactions.
    #[must_use]
    pub fn live(&self) -> usize {
        0
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}
