//! From a target to a branch that is on its way (RFC 3261 section 16.6 steps 7 to 11).

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use smallvec::SmallVec;
use tidegate_schemas::event::Cause;
use tidegate_sip::{Name, Scheme, Uri};

use super::copy::{Copy, CopyIdentity};
use super::drive::MAX_BRANCHES;
use super::headers;
use super::next_hop::{HostPart, NextHop, Unroutable};
use super::record_route::record_routes;
use crate::address::{Hop, Transport};
use crate::branch::BranchHandle;
use crate::context::{Branch, BranchEnd, Cancel, Client, Originals, Phase, Request};
use crate::core::Step;
use crate::output::{Output, ResolveId};
use crate::plan::{Patience, Target, TargetId};
use crate::time::Time;
use crate::transaction::{ClientInvite, ClientNonInvite, Effects, Timer};

/// How long the look-up of a name may take, in milliseconds.
const RESOLVE_MS: u32 = 5_000;

/// Where a branch goes, once that is known.
#[derive(Clone)]
struct Destination {
    next: NextHop,
    ip: IpAddr,
    alternates: SmallVec<[IpAddr; 2]>,
    force_udp: bool,
}

impl<O: Output> Step<'_, O> {
    pub(crate) fn launch(&mut self, target: TargetId, breadth: u32) {
        let index = self.open_branch(target, breadth);
        match self.next_hop(target) {
            Ok(next) => match next.host {
                HostPart::Ip(ip) => self.send_branch(index, Destination::at(next, ip)),
                HostPart::Name(_) => self.look_up(index, next),
            },
            Err(Unroutable) => self.fail_branch(index),
        }
    }

    /// The next address of the same next hop (RFC 3263 section 4.3): a new branch.
    pub(crate) fn launch_alternate(&mut self, failed: usize, target: TargetId, ips: &[IpAddr]) {
        let breadth = self
            .cx
            .branches
            .get(failed)
            .map_or(1, |branch| branch.breadth);
        let index = self.open_branch(target, breadth);
        match (self.next_hop(target), ips.split_first()) {
            (Ok(next), Some((ip, rest))) => {
                let alternates = SmallVec::from_slice(rest);
                let destination = Destination {
                    alternates,
                    ..Destination::at(next, *ip)
                };
                self.send_branch(index, destination);
            }
            _ => self.fail_branch(index),
        }
    }

    /// A copy went over TCP for its length alone and nobody listens there: the same over UDP
    /// (RFC 3261 section 18.1.1), as a new branch, since it is a new client transaction.
    pub(crate) fn relaunch_over_udp(&mut self, index: usize) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        branch.client = Client::Terminated;
        branch.outcome = Some(BranchEnd {
            status: 503,
            cause: Cause::Transport,
            response: None,
            followed: true,
        });
        let (target, ip, breadth) = (branch.target, branch.hop.addr.ip(), branch.breadth);
        let alternates = std::mem::take(&mut branch.alternates);
        let index = self.open_branch(target, breadth);
        match self.next_hop(target) {
            Ok(next) => {
                let destination = Destination {
                    alternates,
                    force_udp: true,
                    ..Destination::at(next, ip)
                };
                self.send_branch(index, destination);
            }
            Err(Unroutable) => self.fail_branch(index),
        }
    }

    pub(crate) fn on_resolved(&mut self, index: usize, addresses: &[IpAddr]) {
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        if !matches!(branch.client, Client::Resolving(_)) {
            return;
        }
        let client = std::mem::replace(&mut branch.client, Client::Terminated);
        branch.final_deadline = None;
        let (Client::Resolving(next), Some((ip, rest))) = (client, addresses.split_first()) else {
            return self.fail_branch(index);
        };
        let alternates = SmallVec::from_slice(rest);
        self.send_branch(
            index,
            Destination {
                alternates,
                ..Destination::at(*next, *ip)
            },
        );
    }

    fn look_up(&mut self, index: usize, next: NextHop) {
        let (Ok(number), HostPart::Name(name)) = (u16::try_from(index), next.host.clone()) else {
            return;
        };
        if let Some(branch) = self.cx.branches.get_mut(index) {
            branch.client = Client::Resolving(Box::new(next));
            branch.final_deadline = Some(self.now + RESOLVE_MS);
        }
        self.arm(number, Timer::FrInvite, RESOLVE_MS);
        let (slot, generation) = (self.cx.slot, self.cx.generation);
        self.out.resolve(
            ResolveId {
                slot,
                generation,
                branch: number,
            },
            &name,
        );
    }

    fn open_branch(&mut self, target: TargetId, breadth: u32) -> usize {
        let index = self.cx.branches.len();
        self.core.stats.branches += 1;
        let branch_flags = match &self.cx.phase {
            Phase::Forwarding(forwarding) => forwarding.plan.target(target).branch_flags,
            Phase::Suspended(_) | Phase::Done => None,
        };
        self.cx.branches.push(Box::new(Branch {
            target,
            client: Client::Terminated,
            hop: self.cx.upstream,
            sent: Bytes::new(),
            cancel: Cancel::None,
            outcome: None,
            started: self.now,
            final_deadline: None,
            has_responded: false,
            alternates: SmallVec::new(),
            switched_to_tcp: false,
            originals: None,
            breadth,
            branch_flags,
        }));
        index
    }

    /// The request could not be sent: as 503 (section 16.9).
    pub(crate) fn fail_branch(&mut self, index: usize) {
        self.core.stats.branch_transport_errors += 1;
        if let Some(branch) = self.cx.branches.get_mut(index) {
            branch.client = Client::Terminated;
        }
        self.end_branch(index, 503, Cause::Transport, None);
    }

    /// Step 7: the document's next hop, else the first Route value, else the Request-URI.
    fn next_hop(&self, id: TargetId) -> Result<NextHop, Unroutable> {
        let (Phase::Forwarding(forwarding), Some(request)) = (&self.cx.phase, &self.cx.request)
        else {
            return Err(Unroutable);
        };
        let target = forwarding.plan.target(id);
        let view = request.message.view();
        let asked = target.uri.as_deref();
        let asked = asked.unwrap_or_else(|| request.route.request_uri(view));
        let asked = Uri::parse(asked).map_err(|_| Unroutable)?;
        let secure = asked.scheme == Scheme::Sips;
        let next = if let Some(uri) = &target.dst_uri {
            uri
        } else if let Some(path) = &target.path {
            first_in_brackets(path).ok_or(Unroutable)?
        } else if request.route.routes_left > 0 {
            let first = view.routes().nth(request.route.own_routes);
            first.and_then(Result::ok).ok_or(Unroutable)?.uri
        } else {
            return NextHop::of(&asked, secure);
        };
        NextHop::of(&Uri::parse(next).map_err(|_| Unroutable)?, secure)
    }

    fn send_branch(&mut self, index: usize, to: Destination) {
        let Some((hop, sent, switched)) = self.copy_for(index, &to) else {
            if let Some(branch) = self.cx.branches.get_mut(index) {
                branch.alternates = to.alternates;
            }
            return self.fail_branch(index);
        };
        let originals = self.originals(index);
        let timing = self.core.timing;
        let reliable = hop.transport.is_reliable();
        let is_invite = self.cx.is_invite();
        let (fr, _) = self.patience(index);
        let short = fr.filter(|fr| *fr < timing.life());
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let (client, effects): (Client, Effects) = if is_invite {
            // An INVITE that is given up early has to be cancelled when it is answered late, so its
            // transaction lives on.
            let patience = fr.filter(|_| short.is_none());
            let (machine, effects) = ClientInvite::start(reliable, &timing, patience);
            (Client::Invite(machine), effects)
        } else {
            let (machine, effects) = ClientNonInvite::start(reliable, &timing, fr);
            (Client::NonInvite(machine), effects)
        };
        branch.client = client;
        branch.hop = hop;
        branch.sent = sent.clone();
        branch.started = self.now;
        branch.alternates = to.alternates;
        branch.switched_to_tcp = switched;
        branch.originals = originals;
        self.out.send(&hop, sent);
        let Ok(number) = u16::try_from(index) else {
            return;
        };
        self.arm_all(number, &effects);
        if is_invite {
            let timer_c = self.core.config.timers.timer_c;
            self.wait_for_final(index, self.now + short.unwrap_or(timer_c).min(timer_c));
        }
    }

    /// fr_timer, and the time for a final response after a provisional one: fr_inv_timer, else
    /// Timer C.
    pub(crate) fn patience(&self, index: usize) -> (Option<u32>, u32) {
        let patience = Patience::of(self.target_of(index), &self.core.config.timers);
        (patience.silence, patience.ringing)
    }

    /// Step 11 and section 16.7 step 2: sets Timer C. Entries that fire early are armed again.
    pub(crate) fn wait_for_final(&mut self, index: usize, deadline: Time) {
        let Ok(number) = u16::try_from(index) else {
            return;
        };
        let Some(branch) = self.cx.branches.get_mut(index) else {
            return;
        };
        let armed = branch.final_deadline.replace(deadline);
        if armed.is_none_or(|armed| deadline < armed) {
            self.arm(number, Timer::FrInvite, deadline.since(self.now));
        }
    }

    fn target_of(&self, index: usize) -> Option<&Target> {
        let Phase::Forwarding(forwarding) = &self.cx.phase else {
            return None;
        };
        Some(forwarding.plan.target(self.cx.branches.get(index)?.target))
    }

    /// The copy with its way out: over TCP when it is too long for UDP (section 18.1.1).
    fn copy_for(&mut self, index: usize, to: &Destination) -> Option<(Hop, Bytes, bool)> {
        if index >= MAX_BRANCHES {
            return None;
        }
        let hop = self.way_out(index, to, to.next.transport)?;
        let bytes = self.write_copy(index, &hop)?;
        let limit = self.core.config.udp_limit;
        let too_long = limit > 0 && bytes.len() > limit;
        if hop.transport != Transport::Udp || to.force_udp || !too_long {
            return Some((hop, bytes, false));
        }
        let Some(tcp) = self.way_out(index, to, Transport::Tcp) else {
            return Some((hop, bytes, false));
        };
        let bytes = self.write_copy(index, &tcp)?;
        Some((tcp, bytes, true))
    }

    fn way_out(&self, index: usize, to: &Destination, transport: Transport) -> Option<Hop> {
        let request = self.cx.request.as_ref()?;
        let socket = self
            .target_of(index)?
            .socket
            .filter(|_| transport == to.next.transport);
        let preferred = request
            .route
            .out_listener
            .unwrap_or(self.cx.source.listener);
        let config = &self.core.config;
        let listener = config.choose_listener(transport, Some(to.ip), socket, preferred)?;
        let addr = SocketAddr::new(to.ip, to.next.port);
        Some(Hop {
            transport,
            addr,
            listener,
            connection: None,
        })
    }

    fn write_copy(&mut self, index: usize, hop: &Hop) -> Option<Bytes> {
        let (Phase::Forwarding(forwarding), Some(request)) = (&self.cx.phase, &self.cx.request)
        else {
            return None;
        };
        let branch = self.cx.branches.get(index)?;
        let target = forwarding.plan.target(branch.target);
        let handle = BranchHandle {
            shard: self.core.shard,
            slot: self.cx.slot,
            generation: self.cx.generation,
            branch: u16::try_from(index).ok()?,
        };
        let plan = target.headers.as_deref();
        let rewrites = plan.is_some_and(|plan| plan.from.is_some() || plan.to.is_some());
        let needed = rewrites || self.is_followed();
        let record = forwarding
            .plan
            .record_route
            .or(if needed { Some(true) } else { None });
        let came_by = self.cx.source.listener;
        let uri = target.uri.as_deref();
        let uri = uri.unwrap_or_else(|| request.route.request_uri(request.message.view()));
        let config = &self.core.config;
        let view = request.message.view();
        let record_routes = record_routes(config, request, uri, record, came_by, hop.listener);
        let plan = plan.filter(|_| rewrites && !record_routes.is_empty());
        let copy = Copy {
            view,
            route: &request.route,
            stamp: self.cx.stamp,
            hop,
            identity: CopyIdentity::Branch(handle, request.loop_hash),
            target: Some(target),
            record_routes,
            aliases: plan.and_then(|plan| headers::aliases(view, plan)),
            breadth: breadth_to_write(request, branch.breadth),
            session: request.session,
            decided_by: &request.tier,
        };
        copy.write(self.core).ok()
    }

    /// The caller's own From and To, where this branch shows others.
    fn originals(&self, index: usize) -> Option<Box<Originals>> {
        let request = self.cx.request.as_ref()?;
        let plan = self.target_of(index)?.headers.as_deref();
        let restored = request.route.restored.as_deref();
        let from = plan.is_some_and(|it| it.from.is_some())
            || restored.is_some_and(|it| it.from.is_some());
        let to =
            plan.is_some_and(|it| it.to.is_some()) || restored.is_some_and(|it| it.to.is_some());
        let view = request.message.view();
        if !from && !to {
            return None;
        }
        let identity = |address: tidegate_sip::NameAddr<'_>| {
            Box::from(headers::identity_span(&address).of(view.bytes()))
        };
        Some(Box::new(Originals {
            from: view.from().ok().filter(|_| from).map(identity),
            to: view.to().ok().filter(|_| to).map(identity),
        }))
    }
}

impl Destination {
    fn at(next: NextHop, ip: IpAddr) -> Self {
        Self {
            next,
            ip,
            alternates: SmallVec::new(),
            force_udp: false,
        }
    }
}

/// The URI of the first value of a path.
fn first_in_brackets(path: &[u8]) -> Option<&[u8]> {
    let open = path.iter().position(|byte| *byte == b'<')?;
    let length = path.get(open..)?.iter().position(|byte| *byte == b'>')?;
    path.get(open + 1..open + length)
}

/// Written where it came with the request or where the breadth is divided.
fn breadth_to_write(request: &Request, share: u32) -> Option<u32> {
    let came = request.message.view().field(Name::MaxBreadth).is_some();
    (came || share < request.breadth).then_some(share)
}
