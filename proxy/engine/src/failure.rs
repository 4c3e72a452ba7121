//! What could not be delivered (RFC 3261 section 16.9) and names that were looked up.

use std::net::{IpAddr, SocketAddr};

use tidegate_sip::Method;

use crate::branch::BranchHandle;
use crate::call::is_call;
use crate::context::{Cancel, Client, Phase};
use crate::core::Step;
use crate::engine::Engine;
use crate::output::{Output, ResolveId};
use crate::stateless::STATELESS;
use crate::time::Time;

impl Engine {
    /// The payload may be cut short, as ICMP does it: the top Via is enough. For a response nothing
    /// can be done but count it.
    pub(crate) fn on_send_failure(&mut self, now: Time, payload: &[u8], out: &mut impl Output) {
        self.core.stats.send_failures += 1;
        let Some(method) = method_of(payload) else {
            return;
        };
        let found = top_branch(payload).and_then(|branch| self.core.codec.decode(branch));
        if let Some((handle, _)) = found.filter(|(handle, _)| is_call(handle.branch)) {
            return self.on_own_undelivered(now, &handle, out);
        }
        let Some((handle, _)) = found.filter(|(handle, _)| self.lives(handle)) else {
            return;
        };
        let index = usize::from(handle.branch);
        self.step(now, handle.slot, out, |step| match method {
            Method::Ack => {}
            Method::Cancel => step.step_cancel(index, |client| client.on_transport_error()),
            _ => step.on_branch_undelivered(index),
        });
    }

    fn lives(&self, handle: &BranchHandle) -> bool {
        let cx = self.contexts.get(handle.slot as usize);
        handle.shard == self.core.shard && cx.is_some_and(|cx| cx.generation == handle.generation)
    }

    pub(crate) fn on_resolved(
        &mut self,
        now: Time,
        id: ResolveId,
        addresses: &[IpAddr],
        out: &mut impl Output,
    ) {
        if id.branch == STATELESS {
            return self.on_stateless_resolved(id, addresses, out);
        }
        let current = self.contexts.get(id.slot as usize);
        if current.is_some_and(|cx| cx.generation == id.generation) {
            let index = usize::from(id.branch);
            self.step(now, id.slot, out, |step| step.on_resolved(index, addresses));
        }
    }

    fn on_stateless_resolved(
        &mut self,
        id: ResolveId,
        addresses: &[IpAddr],
        out: &mut impl Output,
    ) {
        let slot = id.slot as usize;
        if self
            .waiting
            .get(slot)
            .is_none_or(|waiting| waiting.generation != id.generation)
        {
            return;
        }
        let mut waiting = self.waiting.remove(slot);
        let family = self
            .core
            .config
            .listener(waiting.hop.listener)
            .map(|it| it.addr.is_ipv4());
        let fitting = addresses.iter().find(|ip| Some(ip.is_ipv4()) == family);
        if let Some(ip) = fitting {
            waiting.hop.addr = SocketAddr::new(*ip, waiting.hop.addr.port());
            out.send(&waiting.hop, waiting.bytes);
        }
    }
}

impl<O: Output> Step<'_, O> {
    fn on_branch_undelivered(&mut self, index: usize) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let effects = match &mut branch.client {
            Client::Invite(machine) => machine.on_transport_error(),
            Client::NonInvite(machine) => machine.on_transport_error(),
            Client::Resolving(_) | Client::Terminated => return,
        };
        if !effects.failed {
            return;
        }
        let switched = branch.switched_to_tcp && matches!(branch.cancel, Cancel::None);
        if switched && self.may_launch() {
            return self.relaunch_over_udp(index);
        }
        self.fail_branch(index);
    }

    /// No 2xx, no 6xx and no CANCEL has come (RFC 3261 sections 16.7 step 5 and 16.10).
    fn may_launch(&self) -> bool {
        matches!(&self.cx.phase, Phase::Forwarding(forwarding) if !forwarding.halted)
    }
}

/// The method of a request; `None` for a response.
fn method_of(payload: &[u8]) -> Option<Method> {
    let end = payload.iter().position(|byte| *byte == b' ')?;
    let word = payload.get(..end)?;
    (!word.starts_with(b"SIP/")).then(|| Method::from_bytes(word))
}

/// The branch of the Via that we put first.
pub(crate) fn top_branch(payload: &[u8]) -> Option<&[u8]> {
    let line = payload.split(|byte| *byte == b'\n').nth(1)?;
    let line = line.strip_prefix(b"Via: ")?;
    let at = line.windows(8).position(|window| window == b";branch=")?;
    let branch = line.get(at + 8..)?;
    let end = branch
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric())
        .unwrap_or(branch.len());
    branch.get(..end)
}
