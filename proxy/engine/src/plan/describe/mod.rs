//! What a document would do, for people: computed by the code that executes it.
//!
//! For each target and each kind of outcome, a copy of the plan is told of that outcome, and what it
//! starts or how it ends is what stands in the description.

mod follow;
mod outcomes;
mod parts;
mod silence;

use serde::Serialize;
use tidegate_schemas::document::{Action, OnRedirect, Routing};
use tidegate_schemas::event::AskReason;
use tidegate_schemas::{DocumentError, RouteDocument};

use super::{Decision, Plan, Scope, compile};
use crate::config::Config;
use parts::text;

pub use outcomes::Outcomes;
pub use parts::{HeaderChanges, IdentityChange};
pub use silence::Silence;

/// What a document would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Description {
    /// Forward.
    Route(Box<RouteDescription>),
    /// Answer.
    Reply {
        /// The code.
        code: u16,
        /// The reason phrase, unless it is the standard one.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Headers that are added.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        headers: Vec<(String, String)>,
        /// The body's Content-Type.
        #[serde(skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        /// The length of the body.
        body_bytes: usize,
    },
    /// Answer 302.
    Redirect {
        /// The value of Contact.
        contact: String,
    },
    /// Ask again, with the history.
    Ask {
        /// What the application is told then.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<String>,
    },
    /// Say nothing to the caller.
    Drop,
    /// Leave the decision to the next application of the chain.
    Pass,
}

/// How a request is forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteDescription {
    /// The targets that start at once, by number.
    pub starts: Vec<u16>,
    /// All targets, in the groups in which they are tried.
    pub tree: GroupDescription,
    /// What becomes of it when nobody says anything.
    pub silence: Silence,
    /// What a 3xx leads to.
    pub on_redirect: Redirects,
    /// Whether the proxy stays on the path of the dialog.
    pub record_route: bool,
    /// Milliseconds after the answer at which the call is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_call_ms: Option<u32>,
    /// What the application is told next time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// What follows when the routes ran out; else the best response is the caller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_exhausted: Option<Box<Description>>,
}

/// What a 3xx of a branch leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirects {
    /// The application is asked.
    Ask,
    /// Its Contacts are tried in the place of the target, by their q.
    Follow,
    /// The same where the Request-URI is one that this proxy is responsible for.
    FollowOwn,
    /// It is the outcome of the branch.
    Stop,
}

/// Several routes that are tried as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupDescription {
    /// Its number; the document itself is 0.
    pub group: u16,
    /// How its members are tried.
    pub routing: Routing,
    /// In the order of the document.
    pub members: Vec<Part>,
    /// Parallel: what follows when all members have ended, by what the rules say about the best of
    /// their outcomes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<GroupEnd>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Part {
    /// Several routes.
    Group(GroupDescription),
    /// One destination.
    Target(Box<TargetDescription>),
}

/// What follows the end of a parallel group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupEnd {
    /// What the rules say about the best outcome.
    pub rule: Rule,
    /// What follows.
    pub then: Then,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetDescription {
    /// Its number, in the order of the document.
    pub target: u16,
    /// The Request-URI; the request's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The next hop, where it is not the one that the URI or the Route set names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_uri: Option<String>,
    /// Route values put in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The listener it is sent from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// Changes to headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<HeaderChanges>,
    /// The application's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_flags: Option<u32>,
    /// Milliseconds from the beginning at which it starts when nobody before it says anything;
    /// absent where it does not start then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_ms: Option<u64>,
    /// Milliseconds without any response before it has failed.
    pub no_response: Timer,
    /// Milliseconds without a final response after a provisional one before it has failed.
    pub no_final: Timer,
    /// What follows each outcome but a 2xx, which ends everything.
    pub outcomes: Vec<OutcomeDescription>,
}

/// A time, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Timer {
    /// Milliseconds.
    pub ms: u32,
    /// Who says so.
    pub from: TimerSource,
}

/// Who sets a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerSource {
    /// `fr_timer` or `fr_inv_timer` of the target.
    Document,
    /// `fr_timer` or `fr_inv_timer` of the configuration.
    Configuration,
    /// Timer B of RFC 3261: 64*T1.
    TimerB,
    /// Timer C of RFC 3261.
    TimerC,
    /// Timer F of RFC 3261: 64*T1.
    TimerF,
}

/// What follows some outcomes of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutcomeDescription {
    /// Which.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// What the rules say about them.
    pub rule: Rule,
    /// What follows.
    pub then: Then,
}

/// What the rules say about an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The next route, where there is one.
    GoesOn,
    /// The application is asked, for a branch failed.
    Asks,
    /// The application is asked, for a branch answered 3xx.
    AsksRedirected,
    /// Nothing more.
    Stops,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "then", rename_all = "snake_case")]
pub enum Then {
    /// These targets start.
    Starts {
        /// By number.
        targets: Vec<u16>,
    },
    /// The other members of a parallel group are waited for.
    Waits {
        /// Its number.
        group: u16,
    },
    /// The routes ran out: `on_exhausted`, else the best response.
    Exhausted,
    /// The caller gets the best response; what still runs is cancelled.
    Stopped,
    /// The application is asked.
    Asked {
        /// The `reason` of that event.
        reason: AskReason,
    },
}

/// Says what `document` would do as the answer of an application about a request.
///
/// # Errors
/// Where and why it can't be executed.
pub fn describe(
    document: &RouteDocument,
    config: &Config,
    is_invite: bool,
) -> Result<Description, DocumentError> {
    if document.action == Some(Action::Pass) {
        return Ok(Description::Pass);
    }
    let decision = compile(document, &Scope::of(config, is_invite))?;
    Ok(decision_of(&decision, config, is_invite))
}

fn decision_of(decision: &Decision, config: &Config, is_invite: bool) -> Description {
    match decision {
        Decision::Route(plan) => Description::Route(Box::new(route(plan, config, is_invite))),
        Decision::Reply(reply) => Description::Reply {
            code: reply.code,
            reason: reply.reason.as_deref().map(str::to_owned),
            headers: parts::pairs(&reply.headers),
            content_type: reply.content_type.as_deref().map(str::to_owned),
            body_bytes: reply.body.len(),
        },
        Decision::Redirect(redirect) => Description::Redirect {
            contact: text(&redirect.contact),
        },
        Decision::Ask { context } => Description::Ask {
            context: context.as_deref().map(str::to_owned),
        },
        Decision::Drop => Description::Drop,
    }
}

fn route(plan: &Plan, config: &Config, is_invite: bool) -> RouteDescription {
    let (silence, times) = silence::run(plan, &config.timers, is_invite);
    let context = parts::Context {
        plan,
        config,
        is_invite,
        times: &times,
    };
    let next = plan.on_exhausted.as_deref();
    RouteDescription {
        starts: follow::first(plan),
        tree: context.root(),
        silence,
        on_redirect: redirects(plan, config),
        record_route: plan.max_call_ms.is_some()
            || plan.record_route.unwrap_or(config.record_route),
        max_call_ms: plan.max_call_ms,
        context: plan.context.as_deref().map(str::to_owned),
        on_exhausted: next.map(|next| Box::new(decision_of(next, config, is_invite))),
    }
}

fn redirects(plan: &Plan, config: &Config) -> Redirects {
    match plan.on_redirect {
        Some(OnRedirect::Ask) => Redirects::Ask,
        Some(OnRedirect::Follow) => Redirects::Follow,
        Some(OnRedirect::Stop) => Redirects::Stop,
        None if config.follow_redirects => Redirects::FollowOwn,
        None => Redirects::Stop,
    }
}

impl GroupDescription {
    /// All targets in it and in the groups inside it.
    pub fn targets(&self) -> impl Iterator<Item = &TargetDescription> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found.into_iter()
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a TargetDescription>) {
        for member in &self.members {
            match member {
                Part::Group(group) => group.collect(found),
                Part::Target(target) => found.push(target),
            }
        }
    }

    /// The group of this number, if it is in here.
    #[must_use]
    pub fn find(&self, number: u16) -> Option<&Self> {
        if self.group == number {
            return Some(self);
        }
        self.members.iter().find_map(|member| match member {
            Part::Group(group) => group.find(number),
            Part::Target(_) => None,
        })
    }
}

#[cfg(test)]
mod tests;
