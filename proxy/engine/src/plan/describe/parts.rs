//! Targets and groups of a plan, in words.

use serde::Serialize;
use tidegate_schemas::document::Routing;

use super::super::patience::Patience;
use super::super::tree::{HeaderPlan, IdentityPlan, Kind};
use super::super::{HeaderValue, Plan, TargetId};
use super::{GroupDescription, GroupEnd, Part, TargetDescription, Timer, TimerSource, follow};
use crate::config::Config;

/// Changes to the headers of one branch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct HeaderChanges {
    /// Taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Given just this value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<(String, String)>,
    /// Added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub append: Vec<(String, String)>,
    /// Whole lines that are added.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub extra: String,
    /// The new From.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<IdentityChange>,
    /// The new To.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<IdentityChange>,
}

/// A new From or To; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct IdentityChange {
    /// The display name with its quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// The URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// What a description is made from.
pub(super) struct Context<'a> {
    pub(super) plan: &'a Plan,
    pub(super) config: &'a Config,
    pub(super) is_invite: bool,
    /// When each target starts while nobody says anything.
    pub(super) times: &'a [Option<u64>],
}

impl Context<'_> {
    pub(super) fn root(&self) -> GroupDescription {
        match &self.plan.node(0).kind {
            Kind::Group(group) => self.group(0, group.routing, group.first),
            Kind::Leaf { .. } => self.group(0, Routing::Serial, None),
        }
    }

    fn group(&self, node: u16, routing: Routing, first: Option<u16>) -> GroupDescription {
        let members = std::iter::successors(first, |&member| self.plan.node(member).next);
        let members = members.map(|member| match &self.plan.node(member).kind {
            Kind::Group(group) => Part::Group(self.group(member, group.routing, group.first)),
            Kind::Leaf { target, .. } => Part::Target(Box::new(self.target(*target))),
        });
        let mut group = GroupDescription {
            group: node,
            routing,
            members: members.collect(),
            ended: Vec::new(),
        };
        if routing == Routing::Parallel {
            group.ended = self.ended(&group);
        }
        group
    }

    fn ended(&self, group: &GroupDescription) -> Vec<GroupEnd> {
        let targets: Vec<TargetId> = group.targets().map(|it| TargetId(it.target)).collect();
        let rulings = follow::rulings(self.plan, &targets).into_iter();
        let ended = rulings.map(|ruling| GroupEnd {
            rule: follow::rule(ruling),
            then: follow::ended(self.plan, group.group, ruling),
        });
        ended.collect()
    }

    fn target(&self, id: TargetId) -> TargetDescription {
        let target = self.plan.target(id);
        let timers = &self.config.timers;
        let patience = Patience::of(Some(target), timers);
        let source = |own: Option<u32>, configured: Option<u32>| match (own, configured) {
            (Some(_), _) => Some(TimerSource::Document),
            (None, Some(_)) => Some(TimerSource::Configuration),
            (None, None) => None,
        };
        let silence = source(target.fr_timer, timers.fr_timer);
        let ringing = source(target.fr_inv_timer, timers.fr_inv_timer);
        let socket = target
            .socket
            .and_then(|it| self.config.listeners.get(usize::from(it)));
        TargetDescription {
            target: id.0,
            uri: target.uri.as_deref().map(text),
            dst_uri: target.dst_uri.as_deref().map(text),
            path: target.path.as_deref().map(text),
            socket: socket.map(crate::config::Listener::name),
            headers: target.headers.as_deref().map(changes),
            branch_flags: target.branch_flags,
            starts_ms: self.times.get(usize::from(id.0)).copied().flatten(),
            no_response: self.no_response(patience, silence),
            no_final: Timer {
                ms: patience.without_final(timers, self.is_invite),
                from: match self.is_invite {
                    true => ringing.unwrap_or(TimerSource::TimerC),
                    false => TimerSource::TimerF,
                },
            },
            outcomes: follow::outcomes(self.plan, id),
        }
    }

    fn no_response(&self, patience: Patience, source: Option<TimerSource>) -> Timer {
        let ms = patience.without_response(&self.config.timers, self.is_invite);
        let bound = match self.is_invite {
            true => TimerSource::TimerB,
            false => TimerSource::TimerF,
        };
        let is_cut = patience.silence.is_some_and(|wanted| wanted > ms);
        let from = match (source, is_cut, self.is_invite) {
            (Some(_), true, true) => TimerSource::TimerC,
            (Some(_), true, false) | (None, ..) => bound,
            (Some(source), false, _) => source,
        };
        Timer { ms, from }
    }
}

fn changes(plan: &HeaderPlan) -> HeaderChanges {
    HeaderChanges {
        remove: plan.remove.iter().map(ToString::to_string).collect(),
        set: pairs(&plan.set),
        append: pairs(&plan.append),
        extra: text(&plan.extra),
        from: plan.from.as_ref().map(identity),
        to: plan.to.as_ref().map(identity),
    }
}

fn identity(plan: &IdentityPlan) -> IdentityChange {
    IdentityChange {
        display: plan.display.as_deref().map(text),
        uri: plan.uri.as_deref().map(text),
    }
}

pub(super) fn pairs(headers: &[HeaderValue]) -> Vec<(String, String)> {
    let headers = headers.iter();
    headers
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
