//! Applications: seen, added, changed, removed while calls run.

use std::time::Duration;

use routing_api_client::{Latency, MemberReport, MemberStatus};
use tidegate_schemas::admin::{self, ApplicationChange, Promotion};

use super::runtime::{self, Runtime};
use super::{ManageError, Manager, State, shadows};
use crate::config::{Application, Config, Problem};

/// The percentage of calls for a shadow that is promoted.
const FIRST_CANARY: u8 = 5;

impl Manager {
    /// All that are configured or connected.
    pub(crate) async fn applications(&self) -> Vec<admin::Application> {
        let state = self.state.lock().await;
        self.seen(&state)
    }

    /// One of them.
    pub(crate) async fn application(&self, name: &str) -> Result<admin::Application, ManageError> {
        let state = self.state.lock().await;
        self.find(&state, name)
    }

    /// Adds one.
    pub(crate) async fn add(&self, new: Application) -> Result<admin::Application, ManageError> {
        let name = new.name.clone();
        let mut state = self.state.lock().await;
        if self.configured(&state, &name).is_some() {
            return Err(ManageError::Exists(name));
        }
        let runtime = with(&state, [new]);
        self.change(&mut state, runtime, &name).await?;
        tracing::info!(application = name, "added");
        self.find(&state, &name)
    }

    /// Changes one; those that dialled in by themselves too.
    pub(crate) async fn alter(
        &self,
        name: &str,
        change: &ApplicationChange,
    ) -> Result<admin::Application, ManageError> {
        let mut state = self.state.lock().await;
        let mut altered = self.known(&state, name)?;
        alter(&mut altered, change);
        let runtime = with(&state, [altered]);
        self.change(&mut state, runtime, name).await?;
        tracing::info!(application = name, ?change, "changed");
        self.find(&state, name)
    }

    /// Makes a shadow a canary, and a canary a full member of its pool; with `alone` it is the only
    /// one that is asked.
    pub(crate) async fn promote(
        &self,
        name: &str,
        promotion: Promotion,
    ) -> Result<admin::Application, ManageError> {
        let canary = canary(promotion)?;
        let mut state = self.state.lock().await;
        let mut promoted = self.known(&state, name)?;
        let others = self.others(&state, name).into_iter();
        let others = others.filter(|it| promotion.alone && it.shadow.is_none());
        let first = (promoted.shadow.is_some() && !promotion.alone).then_some(FIRST_CANARY);
        (promoted.shadow, promoted.canary) = (None, canary.or(first));
        promoted.draining = false;
        promoted.weight = promoted.weight.max(1);
        let drained = others.map(|other| Application {
            draining: true,
            ..other
        });
        let runtime = with(&state, drained.chain([promoted]));
        self.change(&mut state, runtime, name).await?;
        tracing::info!(application = name, ?promotion, "promoted");
        self.find(&state, name)
    }

    /// Removes one. Questions that it has may still be answered.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), ManageError> {
        let mut state = self.state.lock().await;
        if self.configured(&state, name).is_none() {
            self.find(&state, name)?;
            return Err(ManageError::DialsIn(name.to_owned()));
        }
        let mut runtime = state.runtime.clone();
        runtime.remove(&state.file, name);
        self.change(&mut state, runtime, name).await?;
        tracing::info!(application = name, "removed");
        Ok(())
    }

    fn find(&self, state: &State, name: &str) -> Result<admin::Application, ManageError> {
        let found = self.seen(state).into_iter().find(|it| it.name == name);
        found.ok_or_else(|| ManageError::UnknownApplication(name.to_owned()))
    }

    fn seen(&self, state: &State) -> Vec<admin::Application> {
        let config = state.runtime.over(&state.file);
        let members = self.shared.applications.members();
        let reports = self.shared.applications.shadow_reports();
        let report = |member: &MemberReport| reports.iter().find(|it| it.name == member.name);
        members
            .iter()
            .map(|it| admin::Application {
                agreement: report(it).map(|it| shadows::agreement(&it.counts)),
                ..seen(it, &config, &state.runtime)
            })
            .collect()
    }

    fn configured(&self, state: &State, name: &str) -> Option<Application> {
        runtime::entry(&state.runtime.over(&state.file), name)
    }

    /// As it is configured, or as one that dialled in would be.
    fn known(&self, state: &State, name: &str) -> Result<Application, ManageError> {
        if let Some(configured) = self.configured(state, name) {
            return Ok(configured);
        }
        self.find(state, name).map(dialled_in)
    }

    /// The others of its pool.
    fn others(&self, state: &State, name: &str) -> Vec<Application> {
        let seen = self.seen(state);
        let pool = seen.iter().find(|it| it.name == name).map(|it| &it.pool);
        let others = seen
            .iter()
            .filter(|it| Some(&it.pool) == pool && it.name != name);
        others
            .filter_map(|it| self.known(state, &it.name).ok())
            .collect()
    }

    /// Puts what was changed at runtime in place, after a check of the whole.
    async fn change(
        &self,
        state: &mut State,
        runtime: Runtime,
        name: &str,
    ) -> Result<(), ManageError> {
        let config = runtime.over(&state.file);
        let invalid = |problem| ManageError::Invalid(about(&config, name, problem));
        if let Some(problem) = config.problems().into_iter().next() {
            return Err(invalid(problem));
        }
        self.put_in_place(config.clone()).await.map_err(invalid)?;
        state.runtime = runtime;
        Ok(())
    }
}

fn with(state: &State, applications: impl IntoIterator<Item = Application>) -> Runtime {
    let mut runtime = state.runtime.clone();
    applications.into_iter().for_each(|it| runtime.set(it));
    runtime
}

/// A problem of this application is told by its own keys.
fn about(config: &Config, name: &str, mut problem: Problem) -> Problem {
    let place = config
        .routing
        .application
        .iter()
        .position(|it| it.name == name);
    let own = place.map(|i| format!("routing.application[{i}]."));
    match own.and_then(|own| problem.key.strip_prefix(&own).map(str::to_owned)) {
        Some(key) => problem.key = key,
        None => {
            problem.message = format!("{}: {}", problem.key, problem.message);
            problem.key = String::new();
        }
    }
    problem
}

fn dialled_in(seen: admin::Application) -> Application {
    Application {
        pool: Some(seen.pool),
        ..Application::named(seen.name)
    }
}

/// The percentage that is wanted.
fn canary(promotion: Promotion) -> Result<Option<u8>, ManageError> {
    if promotion.alone && promotion.canary.is_some() {
        let message = "who gets a percentage is not alone; leave one of both out";
        return Err(ManageError::Invalid(Problem::new("canary", message)));
    }
    Ok(promotion.canary)
}

fn alter(application: &mut Application, change: &ApplicationChange) {
    let ApplicationChange {
        weight,
        canary,
        shadow,
        draining,
        max_in_flight,
    } = change;
    application.weight = weight.unwrap_or(application.weight);
    application.canary = canary.unwrap_or(application.canary);
    application.shadow = shadow.unwrap_or(application.shadow);
    match (canary, shadow) {
        (Some(Some(_)), None) => application.shadow = None,
        (None, Some(Some(_))) => application.canary = None,
        _ => {}
    }
    application.draining = draining.unwrap_or(application.draining);
    application.max_in_flight = max_in_flight.unwrap_or(application.max_in_flight);
}

fn seen(member: &MemberReport, config: &Config, runtime: &Runtime) -> admin::Application {
    let name = member.name.to_string();
    let configured = runtime::entry(config, &name);
    let ejected_for_ms = match member.status {
        MemberStatus::Ejected { remaining } => Some(millis(remaining)),
        _ => None,
    };
    admin::Application {
        pool: member.pool.to_string(),
        url: configured.as_ref().and_then(|it| it.url.clone()),
        dialect: (!member.dialect.is_empty()).then(|| member.dialect.to_owned()),
        state: state(member.status),
        ejected_for_ms,
        draining: configured.as_ref().is_some_and(|it| it.draining),
        connections: member.connections as usize,
        in_flight: member.in_flight,
        weight: member.weight,
        canary: member.canary,
        shadow: member.shadow,
        agreement: None,
        latency: member.latency.map(latency),
        counts: admin::Counts {
            asked: member.asked,
            answered: member.answered,
            errors: member.errors,
            timeouts: member.timeouts,
            late: member.late,
            invalid: member.invalid,
        },
        origin: match (runtime.has(&name), configured) {
            (true, _) => admin::Origin::Runtime,
            (false, Some(_)) => admin::Origin::File,
            (false, None) => admin::Origin::DialIn,
        },
        name,
    }
}

pub(super) fn state(status: MemberStatus) -> admin::State {
    match status {
        MemberStatus::Up => admin::State::Up,
        MemberStatus::Down => admin::State::Down,
        MemberStatus::Draining => admin::State::Draining,
        MemberStatus::Ejected { .. } => admin::State::Ejected,
    }
}

pub(super) fn latency(latency: Latency) -> admin::Latency {
    admin::Latency {
        p50_us: micros(latency.p50),
        p95_us: micros(latency.p95),
        p99_us: micros(latency.p99),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
