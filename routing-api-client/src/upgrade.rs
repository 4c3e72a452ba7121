//! WebSocket handshakes, as the side that is dialled and as the one that dials.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{self, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::connection::{Context, SUBPROTOCOL};
use crate::endpoint::Endpoint;
use crate::settings::Token;

/// A WebSocket, and whether the application showed its secret.
pub(crate) type Upgraded = (ws::WebSocket, bool);

/// Takes the one request of a connection. Nothing when it was refused.
pub(crate) async fn accept<S>(stream: S, context: &Context) -> Option<Upgraded>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let settings = context.registry.settings();
    let (give, upgraded) = oneshot::channel();
    let gate = Gate {
        token: context.token.clone(),
        needs_bearer: !context.dialect.says_hello(),
        max_frame: settings.max_frame,
        give: Mutex::new(Some(give)),
    };
    let app = Router::new().fallback(answer).with_state(Arc::new(gate));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.hello_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
        .with_upgrades();
    connection.await.ok()?;
    upgraded.await.ok()
}

/// What a request has to pass.
struct Gate {
    token: Option<Token>,
    /// No `hello` will show the secret.
    needs_bearer: bool,
    max_frame: usize,
    give: Mutex<Option<oneshot::Sender<Upgraded>>>,
}

/// A connection has one chance.
async fn answer(
    State(gate): State<Arc<Gate>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    gate.pass(&headers, upgrade).unwrap_or_else(|refusal| {
        let mut refusal = *refusal;
        let close = HeaderValue::from_static("close");
        refusal.headers_mut().insert(CONNECTION, close);
        refusal
    })
}

impl Gate {
    fn pass(
        &self,
        headers: &HeaderMap,
        upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    ) -> Result<Response, Box<Response>> {
        let shown = self.shows_secret(headers).ok_or_else(unauthorized)?;
        let upgrade = upgrade.map_err(IntoResponse::into_response)?;
        let upgrade = upgrade.protocols([SUBPROTOCOL]);
        if upgrade.selected_protocol().is_none() {
            let needed = format!("the subprotocol {SUBPROTOCOL} is needed\n");
            return Err(Box::new((StatusCode::BAD_REQUEST, needed).into_response()));
        }
        let mut give = self.give.lock().unwrap_or_else(PoisonError::into_inner);
        let give = give.take();
        Ok(upgrade
            .max_message_size(self.max_frame)
            .max_frame_size(self.max_frame)
            .on_upgrade(async move |websocket| {
                if let Some(give) = give {
                    let _ = give.send((websocket, shown));
                }
            }))
    }

    /// Whether the secret was shown, or is to be shown in the `hello`. Nothing when what was shown
    /// is wrong, or there will be no `hello`.
    fn shows_secret(&self, headers: &HeaderMap) -> Option<bool> {
        let Some(token) = &self.token else {
            return Some(true);
        };
        match headers.get(AUTHORIZATION) {
            None => (!self.needs_bearer).then_some(false),
            Some(shown) => bearer(shown)
                .filter(|shown| token.matches(shown))
                .map(|_| true),
        }
    }
}

/// RFC 6750 section 2.1; the scheme is written in any case (RFC 9110 section 11.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

fn unauthorized() -> Response {
    let challenge = [(WWW_AUTHENTICATE, "Bearer")];
    let why = "the token is wrong or missing\n";
    (StatusCode::UNAUTHORIZED, challenge, why).into_response()
}

/// Makes a WebSocket of a stream to `endpoint`.
pub(crate) async fn connect<S>(
    stream: S,
    endpoint: &Endpoint,
    context: &Context,
) -> io::Result<WebSocketStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let url = endpoint.to_string();
    let mut request = url.into_client_request().map_err(io::Error::other)?;
    let headers = request.headers_mut();
    headers.insert(
        SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(SUBPROTOCOL),
    );
    if let Some(token) = &context.token {
        headers.insert(AUTHORIZATION, token.bearer().map_err(io::Error::other)?);
    }
    let max_frame = context.registry.settings().max_frame;
    let config = WebSocketConfig::default()
        .max_message_size(Some(max_frame))
        .max_frame_size(Some(max_frame));
    let upgraded = client_async_with_config(request, stream, Some(config)).await;
    upgraded.map(|(stream, _)| stream).map_err(io::Error::other)
}
