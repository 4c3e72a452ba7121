//! What connections tell the shards.

use std::sync::Arc;

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::{ConsultationId, RouteDocument};
use tokio::sync::mpsc;

use crate::application::ApplicationId;

/// Something happened at an application.
#[derive(Debug)]
pub enum Inbound {
    /// It answered a question.
    Answer {
        /// Who answers.
        application: ApplicationId,
        /// What is answered.
        id: ConsultationId,
        /// The answer, or why it is none.
        document: Result<Box<RouteDocument>, DocumentError>,
    },
    /// It will not answer a question.
    Failed {
        /// Who fails.
        application: ApplicationId,
        /// What it won't answer.
        id: ConsultationId,
        /// Why.
        failure: Failure,
    },
    /// It wants something about a call.
    Order {
        /// Who wants it.
        application: ApplicationId,
        /// What.
        order: Order,
    },
    /// Its connection is gone.
    Lost {
        /// Who is gone.
        application: ApplicationId,
    },
    /// It can be asked.
    Up {
        /// Who is there.
        application: ApplicationId,
    },
    /// It wants no new questions.
    Draining {
        /// Who drains.
        application: ApplicationId,
    },
}

/// Why an application does not answer a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It said `error`.
    Error,
    /// It could not be reached, or was lost before it answered.
    Refused,
    /// HTTP 400 to 499.
    ClientError(u16),
    /// HTTP 500 to 599, and all else that is not 2xx.
    ServerError(u16),
}

/// What an application wants about calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// End one. For the shard that has it.
    Terminate {
        /// Which.
        call: ConsultationId,
        /// Its own words.
        reason: Option<String>,
        /// Comes back with the answer.
        reference: Option<String>,
    },
    /// List those that it decided. For all shards: each answers with its part.
    List {
        /// Comes back with the answer.
        reference: Option<String>,
    },
}

/// The inboxes of all shards, in their order.
#[derive(Debug, Clone)]
pub struct Inboxes(Arc<[mpsc::Sender<Inbound>]>);

impl Inboxes {
    /// Takes one bounded sender per shard.
    #[must_use]
    pub fn new(shards: Vec<mpsc::Sender<Inbound>>) -> Self {
        Self(shards.into())
    }

    /// Hands over what is about one consultation to its owner, and everything else to all, waiting
    /// while an inbox is full. An id of a shard that does not exist goes to the first shard, which
    /// counts it. A shard that ended gets nothing.
    pub(crate) async fn deliver(&self, inbound: Inbound) {
        match inbound {
            Inbound::Answer { id, .. } | Inbound::Failed { id, .. } => {
                self.to_owner(id, inbound).await;
            }
            Inbound::Order {
                order: Order::Terminate { call, .. },
                ..
            } => self.to_owner(call, inbound).await,
            Inbound::Order { application, order } => {
                self.to_all(|| Inbound::Order {
                    application,
                    order: order.clone(),
                })
                .await;
            }
            Inbound::Lost { application } => self.to_all(|| Inbound::Lost { application }).await,
            Inbound::Up { application } => self.to_all(|| Inbound::Up { application }).await,
            Inbound::Draining { application } => {
                self.to_all(|| Inbound::Draining { application }).await;
            }
        }
    }

    async fn to_owner(&self, id: ConsultationId, inbound: Inbound) {
        let owner = self.0.get(usize::from(id.shard()));
        if let Some(owner) = owner.or_else(|| self.0.first()) {
            let _ = owner.send(inbound).await;
        }
    }

    async fn to_all(&self, make: impl Fn() -> Inbound) {
        for shard in self.0.iter() {
            let _ = shard.send(make()).await;
        }
    }
}
