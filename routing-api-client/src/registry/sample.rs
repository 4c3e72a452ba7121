//! Questions outside of any call, to see how an application answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::message::FromProxy;
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent};
use tokio::sync::oneshot;

use crate::application::{Application, ApplicationId};
use crate::inbound::Failure;
use crate::member::Record;
use crate::question;

use super::Registry;

/// The shard in the ids of such questions. No shard has this number: their answers are
/// [handed over](Registry::take_sample) where they arrive.
const SHARD: u32 = 255;

/// What an application answered.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleAnswer {
    /// Its document, which is not executed.
    pub document: RouteDocument,
    /// How long it took.
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// Nobody has that name.
    #[error("there is no application of that name")]
    UnknownApplication,
    /// It has no connection.
    #[error("the application is not connected")]
    Down,
    /// It has as many questions as it takes.
    #[error("the application takes no further question")]
    Busy,
    /// It is a SIP redirect server.
    #[error("a SIP redirect server can't be asked outside of a call")]
    Redirect,
    /// Its time ran out.
    #[error("the application did not answer in time")]
    TimedOut,
    /// Its connection was lost.
    #[error("the connection was lost before the answer came")]
    Lost,
    /// It will not answer.
    #[error("the application refused: {0:?}")]
    Failed(Failure),
    /// It answered something else.
    #[error("the answer is no route document: {0}")]
    Invalid(DocumentError),
}

type Outcome = Result<RouteDocument, SampleError>;

/// Those that have no answer.
#[derive(Debug, Default)]
pub(super) struct Samples {
    next: AtomicU32,
    waiting: Mutex<HashMap<u32, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    application: ApplicationId,
    id: ConsultationId,
    to: oneshot::Sender<Outcome>,
}

impl Samples {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u32, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, id: ConsultationId, from: ApplicationId) -> Option<Waiting> {
        let mut waiting = self.waiting();
        let is_it = waiting
            .get(&id.label)
            .is_some_and(|w| w.application == from && w.id == id);
        is_it.then(|| waiting.remove(&id.label)).flatten()
    }
}

impl Registry {
    /// Asks one application a question outside of any call. `id` and `deadline_ms` of the event are
    /// filled in. The answer is waited for on a tokio runtime.
    pub fn sample(
        self: &Arc<Self>,
        name: &str,
        event: &RouteEvent<'_>,
        within: Duration,
    ) -> impl Future<Output = Result<SampleAnswer, SampleError>> + Send + use<> {
        let asked = self.begin_sample(name, event, within);
        async move { asked?.await }
    }

    /// The same in two steps: the question is out, or can't be asked.
    pub(crate) fn begin_sample(
        self: &Arc<Self>,
        name: &str,
        event: &RouteEvent<'_>,
        within: Duration,
    ) -> Result<impl Future<Output = Result<SampleAnswer, SampleError>> + Send + use<>, SampleError>
    {
        let (question, answer) = self.ask_sample(name, event, within)?;
        Ok(async move {
            // Held until then, whole.
            let question = question;
            let began = question.began;
            let answered = tokio::time::timeout(within, answer).await;
            let answered = answered.map_err(|_| SampleError::TimedOut)?;
            let document = answered.map_err(|_| SampleError::Lost)??;
            Ok(SampleAnswer {
                document,
                took: began.elapsed(),
            })
        })
    }

    /// Whether an answer to this belongs to no shard.
    pub(crate) fn is_sample(id: ConsultationId) -> bool {
        u32::from(id.shard()) == SHARD
    }

    /// Hands over an answer, if it is one to a sample question.
    pub(crate) fn take_sample(
        &self,
        from: ApplicationId,
        id: ConsultationId,
        answer: Outcome,
    ) -> bool {
        let Some(waiting) = self.samples.take(id, from) else {
            return false;
        };
        let _ = waiting.to.send(answer);
        true
    }

    #[cfg(test)]
    pub(super) fn samples_in_flight(&self) -> Vec<u32> {
        self.samples.waiting().keys().copied().collect()
    }

    /// A connection is lost, and with it its answers.
    pub(crate) fn lose_samples(&self, of: ApplicationId) {
        let mut waiting = self.samples.waiting();
        waiting.retain(|_, waiting| waiting.application != of);
    }

    fn ask_sample(
        self: &Arc<Self>,
        name: &str,
        event: &RouteEvent<'_>,
        within: Duration,
    ) -> Result<(Question, oneshot::Receiver<Outcome>), SampleError> {
        let application = self.to_sample(name)?;
        if !application.reserve_sample() {
            return Err(SampleError::Busy);
        }
        let label = self.samples.next.fetch_add(1, Ordering::Relaxed);
        let question = Question {
            registry: Arc::clone(self),
            application,
            began: Instant::now(),
            id: ConsultationId {
                instance: self.settings.instance,
                index: SHARD << ConsultationId::SLOT_BITS,
                label,
            },
        };
        let (to, answer) = oneshot::channel();
        let waiting = Waiting {
            application: question.application.id,
            id: question.id,
            to,
        };
        self.samples.waiting().insert(label, waiting);
        question.send(event, within)?;
        Ok((question, answer))
    }

    /// A connection of that member.
    pub(crate) fn connection_of(&self, name: &str) -> Option<Arc<Application>> {
        self.to_sample(name).ok()
    }

    /// Where it is counted what a shadow does.
    pub(crate) fn shadow_record(&self, name: &str) -> Option<Arc<Record>> {
        let members = self.read();
        Some(Arc::clone(members.named(name)?.shadow_record()))
    }

    /// The connection of that member that has the least to do.
    fn to_sample(&self, name: &str) -> Result<Arc<Application>, SampleError> {
        let members = self.read();
        let member = members.named(name).ok_or(SampleError::UnknownApplication)?;
        let connected = || members.connections(member).filter(|e| !e.redirect);
        let idlest = connected().min_by_key(|entry| entry.application.in_flight());
        let missing = || match member.settings().redirect {
            Some(_) => SampleError::Redirect,
            None => SampleError::Down,
        };
        let entry = idlest.ok_or_else(missing)?;
        Ok(Arc::clone(&entry.application))
    }
}

/// A question in flight. Its place is given back when it is dropped.
struct Question {
    registry: Arc<Registry>,
    application: Arc<Application>,
    id: ConsultationId,
    began: Instant,
}

impl Question {
    fn send(&self, event: &RouteEvent<'_>, within: Duration) -> Result<(), SampleError> {
        let deadline_ms = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
        self.application
            .question(self.id, deadline_ms, &question::Question::new(event))
            .map_err(|_| SampleError::Busy)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.application.release_sample();
        let waiting = self.registry.samples.waiting().remove(&self.id.label);
        if waiting.is_some() {
            self.application.expect_late();
            let _ = self
                .application
                .notify(&FromProxy::Cancelled { id: self.id });
        }
    }
}
