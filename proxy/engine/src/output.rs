//! What the engine asks its shell to do.

use bytes::Bytes;
use tidegate_schemas::ConsultationId;

use crate::address::Hop;
use crate::call::CallEvent;
use crate::time::Time;

/// Takes what a step of the engine produces, in order. Nothing is left to be fetched afterwards.
pub trait Output {
    /// Send `bytes`, one whole message. What can't be delivered comes back through
    /// [`Engine::handle_send_failure`](crate::Engine::handle_send_failure).
    fn send(&mut self, hop: &Hop, bytes: Bytes);

    /// Ask a routing application before `deadline`. The question is read with
    /// [`Engine::question`](crate::Engine::question), as often as applications are tried; whom to
    /// ask says [`Engine::chain`](crate::Engine::chain).
    fn consult(&mut self, id: ConsultationId, deadline: Time);

    /// The answer to a consultation is of no use any more.
    fn forget(&mut self, id: ConsultationId, why: Forget);

    /// Look up the addresses of `host`; answered with
    /// [`Engine::handle_resolved`](crate::Engine::handle_resolved).
    fn resolve(&mut self, id: ResolveId, host: &str);

    /// Something happened to a call, and somebody wants to know.
    fn call(&mut self, event: &CallEvent<'_>);

    /// A transaction has got its final response. For logs.
    fn finished(&mut self, record: &Finished<'_>);
}

/// Why a consultation is over without an answer that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forget {
    /// The caller hung up.
    Cancelled,
    /// Its deadline passed.
    Deadline,
    /// A branch of an earlier round answered 2xx.
    Answered,
}

/// Names one look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResolveId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) branch: u16,
}

/// How a transaction ended.
#[derive(Debug)]
pub struct Finished<'a> {
    /// The transaction, as `call` of the events about it.
    pub call: ConsultationId,
    /// The request as it came. Empty when it is not kept any more.
    pub request: &'a [u8],
    /// The final status sent upstream; `None` where nothing was (`drop`, RFC 4320).
    pub status: Option<u16>,
    /// What decided: the application's name, `static document`, `no application`;
    /// empty where nothing was decided.
    pub tier: &'a str,
    /// The document's labels: a JSON object.
    pub tags: Option<&'a str>,
    /// How often applications were asked about it.
    pub consultations: u32,
    /// Branches that were tried.
    pub branches: usize,
    /// The Request-URI of the branch whose response was sent; `None` where it was made here.
    pub target: Option<&'a [u8]>,
    /// That target's own number.
    pub branch_flags: Option<u32>,
    /// Milliseconds from the request to the first 180 to 189 that was passed on, or to the final
    /// response (RFC 6076 section 4.3.1).
    pub pdd_ms: u32,
    /// Milliseconds from the request to its final response.
    pub time_ms: u32,
}
