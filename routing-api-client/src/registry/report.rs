//! The members, for people to look at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::member::{MemberSettings, MemberState};
use crate::policy::Member;

use super::Registry;
use super::members::Members;

/// One named application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberReport {
    /// Its name.
    pub name: Arc<str>,
    /// Its pool.
    pub pool: Arc<str>,
    /// What it speaks, `sip` for a redirect server; empty while that is not known.
    pub dialect: &'static str,
    /// How it is.
    pub status: MemberStatus,
    /// Its connections.
    pub connections: u32,
    /// Questions that it has not answered.
    pub in_flight: u32,
    /// Its share of the work.
    pub weight: u32,
    /// The percentage of the calls that it gets, if it is a canary.
    pub canary: Option<u8>,
    /// The percentage of questions that it gets copies of, if it is a shadow.
    pub shadow: Option<u8>,
    /// Whether the policy names it.
    pub configured: bool,
    /// How long its answers took in the last minute; nothing if there were none.
    pub latency: Option<Latency>,
    /// Questions that it got.
    pub asked: u64,
    /// Answers that could be used.
    pub answered: u64,
    /// Questions that it refused, failed or lost.
    pub errors: u64,
    /// Questions whose share of the time ran out.
    pub timeouts: u64,
    /// Answers to consultations that were over.
    pub late: u64,
    /// Answers that are no route document, or none that can be honoured.
    pub invalid: u64,
}

/// How an application is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// It can be asked.
    Up,
    /// It is not connected.
    Down,
    /// It gets no new questions.
    Draining,
    /// It is left out for its failures or its slowness.
    Ejected {
        /// Until it is tried again.
        remaining: Duration,
    },
}

/// How long answers took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
}

impl Registry {
    /// Every application that the policy names or that is connected, by name.
    #[must_use]
    pub fn members(&self) -> Vec<MemberReport> {
        self.members_at(Instant::now())
    }

    pub(crate) fn members_at(&self, now: Instant) -> Vec<MemberReport> {
        let clock = self.clock(now);
        let members = self.read();
        let reports = members
            .all
            .iter()
            .filter_map(|m| report(&members, m, clock));
        let mut reports: Vec<_> = reports.collect();
        reports.sort_by(|a, b| (&a.pool, &a.name).cmp(&(&b.pool, &b.name)));
        reports
    }
}

fn report(members: &Members, member: &Arc<MemberState>, clock: u64) -> Option<MemberReport> {
    let settings = member.settings();
    let entries = || members.connections(member);
    if !settings.configured && entries().next().is_none() {
        return None;
    }
    let connections = entries().filter(|entry| !entry.redirect).count();
    let tally = member.tally();
    let percentiles = member.percentiles(clock);
    Some(MemberReport {
        name: Arc::clone(&member.name),
        dialect: dialect(members, member, &settings),
        status: status(members, member, &settings, clock),
        connections: u32::try_from(connections).unwrap_or(u32::MAX),
        in_flight: entries().map(|entry| entry.application.in_flight()).sum(),
        weight: settings.weight,
        canary: settings.canary,
        shadow: settings.shadow,
        configured: settings.configured,
        pool: settings.pool,
        latency: percentiles.map(|of| Latency {
            p50: of.p50,
            p95: of.p95,
            p99: of.p99,
        }),
        asked: tally.asked,
        answered: tally.answered,
        errors: tally.errors,
        timeouts: tally.timeouts,
        late: tally.late,
        invalid: tally.invalid,
    })
}

fn status(
    members: &Members,
    member: &Arc<MemberState>,
    settings: &MemberSettings,
    clock: u64,
) -> MemberStatus {
    let mut entries = members.connections(member).peekable();
    if entries.peek().is_none() {
        return MemberStatus::Down;
    }
    if settings.draining || entries.all(|entry| entry.application.draining()) {
        return MemberStatus::Draining;
    }
    let out = member.health.out_for(clock);
    out.map_or(MemberStatus::Up, |millis| MemberStatus::Ejected {
        remaining: Duration::from_millis(millis),
    })
}

fn dialect(
    members: &Members,
    member: &Arc<MemberState>,
    settings: &MemberSettings,
) -> &'static str {
    let mut connected = members.connections(member).filter(|entry| !entry.redirect);
    if let Some(entry) = connected.next() {
        return entry.application.dialect().name();
    }
    if settings.redirect.is_some() {
        return "sip";
    }
    let is_it = |configured: &&Member| configured.name == member.name;
    let configured = members.policy.applications.iter().find(is_it);
    let dial = configured.and_then(|configured| configured.dial.as_ref());
    dial.map_or("", |dial| dial.dialect.name())
}
