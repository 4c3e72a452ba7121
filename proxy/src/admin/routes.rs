//! How what can be asked is carried out; what that is stands in the table of operations.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;
use tidegate_schemas::admin::{
    self, ApplicationChange, Applications, Calls, Counters, Health, Promotion, Recording, Reloaded,
    SampleAnswer, SampleQuestion, Shadow, ShadowSamples, Shadows, Termination,
};
use tidegate_schemas::call::CallSummary;

use super::answer::Refusal;
use super::extract::Body;
use super::guard::{self, Guard};
use super::metrics;
use super::openapi;
use super::operations::operations;
use crate::config::Application;
use crate::manage::{ManageError, Manager};

/// Bytes of one body.
const BODY: usize = 1 << 20;

type Managed = State<Arc<Manager>>;
type Answer<T> = Result<Json<T>, Refusal>;

/// All of it, behind the guard.
pub(super) fn router(manager: Arc<Manager>, guard: Guard) -> Router {
    let served = operations().into_iter();
    let router = served.fold(Router::new(), |router, operation| {
        router.route(operation.path, operation.handler)
    });
    router
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(guard, guard::check))
        .with_state(manager)
}

pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi::text())
}

pub(super) async fn health(State(manager): Managed) -> Json<Health> {
    Json(manager.health().await)
}

pub(super) async fn applications(State(manager): Managed) -> Json<Applications> {
    let applications = manager.applications().await;
    Json(Applications { applications })
}

pub(super) async fn application(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Answer<admin::Application> {
    Ok(Json(manager.application(&name).await?))
}

pub(super) async fn add(
    State(manager): Managed,
    Body(new): Body<Application>,
) -> Result<(StatusCode, Json<admin::Application>), Refusal> {
    let added = manager.add(new).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

pub(super) async fn alter(
    State(manager): Managed,
    Path(name): Path<String>,
    Body(change): Body<ApplicationChange>,
) -> Answer<admin::Application> {
    Ok(Json(manager.alter(&name, &change).await?))
}

pub(super) async fn remove(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    manager.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn drain(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Answer<admin::Application> {
    Ok(Json(manager.alter(&name, &draining(true)).await?))
}

pub(super) async fn resume(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Answer<admin::Application> {
    Ok(Json(manager.alter(&name, &draining(false)).await?))
}

fn draining(draining: bool) -> ApplicationChange {
    ApplicationChange {
        draining: Some(draining),
        ..ApplicationChange::default()
    }
}

pub(super) async fn promote(
    State(manager): Managed,
    Path(name): Path<String>,
    Body(promotion): Body<Promotion>,
) -> Answer<admin::Application> {
    Ok(Json(manager.promote(&name, promotion).await?))
}

pub(super) async fn ask(
    State(manager): Managed,
    Path(name): Path<String>,
    Body(question): Body<SampleQuestion>,
) -> Answer<SampleAnswer> {
    Ok(Json(manager.sample(&name, question).await?))
}

pub(super) async fn calls(State(manager): Managed) -> Json<Calls<'static>> {
    let calls = manager.calls().await;
    Json(Calls { calls })
}

pub(super) async fn call(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Answer<CallSummary<'static>> {
    let mut calls = manager.calls().await.into_iter();
    let found = calls.find(|it| it.call == name);
    Ok(Json(found.ok_or(ManageError::UnknownCall)?))
}

pub(super) async fn terminate(
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

pub(super) async fn counters(State(manager): Managed) -> Json<Counters> {
    let stats = manager.stats().await;
    let groups = stats.groups().iter().map(|group| {
        let counters = group.counters.iter();
        let counters = counters.map(|(name, value)| ((*name).to_owned(), *value));
        (group.name.to_owned(), counters.collect())
    });
    Json(groups.collect())
}

/// All that is counted, for Prometheus.
pub(super) async fn metrics(State(manager): Managed) -> impl IntoResponse {
    let (stats, shadows) = manager.measured().await;
    let text = metrics::text(&stats, &shadows);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text)
}

pub(super) async fn recording(State(manager): Managed) -> Json<Recording> {
    Json(manager.recording())
}

pub(super) async fn shadows(State(manager): Managed) -> Json<Shadows> {
    let shadows = manager.shadows();
    Json(Shadows { shadows })
}

pub(super) async fn shadow(State(manager): Managed, Path(name): Path<String>) -> Answer<Shadow> {
    Ok(Json(manager.shadow(&name)?))
}

pub(super) async fn reset_shadow(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Answer<Shadow> {
    Ok(Json(manager.reset_shadow(&name)?))
}

pub(super) async fn shadow_samples(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Answer<ShadowSamples> {
    let samples = manager.shadow_samples(&name)?;
    Ok(Json(ShadowSamples { samples }))
}

pub(super) async fn forget_shadow_samples(
    State(manager): Managed,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    manager.forget_shadow_samples(&name)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn config(State(manager): Managed) -> Json<Value> {
    Json(manager.config().await)
}

/// How to reload.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HowToReload {
    /// Only show what would change.
    dry_run: bool,
}

pub(super) async fn reload(
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
