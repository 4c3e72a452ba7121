//! One connected application, as shards and its connection share it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::document::DocumentError;
use tidegate_schemas::frame::{Framing, encode};
use tidegate_schemas::message::{ErrorMessage, FromProxy};

use crate::dialect::Dialect;
use crate::dialect::cgrates::Cgrates;
use crate::outgoing::{About, NotQueued, Outgoing};
use crate::question::Question;
use crate::settings::Settings;

/// Names one connection of an application. Never used twice while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApplicationId(pub u32);

/// Complaints that an application gets between two heartbeats.
const COMPLAINTS: u32 = 50;

#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) id: ApplicationId,
    pub(crate) outgoing: Outgoing,
    /// The pool of its listener, or of the policy that has it dialled.
    pub(crate) pool: Arc<str>,
    dialect: Dialect,
    framing: OnceLock<Framing>,
    name: OnceLock<Arc<str>>,
    release: ArcSwapOption<String>,
    credit: AtomicU32,
    in_flight: AtomicU32,
    draining: AtomicBool,
    /// It only looks on.
    shadow: AtomicBool,
    /// Of those in flight, questions outside of calls.
    samples: AtomicU32,
    /// Of these, those whose answer would come too late.
    overdue: AtomicU32,
    /// Milliseconds on the registry's clock.
    suspect_until: AtomicU64,
    complaints_left: AtomicU32,
}

impl Application {
    pub(crate) fn new(
        id: ApplicationId,
        dialect: Dialect,
        pool: Arc<str>,
        settings: &Settings,
    ) -> Self {
        Self {
            id,
            outgoing: Outgoing::new(settings.outgoing_queue, settings.outgoing_bytes),
            pool,
            dialect,
            framing: OnceLock::new(),
            name: OnceLock::new(),
            release: ArcSwapOption::empty(),
            credit: AtomicU32::new(settings.max_in_flight),
            in_flight: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            shadow: AtomicBool::new(false),
            samples: AtomicU32::new(0),
            overdue: AtomicU32::new(0),
            suspect_until: AtomicU64::new(0),
            complaints_left: AtomicU32::new(COMPLAINTS),
        }
    }

    /// Fixes what the first message told.
    pub(crate) fn introduce(&self, name: &str, max_in_flight: Option<u32>) {
        let _ = self.name.set(name.into());
        if let Some(limit) = max_in_flight {
            self.credit.fetch_min(limit, Ordering::Relaxed);
        }
    }

    pub(crate) fn name(&self) -> Arc<str> {
        self.name.get().map_or_else(|| Arc::from(""), Arc::clone)
    }

    /// Its own version, which may change while it is connected: over HTTP each answer says it.
    pub(crate) fn set_release(&self, release: &str) {
        if self
            .release
            .load()
            .as_ref()
            .is_none_or(|known| **known != release)
        {
            self.release.store(Some(Arc::new(release.to_owned())));
        }
    }

    pub(crate) fn release_name(&self) -> Option<Arc<String>> {
        self.release.load_full()
    }

    pub(crate) fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// The framing is that of the first byte, where none was configured.
    pub(crate) fn set_framing(&self, framing: Framing) {
        let _ = self.framing.set(framing);
    }

    pub(crate) fn framing(&self) -> Framing {
        self.framing.get().copied().unwrap_or(Framing::Netstring)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn look_on(&self, only: bool) {
        self.shadow.store(only, Ordering::Relaxed);
    }

    /// Whether it gets copies of questions and decides nothing.
    pub(crate) fn is_shadow(&self) -> bool {
        self.shadow.load(Ordering::Relaxed)
    }

    /// Whether a shard waits for an answer: what became a shadow may have been asked before that.
    pub(crate) fn may_decide(&self) -> bool {
        !self.is_shadow() || self.in_flight() > self.samples.load(Ordering::Relaxed)
    }

    /// Takes one of the places for a question outside of calls.
    pub(crate) fn reserve_sample(&self) -> bool {
        let reserved = self.reserve();
        if reserved {
            self.samples.fetch_add(1, Ordering::Relaxed);
        }
        reserved
    }

    /// Nobody waits for the answer to such a question any more.
    pub(crate) fn expect_late(&self) {
        self.overdue.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether an answer that nobody waits for may be one of those: each comes once.
    pub(crate) fn is_late(&self) -> bool {
        let one_less = |n: u32| n.checked_sub(1);
        self.overdue
            .try_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
    }

    pub(crate) fn release_sample(&self) {
        self.samples.fetch_sub(1, Ordering::Relaxed);
        self.release();
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn credit(&self) -> u32 {
        self.credit.load(Ordering::Relaxed)
    }

    /// Whether it wants one more question.
    pub(crate) fn takes(&self) -> bool {
        !self.draining() && !self.outgoing.closed() && self.in_flight() < self.credit()
    }

    /// Whether it let a question time out of late.
    pub(crate) fn suspect(&self, clock: u64) -> bool {
        self.suspect_until.load(Ordering::Relaxed) > clock
    }

    pub(crate) fn suspect_for(&self, clock: u64, span: Duration) {
        let until = clock.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        self.suspect_until.fetch_max(until, Ordering::Relaxed);
    }

    pub(crate) fn trust(&self) {
        if self.suspect_until.load(Ordering::Relaxed) != 0 {
            self.suspect_until.store(0, Ordering::Relaxed);
        }
    }

    /// Takes one of the places for questions in flight.
    pub(crate) fn reserve(&self) -> bool {
        let credit = self.credit();
        let one_more = |n| (n < credit).then_some(n + 1);
        self.in_flight
            .try_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .is_ok()
    }

    pub(crate) fn release(&self) {
        let one_less = |n: u32| n.checked_sub(1);
        let _ = self
            .in_flight
            .try_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
    }

    /// Renders a question into the outgoing buffer.
    pub(crate) fn question(
        &self,
        id: ConsultationId,
        deadline_ms: u32,
        question: &Question<'_>,
    ) -> Result<(), NotQueued> {
        self.outgoing.push(About::Question(id, deadline_ms), |out| {
            self.dialect
                .question(self.framing(), id, deadline_ms, question, out)
        })
    }

    /// Sends a message of the native dialect; other dialects have none.
    pub(crate) fn notify(&self, message: &FromProxy<'_>) -> Result<(), NotQueued> {
        match &self.dialect {
            Dialect::Native(native) => self.outgoing.push(about(message), |out| {
                native.message(self.framing(), message, out)
            }),
            Dialect::Cgrates(cgrates) => match about(message) {
                About::Cancelled(id) => {
                    cgrates.cancelled(id);
                    Ok(())
                }
                ping @ About::Ping => self
                    .outgoing
                    .push(ping, |out| cgrates.ping(self.framing(), out)),
                _ => Ok(()),
            },
            Dialect::Drachtio(_) | Dialect::Evapi(_) | Dialect::Wazo(_) => match about(message) {
                cancelled @ About::Cancelled(_) => self.outgoing.note(cancelled),
                _ => Ok(()),
            },
        }
    }

    /// Sends a message of the native dialect that is rendered already: one JSON object. Other
    /// dialects have their own words for it, or none.
    pub(crate) fn notice(&self, json: &[u8]) -> Result<(), NotQueued> {
        match &self.dialect {
            Dialect::Cgrates(cgrates) => {
                if let Some(event) = cgrates.notification(json) {
                    self.send_notice(&event)?;
                }
                cgrates.notified(json);
                Ok(())
            }
            Dialect::Native(_) => self.send_notice(json),
            Dialect::Drachtio(_) | Dialect::Evapi(_) | Dialect::Wazo(_) => Ok(()),
        }
    }

    fn send_notice(&self, json: &[u8]) -> Result<(), NotQueued> {
        self.outgoing
            .push(About::Call, |out| encode(self.framing(), json, out))
    }

    /// Answers what CGRateS asks about live calls.
    pub(crate) fn list_calls(&self, cgrates: &Cgrates) -> Result<(), NotQueued> {
        self.outgoing
            .push(About::Notice, |out| cgrates.list(self.framing(), out))
    }

    /// Tells the application what was wrong with something that it sent, unless it heard that often
    /// of late.
    pub(crate) fn complain(&self, error: ErrorMessage<'_>) -> Result<(), NotQueued> {
        let one_less = |n: u32| n.checked_sub(1);
        self.complaints_left
            .try_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .map_err(|_| NotQueued::Full)?;
        self.notify(&FromProxy::Error(error))
    }

    pub(crate) fn complain_about_document(
        &self,
        id: ConsultationId,
        error: &DocumentError,
    ) -> Result<(), NotQueued> {
        self.complain(ErrorMessage::invalid_document(id, error))
    }

    pub(crate) fn complain_unknown(&self, id: ConsultationId) -> Result<(), NotQueued> {
        self.complain(ErrorMessage {
            id: Some(id),
            reference: None,
            code: Cow::Borrowed("unknown_id"),
            message: Cow::Borrowed("this application was not asked about this id"),
            pointer: None,
        })
    }

    /// Whether it said so much that is wrong that it is not told any more.
    pub(crate) fn babbles(&self) -> bool {
        self.complaints_left.load(Ordering::Relaxed) == 0
    }

    /// Called at every heartbeat.
    pub(crate) fn allow_complaints(&self) {
        self.complaints_left.store(COMPLAINTS, Ordering::Relaxed);
    }
}

fn about(message: &FromProxy<'_>) -> About {
    match message {
        FromProxy::Call(_) => About::Call,
        FromProxy::Cancelled { id } => About::Cancelled(*id),
        FromProxy::Hello(_) => About::Hello,
        FromProxy::Ping => About::Ping,
        _ => About::Notice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::native::NativeDialect;

    fn application(max_in_flight: u32) -> Application {
        let settings = Settings {
            max_in_flight,
            ..Settings::default()
        };
        let dialect = Dialect::Native(NativeDialect::default());
        Application::new(ApplicationId(1), dialect, Arc::from(""), &settings)
    }

    #[test]
    fn its_hello_lowers_the_credit_but_never_raises_it() {
        let low = application(10);
        low.introduce("a", Some(2));
        assert_eq!(low.credit(), 2);
        let high = application(10);
        high.introduce("a", Some(20));
        assert_eq!(high.credit(), 10);
    }

    #[test]
    fn a_place_is_taken_only_while_one_is_free() {
        let application = application(1);
        assert!(application.reserve());
        assert!(!application.reserve());
        application.release();
        application.release();
        assert!(application.reserve());
    }

    #[test]
    fn complaints_are_bounded_between_heartbeats() {
        let application = application(1);
        let id = ConsultationId {
            instance: 1,
            index: 2,
            label: 3,
        };
        for _ in 0..COMPLAINTS {
            assert_eq!(application.complain_unknown(id), Ok(()));
        }
        assert_eq!(application.complain_unknown(id), Err(NotQueued::Full));
        application.allow_complaints();
        assert_eq!(application.complain_unknown(id), Ok(()));
    }
}
