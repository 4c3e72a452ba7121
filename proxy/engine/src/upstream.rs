//! Towards the caller: where its responses go and what the server transaction does with them
//! (RFC 3261 sections 17.2 and 18.2).

use std::net::SocketAddr;

use bytes::Bytes;
use tidegate_sip::{Host, Via};

use crate::address::{Hop, Source};
use crate::context::{Phase, Server, sent_request_uri};
use crate::core::{SERVER, Step};
use crate::forward::printable;
use crate::output::{Finished, Output};
use crate::reply::LocalReply;
use crate::transaction::Effects;

/// Where responses go (RFC 3261 section 18.2.2, RFC 3581 section 4).
pub(crate) fn hop(via: &Via<'_>, source: &Source) -> Hop {
    let sent_by_port = via.port.unwrap_or_else(|| source.transport.default_port());
    let mut addr = SocketAddr::new(source.addr.ip(), sent_by_port);
    if !source.transport.is_reliable() {
        if let Some(maddr) = via.maddr().and_then(Host::ip) {
            addr.set_ip(maddr);
        } else if via.rport().is_some() {
            addr = source.addr;
        }
    }
    Hop {
        transport: source.transport,
        addr,
        listener: source.listener,
        connection: source.connection,
    }
}

impl<O: Output> Step<'_, O> {
    /// Answers an INVITE with 100 (RFC 3261 section 17.2.1), another request once Timer E of its
    /// sender would have reached T2 (RFC 4320 section 4.1).
    pub(crate) fn send_trying(&mut self) {
        if self.cx.last_response.is_none() {
            self.reply(&LocalReply::of(100, "Trying"));
        }
    }

    /// Sends a response made here.
    pub(crate) fn reply(&mut self, reply: &LocalReply) {
        let tier = self.cx.request.as_ref().map_or("", |it| &*it.tier);
        match &self.core.config.decision_header {
            Some(name) if reply.status > 100 && !tier.is_empty() => {
                let reply = reply.clone().with_header(name.clone(), printable(tier));
                self.write_reply(&reply);
            }
            _ => self.write_reply(reply),
        }
    }

    fn write_reply(&mut self, reply: &LocalReply) {
        let Some(request) = self.cx.request.take() else {
            return;
        };
        let view = request.message.view();
        let tag = self.core.tag_of(view);
        self.core.buffer.clear();
        reply.write(view, self.cx.stamp, tag.as_bytes(), &mut self.core.buffer);
        self.cx.request = Some(request);
        let bytes = Bytes::copy_from_slice(&self.core.buffer);
        self.send_response(reply.status, bytes);
    }

    /// Passes a response, ready to go, to the server transaction.
    pub(crate) fn send_response(&mut self, status: u16, bytes: Bytes) {
        let reliable = self.cx.source.transport.is_reliable();
        let timing = self.core.timing;
        let effects = match (&mut self.cx.server, status) {
            (Server::Invite(machine), 100..=199) => machine.send_provisional(),
            (Server::NonInvite(machine), 100..=199) => machine.send_provisional(),
            (Server::Invite(machine), _) => machine.send_final(status, reliable, &timing),
            (Server::NonInvite(machine), _) => machine.send_final(status, reliable, &timing),
        };
        let passes_only = self.cx.is_invite() && (200..300).contains(&status);
        // RFC 3261 section 16.7 step 5: a 2xx to an INVITE passes whatever was sent before.
        let goes_out = effects.send || passes_only;
        if goes_out {
            self.out.send(&self.cx.upstream, bytes.clone());
            // RFC 6026: a 2xx is not repeated by the transaction, so there is no need to keep it. Nor
            // is a failure that was sent before it.
            self.cx.last_response = (!passes_only).then_some(bytes);
        }
        self.apply_server(&effects);
        if status >= 200 {
            self.conclude(goes_out.then_some(status));
        }
    }

    /// Does what the server transaction asks for.
    pub(crate) fn apply_server(&mut self, effects: &Effects) {
        if effects.retransmit
            && let Some(bytes) = &self.cx.last_response
        {
            self.core.stats.retransmissions += 1;
            self.out.send(&self.cx.upstream, bytes.clone());
        }
        self.arm_all(SERVER, effects);
    }

    /// The proxy core is done with the request: what only a decision needs is let go.
    pub(crate) fn conclude(&mut self, status: Option<u16>) {
        if self.cx.is_done() && self.cx.request.is_none() {
            return;
        }
        self.tell_call(status);
        self.cx.phase = Phase::Done;
        for branch in &mut self.cx.branches {
            branch.let_go();
        }
        let request = self.cx.request.take();
        let answer = request.as_ref().and_then(|request| request.answer.as_ref());
        let rang = request.as_ref().and_then(|request| request.rang);
        let record = Finished {
            call: self.cx.call(self.core.instance, self.core.shard),
            request: request
                .as_ref()
                .map_or(&[], |request| request.message.view().bytes()),
            status,
            tier: request.as_ref().map_or("", |request| &request.tier),
            tags: request
                .as_ref()
                .and_then(|request| request.labels.tags.as_deref()),
            consultations: request.as_ref().map_or(0, |request| request.rounds),
            branches: self.cx.branches.len(),
            target: answer.map(|answer| sent_request_uri(&answer.sent)),
            branch_flags: answer.and_then(|answer| answer.branch_flags),
            pdd_ms: rang.unwrap_or(self.now).since(self.cx.began),
            time_ms: self.now.since(self.cx.began),
        };
        self.out.finished(&record);
    }
}
