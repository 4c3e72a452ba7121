//! Routes in one form, in which what is tried in the same way looks the same.

use serde_json::Value;
use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::{Group, Route, Routing, Target};

use super::outcomes::Outcomes;
use super::report::{Found, given, join};
use super::{headers, uri};

/// A target or a group, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) at: String,
    pub(super) outcomes: Outcomes<'a>,
    pub(super) kind: Kind<'a>,
    value: Option<&'a Route>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind<'a> {
    Target(&'a Target),
    Group(Members<'a>),
}

/// What is tried as one.
#[derive(Debug, Clone)]
pub(super) struct Members<'a> {
    /// Where `routing` and `routes` stand.
    pub(super) at: String,
    pub(super) routing: Routing,
    pub(super) nodes: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    /// All routes of a document.
    pub(super) fn root(document: &'a RouteDocument, at: &str) -> Self {
        let routing = document.routing.unwrap_or_default();
        let mut members = Members::new(routing, &document.routes, at);
        // A group of one is its member: here the document is the group.
        while let [only] = &*members.nodes
            && only.outcomes.is_empty()
            && let Kind::Group(inner) = &only.kind
        {
            members = inner.clone();
        }
        Self {
            at: at.to_owned(),
            outcomes: Outcomes::new(&document.continue_on, &document.stop_on, &document.ask_on),
            kind: Kind::Group(members),
            value: None,
        }
    }

    /// Where the only member is a group that says what outcomes lead to and this one does not: that
    /// group, which does the same.
    pub(super) fn only_group(&self) -> Option<Self> {
        match &self.kind {
            Kind::Group(members) if self.outcomes.is_empty() => match &*members.nodes {
                [only] if matches!(only.kind, Kind::Group(_)) => Some(only.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Where this is a group of one target and only one of both says what outcomes lead to: that
    /// target with it.
    pub(super) fn only_target(&self) -> Option<Self> {
        let Kind::Group(members) = &self.kind else {
            return Some(self.clone());
        };
        let [only] = &*members.nodes else { return None };
        let target = only.only_target()?;
        match (self.outcomes.is_empty(), target.outcomes.is_empty()) {
            (true, _) => Some(target),
            (false, true) => Some(Self {
                outcomes: self.outcomes,
                ..target
            }),
            (false, false) => None,
        }
    }

    /// A group with this as its only member.
    pub(super) fn into_group(self) -> Self {
        match self.kind {
            Kind::Group(_) => self,
            Kind::Target(_) => Self {
                at: self.at.clone(),
                outcomes: Outcomes::default(),
                value: self.value,
                kind: Kind::Group(Members {
                    at: self.at.clone(),
                    routing: Routing::Serial,
                    nodes: vec![self],
                }),
            },
        }
    }

    /// It and where it stands, as it is reported.
    pub(super) fn shown(&self) -> Found {
        let value = serde_json::to_value(self.value?).ok()?;
        Some((self.at.clone(), value))
    }

    /// What it is called where only the order is of interest.
    pub(super) fn label(&self) -> Value {
        match &self.kind {
            Kind::Target(target) => given(&target.uri)
                .or_else(|| given(&target.dst_uri))
                .map_or(Value::Null, Value::from),
            Kind::Group(members) => members.nodes.iter().map(Self::label).collect(),
        }
    }

    /// Where it leads to, in one spelling, whatever else it says.
    pub(super) fn destination(&self) -> String {
        match &self.kind {
            Kind::Target(target) => destination(target),
            Kind::Group(_) => {
                let mut all = self.destinations(usize::MAX);
                all.sort_unstable();
                format!("group {}", all.join(" "))
            }
        }
    }

    /// Where the targets in it lead to, so many of them at most.
    pub(super) fn destinations(&self, most: usize) -> Vec<String> {
        let mut all = Vec::new();
        self.collect_destinations(most, &mut all);
        all
    }

    fn collect_destinations(&self, most: usize, all: &mut Vec<String>) {
        match &self.kind {
            _ if all.len() >= most => {}
            Kind::Target(target) => all.push(destination(target)),
            Kind::Group(members) => {
                for node in &members.nodes {
                    node.collect_destinations(most, all);
                }
            }
        }
    }

    /// All that it says, in one spelling.
    pub(super) fn spelling(&self) -> String {
        if let Some(Self {
            kind: Kind::Target(target),
            outcomes,
            ..
        }) = self.only_target()
        {
            return format!("{}{}", spelling(target), outcomes.spelling());
        }
        let Kind::Group(members) = &self.kind else {
            return String::new();
        };
        let mut inside: Vec<String> = members.nodes.iter().map(Self::spelling).collect();
        if members.routing == Routing::Parallel {
            inside.sort_unstable();
        }
        let (routing, outcomes) = (members.routing, self.outcomes.spelling());
        format!("{routing:?}{outcomes}({})", inside.join(","))
    }
}

impl<'a> Members<'a> {
    fn new(routing: Routing, routes: &'a [Route], at: &str) -> Self {
        let mut members = Self {
            at: at.to_owned(),
            routing,
            nodes: Vec::with_capacity(routes.len()),
        };
        let at = join(at, "routes");
        for (index, route) in routes.iter().enumerate() {
            members.add(node(route, join(&at, &index.to_string())));
        }
        members
    }

    /// A group that is tried as its members would be without it is no group.
    fn add(&mut self, node: Node<'a>) {
        match node.kind {
            Kind::Group(inner) if node.outcomes.is_empty() && self.is_the_same_with(&inner) => {
                inner.nodes.into_iter().for_each(|node| self.add(node));
            }
            _ => self.nodes.push(node),
        }
    }

    fn is_the_same_with(&self, inner: &Self) -> bool {
        match inner.nodes.len() {
            0 => false,
            1 => true,
            _ => inner.routing == self.routing,
        }
    }
}

fn node(route: &Route, at: String) -> Node<'_> {
    let (outcomes, kind) = match route {
        Route::Target(target) => (
            Outcomes::new(&target.continue_on, &target.stop_on, &target.ask_on),
            Kind::Target(target),
        ),
        Route::Group(group) => (
            Outcomes::new(&group.continue_on, &group.stop_on, &group.ask_on),
            Kind::Group(members(group, &at)),
        ),
    };
    Node {
        at,
        outcomes,
        kind,
        value: Some(route),
    }
}

fn members<'a>(group: &'a Group, at: &str) -> Members<'a> {
    Members::new(group.routing.unwrap_or_default(), &group.routes, at)
}

fn destination(target: &Target) -> String {
    let spelled = |text| given(text).map(uri::uri);
    format!("{:?} {:?}", spelled(&target.uri), spelled(&target.dst_uri))
}

fn spelling(target: &Target) -> String {
    format!(
        "{} {:?} {:?} {} {:?} {:?} {:?}",
        destination(target),
        given(&target.path).map(uri::path),
        given(&target.socket).map(uri::socket),
        headers::spelling(target.headers.as_ref()),
        target.branch_flags,
        target.fr_timer,
        target.fr_inv_timer,
    )
}
