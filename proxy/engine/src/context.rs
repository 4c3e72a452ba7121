//! The response context (RFC 3261 section 16.2): one server transaction with its branches.

use std::net::IpAddr;

use bytes::Bytes;
use smallvec::SmallVec;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::event::{AskReason, Cause};
use tidegate_sip::build::ViaStamp;
use tidegate_sip::{Message, Method};

use crate::address::{Hop, Source};
use crate::call::Link;
use crate::forward::NextHop;
use crate::key::TransactionKey;
use crate::plan::{Labels, Plan, Progress, TargetId};
use crate::request::route_info::RouteInfo;
use crate::time::Time;
use crate::transaction::{ClientInvite, ClientNonInvite, ServerInvite, ServerNonInvite};

/// One transaction of the proxy, from the request to the last timer.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) key: TransactionKey,
    pub(crate) method: Method,
    pub(crate) server: Server,
    pub(crate) source: Source,
    pub(crate) upstream: Hop,
    pub(crate) stamp: ViaStamp,
    pub(crate) began: Time,
    /// Kept until the final response has been sent.
    pub(crate) request: Option<Box<Request>>,
    /// What a repeat of the request is answered with.
    pub(crate) last_response: Option<Bytes>,
    pub(crate) phase: Phase,
    pub(crate) branches: SmallVec<[Box<Branch>; 1]>,
    pub(crate) call: Link,
    /// The caller sent CANCEL, with this Reason.
    pub(crate) cancelled: Option<Option<Box<[u8]>>>,
}

/// The server transaction (RFC 3261 section 17.2).
#[derive(Debug)]
pub(crate) enum Server {
    Invite(ServerInvite),
    NonInvite(ServerNonInvite),
}

/// What has to be known of the request while it is not answered.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) message: Message,
    pub(crate) route: RouteInfo,
    pub(crate) loop_hash: u64,
    /// Breadth that parallel branches share (RFC 5393 section 5.3.3).
    pub(crate) breadth: u32,
    pub(crate) session: SessionEdit,
    /// What decided last; for logs.
    pub(crate) tier: Box<str>,
    /// The applications that are asked about it.
    pub(crate) chain: u16,
    /// Consultations so far.
    pub(crate) rounds: u32,
    /// The application's own string.
    pub(crate) context: Option<Box<str>>,
    pub(crate) labels: Labels,
    pub(crate) attempts: Vec<AttemptRecord>,
    /// When the caller first heard that it rings.
    pub(crate) rang: Option<Time>,
    /// The branch whose final response the caller gets.
    pub(crate) answer: Option<Answer>,
}

/// The branch whose final response the caller gets.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its request, or the ACK for its response: the Request-URI is the same.
    pub(crate) sent: Bytes,
    pub(crate) branch_flags: Option<u32>,
}

/// What RFC 4028 section 8.1 asks the proxy to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionEdit {
    Leave,
    /// Raise Session-Expires and Min-SE to this many seconds.
    Raise(u32),
}

/// One branch that failed, for the application.
#[derive(Debug)]
pub(crate) struct AttemptRecord {
    pub(crate) target: Box<[u8]>,
    pub(crate) code: u16,
    pub(crate) reason: Box<[u8]>,
    pub(crate) cause: Cause,
    pub(crate) time_ms: u32,
    pub(crate) branch_flags: Option<u32>,
    /// Of a 3xx: URI and q in thousandths.
    pub(crate) contacts: Vec<(Box<[u8]>, Option<u16>)>,
}

/// What the proxy core is doing about the request.
#[derive(Debug)]
pub(crate) enum Phase {
    /// An application is asked.
    Suspended(Suspended),
    /// A plan is executed.
    Forwarding(Box<Forwarding>),
    /// The final response is out, or none will be.
    Done,
}

#[derive(Debug)]
pub(crate) struct Suspended {
    pub(crate) label: u32,
    pub(crate) deadline: Time,
    pub(crate) reason: AskReason,
}

#[derive(Debug)]
pub(crate) struct Forwarding {
    pub(crate) plan: Plan,
    /// Targets that wait for breadth.
    pub(crate) waiting: Vec<TargetId>,
    /// No new branch any more: a 6xx came, or the caller cancelled.
    pub(crate) halted: bool,
    /// Targets are being started: those that fail at once are followed by the next without recursion.
    pub(crate) driving: bool,
    /// What the plan said last.
    pub(crate) progress: Progress,
}

/// One copy of the request and its client transaction.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) target: TargetId,
    pub(crate) client: Client,
    pub(crate) hop: Hop,
    /// The request as it left; from a failure response on, the ACK.
    pub(crate) sent: Bytes,
    pub(crate) cancel: Cancel,
    pub(crate) outcome: Option<BranchEnd>,
    pub(crate) started: Time,
    /// When the wait ends: fr_timer until a response has come, then fr_inv_timer or Timer C.
    pub(crate) final_deadline: Option<Time>,
    /// A provisional response has come.
    pub(crate) has_responded: bool,
    /// Further addresses of the same next hop (RFC 3263 section 4.3).
    pub(crate) alternates: SmallVec<[IpAddr; 2]>,
    /// The copy went over TCP since it was too long for UDP (RFC 3261 section 18.1.1).
    pub(crate) switched_to_tcp: bool,
    pub(crate) originals: Option<Box<Originals>>,
    pub(crate) breadth: u32,
    pub(crate) branch_flags: Option<u32>,
}

/// The client transaction of a branch (RFC 3261 section 17.1).
#[derive(Debug)]
pub(crate) enum Client {
    /// The next hop's name is being looked up.
    Resolving(Box<NextHop>),
    Invite(ClientInvite),
    NonInvite(ClientNonInvite),
    /// Nothing was sent, or nothing more is to come.
    Terminated,
}

/// The caller's From and To up to their parameters, where a branch shows others.
#[derive(Debug)]
pub(crate) struct Originals {
    pub(crate) from: Option<Box<[u8]>>,
    pub(crate) to: Option<Box<[u8]>>,
}

/// How a branch ended, once it has.
#[derive(Debug)]
pub(crate) struct BranchEnd {
    pub(crate) status: u16,
    pub(crate) cause: Cause,
    /// The response, where the peer gave one that may go upstream.
    pub(crate) response: Option<Box<Message>>,
    /// Other branches took its place: for the Contacts of a 3xx, or over UDP for TCP.
    pub(crate) followed: bool,
}

/// The CANCEL of a branch (RFC 3261 section 9.1).
#[derive(Debug)]
pub(crate) enum Cancel {
    None,
    /// To be sent with the first provisional response.
    Wanted(CancelReason),
    Sent(Box<CancelTransaction>),
}

/// What the Reason of a CANCEL says (RFC 3326).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CancelReason {
    /// The caller's own Reason values, or none.
    Upstream(Option<Box<[u8]>>),
    /// Another branch answered 2xx.
    CompletedElsewhere,
    /// Another branch answered 6xx, or a timer ended the branch.
    None,
}

#[derive(Debug)]
pub(crate) struct CancelTransaction {
    pub(crate) client: ClientNonInvite,
    pub(crate) sent: Bytes,
}

/// The Request-URI of a request that was written here.
pub(crate) fn sent_request_uri(sent: &[u8]) -> &[u8] {
    sent.split(|byte| *byte == b' ').nth(1).unwrap_or_default()
}

impl Context {
    /// The name of this transaction in events and logs.
    pub(crate) fn call(&self, instance: u32, shard: u8) -> ConsultationId {
        self.id(instance, shard, self.generation)
    }

    pub(crate) fn id(&self, instance: u32, shard: u8, label: u32) -> ConsultationId {
        let index = (u32::from(shard) << ConsultationId::SLOT_BITS) | self.slot;
        ConsultationId {
            instance,
            index,
            label,
        }
    }

    pub(crate) fn is_invite(&self) -> bool {
        self.method == Method::Invite
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// Nothing can happen to it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.server.is_terminated() && self.branches.iter().all(|branch| branch.is_over())
    }
}

impl Server {
    pub(crate) fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_terminated(),
            Self::NonInvite(machine) => machine.is_terminated(),
        }
    }
}

impl Branch {
    /// No final response has come and none was made up.
    pub(crate) fn is_pending(&self) -> bool {
        self.outcome.is_none()
    }

    /// The caller has its answer: what other branches gave is of no use, nor are other addresses.
    pub(crate) fn let_go(&mut self) {
        self.alternates = SmallVec::new();
        if let Some(end) = &mut self.outcome {
            end.response = None;
        }
    }

    fn is_over(&self) -> bool {
        let client_over = match &self.client {
            Client::Resolving(_) => false,
            Client::Invite(machine) => machine.is_terminated(),
            Client::NonInvite(machine) => machine.is_terminated(),
            Client::Terminated => true,
        };
        let cancel_over = match &self.cancel {
            Cancel::None | Cancel::Wanted(_) => true,
            Cancel::Sent(cancel) => cancel.client.is_terminated(),
        };
        client_over && cancel_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Target;

    /// 4 KiB for a live transaction with one branch: this leaves two thirds for the copy that was
    /// sent, the last response, header indices, URIs and timers.
    #[test]
    fn a_live_transaction_with_one_branch_needs_little_beside_its_messages() {
        let live = size_of::<Context>()
            + size_of::<Request>()
            + size_of::<Forwarding>()
            + size_of::<Branch>()
            + size_of::<Target>();
        assert!(live <= 1280, "{live}");
    }

    /// 1 KiB for one that only waits for repeats: this leaves half for the response to repeat.
    #[test]
    fn a_finished_transaction_needs_half_as_much() {
        let finished = size_of::<Context>() + size_of::<Branch>();
        assert!(finished <= 576, "{finished}");
    }
}
