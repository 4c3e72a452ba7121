//! The applications that the proxy dials, as the policy names them.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tracing::error;

use crate::Shutdown;
use crate::connection::Context;
use crate::dial::keep_one;
use crate::endpoint::Scheme;
use crate::inbound::Inboxes;
use crate::policy::{Dial, Member, Policy};
use crate::registry::Registry;
use crate::serve::stopped;
use crate::tls::Stamp;

/// Keeps a connection to every application that the registry's policy says how to dial and whose
/// name is `mine`, until `shutdown`, and speaks with them on the current runtime.
///
/// When the policy is replaced, new ones are dialled, those that are reached otherwise are dialled
/// anew, and those that are gone get no questions any more and are closed when they have answered,
/// or when nothing they could say is of use.
pub async fn keep_connected(
    registry: Arc<Registry>,
    inboxes: Inboxes,
    mut shutdown: Shutdown,
    mine: impl Fn(&str) -> bool + Send,
) {
    let mut policy = registry.policy();
    let mut keeper = Keeper {
        registry,
        inboxes,
        kept: Vec::new(),
        tasks: JoinSet::new(),
    };
    keeper.follow(&Arc::clone(&policy.borrow_and_update()), &mine);
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => break,
            Some(ended) = keeper.tasks.join_next() => report(ended),
            Ok(()) = policy.changed() => {
                let wanted = Arc::clone(&policy.borrow_and_update());
                keeper.follow(&wanted, &mine);
            }
        }
    }
    keeper.kept.clear();
    while let Some(ended) = keeper.tasks.join_next().await {
        report(ended);
    }
}

struct Keeper {
    registry: Arc<Registry>,
    inboxes: Inboxes,
    kept: Vec<Kept>,
    tasks: JoinSet<()>,
}

/// A dialler at work. Dropping it lets it drain and end.
struct Kept {
    plan: Plan,
    _stop: watch::Sender<bool>,
}

/// What makes a dialler the one that is wanted.
#[derive(Debug, Clone, PartialEq)]
struct Plan {
    name: Arc<str>,
    pool: Arc<str>,
    dial: Dial,
    files: Stamp,
}

impl Plan {
    /// Nothing for an application that dials in, or that needs no connection.
    fn new(member: &Member, policy: &Policy) -> Option<Self> {
        let dial = member.dial.as_ref();
        let dial = dial.filter(|dial| dial.endpoint.scheme != Scheme::Sip)?;
        Some(Self {
            name: Arc::clone(&member.name),
            pool: Arc::clone(&policy.pools.get(member.pool)?.name),
            dial: dial.clone(),
            files: dial.tls.stamp(),
        })
    }
}

impl Keeper {
    fn follow(&mut self, policy: &Policy, mine: &impl Fn(&str) -> bool) {
        let all = policy.applications.iter();
        let wanted: Vec<Plan> = all
            .filter(|member| mine(&member.name))
            .filter_map(|member| Plan::new(member, policy))
            .collect();
        self.kept.retain(|kept| wanted.contains(&kept.plan));
        for plan in wanted {
            if !self.kept.iter().any(|kept| kept.plan.name == plan.name) {
                self.start(plan);
            }
        }
    }

    fn start(&mut self, plan: Plan) {
        let (stop, shutdown) = watch::channel(false);
        let token = plan.dial.token.clone();
        let context = Context {
            registry: Arc::clone(&self.registry),
            inboxes: self.inboxes.clone(),
            dialect: plan.dial.dialect.clone(),
            shutdown,
            pool: Arc::clone(&plan.pool),
            member: Some(Arc::clone(&plan.name)),
            token: token.or_else(|| self.registry.settings().token.clone()),
        };
        self.tasks.spawn(keep_one(context, plan.dial.clone()));
        self.kept.push(Kept { plan, _stop: stop });
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "keeping a routing application connected failed");
    }
}
