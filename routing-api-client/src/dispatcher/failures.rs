//! What a failure leads to.

use std::sync::Arc;
use std::time::Instant;

use tidegate_schemas::record::AttemptResult;

use super::Dispatcher;
use crate::inbound::Failure;
use crate::member::MemberState;
use crate::pending::{Attempt, Consultation, Next, State, Trial};
use crate::policy::{FailureTable, OnFailure};
use crate::pool::Seat;

/// The rows of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Refused,
    ClientError,
    ServerError,
    Invalid,
    Lost,
    Timeout,
}

impl From<Failure> for Kind {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Error => Self::Error,
            Failure::Refused => Self::Refused,
            Failure::ClientError(_) => Self::ClientError,
            Failure::ServerError(_) => Self::ServerError,
        }
    }
}

impl From<Kind> for AttemptResult {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Error => Self::Error,
            Kind::Refused => Self::Refused,
            Kind::ClientError => Self::Http4xx,
            Kind::ServerError => Self::Http5xx,
            Kind::Invalid => Self::Invalid,
            Kind::Lost => Self::Lost,
            Kind::Timeout => Self::Timeout,
        }
    }
}

impl Kind {
    fn policy(self, table: &FailureTable) -> OnFailure {
        match self {
            Self::Error => table.error,
            Self::Refused | Self::Lost => table.refused,
            Self::ClientError => table.http_4xx,
            Self::ServerError => table.http_5xx,
            Self::Invalid => table.invalid,
            Self::Timeout => table.timeout,
        }
    }
}

impl Dispatcher {
    /// An application failed in a question that is closed or overdue. Decides how the consultation
    /// goes on, unless somebody else still has time.
    pub(super) fn fail(&mut self, c: &mut Consultation, at: usize, kind: Kind, now: Instant) {
        let Some(attempt) = c.asked.get_mut(at) else {
            return;
        };
        let (seat, trial) = (Arc::clone(&attempt.seat), attempt.trial);
        attempt.trial = Trial::None;
        attempt.result = Some(kind.into());
        attempt.ended.get_or_insert(now);
        match kind {
            Kind::Timeout => seat.record.timeouts.add(),
            Kind::Invalid => seat.record.invalid.add(),
            _ => seat.record.errors.add(),
        }
        self.blame(&seat, trial, now);
        if !c.waits() {
            c.next = c.after(&seat, kind);
        }
    }

    /// A failure in a row with others leaves the application out.
    pub(super) fn blame(&mut self, seat: &Seat, trial: Trial, now: Instant) {
        let clock = self.registry.clock(now);
        let is_probe = trial == Trial::Probe;
        let left_out = seat.member.health.failed(clock, &seat.eject, is_probe);
        self.stats.ejected += u64::from(left_out);
    }

    /// Ends the attempts that have their share of the time.
    pub(super) fn time_out(&mut self, c: &mut Consultation, now: Instant) {
        let clock = self.registry.clock(now);
        let span = self.registry.settings().suspect_for;
        c.next = Next::Pools;
        for at in 0..c.asked.len() {
            let Some(attempt) = c.asked.get_mut(at) else {
                continue;
            };
            if attempt.state != State::Turn {
                continue;
            }
            attempt.state = State::Overdue;
            let took = now.saturating_duration_since(attempt.at);
            attempt.seat.record.took(clock, took);
            attempt.seat.application.suspect_for(clock, span);
            self.fail(c, at, Kind::Timeout, now);
        }
        if c.step_end <= now {
            c.next = Next::Otherwise;
        }
    }
}

impl Consultation {
    pub(super) fn after(&self, seat: &Seat, kind: Kind) -> Next {
        match kind.policy(&seat.on_failure) {
            OnFailure::Next => Next::Pools,
            OnFailure::Retry if self.may_retry(&seat.member) => {
                Next::Again(Arc::clone(&seat.member))
            }
            OnFailure::Retry => Next::Pools,
            OnFailure::Otherwise => Next::Otherwise,
            OnFailure::Refuse => Next::Refuse,
        }
    }

    /// Once is enough.
    fn may_retry(&self, member: &Arc<MemberState>) -> bool {
        let is_its = |attempt: &&Attempt| attempt.seat.is_of(member);
        !self.asked.iter().filter(is_its).any(|a| a.repeated)
    }
}
