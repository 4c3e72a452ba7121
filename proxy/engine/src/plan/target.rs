//! From the routes of a document to the tree of a plan.

use tidegate_schemas::DocumentError;
use tidegate_schemas::document::{Group, Route, Target as Wanted};

use super::pointer::{At, given, refuse};
use super::policy::Policy;
use super::uri::NextHop;
use super::{Plan, Scope, Target, headers, socket, uri};

/// A day in milliseconds: no timer of a branch is longer.
const LONGEST_TIMER: u32 = 24 * 60 * 60 * 1000;

/// What all parts of one document share: how much it may still name.
pub(super) struct Budget {
    pub(super) most: usize,
    pub(super) left: usize,
}

/// Fills one plan.
pub(super) struct Builder<'s, 'b> {
    pub(super) scope: &'s Scope<'s>,
    pub(super) budget: &'b mut Budget,
    pub(super) plan: Plan,
}

impl Builder<'_, '_> {
    /// Adds the members of a group, which is `depth` groups deep.
    pub(super) fn routes(
        &mut self,
        parent: u16,
        routes: &[Route],
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

    fn group(&mut self, parent: u16, group: &Group, depth: usize) -> Result<(), DocumentError> {
        if depth > self.scope.max_depth {
            return refuse(format!("groups nest deeper than {}", self.scope.max_depth));
        }
        if group.routes.is_empty() {
            return refuse("a group needs at least one route").at("routes");
        }
        let policy = Policy::compile(group.continue_on.as_deref(), group.stop_on.as_deref())?;
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

    fn target(&mut self, parent: u16, wanted: &Wanted) -> Result<(), DocumentError> {
        self.spend()?;
        let policy = Policy::compile(wanted.continue_on.as_deref(), wanted.stop_on.as_deref())?;
        let target = target(wanted, self.scope)?;
        if !self.has(&target) {
            self.plan.add_target(parent, target, policy);
        }
        Ok(())
    }

    fn spend(&mut self) -> Result<(), DocumentError> {
        match self.budget.left.checked_sub(1) {
            Some(left) => self.budget.left = left,
            None => return refuse(format!("more than {} targets", self.budget.most)),
        }
        Ok(())
    }

    fn has(&self, target: &Target) -> bool {
        let own = self.scope.request_uri;
        self.plan
            .targets
            .iter()
            .any(|known| is_same(known, target, own))
    }
}

/// Whether two targets would send the same request to the same place (RFC 3261 section 16.5).
fn is_same(a: &Target, b: &Target, own: &[u8]) -> bool {
    a.socket == b.socket
        && a.path == b.path
        && is_same_hop(a.dst_uri.as_deref(), b.dst_uri.as_deref())
        && uri::same_uri(
            a.uri.as_deref().unwrap_or(own),
            b.uri.as_deref().unwrap_or(own),
        )
}

fn is_same_hop(a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => uri::same_uri(a, b),
        (a, b) => a == b,
    }
}

fn target(wanted: &Wanted, scope: &Scope<'_>) -> Result<Target, DocumentError> {
    let (way, hop) = way(wanted)?;
    let socket = given(wanted.socket.as_ref());
    let socket = socket.map(|text| socket::find(text, scope.listeners, hop.as_ref()));
    let headers = wanted.headers.as_ref().map(headers::compile).transpose();
    Ok(Target {
        socket: socket.transpose().at("socket")?,
        headers: headers.at("headers")?.flatten(),
        branch_flags: wanted.branch_flags,
        fr_timer: timer(wanted.fr_timer).at("fr_timer")?,
        fr_inv_timer: timer(wanted.fr_inv_timer).at("fr_inv_timer")?,
        ..way
    })
}

/// Whom a target calls and by which way; the next hop where the document says it.
fn way(wanted: &Wanted) -> Result<(Target, Option<NextHop<'_>>), DocumentError> {
    let dst_uri = given(wanted.dst_uri.as_ref());
    let dst_hop = dst_uri.map(NextHop::parse).transpose().at("dst_uri")?;
    let path = given(wanted.path.as_ref())
        .map(uri::path)
        .transpose()
        .at("path")?;
    let (path, path_hop) = path.unzip();
    let hop = dst_hop.or(path_hop);
    let called = given(wanted.uri.as_ref());
    let called = called
        .map(|text| uri::called(text, hop.is_some()))
        .transpose()
        .at("uri")?;
    let (uri, own_hop) = called.unzip();
    let target = Target {
        uri,
        dst_uri: dst_uri.map(|uri| uri.as_bytes().into()),
        path: path.map(|path| path.into_bytes().into()),
        ..Target::default()
    };
    Ok((target, hop.or_else(|| own_hop.flatten())))
}

/// rtjson's 0 means absent.
fn timer(milliseconds: Option<u32>) -> Result<Option<u32>, DocumentError> {
    match milliseconds.filter(|&timer| timer > 0) {
        Some(timer) if timer > LONGEST_TIMER => refuse("a timer can't be longer than 24 hours"),
        timer => Ok(timer),
    }
}
