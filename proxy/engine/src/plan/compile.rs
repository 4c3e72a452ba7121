//! From a document to a decision.

use tidegate_schemas::document::{Action, OnRedirect};
use tidegate_schemas::{DocumentError, RouteDocument};

use super::pointer::{At, refuse};
use super::policy::Policy;
use super::target::{Budget, Builder};
use super::{Decision, Labels, Plan, Scope, verbs};

/// Documents inside each other by `on_exhausted`, the outermost counted.
const MOST_ROUNDS: usize = 8;
/// Bytes of `context`.
const LONGEST_CONTEXT: usize = 8 * 1024;
/// Bytes of `tags`, written as JSON.
const LONGEST_TAGS: usize = 4 * 1024;
/// Parts of a cache key.
const LONGEST_KEY: usize = 16;
/// Bounds of the bounds, under which every node of a plan has a 16-bit index.
const MOST_TARGETS: usize = 4096;
const MOST_DEPTH: usize = 12;

/// Turns a document into what is to be done, or says where and why it can't be honoured.
pub(crate) fn compile(doc: &RouteDocument, scope: &Scope<'_>) -> Result<Decision, DocumentError> {
    let scope = Scope {
        max_targets: scope.max_targets.min(MOST_TARGETS),
        max_depth: scope.max_depth.min(MOST_DEPTH),
        ..*scope
    };
    let mut compiler = Compiler {
        scope: &scope,
        budget: Budget {
            most: scope.max_targets,
            left: scope.max_targets,
        },
    };
    compiler.document(doc, None, 1)
}

struct Compiler<'s> {
    scope: &'s Scope<'s>,
    budget: Budget,
}

/// What every document may have.
struct Common {
    context: Option<Box<str>>,
    labels: Labels,
    policy: Option<Box<Policy>>,
}

impl Compiler<'_> {
    fn document(
        &mut self,
        doc: &RouteDocument,
        context: Option<&str>,
        round: usize,
    ) -> Result<Decision, DocumentError> {
        let common = common(doc, context)?;
        match verb(doc)? {
            Action::Route => self.route(doc, common, round),
            Action::Reply => self.reply(doc, common),
            Action::Redirect => self.redirect(doc, common),
            Action::Ask => self.ask(doc, common, round),
            Action::Drop => alone(doc, Action::Drop).map(|()| Decision::Drop),
            Action::Pass => refuse("there is no next application").at("action"),
        }
    }

    fn route(
        &mut self,
        doc: &RouteDocument,
        common: Common,
        round: usize,
    ) -> Result<Decision, DocumentError> {
        let asks = common.policy.as_ref().is_some_and(|it| it.may_ask());
        if asks && !self.scope.may_ask {
            return refuse("there is no one to ask").at("ask_on");
        }
        let mut plan = Plan::new(
            doc.routing.unwrap_or_default(),
            common.policy,
            u16::try_from(self.scope.max_targets).unwrap_or(u16::MAX),
        );
        plan.may_ask =
            asks || doc.on_exhausted.is_some() || doc.on_redirect == Some(OnRedirect::Ask);
        let builder = Builder::new(self.scope, &mut self.budget, plan);
        let plan = builder.fill(&doc.routes).at("routes")?;
        let next = self.on_exhausted(doc, common.context.as_deref(), round);
        Ok(Decision::Route(Plan {
            on_exhausted: next.at("on_exhausted")?,
            context: common.context,
            record_route: doc.record_route,
            labels: common.labels,
            max_call_ms: self.max_call(doc).at("max_call_ms")?,
            on_redirect: self.on_redirect(doc).at("on_redirect")?,
            ..plan
        }))
    }

    /// A call can be ended here only while the proxy is on its path.
    fn max_call(&self, doc: &RouteDocument) -> Result<Option<u32>, DocumentError> {
        if doc.max_call_ms.is_some() && doc.record_route == Some(false) {
            return refuse("a call that has to be ended can't do without `record_route`");
        }
        if doc.max_call_ms.is_some() && !self.scope.is_invite {
            return refuse("only an INVITE begins a call");
        }
        Ok(doc.max_call_ms)
    }

    fn on_redirect(&self, doc: &RouteDocument) -> Result<Option<OnRedirect>, DocumentError> {
        if doc.on_redirect == Some(OnRedirect::Ask) && !self.scope.may_ask {
            return refuse("there is no one to ask");
        }
        Ok(doc.on_redirect)
    }

    fn on_exhausted(
        &mut self,
        doc: &RouteDocument,
        context: Option<&str>,
        round: usize,
    ) -> Result<Option<Box<Decision>>, DocumentError> {
        let Some(next) = doc.on_exhausted.as_deref() else {
            return Ok(None);
        };
        if round >= MOST_ROUNDS {
            return refuse(format!(
                "`on_exhausted` nests deeper than {MOST_ROUNDS} documents"
            ));
        }
        let decision = self.document(next, context, round + 1)?;
        Ok(Some(Box::new(decision)))
    }

    fn reply(&self, doc: &RouteDocument, common: Common) -> Result<Decision, DocumentError> {
        alone(doc, Action::Reply)?;
        let Some(reply) = &doc.reply else {
            return refuse("`reply` needs a response").at("reply");
        };
        let mut plan = verbs::reply(reply, self.scope.is_invite).at("reply")?;
        plan.labels = common.labels;
        Ok(Decision::Reply(plan))
    }

    fn redirect(&self, doc: &RouteDocument, common: Common) -> Result<Decision, DocumentError> {
        alone(doc, Action::Redirect)?;
        let mut plan = verbs::redirect(&doc.contacts, self.scope.max_targets).at("contacts")?;
        plan.labels = common.labels;
        Ok(Decision::Redirect(plan))
    }

    fn ask(
        &self,
        doc: &RouteDocument,
        common: Common,
        round: usize,
    ) -> Result<Decision, DocumentError> {
        alone(doc, Action::Ask)?;
        if round == 1 {
            return refuse("`ask` only stands in `on_exhausted`").at("action");
        }
        if !self.scope.may_ask {
            return refuse("there is no one to ask").at("action");
        }
        Ok(Decision::Ask {
            context: common.context,
        })
    }
}

fn verb(doc: &RouteDocument) -> Result<Action, DocumentError> {
    match doc.action {
        Some(Action::Route) if doc.routes.is_empty() => {
            refuse("`route` needs at least one route").at("routes")
        }
        Some(Action::Route) => alone(doc, Action::Route).map(|()| Action::Route),
        Some(action) => Ok(action),
        None if doc.routes.is_empty() && doc.routing.is_none() => {
            refuse("it says neither `action` nor `routes`")
        }
        None => alone(doc, Action::Route).map(|()| Action::Route),
    }
}

/// Refuses what belongs to another verb: it would be ignored.
fn alone(doc: &RouteDocument, action: Action) -> Result<(), DocumentError> {
    let foreign = [
        ("routes", Action::Route, !doc.routes.is_empty()),
        ("on_exhausted", Action::Route, doc.on_exhausted.is_some()),
        ("reply", Action::Reply, doc.reply.is_some()),
        ("contacts", Action::Redirect, !doc.contacts.is_empty()),
        ("ask_on", Action::Route, doc.ask_on.is_some()),
        ("on_redirect", Action::Route, doc.on_redirect.is_some()),
        ("max_call_ms", Action::Route, doc.max_call_ms.is_some()),
        ("attributes", Action::Pass, doc.attributes.is_some()),
    ];
    let stray = foreign
        .iter()
        .find(|&&(_, owner, is_there)| is_there && owner != action);
    match stray {
        Some((key, owner, _)) => {
            refuse(format!("it belongs to the action `{}`", name(*owner))).at(key)
        }
        None => Ok(()),
    }
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Ask => "ask",
        Action::Drop => "drop",
        Action::Pass => "pass",
        Action::Redirect => "redirect",
        Action::Reply => "reply",
        Action::Route => "route",
    }
}

fn common(doc: &RouteDocument, context: Option<&str>) -> Result<Common, DocumentError> {
    let context = doc.context.as_deref().or(context);
    if doc.location.is_some() {
        return refuse("this key is reserved").at("location");
    }
    if let Some(cache) = &doc.cache {
        cache_key(cache.key.len()).at("key").at("cache")?;
    }
    Ok(Common {
        context: context.map(bounded_context).transpose().at("context")?,
        labels: Labels {
            tags: tags(doc).at("tags")?,
            notify: doc
                .notify
                .as_ref()
                .map(|kinds| kinds.iter().copied().collect()),
        },
        policy: Policy::compile(
            doc.continue_on.as_deref(),
            doc.stop_on.as_deref(),
            doc.ask_on.as_deref(),
        )?,
    })
}

/// Without a key, one caller's decision would serve another.
fn cache_key(parts: usize) -> Result<(), DocumentError> {
    match parts {
        0 => refuse("it has to name at least one thing that the decision depends on"),
        1..=LONGEST_KEY => Ok(()),
        _ => refuse(format!("more than {LONGEST_KEY} parts")),
    }
}

fn bounded_context(context: &str) -> Result<Box<str>, DocumentError> {
    if context.len() > LONGEST_CONTEXT {
        return refuse(format!("longer than {LONGEST_CONTEXT} bytes"));
    }
    Ok(context.into())
}

fn tags(doc: &RouteDocument) -> Result<Option<Box<str>>, DocumentError> {
    let Some(tags) = doc.tags.as_ref().filter(|tags| !tags.is_empty()) else {
        return Ok(None);
    };
    match serde_json::to_string(tags) {
        Ok(text) if text.len() <= LONGEST_TAGS => Ok(Some(text.into())),
        Ok(_) => refuse(format!("longer than {LONGEST_TAGS} bytes")),
        Err(_) => refuse("not an object that can be written as JSON"),
    }
}
