//! What is written down about consultations, and what shadows get to see of them.

use std::sync::Arc;
use std::time::Instant;

use tidegate_schemas::record::{DecisionCause, Ended};
use tidegate_schemas::{ConsultationId, RouteDocument};

use super::Dispatcher;
use super::ask::Asking;
use super::settle::By;
use crate::application::ApplicationId;
use crate::pending::{Attempt, Consultation};
use crate::record::{self, CallOutcome, Decision, RecordSettings, Spool};
use crate::shadow::{self, Decided, Names};

/// How it is called that the proxy's own document decides.
const FALLBACK: &str = "static document";

impl Dispatcher {
    /// Writes every consultation down from here on; their lines go into `spool`.
    pub fn record(&mut self, settings: RecordSettings, spool: Arc<Spool>) {
        self.notebook.record(settings, spool);
    }

    /// The document that decides when nobody else does, for the recording.
    pub fn set_fallback(&mut self, document: Option<Arc<RouteDocument>>) {
        self.fallback = document;
    }

    /// A request about which applications were asked has its final response, or will get none.
    pub fn finished(&mut self, outcome: &CallOutcome) {
        self.notebook.finish(outcome);
    }

    /// A call is over.
    pub fn ended(&self, call: ConsultationId, ended: Ended<'_>) {
        self.notebook.ended(call, ended);
    }

    /// Gives what waits for its outcome to the recording as it is. For the end of a shard.
    pub fn close_records(&mut self) {
        self.notebook.flush();
    }

    pub(super) fn note_question(&mut self, asking: Asking<'_>, c: &mut Consultation) {
        c.shadows = c.choose_shadows(&asking.event.request.call_id);
        if !self.notebook.records() && c.shadows.is_empty() {
            return;
        }
        let time_ms = self.registry.unix_ms(asking.now);
        c.describe(asking.event, |event| {
            self.notebook.ask(record::Asked {
                id: asking.id,
                now: asking.now,
                time_ms,
                event,
            });
        });
    }

    /// An application answered, and its document is honoured.
    pub(super) fn note_answer(
        &mut self,
        id: ConsultationId,
        at: Instant,
        c: &Consultation,
        application: ApplicationId,
        document: &RouteDocument,
    ) {
        let by = c.asked.iter().find(|attempt| attempt.is_by(application));
        let tier = by.map_or("", |attempt| &attempt.seat.member.name);
        self.write_down(id, at, c, DecisionCause::Answered, tier, by, Some(document));
    }

    /// Something else decided.
    pub(super) fn note_tier(
        &mut self,
        id: ConsultationId,
        at: Instant,
        c: &Consultation,
        by: By,
        tier: &str,
        document: &RouteDocument,
    ) {
        let cause = match by {
            By::Application(_) => DecisionCause::Answered,
            By::Fresh => DecisionCause::Cached,
            By::Stale => DecisionCause::Stale,
            By::Document => DecisionCause::Document,
            By::Redirect => DecisionCause::RedirectServer,
        };
        self.write_down(id, at, c, cause, tier, None, Some(document));
    }

    /// Nobody decided; the proxy has a document for that case, or has not.
    pub(super) fn note_nothing(
        &mut self,
        id: ConsultationId,
        at: Instant,
        c: &Consultation,
        cause: DecisionCause,
    ) {
        let fallback = self.fallback.clone();
        match fallback.filter(|_| cause != DecisionCause::Cancelled) {
            Some(document) => {
                let cause = DecisionCause::Document;
                self.write_down(id, at, c, cause, FALLBACK, None, Some(&document));
            }
            None => self.write_down(id, at, c, cause, "", None, None),
        }
    }

    /// Nobody decided in this step, and the next one is asked.
    pub(super) fn note_skipped(&mut self, id: ConsultationId, at: Instant, c: &Consultation) {
        let cause = DecisionCause::Unavailable;
        self.write_down(id, at, c, cause, "", None, None);
    }

    fn write_down(
        &mut self,
        id: ConsultationId,
        at: Instant,
        c: &Consultation,
        cause: DecisionCause,
        tier: &str,
        by: Option<&Attempt>,
        document: Option<&RouteDocument>,
    ) {
        if self.notebook.is_empty() {
            return;
        }
        let decision = Decision {
            id,
            at,
            document,
            by,
            tier,
            cause,
            replaced: &c.replaced,
            asked: &c.asked,
            has_pools: c.step().is_some_and(|step| !step.ask.is_empty()),
        };
        let shadows = self.registry.shadows();
        self.notebook.decide(&decision, |event, document| {
            let document = document.filter(|_| is_comparable(cause));
            match document {
                _ if c.shadows.is_empty() => {}
                None => shadows.count_undecided(&c.shadows),
                Some(document) => shadows.offer(
                    &c.shadows,
                    Decided {
                        event,
                        document,
                        by: tier,
                        in_last_step: c.is_last_step(),
                    },
                ),
            }
        });
    }
}

/// Whether it is what applications decide that was decided.
fn is_comparable(cause: DecisionCause) -> bool {
    use DecisionCause::{Answered, Cached, Stale};
    matches!(cause, Answered | Cached | Stale)
}

impl Consultation {
    /// Which applications of the step's pools only look on at this call.
    fn choose_shadows(&self, call_id: &str) -> Names {
        let pools = self.step().map_or(&[][..], |step| &step.ask);
        let members = self.policy.applications.iter();
        let shadows = members.filter(|member| pools.contains(&member.pool));
        let shadows = shadows.filter_map(|it| Some((it, it.shadow?)));
        let looks = shadows.filter(|(_, percentage)| shadow::looks_at(call_id, *percentage));
        looks.map(|(member, _)| Arc::clone(&member.name)).collect()
    }
}
