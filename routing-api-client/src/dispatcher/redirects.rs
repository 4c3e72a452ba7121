//! SIP redirect servers as applications: the call itself is the question.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::FixedState;
use smallvec::SmallVec;
use tidegate_schemas::document::{Action, OnRedirect, Route, Target};
use tidegate_schemas::event::AskReason;
use tidegate_schemas::{RouteDocument, RouteEvent};

use super::Dispatcher;
use super::ask::{Asking, Decided, Outcome};
use super::settle::By;
use crate::endpoint::Endpoint;
use crate::member::MemberState;
use crate::pending::{Attempt, Consultation, State, Trial};
use crate::pool::Choice;

/// How many calls are remembered at most. A power of two.
const ENTRIES: usize = 4096;

/// Which redirect servers were asked about which call, so that they are not asked again when the
/// call comes back from them. A table in which the new takes the place of the old.
#[derive(Debug)]
pub(super) struct Redirects {
    entries: Vec<Option<(u64, Servers)>>,
    hasher: FixedState,
}

type Servers = SmallVec<[Arc<MemberState>; 2]>;

impl Default for Redirects {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            hasher: FixedState::with_seed(0),
        }
    }
}

impl Redirects {
    /// Those that were asked about the event's call.
    pub(super) fn asked(&self, event: &RouteEvent<'_>) -> Servers {
        if self.entries.is_empty() || event.reason == AskReason::New {
            return SmallVec::new();
        }
        let hash = self.hash(event);
        let entry = self.entries.get(index(hash)).and_then(Option::as_ref);
        let entry = entry.filter(|(call, _)| *call == hash);
        entry.map_or_else(SmallVec::new, |(_, servers)| servers.clone())
    }

    fn remember(&mut self, event: &RouteEvent<'_>, server: Arc<MemberState>) {
        let hash = self.hash(event);
        let mut servers = self.asked(event);
        servers.push(server);
        if self.entries.is_empty() {
            self.entries.resize_with(ENTRIES, || None);
        }
        if let Some(place) = self.entries.get_mut(index(hash)) {
            *place = Some((hash, servers));
        }
    }

    fn hash(&self, event: &RouteEvent<'_>) -> u64 {
        self.hasher.hash_one(&*event.call)
    }
}

fn index(hash: u64) -> usize {
    usize::try_from(hash % ENTRIES as u64).unwrap_or(0)
}

impl Dispatcher {
    /// Sends the call to a redirect server. When that does not answer in its share of the time, or
    /// not with a redirection, the others follow.
    pub(super) fn ask_redirect(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
        pool: usize,
        choice: &Choice,
        endpoint: &Endpoint,
        others: bool,
    ) -> Outcome {
        self.count(c, pool, choice);
        self.stats.redirect_server += 1;
        let member = &choice.seat.member;
        self.redirects.remember(asking.event, Arc::clone(member));
        let has_otherwise = c.step().is_some_and(|step| !step.otherwise.is_empty());
        let share = self.share(asking, c, pool, others || has_otherwise);
        let millis = u32::try_from(share.as_millis()).unwrap_or(u32::MAX).max(1);
        c.asked.push(Attempt {
            seat: Arc::clone(&choice.seat),
            at: asking.now,
            state: State::Closed,
            trial: Trial::None,
            hedge: false,
            repeated: false,
            places: [None, None],
            result: None,
            ended: None,
            detail: None,
        });
        Outcome::Decided(Decided {
            tier: Arc::clone(&member.name),
            document: Arc::new(document(endpoint, millis, others || has_otherwise)),
            by: By::Redirect,
        })
    }
}

fn document(endpoint: &Endpoint, millis: u32, others: bool) -> RouteDocument {
    let target = Target {
        dst_uri: Some(format!("sip:{}", endpoint.authority())),
        fr_timer: Some(millis),
        ..Target::default()
    };
    let ask = RouteDocument {
        action: Some(Action::Ask),
        ..RouteDocument::default()
    };
    RouteDocument {
        routes: vec![Route::Target(Box::new(target))],
        on_redirect: Some(OnRedirect::Follow),
        on_exhausted: others.then(|| Box::new(ask)),
        ..RouteDocument::default()
    }
}
