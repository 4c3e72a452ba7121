//! From a route document to what is tried, in which order, and what ends it.
//!
//! [`compile`] judges the whole document, `on_exhausted` included, before anything is sent: what
//! can't be honoured is refused with a JSON Pointer and a reason. What it yields is ready to be
//! spliced into messages.
//!
//! A [`Plan`] is a tree of targets and groups. It sends nothing: it names the targets to start and
//! is told how each ended.
//!
//! - **Serial group**: its first route starts; the next one starts when the one before failed with
//!   an outcome that goes on. An outcome that stops ends the group with that outcome.
//! - **Parallel group**: all routes start at once; it has ended when all of them have. Its outcome is
//!   the best of theirs in the order of RFC 3261 section 16.7 step 6; of two equally good ones, one
//!   that stops.
//! - **Policies**: for the outcome of a target the rules are looked up on the target, then on its
//!   group, then on the groups around it, then on the document. The nearest level that mentions the
//!   outcome decides; on one level `stop_on` wins. A group passes on the verdict of the target whose
//!   outcome it took, so a busy callee ends the groups around it as well.
//! - **Default**: 408, 480, 5xx, timeouts and transport errors go on, everything else stops. A timeout
//!   answers to `timeout`, `408` and `4xx`, a transport error to `transport`, `503` and `5xx`.
//! - **6xx**: where it stops, it stops everything at once (step 5): nothing starts any more, and the
//!   caller of [`Plan::finished`] cancels what still runs.
//! - **Asking**: an outcome in `ask_on`, which wins over the other two, ends the groups around it as
//!   one that stops does, but what follows is a question; so it is with a 3xx where `on_redirect` is
//!   `ask`.
//! - **Exhausted or stopped**: exhausted means that the outcome of the whole would have gone on had
//!   there been more. Only then `on_exhausted` applies.
//! - **Once only**: a target that the plan already has (same `uri`, `dst_uri`, `path` and `socket`) is
//!   left out (section 16.5), and so is a Contact of a 3xx whose URI the plan already has.

mod check;
mod compile;
mod describe;
mod headers;
mod patience;
mod pointer;
mod policy;
mod run;
mod socket;
mod target;
mod tree;
mod uri;
mod verbs;
mod way;

use tidegate_schemas::event::AskReason;

use crate::call::CallKinds;
use crate::config::{Config, Listener};

pub(crate) use compile::compile;
pub use describe::{
    Description, GroupDescription, GroupEnd, HeaderChanges, IdentityChange, OutcomeDescription,
    Outcomes, Part, Redirects, RouteDescription, Rule, Silence, TargetDescription, Then, Timer,
    TimerSource, describe,
};
pub(crate) use patience::Patience;
pub(crate) use tree::{HeaderPlan, IdentityPlan, Plan, Target, TargetId};

/// What a document may refer to, and how large it may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// What `socket` may name.
    pub(crate) listeners: &'a [Listener],
    /// The URI that a target without `uri` keeps.
    pub(crate) request_uri: &'a [u8],
    /// Targets in one document, with those of its `on_exhausted`, repeats counted.
    pub(crate) max_targets: usize,
    /// Groups inside groups, the document itself counted.
    pub(crate) max_depth: usize,
    /// Whether the request is an INVITE.
    pub(crate) is_invite: bool,
    /// Whether there is someone to `ask` once the routes ran out.
    pub(crate) may_ask: bool,
}

impl<'a> Scope<'a> {
    /// The limits of `config`.
    pub(crate) fn of(config: &'a Config, is_invite: bool) -> Self {
        Self {
            listeners: &config.listeners,
            request_uri: b"",
            max_targets: config.max_targets,
            max_depth: 8,
            is_invite,
            may_ask: true,
        }
    }
}

/// A document that can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Forward. A plan without targets is exhausted from the start.
    Route(Plan),
    /// Answer.
    Reply(ReplyPlan),
    /// Answer 302.
    Redirect(RedirectPlan),
    /// Ask again, with the history and this context.
    Ask {
        /// The document's own context, else that of the document around it.
        context: Option<Box<str>>,
    },
    /// Say nothing.
    Drop,
}

/// A response made by the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplyPlan {
    pub(crate) code: u16,
    /// `None`: the standard one.
    pub(crate) reason: Option<Box<str>>,
    pub(crate) headers: Vec<HeaderValue>,
    pub(crate) body: Box<[u8]>,
    pub(crate) content_type: Option<Box<str>>,
    pub(crate) labels: Labels,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedirectPlan {
    /// The value of the one Contact header: `<sip:a@example.com>;q=0.5, <sip:b@example.com>`.
    pub(crate) contact: Box<[u8]>,
    pub(crate) labels: Labels,
}

/// What a document says about the call beside what is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Labels {
    /// For logs, records and notifications: a JSON object.
    pub(crate) tags: Option<Box<str>>,
    /// The notifications that subscribers get; `None`: all.
    pub(crate) notify: Option<CallKinds>,
}

/// Name and value of a header, ready to be written.
pub(crate) type HeaderValue = (Box<str>, Box<str>);

/// What one branch ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BranchOutcome {
    /// A final response other than 2xx.
    Status(u16),
    /// None came: a 408 made here.
    Timeout,
    /// The request could not be delivered: a 503 made here.
    Transport,
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Targets run.
    Running,
    /// The application has to be asked how to go on.
    Asks(AskReason),
    /// The routes ran out: `on_exhausted` applies.
    Exhausted,
    /// A rule ended it: nothing starts any more. After a 6xx, targets may still run: cancel them.
    Stopped,
}

#[cfg(test)]
mod tests;
