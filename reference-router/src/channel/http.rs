//! The HTTP server: questions as POST, WebSocket for proxies that dial, and what people want to see.
//!
//! A connection over HTTP can't say `drain` of itself. A leaving server answers pings with it, and
//! goes on serving until each proxy has sent one.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{DefaultBodyLimit, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use tidegate_schemas::FromProxy;
use tidegate_schemas::frame::DEFAULT_LIMIT;
use tidegate_schemas::message::FromApplication;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::websocket::{SUBPROTOCOL, ServerLink};
use super::{Began, converse};
use crate::chain::{Answer, json};
use crate::notifications::Outcome;
use crate::secret;
use crate::service::Service;
use crate::session::{Head, acknowledge, bad_message};

/// Proxies send a ping every 5 s; whoever sent none for two of these has gone.
const GONE: Duration = Duration::from_secs(10);
/// So long after the end has begun, each proxy that is there has sent a ping.
const ALL_TOLD: Duration = Duration::from_secs(6);

#[derive(Clone)]
struct Server {
    service: Arc<Service>,
    stop: CancellationToken,
    conversations: TaskTracker,
    /// When a proxy asked last whether this application is there.
    greeted: Arc<Mutex<Option<Instant>>>,
}

impl Server {
    fn note_greeting(&self) {
        if let Ok(mut greeted) = self.greeted.lock() {
            *greeted = Some(Instant::now());
        }
    }

    /// `drain` once the end has begun.
    fn pong(&self) -> FromApplication<'static> {
        match self.stop.is_cancelled() {
            true => FromApplication::Drain,
            false => FromApplication::Pong,
        }
    }

    /// Returns when the listener may be closed.
    async fn until_all_are_told(self) {
        self.stop.cancelled().await;
        let greeted = self.greeted.lock().ok().and_then(|greeted| *greeted);
        if greeted.is_some_and(|greeted| greeted.elapsed() < GONE) {
            sleep(ALL_TOLD).await;
        }
    }
}

/// Serves until `stop`, then answers what is in flight.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    stop: CancellationToken,
) -> io::Result<()> {
    let server = Server {
        service,
        stop,
        conversations: TaskTracker::new(),
        greeted: Arc::default(),
    };
    let conversations = server.conversations.clone();
    let told = server.clone().until_all_are_told();
    let routes = Router::new()
        .route("/", post(take).get(upgrade))
        .route("/route", post(take).get(upgrade))
        .route("/health", get(health))
        .route("/data", get(data))
        .route("/counters", get(counters))
        .layer(DefaultBodyLimit::max(DEFAULT_LIMIT))
        .with_state(server);
    let serving = axum::serve(listener, routes);
    serving.with_graceful_shutdown(told).await?;
    conversations.close();
    conversations.wait().await;
    Ok(())
}

/// Any message of the contract.
async fn take(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    let service = &server.service;
    if !is_trusted(service, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let unreadable = |error: &serde_json::Error| {
        document(StatusCode::BAD_REQUEST, bad_message(service, None, error))
    };
    let head = match serde_json::from_slice::<Head<'_>>(&body) {
        Ok(head) => head,
        Err(error) => return unreadable(&error),
    };
    if head.kind == "call" {
        return notification(service, &head, body.clone()).await;
    }
    match serde_json::from_slice(&body) {
        Ok(FromProxy::Route { event, .. }) => {
            let answer = service.answer(&event).await;
            let status = match &answer {
                Answer::Document(_) => StatusCode::OK,
                Answer::Unable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            };
            document(status, answer.to_json())
        }
        Ok(FromProxy::Hello(hello)) => {
            info!(proxy = %hello.name, version = %hello.version, "the proxy says hello");
            server.note_greeting();
            document(StatusCode::OK, service.hello(false))
        }
        Ok(FromProxy::Ping) => {
            server.note_greeting();
            document(StatusCode::OK, json(&server.pong()))
        }
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => unreadable(&error),
    }
}

/// Answered when it is done: the status is the acknowledgement.
async fn notification(service: &Service, head: &Head<'_>, body: Bytes) -> Response {
    let call = head.call.as_deref().unwrap_or_default();
    let outcome = service
        .take_notification(call, body)
        .await
        .unwrap_or(Outcome::Failed);
    service.count_notification(outcome);
    let event_id = head.event_id.as_deref().unwrap_or_default();
    match outcome {
        Outcome::Done => document(StatusCode::OK, acknowledge(event_id)),
        Outcome::Failed => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Outcome::Unreadable => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn document(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn is_trusted(service: &Service, headers: &HeaderMap) -> bool {
    let shown = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let shown = secret::bearer(shown).unwrap_or_default();
    service
        .token()
        .is_none_or(|wanted| secret::same(wanted, shown))
}

async fn upgrade(
    State(server): State<Server>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols([SUBPROTOCOL]),
        Err(rejection) => return rejection.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        let reason = format!("the subprotocol {SUBPROTOCOL} is needed");
        return (StatusCode::BAD_REQUEST, reason).into_response();
    }
    if server.stop.is_cancelled() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let shows = headers.contains_key(AUTHORIZATION);
    let trusted = is_trusted(&server.service, &headers);
    if shows && !trusted {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let upgrade = upgrade
        .max_message_size(DEFAULT_LIMIT)
        .max_frame_size(DEFAULT_LIMIT);
    upgrade.on_upgrade(move |socket| async move {
        let conversations = server.conversations.clone();
        let talking = async move {
            info!("a proxy has connected over WebSocket");
            let began = Began::Accepted { trusted };
            let mut link = ServerLink(socket);
            match converse(&mut link, &server.service, began, &server.stop).await {
                Ok(_) => info!("the connection has ended"),
                Err(error) => warn!(%error, "the connection has ended"),
            }
        };
        conversations.track_future(talking).await;
    })
}

async fn health(State(server): State<Server>) -> Response {
    let status = match server.stop.is_cancelled() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::OK,
    };
    (status, Json(server.service.health())).into_response()
}

async fn data(State(server): State<Server>) -> Response {
    Json(server.service.data()).into_response()
}

async fn counters(State(server): State<Server>) -> Response {
    Json(server.service.counters()).into_response()
}
