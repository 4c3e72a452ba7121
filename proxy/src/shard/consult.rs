//! Between the engine and the routing applications, and all else that a step leaves to do.

use std::mem;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use routing_api_client::{ApplicationId, Asked, Inbound, Verdict};
use tidegate_engine::{AnswerError, Forget, ResolveId};
use tidegate_schemas::document::DocumentError;
use tidegate_schemas::{ConsultationId, RouteDocument};

use super::clock::Moment;
use super::{BUDGET, Shard};

/// Rounds in which consequences of consequences are carried out before other inputs are.
const ROUNDS: usize = 32;

impl Shard {
    pub(super) fn poll_routing(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        for taken in 0..BUDGET {
            let Poll::Ready(Some(inbound)) = self.routing.poll_recv(cx) else {
                return taken > 0;
            };
            self.on_inbound(now, inbound);
        }
        true
    }

    /// Carries out what the engine left to do, and what follows from it.
    pub(super) fn settle(&mut self, now: Moment) {
        for _ in 0..ROUNDS {
            if self.outbox.tasks.is_empty() {
                return;
            }
            let mut tasks = mem::take(&mut self.tasks);
            self.outbox.take_tasks(&mut tasks);
            for id in tasks.consult.drain(..) {
                self.ask(now, id);
            }
            for (id, why) in tasks.forget.drain(..) {
                match why {
                    Forget::Deadline => self.dispatcher.expire(id, now.instant),
                    Forget::Cancelled | Forget::Answered => {
                        self.dispatcher.cancel(id, now.instant);
                    }
                }
            }
            for (id, host) in tasks.resolve.drain(..) {
                self.look_up(now, id, &host);
            }
            for outcome in tasks.finished.drain(..) {
                self.dispatcher.finished(&outcome);
            }
            for (call, ended) in tasks.ended.drain(..) {
                self.dispatcher.ended(call, ended);
            }
            for payload in tasks.undelivered.drain(..) {
                let payload: Bytes = payload;
                self.on_undelivered(now, &payload);
            }
            self.tasks = tasks;
        }
    }

    fn on_inbound(&mut self, now: Moment, inbound: Inbound) {
        match self.dispatcher.on_inbound(now.instant, inbound) {
            Verdict::Answered {
                id,
                application,
                name,
                document,
            } => {
                self.on_document(now, id, application, &name, &document);
            }
            Verdict::AskAgain(ids) => self.outbox.tasks.consult.extend(ids),
            Verdict::Order { application, order } => self.on_order(now, application, order),
            Verdict::Nothing => {}
        }
    }

    fn on_document(
        &mut self,
        now: Moment,
        id: ConsultationId,
        application: ApplicationId,
        name: &str,
        document: &RouteDocument,
    ) {
        let Self {
            engine, dispatcher, ..
        } = self;
        if document.cache.is_some() {
            engine.question(now.time, id, |event| {
                dispatcher.remember(event, id, document)
            });
        }
        let outcome = engine.handle_document(now.time, id, document, name, &mut self.outbox);
        match outcome {
            Ok(()) => {
                tracing::debug!(%id, tier = name, "consultation answered");
                dispatcher.accepted(id, application, now.instant, document);
            }
            Err(AnswerError::Unknown) => tracing::debug!(%id, tier = name, "answered too late"),
            Err(AnswerError::Invalid(error)) => self.on_invalid(id, application, name, &error),
        }
    }

    fn on_invalid(
        &mut self,
        id: ConsultationId,
        application: ApplicationId,
        name: &str,
        error: &DocumentError,
    ) {
        tracing::info!(%id, application = name, %error, "route document refused");
        self.dispatcher.reject(id, application, error);
        self.outbox.tasks.consult.push(id);
    }

    /// Asks an application, unless the consultation is over.
    fn ask(&mut self, now: Moment, id: ConsultationId) {
        let Self {
            engine,
            dispatcher,
            asking,
            ..
        } = self;
        let chain = engine.chain(id);
        let asked = engine.question(now.time, id, |event| {
            let left = Duration::from_millis(event.deadline_ms.into());
            dispatcher.ask(id, now.instant, now.instant + left, chain, event)
        });
        match asked {
            None => dispatcher.cancel(id, now.instant),
            Some(Asked::Waiting(_)) => *asking = true,
            Some(Asked::Decided { tier, document }) => self.on_tier(now, id, &tier, &document),
            Some(Asked::Unavailable) => {
                tracing::debug!(%id, tier = "none", "no application can be asked");
                engine.handle_unavailable(now.time, id, &mut self.outbox);
            }
        }
    }

    /// Something else than an application decides.
    fn on_tier(&mut self, now: Moment, id: ConsultationId, tier: &str, document: &RouteDocument) {
        let outcome = self
            .engine
            .handle_document(now.time, id, document, tier, &mut self.outbox);
        match outcome {
            Ok(()) => {
                tracing::debug!(%id, tier, "consultation decided");
                self.dispatcher
                    .accepted_tier(id, now.instant, tier, document);
            }
            Err(AnswerError::Unknown) => tracing::debug!(%id, tier, "decided too late"),
            Err(AnswerError::Invalid(error)) => {
                tracing::warn!(%id, tier, %error, "route document refused");
                self.dispatcher.reject_tier(id);
                self.outbox.tasks.consult.push(id);
            }
        }
    }

    fn look_up(&mut self, now: Moment, id: ResolveId, host: &str) {
        if let Some(addresses) = self.resolver.look_up(now.instant, id, host) {
            self.engine
                .handle_resolved(now.time, id, &addresses, &mut self.outbox);
        }
    }
}
