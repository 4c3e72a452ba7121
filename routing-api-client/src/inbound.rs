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
    /// It sent a question back.
    Refused {
        /// Who refuses.
        application: ApplicationId,
        /// What it won't answer.
        id: ConsultationId,
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
            Inbound::Answer { id, .. } | Inbound::Refused { id, .. } => {
                let owner = self.0.get(usize::from(id.shard()));
                if let Some(owner) = owner.or_else(|| self.0.first()) {
                    let _ = owner.send(inbound).await;
                }
            }
            Inbound::Lost { application } => self.to_all(|| Inbound::Lost { application }).await,
            Inbound::Up { application } => self.to_all(|| Inbound::Up { application }).await,
            Inbound::Draining { application } => {
                self.to_all(|| Inbound::Draining { application }).await;
            }
        }
    }

    async fn to_all(&self, make: impl Fn() -> Inbound) {
        for shard in self.0.iter() {
            let _ = shard.send(make()).await;
        }
    }
}
