//! What can be asked.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;
use tidegate_schemas::admin::{
    self, ApplicationChange, Applications, Calls, Counters, Health, Promotion, Reloaded,
    SampleAnswer, SampleQuestion, Termination,
};
use tidegate_schemas::call::CallSummary;

use super::answer::Refusal;
use super::extract::Body;
use super::guard::{self, Guard};
use crate::config::Application;
use crate::manage::{ManageError, Manager};

/// Bytes of one body.
const BODY: usize = 1 << 20;

type Managed = State<Arc<Manager>>;
type Answer<T> = Result<Json<T>, Refusal>;

/// All of it, behind the guard.
pub(super) fn router(manager: Arc<Manager>, guard: Guard) -> Router {
    let one = get(application).patch(alter).delete(remove);
    Router::new()
        .route("/v1/health", get(health))
        .route("/v1/applications", get(applications).post(add))
        .route("/v1/applications/{name}", one)
        .route("/v1/applications/{name}/drain", post(drain))
        .route("/v1/applications/{name}/resume", post(resume))
        .route("/v1/applications/{name}/promote", post(promote))
        .route("/v1/applications/{name}/ask", post(ask))
        .route("/v1/calls", get(calls))
        .route("/v1/calls/{call}", get(call))
        .route("/v1/calls/{call}/terminate", post(terminate))
        .route("/v1/counters", get(counters))
        .route("/v1/config", get(config))
        .route("/v1/reload", post(reload))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(guard, guard::check))
        .with_state(manager)
}

async fn health(State(manager): Managed) -> Json<Health> {
    Json(manager.health().await)
}

async fn applications(State(manager): Managed) -> Json<Applications> {
    let applications = manager.applications().await;
    Json(Applications { applications })
}

async fn application(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Answer<admin::Application> {
    Ok(Json(manager.application(&name).await?))
}

async fn add(
    State(manager): Managed,
    Body(new): Body<Application>,
) -> Result<(StatusCode, Json<admin::Application>), Refusal> {
    let added = manager.add(new).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

async fn alter(
    State(manager): Managed,
    Path(name): Path<String>,
    Body(change): Body<ApplicationChange>,
) -> Answer<admin::Application> {
    Ok(Json(manager.alter(&name, &change).await?))
}

async fn remove(State(manager): Managed, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    manager.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn drain(State(manager): Managed, Path(name): Path<String>) -> Answer<admin::Application> {
    Ok(Json(manager.alter(&name, &draining(true)).await?))
}

async fn resume(State(manager): Managed, Path(name): Path<String>) -> Answer<admin::Application> {
    Ok(Json(manager.alter(&name, &draining(false)).await?))
}

fn draining(draining: bool) -> ApplicationChange {
    ApplicationChange {
        draining: Some(draining),
        ..ApplicationChange::default()
    }
}

async fn promote(
    State(manager): Managed,
    Path(name): Path<String>,
    Body(Promotion { alone }): Body<Promotion>,
) -> Answer<admin::Application> {
    Ok(Json(manager.promote(&name, alone).await?))
}

async fn ask(
    State(manager): Managed,
    Path(name): Path<String>,
    Body(question): Body<SampleQuestion>,
) -> Answer<SampleAnswer> {
    Ok(Json(manager.sample(&name, question).await?))
}

async fn calls(State(manager): Managed) -> Json<Calls<'static>> {
    let calls = manager.calls().await;
    Json(Calls { calls })
}

async fn call(State(manager): Managed, Path(name): Path<String>) -> Answer<CallSummary<'static>> {
    let mut calls = manager.calls().await.into_iter();
    let found = calls.find(|it| it.call == name);
    Ok(Json(found.ok_or(ManageError::UnknownCall)?))
}

async fn terminate(
    State(manager): Managed,
    Path(name): Path<String>,
    Body(Termination { reason }): Body<Termination>,
) -> Result<StatusCode, Refusal> {
    let call = name.parse().map_err(|_| ManageError::UnknownCall)?;
    match manager.terminate(call, reason).await {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ManageError::UnknownCall.into()),
    }
}

async fn counters(State(manager): Managed) -> Json<Counters> {
    let stats = manager.stats().await;
    let groups = stats.groups().iter().map(|group| {
        let counters = group.counters.iter();
        let counters = counters.map(|(name, value)| ((*name).to_owned(), *value));
        (group.name.to_owned(), counters.collect())
    });
    Json(groups.collect())
}

async fn config(State(manager): Managed) -> Json<Value> {
    Json(manager.config().await)
}

/// How to reload.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HowToReload {
    /// Only show what would change.
    dry_run: bool,
}

async fn reload(
    State(manager): Managed,
    how: Result<Query<HowToReload>, QueryRejection>,
) -> Answer<Reloaded> {
    let Query(HowToReload { dry_run }) =
        how.map_err(|error| Refusal::new(error.status(), "invalid_query", error.body_text()))?;
    Ok(Json(manager.reload(dry_run).await?))
}

async fn unknown() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "unknown_path",
        "there is no such path",
    )
}

async fn wrong_method() -> Refusal {
    let message = "this path does not know this method";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "unknown_method", message)
}
