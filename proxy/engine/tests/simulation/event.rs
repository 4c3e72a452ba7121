//! What happens, and when.

use std::collections::BTreeMap;

use bytes::Bytes;
use tidegate_engine::{Hop, ResolveId, Source};
use tidegate_schemas::ConsultationId;

use crate::callee::ServerAct;
use crate::caller::ClientAct;
use crate::router::Answer;
use crate::scene::PeerId;

#[derive(Debug)]
pub(crate) enum Event {
    /// A message arrives at the proxy.
    Arrives {
        source: Source,
        bytes: Bytes,
    },
    /// A message of the proxy arrives at a peer.
    Reaches {
        peer: PeerId,
        hop: Hop,
        bytes: Bytes,
    },
    /// The proxy learns that this could not be delivered.
    Undelivered {
        payload: Bytes,
    },
    /// Somebody makes a call.
    Call,
    Client {
        index: usize,
        act: ClientAct,
    },
    Server {
        index: usize,
        act: ServerAct,
    },
    Router {
        id: ConsultationId,
        answer: Answer,
    },
    Resolved {
        id: ResolveId,
        host: String,
    },
    /// The shell wakes the engine, for whatever reason.
    Wake,
    Drain,
    /// Somebody subscribes to calls, or nobody does any more.
    Follow(bool),
    /// An order to end one of the live calls.
    Terminate,
}

/// Events by time, those of one moment in the order in which they were planned.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    events: BTreeMap<(u64, u64), Event>,
    planned: u64,
}

impl Queue {
    pub(crate) fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.events.insert((at, self.planned), event);
    }

    pub(crate) fn next_time(&self) -> Option<u64> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.events.pop_first().map(|(_, event)| event)
    }
}
