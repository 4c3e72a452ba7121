//! Running a plan: what starts, what follows, when it is over.

use std::cmp::Reverse;

use tidegate_schemas::document::{OnRedirect, Routing};
use tidegate_schemas::event::AskReason;
use tidegate_sip::Uri;

use super::policy::{Ruling, Verdict};
use super::tree::{Kind, Stage};
use super::uri::{is_secure, same_uri, usable_contact, written};
use super::{BranchOutcome, Plan, Progress, Target, TargetId};

const ROOT: u16 = 0;

impl Plan {
    /// Starts the first targets. A plan without any is exhausted at once.
    pub(crate) fn start(&mut self, launch: &mut Vec<TargetId>) -> Progress {
        if self.targets.is_empty() && self.progress == Progress::Running {
            self.progress = Progress::Exhausted;
        }
        if self.progress == Progress::Running {
            self.enter(ROOT, launch);
        }
        self.progress
    }

    /// One target came to its end without a 2xx. Repeats are ignored.
    pub(crate) fn finished(
        &mut self,
        target: TargetId,
        outcome: BranchOutcome,
        launch: &mut Vec<TargetId>,
    ) -> Progress {
        let Some(leaf) = self.end(target) else {
            return self.progress;
        };
        if self.progress != Progress::Running {
            return self.progress;
        }
        let verdict = Verdict::new(outcome, self.ruling(leaf, outcome));
        if outcome.is_global_failure() && verdict.then == Ruling::Stop {
            self.progress = Progress::Stopped;
        } else {
            self.progress = self.climb(leaf, verdict, launch);
        }
        self.progress
    }

    /// What a target asks for.
    ///
    /// Ids come from this plan's own launches, so there always is one.
    pub(crate) fn target(&self, id: TargetId) -> &Target {
        &self.targets[usize::from(id.0)]
    }

    /// Follows a 3xx (RFC 3261 sections 16.5 and 16.7 step 4): its Contacts, each with its q in
    /// thousandths (1000 where it has none), take the place of the target that answered, by q, equal
    /// ones in parallel. Left out are URIs that the plan has already, what is not `sip` or `sips`,
    /// and `sip` where a `sips` URI was called. They inherit the headers and timers of the target, but
    /// not the way to it.
    ///
    /// `false`: there is nothing to follow, the 3xx is the target's outcome.
    pub(crate) fn redirect<'u>(
        &mut self,
        from: TargetId,
        request_uri: &[u8],
        contacts: impl Iterator<Item = (&'u [u8], u16)>,
        launch: &mut Vec<TargetId>,
    ) -> bool {
        if self.progress != Progress::Running || !self.is_started(from) {
            return false;
        }
        let contacts = self.new_contacts(from, request_uri, contacts);
        if contacts.is_empty() {
            return false;
        }
        self.replace(from, &contacts);
        self.enter(self.target(from).node, launch);
        true
    }

    /// Whether some target has this URI: then a 3xx that goes upstream must not offer it.
    pub(crate) fn has_uri(&self, uri: &[u8], request_uri: &[u8]) -> bool {
        let asked = Uri::parse(uri).map_or_else(|_| uri.into(), |uri| written(&uri));
        self.targets.iter().any(|target| {
            let known = target.uri.as_deref().unwrap_or(request_uri);
            same_uri(known, &asked)
        })
    }
}

/// The walk through the tree.
impl Plan {
    fn enter(&mut self, node: u16, launch: &mut Vec<TargetId>) {
        match &mut self.node_mut(node).kind {
            Kind::Leaf { target, stage } if *stage == Stage::Waiting => {
                *stage = Stage::Started;
                launch.push(*target);
            }
            Kind::Leaf { .. } => {}
            Kind::Group(group) => {
                let (first, routing) = (group.first, group.routing);
                self.enter_members(first, routing, launch);
            }
        }
    }

    fn enter_members(&mut self, first: Option<u16>, routing: Routing, launch: &mut Vec<TargetId>) {
        let mut member = first;
        while let Some(node) = member {
            self.enter(node, launch);
            member = match routing {
                Routing::Parallel => self.node(node).next,
                Routing::Serial => None,
            };
        }
    }

    /// Marks a running target as ended; its leaf.
    fn end(&mut self, target: TargetId) -> Option<u16> {
        let leaf = self.targets.get(usize::from(target.0))?.node;
        match &mut self.node_mut(leaf).kind {
            Kind::Leaf { stage, .. } if *stage == Stage::Started => *stage = Stage::Ended,
            _ => return None,
        }
        Some(leaf)
    }

    fn is_started(&self, target: TargetId) -> bool {
        let target = self.targets.get(usize::from(target.0));
        target.is_some_and(|target| {
            matches!(
                self.node(target.node).kind,
                Kind::Leaf {
                    stage: Stage::Started,
                    ..
                }
            )
        })
    }

    /// A 3xx that is the application's business leads to it; else the nearest level that mentions the
    /// outcome decides.
    pub(super) fn ruling(&self, leaf: u16, outcome: BranchOutcome) -> Option<Ruling> {
        if self.on_redirect == Some(OnRedirect::Ask) && outcome.status() / 100 == 3 {
            return Some(Ruling::AskRedirected);
        }
        let levels = std::iter::successors(Some(leaf), |&node| self.node(node).parent);
        levels
            .filter_map(|node| self.node(node).policy.as_ref())
            .find_map(|policy| policy.ruling(outcome))
    }

    /// Tells the groups around a node how it ended, from the inside out, until one goes on.
    pub(super) fn climb(
        &mut self,
        leaf: u16,
        verdict: Verdict,
        launch: &mut Vec<TargetId>,
    ) -> Progress {
        let (mut node, mut verdict) = (leaf, verdict);
        while let Some(parent) = self.node(node).parent {
            let next = self.node(node).next;
            match self.settle(parent, verdict, next) {
                Settled::Ended(outcome) => (node, verdict) = (parent, outcome),
                Settled::Waits => return Progress::Running,
                Settled::Next(next) => {
                    self.enter(next, launch);
                    return Progress::Running;
                }
            }
        }
        match verdict.then {
            Ruling::GoOn => Progress::Exhausted,
            Ruling::Stop => Progress::Stopped,
            Ruling::AskFailed => Progress::Asks(AskReason::BranchFailed),
            Ruling::AskRedirected => Progress::Asks(AskReason::Redirected),
        }
    }

    /// What a group makes of the end of one member, behind which `next` stands.
    fn settle(&mut self, group: u16, verdict: Verdict, next: Option<u16>) -> Settled {
        let Kind::Group(group) = &mut self.node_mut(group).kind else {
            return Settled::Ended(verdict);
        };
        let best = group.best.map_or(verdict, |best| best.min(verdict));
        group.best = Some(best);
        group.open = group.open.saturating_sub(1);
        match (group.routing, next) {
            (Routing::Serial, _) if !verdict.goes_on() => Settled::Ended(verdict),
            (Routing::Serial, Some(next)) => Settled::Next(next),
            (Routing::Parallel, _) if group.open > 0 => Settled::Waits,
            _ => Settled::Ended(best),
        }
    }
}

enum Settled {
    Ended(Verdict),
    Waits,
    Next(u16),
}

/// Following a 3xx.
impl Plan {
    fn new_contacts<'u>(
        &self,
        from: TargetId,
        request_uri: &[u8],
        contacts: impl Iterator<Item = (&'u [u8], u16)>,
    ) -> Vec<(u16, Box<[u8]>)> {
        let called = self.target(from).uri.as_deref().unwrap_or(request_uri);
        let secure_only = is_secure(called);
        let mut usable: Vec<(u16, Box<[u8]>)> = contacts
            .filter_map(|(uri, q)| Some((q, usable_contact(uri, secure_only)?)))
            .collect();
        usable.sort_by_key(|&(q, _)| Reverse(q));
        let room = usize::from(self.max_targets).saturating_sub(self.targets.len());
        let mut new: Vec<(u16, Box<[u8]>)> = Vec::new();
        for (q, uri) in usable {
            if new.len() == room {
                break;
            }
            if !self.has_uri(&uri, request_uri)
                && !new.iter().any(|(_, other)| same_uri(other, &uri))
            {
                new.push((q, uri));
            }
        }
        new
    }

    /// The target's leaf becomes a serial group, one member for each q.
    fn replace(&mut self, from: TargetId, contacts: &[(u16, Box<[u8]>)]) {
        let place = self.target(from).node;
        self.node_mut(place).kind = Kind::group(Routing::Serial);
        for class in contacts.chunk_by(|a, b| a.0 == b.0) {
            if let [contact] = class {
                self.add_contact(place, from, contact);
                continue;
            }
            let group = self.add_group(place, Routing::Parallel, None);
            self.attach(place, group);
            for contact in class {
                self.add_contact(group, from, contact);
            }
        }
    }

    fn add_contact(&mut self, parent: u16, from: TargetId, (_, uri): &(u16, Box<[u8]>)) {
        let target = self.target(from).redirected(uri.clone());
        self.add_target(parent, target, None);
    }
}
