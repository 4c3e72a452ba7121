//! From the routes of a document to the tree of a plan.

use std::cell::OnceCell;

use tidegate_schemas::DocumentError;
use tidegate_schemas::document::{Group, Outcome, Route, Target as Wanted};
use tidegate_sip::Uri;

use super::pointer::{At, given, refuse};
use super::policy::Policy;
use super::way::Way;
use super::{Plan, Scope, Target, headers, socket};

/// A day in milliseconds: no timer of a branch is longer.
const LONGEST_TIMER: u32 = 24 * 60 * 60 * 1000;

/// What all parts of one document share: how much it may still name.
pub(super) struct Budget {
    pub(super) most: usize,
    pub(super) left: usize,
}

/// Fills one plan from routes that live for `'d`.
pub(super) struct Builder<'d, 'b> {
    scope: &'b Scope<'b>,
    budget: &'b mut Budget,
    plan: Plan,
    /// The request's Request-URI.
    own: OnceCell<Option<Uri<'b>>>,
    /// Those of the plan's targets.
    ways: Vec<Way<'d>>,
}

impl<'d, 'b> Builder<'d, 'b> {
    pub(super) fn new(scope: &'b Scope<'b>, budget: &'b mut Budget, plan: Plan) -> Self {
        Self {
            scope,
            budget,
            plan,
            own: OnceCell::new(),
            ways: Vec::new(),
        }
    }

    /// The plan with these routes at its root.
    pub(super) fn fill(mut self, routes: &'d [Route]) -> Result<Plan, DocumentError> {
        let expected = routes.len().min(self.budget.left);
        self.ways.reserve_exact(expected);
        self.plan.reserve(expected);
        self.routes(0, routes, 1)?;
        Ok(self.plan)
    }

    /// Adds the members of a group, which is `depth` groups deep.
    fn routes(
        &mut self,
        parent: u16,
        routes: &'d [Route],
        depth: usize,
    ) -> Result<(), DocumentError> {
        for (index, route) in routes.iter().enumerate() {
            match route {
                Route::Group(group) => self.group(parent, group, depth + 1),
                Route::Target(target) => self.target(parent, target),
            }
            .at_index(index)?;
        }
        Ok(())
    }

    fn group(&mut self, parent: u16, group: &'d Group, depth: usize) -> Result<(), DocumentError> {
        if depth > self.scope.max_depth {
            return refuse(format!("groups nest deeper than {}", self.scope.max_depth));
        }
        if group.routes.is_empty() {
            return refuse("a group needs at least one route").at("routes");
        }
        let policy = self.policy(
            group.continue_on.as_deref(),
            group.stop_on.as_deref(),
            group.ask_on.as_deref(),
        )?;
        let place = self
            .plan
            .add_group(parent, group.routing.unwrap_or_default(), policy);
        self.routes(place, &group.routes, depth).at("routes")?;
        if self.plan.is_empty(place) {
            self.plan.nodes.truncate(usize::from(place));
        } else {
            self.plan.attach(parent, place);
        }
        Ok(())
    }

    fn target(&mut self, parent: u16, wanted: &'d Wanted) -> Result<(), DocumentError> {
        self.spend()?;
        let policy = self.policy(
            wanted.continue_on.as_deref(),
            wanted.stop_on.as_deref(),
            wanted.ask_on.as_deref(),
        )?;
        let way = Way::parse(wanted)?;
        let target = target(wanted, &way, self.scope)?;
        if !self.has(&target, &way) {
            self.plan.add_target(parent, target, policy);
            self.ways.push(way);
        }
        Ok(())
    }

    fn policy(
        &mut self,
        continue_on: Option<&[Outcome]>,
        stop_on: Option<&[Outcome]>,
        ask_on: Option<&[Outcome]>,
    ) -> Result<Option<Box<Policy>>, DocumentError> {
        let policy = Policy::compile(continue_on, stop_on, ask_on)?;
        if policy.as_ref().is_some_and(|policy| policy.may_ask()) {
            if !self.scope.may_ask {
                return refuse("there is no one to ask").at("ask_on");
            }
            self.plan.may_ask = true;
        }
        Ok(policy)
    }

    fn spend(&mut self) -> Result<(), DocumentError> {
        match self.budget.left.checked_sub(1) {
            Some(left) => self.budget.left = left,
            None => return refuse(format!("more than {} targets", self.budget.most)),
        }
        Ok(())
    }

    fn has(&self, target: &Target, way: &Way<'_>) -> bool {
        let own = || Uri::parse(self.scope.request_uri).ok();
        let mut known = self.plan.targets.iter().zip(&self.ways);
        known.any(|(known, its_way)| {
            known.socket == target.socket
                && (is_written_alike(known, target)
                    || its_way.is_same(way, self.own.get_or_init(own).as_ref()))
        })
    }
}

fn is_written_alike(a: &Target, b: &Target) -> bool {
    a.uri == b.uri && a.dst_uri == b.dst_uri && a.path == b.path
}

fn target(wanted: &Wanted, way: &Way<'_>, scope: &Scope<'_>) -> Result<Target, DocumentError> {
    let socket = given(wanted.socket.as_ref());
    let socket = socket.map(|text| socket::find(text, scope.listeners, way.next_hop()));
    let headers = wanted.headers.as_ref().map(headers::compile).transpose();
    Ok(Target {
        socket: socket.transpose().at("socket")?,
        headers: headers.at("headers")?.flatten(),
        branch_flags: wanted.branch_flags,
        fr_timer: timer(wanted.fr_timer).at("fr_timer")?,
        fr_inv_timer: timer(wanted.fr_inv_timer).at("fr_inv_timer")?,
        ..way.target()
    })
}

/// rtjson's 0 means absent.
fn timer(milliseconds: Option<u32>) -> Result<Option<u32>, DocumentError> {
    match milliseconds.filter(|&timer| timer > 0) {
        Some(timer) if timer > LONGEST_TIMER => refuse("a timer can't be longer than 24 hours"),
        timer => Ok(timer),
    }
}
