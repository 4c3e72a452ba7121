//! Whom to ask.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::FixedState;

use super::{Group, Pool, Seat};
use crate::member::{MemberState, Standing};
use crate::pending::Attempt;
use crate::policy::Choose;

/// For what somebody is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    /// Milliseconds on the registry's clock.
    pub(crate) clock: u64,
    /// Those that were asked.
    pub(crate) asked: &'a [Attempt],
    /// The Call-ID.
    pub(crate) call: &'a str,
    /// Take even those that are left out.
    pub(crate) even_out: bool,
    /// Members that were asked about this call before, and may not be again.
    pub(crate) not: &'a [Arc<MemberState>],
}

/// The application to ask.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) seat: Arc<Seat>,
    /// It is left out, and this question tries whether it is well again.
    pub(crate) standing: Standing,
    group: usize,
    index: usize,
}

/// What was found in a search.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    pub(crate) choice: Option<Choice>,
    /// Connections that could be asked.
    pub(crate) candidates: usize,
    /// Applications that were left out since their outgoing queue is full.
    pub(crate) full: u64,
    /// Applications that were left out since they have as many questions as the policy allows.
    pub(crate) limited: u64,
    /// Applications that are too slow as of this search.
    pub(crate) ejected: u64,
}

/// The least is asked: not asked before, due for a trial, the call's canary, not suspect, with the
/// least to do or the call's own, and then in turn.
type Rank = (bool, bool, bool, bool, u64, u64);

/// One that can be asked.
struct Candidate {
    rank: Rank,
    standing: Standing,
    group: usize,
    index: usize,
}

impl Pool {
    /// Finds the best application among those that can be asked and were not.
    pub(crate) fn search(&mut self, query: &Query<'_>) -> Search {
        let ejected = self.judge(query.clock);
        let mut search = Search {
            ejected,
            ..Search::default()
        };
        if self.limit.full() {
            search.limited = 1;
            return search;
        }
        let call = self.needs_call().then(|| CallHash::of(query.call));
        let mut best: Option<Candidate> = None;
        for (at, group) in self.groups.iter().enumerate() {
            let candidate = group.candidate(at, self.settings.choose, query, call, &mut search);
            if let Some(candidate) = candidate
                && best.as_ref().is_none_or(|best| candidate.rank < best.rank)
            {
                best = Some(candidate);
            }
        }
        search.choice = best.and_then(|best| self.choice(&best));
        search
    }

    /// Whether anybody can be asked.
    pub(crate) fn has_candidate(&self, query: &Query<'_>) -> bool {
        let mut search = Search::default();
        let call = self.needs_call().then(|| CallHash::of(query.call));
        let choose = self.settings.choose;
        let mut groups = self.groups.iter().enumerate();
        !self.limit.full()
            && groups.any(|(at, group)| {
                let candidate = group.candidate(at, choose, query, call, &mut search);
                candidate.is_some()
            })
    }

    /// The choice was asked.
    pub(crate) fn took_turn(&mut self, choice: &Choice) {
        let turn = self.turn;
        if let Some(group) = self.groups.get_mut(choice.group) {
            self.turn = self.turn.max(group.turn);
            group.took_turn(choice.index, turn);
        }
    }

    /// Another connection of a member, if need be one that was asked.
    pub(crate) fn again(&self, member: &Arc<MemberState>, asked: &[Attempt]) -> Option<Choice> {
        let is_its = |group: &Group| Arc::ptr_eq(&group.member, member);
        let at = self.groups.iter().position(is_its)?;
        let group = self.groups.get(at)?;
        let takes =
            |seat: &Arc<Seat>| seat.application.takes() && !seat.application.outgoing.full();
        let was_asked = |seat: &Seat| asked.iter().any(|attempt| attempt.is_by(seat.id()));
        let seats = group.seats.iter().enumerate();
        let (index, seat) = seats
            .filter(|(_, seat)| takes(seat))
            .min_by_key(|(_, seat)| was_asked(seat))?;
        Some(Choice {
            seat: Arc::clone(seat),
            standing: Standing::In,
            group: at,
            index,
        })
    }

    fn needs_call(&self) -> bool {
        let has_canary = || self.groups.iter().any(|group| group.canary.is_some());
        self.settings.choose == Choose::StickyByCall || has_canary()
    }

    fn choice(&self, best: &Candidate) -> Option<Choice> {
        let seat = self.groups.get(best.group)?.seats.get(best.index)?;
        Some(Choice {
            seat: Arc::clone(seat),
            standing: best.standing,
            group: best.group,
            index: best.index,
        })
    }
}

impl Group {
    fn candidate(
        &self,
        at: usize,
        choose: Choose,
        query: &Query<'_>,
        call: Option<CallHash>,
        search: &mut Search,
    ) -> Option<Candidate> {
        let standing = self.standing(query)?;
        let is_canary = self.gets(call)?;
        let (index, suspect) = self.seat(query, search)?;
        if self.member.limit.full() {
            search.limited += 1;
            return None;
        }
        let was_asked = |attempt: &Attempt| attempt.seat.is_of(&self.member);
        let preference = match (choose, call) {
            (Choose::StickyByCall, Some(call)) => self.affinity(call),
            _ => (self.in_flight() << 20) / u64::from(self.weight.max(1)),
        };
        Some(Candidate {
            rank: (
                query.asked.iter().any(was_asked),
                standing != Standing::Due,
                !is_canary,
                suspect,
                preference,
                self.turn,
            ),
            standing,
            group: at,
            index,
        })
    }

    fn standing(&self, query: &Query<'_>) -> Option<Standing> {
        if self.draining || self.weight == 0 {
            return None;
        }
        if query
            .not
            .iter()
            .any(|member| Arc::ptr_eq(member, &self.member))
        {
            return None;
        }
        let standing = self.member.health.standing(query.clock);
        (standing != Standing::Out || query.even_out).then_some(standing)
    }

    /// Whether it is this call's canary; nothing where it is that of other calls.
    fn gets(&self, call: Option<CallHash>) -> Option<bool> {
        let (Some((begin, end)), Some(call)) = (self.canary, call) else {
            return Some(false);
        };
        (begin..end).contains(&call.hundredth()).then_some(true)
    }

    /// The connection with the fewest questions, and whether it let one time out of late.
    fn seat(&self, query: &Query<'_>, search: &mut Search) -> Option<(usize, bool)> {
        let mut best: Option<((bool, u32), usize)> = None;
        let all = || self.seats.iter().enumerate();
        for (index, seat) in all().skip(self.next).chain(all().take(self.next)) {
            let application = &seat.application;
            let was_asked = query.asked.iter().any(|attempt| attempt.is_by(seat.id()));
            if was_asked || !application.takes() {
                continue;
            }
            if application.outgoing.full() {
                search.full += 1;
                continue;
            }
            search.candidates += 1;
            let load = (application.suspect(query.clock), application.in_flight());
            if best.is_none_or(|(least, _)| load < least) {
                best = Some((load, index));
            }
        }
        best.map(|((suspect, _), index)| (index, suspect))
    }

    /// Less for those that come first for a call: rendezvous hashing by weight.
    fn affinity(&self, call: CallHash) -> u64 {
        let hash = FixedState::with_seed(call.0).hash_one(self.name_hash);
        let part = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let score = f64::from(self.weight.max(1)) / -part.ln();
        !score.to_bits()
    }
}

/// Tells calls apart, the same in every shard.
#[derive(Debug, Clone, Copy)]
struct CallHash(u64);

impl CallHash {
    fn of(call: &str) -> Self {
        Self(FixedState::with_seed(1).hash_one(call))
    }

    fn hundredth(self) -> u8 {
        u8::try_from(self.0 % 100).unwrap_or(0)
    }
}
