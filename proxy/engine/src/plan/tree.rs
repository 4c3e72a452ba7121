//! The tree of a plan: targets at its leaves, groups around them.

use tidegate_schemas::document::{OnRedirect, Routing};

use super::policy::{Policy, Verdict};
use super::{Decision, HeaderValue, Labels, Progress};

/// Targets, and the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(super) targets: Vec<Target>,
    /// The root is first and always a group.
    pub(super) nodes: Vec<Node>,
    pub(super) progress: Progress,
    pub(super) max_targets: u16,
    /// What follows when the routes ran out.
    pub(crate) on_exhausted: Option<Box<Decision>>,
    /// What the application wants to be told next time.
    pub(crate) context: Option<Box<str>>,
    /// `None`: as configured.
    pub(crate) record_route: Option<bool>,
    pub(crate) labels: Labels,
    /// Milliseconds after the answer at which the call is ended.
    pub(crate) max_call_ms: Option<u32>,
    /// `None`: as configured.
    pub(crate) on_redirect: Option<OnRedirect>,
    /// Whether an outcome may lead to a question, so that the history is of interest.
    pub(crate) may_ask: bool,
}

/// Names a target inside its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TargetId(pub(crate) u16);

/// One destination. What is absent stays as it is in the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Target {
    /// The new Request-URI, without what may not stand there (RFC 3261 section 19.1.1, table 1).
    pub(crate) uri: Option<Box<[u8]>>,
    /// The next hop, a `sip` or `sips` URI.
    pub(crate) dst_uri: Option<Box<[u8]>>,
    /// Route values to put in front, as they stand in one header: `<sip:a;lr>, <sip:b;lr>`.
    pub(crate) path: Option<Box<[u8]>>,
    /// The listener to send from: its index in the configuration.
    pub(crate) socket: Option<u16>,
    pub(crate) headers: Option<Box<HeaderPlan>>,
    pub(crate) branch_flags: Option<u32>,
    /// Milliseconds.
    pub(crate) fr_timer: Option<u32>,
    /// Milliseconds.
    pub(crate) fr_inv_timer: Option<u32>,
    pub(super) node: u16,
}

/// Changes to the headers of one branch, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct HeaderPlan {
    /// Names of headers to take away, in any case and form.
    pub(crate) remove: Vec<Box<str>>,
    /// Headers that shall have just these values; those of one name stand side by side.
    pub(crate) set: Vec<HeaderValue>,
    /// Headers to add behind those that are there.
    pub(crate) append: Vec<HeaderValue>,
    /// Whole header lines, each with its CRLF.
    pub(crate) extra: Box<[u8]>,
    pub(crate) from: Option<IdentityPlan>,
    pub(crate) to: Option<IdentityPlan>,
}

/// A From or To to be written; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct IdentityPlan {
    /// The display name with its quotes.
    pub(crate) display: Option<Box<[u8]>>,
    /// The URI, without angle brackets.
    pub(crate) uri: Option<Box<[u8]>>,
}

/// A place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) parent: Option<u16>,
    /// The sibling behind it.
    pub(super) next: Option<u16>,
    pub(super) policy: Option<Box<Policy>>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Leaf { target: TargetId, stage: Stage },
    Group(GroupState),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Started,
    Ended,
}

/// A group and what became of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupState {
    pub(super) routing: Routing,
    pub(super) first: Option<u16>,
    last: Option<u16>,
    /// Members that have not ended.
    pub(super) open: u16,
    /// The best outcome so far.
    pub(super) best: Option<Verdict>,
}

impl Kind {
    pub(super) fn group(routing: Routing) -> Self {
        Self::Group(GroupState {
            routing,
            first: None,
            last: None,
            open: 0,
            best: None,
        })
    }
}

impl Target {
    /// The same branch to another URI, found without this one's next hop, path and socket.
    pub(super) fn redirected(&self, uri: Box<[u8]>) -> Self {
        Self {
            uri: Some(uri),
            dst_uri: None,
            path: None,
            socket: None,
            ..self.clone()
        }
    }
}

impl Plan {
    /// A plan whose root is an empty group.
    pub(super) fn new(routing: Routing, policy: Option<Box<Policy>>, max_targets: u16) -> Self {
        Self {
            targets: Vec::new(),
            nodes: vec![Node::new(Kind::group(routing), policy)],
            progress: Progress::Running,
            max_targets,
            on_exhausted: None,
            context: None,
            record_route: None,
            labels: Labels::default(),
            max_call_ms: None,
            on_redirect: None,
            may_ask: false,
        }
    }

    /// A plan of one target that changes nothing: the Route set or the Request-URI says where it goes.
    pub(crate) fn straight() -> Self {
        let mut plan = Self::new(Routing::Serial, None, 1);
        plan.add_target(0, Target::default(), None);
        plan
    }

    /// Makes room for these many targets right under the root, and for no more.
    pub(super) fn reserve(&mut self, targets: usize) {
        self.targets.reserve_exact(targets);
        self.nodes.reserve_exact(targets);
    }

    /// A group that its parent does not know yet: [`Plan::attach`] it once it has members.
    pub(super) fn add_group(
        &mut self,
        parent: u16,
        routing: Routing,
        policy: Option<Box<Policy>>,
    ) -> u16 {
        self.push(parent, Node::new(Kind::group(routing), policy))
    }

    pub(super) fn add_target(
        &mut self,
        parent: u16,
        mut target: Target,
        policy: Option<Box<Policy>>,
    ) {
        let id = TargetId(index(self.targets.len()));
        let kind = Kind::Leaf {
            target: id,
            stage: Stage::Waiting,
        };
        target.node = self.push(parent, Node::new(kind, policy));
        self.attach(parent, target.node);
        self.targets.push(target);
    }

    /// Puts a node behind the members of its parent.
    pub(super) fn attach(&mut self, parent: u16, node: u16) {
        let Kind::Group(group) = &mut self.node_mut(parent).kind else {
            return;
        };
        group.open += 1;
        group.first = group.first.or(Some(node));
        if let Some(last) = group.last.replace(node) {
            self.node_mut(last).next = Some(node);
        }
    }

    pub(super) fn is_empty(&self, node: u16) -> bool {
        matches!(&self.node(node).kind, Kind::Group(group) if group.first.is_none())
    }

    pub(super) fn node(&self, node: u16) -> &Node {
        &self.nodes[usize::from(node)]
    }

    pub(super) fn node_mut(&mut self, node: u16) -> &mut Node {
        &mut self.nodes[usize::from(node)]
    }

    fn push(&mut self, parent: u16, mut node: Node) -> u16 {
        let place = index(self.nodes.len());
        node.parent = Some(parent);
        self.nodes.push(node);
        place
    }
}

impl Node {
    fn new(kind: Kind, policy: Option<Box<Policy>>) -> Self {
        Self {
            parent: None,
            next: None,
            policy,
            kind,
        }
    }
}

/// The limits on targets and depth keep a plan's indices far below this.
fn index(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}
