//! A second application beside a slow one, and the same one once more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Dispatcher;
use super::ask::{Asking, Outcome};
use crate::member::MemberState;
use crate::pending::{Attempt, Consultation, Next, State};
use crate::pool::{Choice, Seat};

/// Nobody is called slow before this.
const SOONEST: Duration = Duration::from_millis(5);

impl Dispatcher {
    /// When a second application is to be asked: where the pool hedges and it is known how long the
    /// first one usually takes.
    pub(super) fn hedge_at(
        &self,
        asking: Asking<'_>,
        pool: usize,
        choice: &Choice,
    ) -> Option<Instant> {
        let pool = self.pools.get(pool).filter(|pool| pool.settings.hedge)?;
        let is_its = |member: &Arc<MemberState>| choice.seat.is_of(member);
        let group = pool.groups.iter().find(|group| is_its(&group.member))?;
        asking.now.checked_add(group.usual?.max(SOONEST))
    }

    /// Asks a second application of the pool that has the first one. The first one goes on.
    pub(super) fn hedge(&mut self, asking: Asking<'_>, c: &mut Consultation) -> Option<Outcome> {
        let Some(first) = c.turn().map(|attempt| Arc::clone(&attempt.seat)) else {
            c.next = Next::Pools;
            return None;
        };
        if let Some(pool) = self.pool_of(c, &first) {
            self.ask_beside(asking, c, pool);
        }
        Some(Outcome::Waiting(first.id()))
    }

    fn ask_beside(&mut self, asking: Asking<'_>, c: &mut Consultation, pool: usize) {
        let search = self.search(asking, c, pool, false);
        let beside = |choice: &Choice| {
            let was_asked = |attempt: &Attempt| choice.seat.is_of(&attempt.seat.member);
            choice.seat.redirect.is_none() && !c.asked.iter().any(was_asked)
        };
        let Some(choice) = search.choice.filter(beside) else {
            return;
        };
        if let Some(attempt) = self.transmit(asking, c, pool, &choice) {
            self.stats.hedged += 1;
            self.count(c, pool, &choice);
            c.asked.push(Attempt {
                hedge: true,
                ..attempt
            });
        }
    }

    /// Asks the same application once more: on another connection if it has one. On the same
    /// connection a question that is still open is not written twice, it gets more time.
    pub(super) fn ask_once_more(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
        member: &Arc<MemberState>,
    ) -> Option<Outcome> {
        let asked = self.again(asking, c, member);
        if asked.is_none() {
            c.next = Next::Pools;
        }
        asked
    }

    fn again(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
        member: &Arc<MemberState>,
    ) -> Option<Outcome> {
        if asking.now >= c.step_end {
            return None;
        }
        let pools = self.pools_of(c);
        let choose = |pool: &usize| Some((*pool, self.pools.get(*pool)?.again(member, &c.asked)?));
        let (pool, choice) = pools.iter().find_map(choose)?;
        let id = choice.seat.id();
        let others = self.has_candidate(asking, c, &pools);
        if let Some(open) = c.open_by(id) {
            open.state = State::Turn;
            open.repeated = true;
        } else {
            let attempt = self.transmit(asking, c, pool, &choice)?;
            self.count(c, pool, &choice);
            c.replace(id);
            c.asked.push(Attempt {
                repeated: true,
                ..attempt
            });
        }
        self.stats.retried += 1;
        c.hedge_at = None;
        let share = self.share(asking, c, pool, others);
        c.wait_until(asking.now + share);
        Some(Outcome::Waiting(id))
    }

    fn pool_of(&self, c: &Consultation, seat: &Seat) -> Option<usize> {
        let mut pools = self.pools_of(c).into_iter();
        pools.find(|pool| {
            let pool = self.pools.get(*pool);
            pool.is_some_and(|pool| pool.groups.iter().any(|group| seat.is_of(&group.member)))
        })
    }
}
