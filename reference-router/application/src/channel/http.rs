//! The HTTP server: questions as POST, WebSocket for proxies that dial, and what people want to see.
//!
//! A connection over HTTP can't say `drain` of itself. A leaving server says it in answers to what is
//! no question, and answers what is in flight; the proxy finds the door closed for the rest, and asks
//! the next application.

use std::future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{DefaultBodyLimit, State, WebSocketUpgrade};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use tidegate_schemas::FromProxy;
use tidegate_schemas::frame::DEFAULT_LIMIT;
use tidegate_schemas::message::FromApplication;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::websocket::{SUBPROTOCOL, ServerLink};
use super::{Began, Listener, converse};
use crate::answer::{Answer, json};
use crate::application::Application;
use crate::host::Host;
use crate::notifications::Outcome;
use crate::secret;
use crate::session::{Head, acknowledge, bad_message};

/// The application's own version, as `release` in `hello`.
const RELEASE: HeaderName = HeaderName::from_static("application-release");
/// So long it goes on serving once the end has begun.
const LINGER: Duration = Duration::from_millis(500);

struct Server<A> {
    host: Host<A>,
    stop: CancellationToken,
    conversations: TaskTracker,
}

impl<A> Clone for Server<A> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            stop: self.stop.clone(),
            conversations: self.conversations.clone(),
        }
    }
}

impl<A: Application> Server<A> {
    /// `usual`, or `drain` once the end has begun.
    fn unless_leaving(&self, usual: Vec<u8>) -> Response {
        let body = match self.stop.is_cancelled() {
            true => json(&FromApplication::Drain),
            false => usual,
        };
        document(StatusCode::OK, body)
    }

    /// Returns when the listener may be closed.
    async fn left(self) {
        self.stop.cancelled().await;
        sleep(LINGER).await;
    }
}

/// Serves until `stop`, then answers what is in flight.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: impl Into<Listener>,
    host: Host<impl Application>,
    stop: CancellationToken,
) -> io::Result<()> {
    let server = Server {
        host,
        stop,
        conversations: TaskTracker::new(),
    };
    let conversations = server.conversations.clone();
    let left = server.clone().left();
    let release = release(&server.host);
    let routes = Router::new()
        .route("/", post(take).get(upgrade))
        .route("/route", post(take).get(upgrade))
        .route("/health", get(health))
        .fallback(get(page))
        .layer(DefaultBodyLimit::max(DEFAULT_LIMIT))
        .layer(map_response(move |mut response: Response| {
            if let Some(release) = &release {
                let headers = response.headers_mut();
                headers.insert(RELEASE, release.clone());
            }
            future::ready(response)
        }))
        .with_state(server);
    let serving = axum::serve(listener.into(), routes);
    serving.with_graceful_shutdown(left).await?;
    conversations.close();
    conversations.wait().await;
    Ok(())
}

/// Nothing where it can't stand in a header.
fn release(host: &Host<impl Application>) -> Option<HeaderValue> {
    let release = host.application().identity().release.as_ref()?;
    HeaderValue::from_str(release).ok()
}

/// Any message of the contract.
async fn take<A: Application>(
    State(server): State<Server<A>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let host = &server.host;
    if !is_trusted(host, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let unreadable = |error: &serde_json::Error| {
        document(
            StatusCode::BAD_REQUEST,
            bad_message(host.application(), None, error),
        )
    };
    let head = match serde_json::from_slice::<Head<'_>>(&body) {
        Ok(head) => head,
        Err(error) => return unreadable(&error),
    };
    if head.kind == "call" {
        return notification(&server, &head, body.clone()).await;
    }
    match serde_json::from_slice(&body) {
        Ok(FromProxy::Route { event, .. }) => {
            let answer = host.application().answer(&event).await;
            let status = match &answer {
                Answer::Document(_) => StatusCode::OK,
                Answer::Unable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            };
            document(status, answer.into_json(event.id))
        }
        Ok(FromProxy::Hello(hello)) => {
            info!(proxy = %hello.name, version = %hello.version, "the proxy says hello");
            server.unless_leaving(host.hello(false))
        }
        Ok(FromProxy::Ping) => server.unless_leaving(json(&FromApplication::Pong)),
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => unreadable(&error),
    }
}

/// Answered when it is done: the status is the acknowledgement.
async fn notification(server: &Server<impl Application>, head: &Head<'_>, body: Bytes) -> Response {
    let host = &server.host;
    let call = head.call.as_deref().unwrap_or_default();
    let outcome = host
        .take_notification(call, body)
        .await
        .unwrap_or(Outcome::Failed);
    host.count_notification(outcome);
    let event_id = head.event_id.as_deref().unwrap_or_default();
    match outcome {
        Outcome::Done => server.unless_leaving(acknowledge(event_id)),
        Outcome::Failed => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Outcome::Unreadable => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn document(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn is_trusted(host: &Host<impl Application>, headers: &HeaderMap) -> bool {
    let shown = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let shown = secret::bearer(shown).unwrap_or_default();
    host.token()
        .is_none_or(|wanted| secret::same(wanted, shown))
}

async fn upgrade<A: Application>(
    State(server): State<Server<A>>,
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
    let trusted = is_trusted(&server.host, &headers);
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
            match converse(&mut link, &server.host, began, &server.stop).await {
                Ok(_) => info!("the connection has ended"),
                Err(error) => warn!(%error, "the connection has ended"),
            }
        };
        conversations.track_future(talking).await;
    })
}

async fn health<A: Application>(State(server): State<Server<A>>) -> Response {
    let status = match server.stop.is_cancelled() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::OK,
    };
    let page = server.host.application().page("/health");
    let usual = || serde_json::json!({"status": "ok"});
    (status, Json(page.unwrap_or_else(usual))).into_response()
}

async fn page<A: Application>(State(server): State<Server<A>>, uri: Uri) -> Response {
    match server.host.application().page(uri.path()) {
        Some(page) => Json(page).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
