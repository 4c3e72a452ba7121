//! What requests mean, and what comes of them.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap};
use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::message::FromApplication;
use tokio::time::Duration;
use tracing::debug;

use super::fresh::Watch;
use super::names::Alias;
use super::request::{NoReply, Reply, Request};
use super::{Outcome, Outcomes};
use crate::connection::channel::Arrival;
use crate::connection::{Context, Ended};
use crate::dialect::Dialect;
use crate::dialect::http::HttpQuestion;
use crate::dialect::pick::pick;
use crate::endpoint::Endpoint;
use crate::inbound::Failure;
use crate::outgoing::About;
use crate::policy::Dial;
use crate::registry::Registry;
use crate::settings::{Settings, Token};
use crate::stats::ChannelCounters;
use crate::tls::provider;

const JSON: &str = "application/json";

/// Idle connections are given up before usual servers close them.
const IDLE: Duration = Duration::from_secs(4);

/// The requests to one application.
pub(crate) struct Exchange {
    /// Takes connections from its pool.
    pub(crate) client: Client,
    /// Opens a connection for each request.
    pub(crate) fresh: Client,
    url: String,
    notify_url: String,
    registry: Arc<Registry>,
    dialect: Dialect,
}

impl Exchange {
    /// Reads certificates.
    pub(crate) fn new(dial: &Dial, context: &Context) -> io::Result<Self> {
        let settings = context.registry.settings();
        let name = dial.tls.server_name.as_ref();
        if name.is_some_and(|name| name.parse::<IpAddr>().is_ok()) {
            let why = "over HTTP, `server_name` has to be a name, not an address";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let tls = tls(dial)?;
        let make = |idle| client(dial, context.token.as_ref(), settings, tls.clone(), idle);
        let notify = dial.notify.as_ref().unwrap_or(&dial.endpoint);
        Ok(Self {
            client: make(usize::MAX)?,
            fresh: make(0)?,
            url: url(&dial.endpoint, dial),
            notify_url: url(notify, dial),
            registry: Arc::clone(&context.registry),
            dialect: dial.dialect.clone(),
        })
    }

    pub(crate) fn counters(&self) -> &ChannelCounters {
        &self.registry.counters
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn max_frame(&self) -> usize {
        self.registry.settings().max_frame
    }

    /// By then a notification that was not acknowledged has been sent again, if it ever is.
    pub(crate) fn comes_again(&self) -> Duration {
        self.registry.settings().ack_timeout * 3
    }

    /// A question.
    pub(crate) async fn ask(
        &self,
        id: ConsultationId,
        limit_ms: u32,
        body: Bytes,
        outcomes: &Outcomes,
    ) {
        let key = id.to_ascii();
        let request = Request {
            url: &self.url,
            key: std::str::from_utf8(&key).ok(),
            content: self.dialect.http_question(body),
            limit: Duration::from_millis(limit_ms.into()),
        };
        let reply = self.request(&request).await;
        if reply.as_ref().is_ok_and(|reply| is_success(reply.status)) {
            let _ = outcomes.send(Outcome::Alive).await;
        }
        let over = self.over(&reply);
        if let Some(arrival) = self.arrival(id, reply) {
            let _ = outcomes.send(Outcome::Arrived(arrival)).await;
        }
        if let Some(over) = over {
            let _ = outcomes.send(Outcome::Over(over)).await;
        }
    }

    /// Without a heartbeat, nothing else would find out that it is not there.
    fn over(&self, reply: &Result<Reply, NoReply>) -> Option<Ended> {
        match reply {
            Err(NoReply::Unreachable(why)) if !self.dialect.says_hello() => {
                Some(Ended::Unreachable(why.clone()))
            }
            _ => None,
        }
    }

    /// What the session gets. Nothing when the time ran out, which the one who asked knows.
    fn arrival(&self, id: ConsultationId, reply: Result<Reply, NoReply>) -> Option<Arrival> {
        Some(match reply {
            Ok(reply) if is_success(reply.status) => Arrival::Answer(id, reply.body),
            Ok(reply) => Arrival::Failed(id, failure(reply.status)),
            Err(NoReply::Late) => return None,
            Err(NoReply::TooLarge) => {
                self.counters().too_large.add();
                Arrival::TooLarge(id)
            }
            Err(NoReply::Broken(why) | NoReply::Unreachable(why)) => {
                debug!(%id, why, "no answer from a routing application");
                Arrival::Failed(id, Failure::Refused)
            }
        })
    }

    /// Anything else, of which only a `hello` has to succeed.
    pub(crate) async fn tell(&self, about: About, body: Bytes, outcomes: &Outcomes) {
        let settings = self.registry.settings();
        let limit = match about {
            About::Hello => settings.hello_timeout,
            About::Ping => settings.heartbeat,
            _ => settings.write_timeout,
        };
        let request = Request {
            url: &self.url,
            key: None,
            content: HttpQuestion::post(JSON, body),
            limit,
        };
        match (about, self.request(&request).await) {
            (_, Ok(reply)) if is_success(reply.status) => {
                self.take_reply(about, reply.body, outcomes).await;
            }
            (About::Hello, reply) => {
                let _ = outcomes.send(Outcome::Over(refused(reply))).await;
            }
            (about, reply) => debug!(?about, ?reply, "a routing application took no message"),
        }
    }

    /// Whether a notification was taken.
    pub(crate) async fn notify(&self, notification: &Notification, outcomes: &Outcomes) -> bool {
        let request = Request {
            url: &self.notify_url,
            key: Some(&notification.id)
                .filter(|id| !id.is_empty())
                .map(|id| &**id),
            content: HttpQuestion::post(JSON, notification.body.clone()),
            limit: self.registry.settings().ack_timeout,
        };
        let taken = self.request(&request).await;
        let Some(reply) = taken.ok().filter(|reply| is_success(reply.status)) else {
            return false;
        };
        let ack = FromApplication::Ack {
            event_id: (&*notification.id).into(),
        };
        if let Ok(ack) = serde_json::to_vec(&ack) {
            let ack = Arrival::Message(ack.into());
            let _ = outcomes.send(Outcome::Arrived(ack)).await;
        }
        self.take_reply(About::Call, reply.body, outcomes).await;
        true
    }

    /// The application lives, and may have something to say.
    async fn take_reply(&self, about: About, body: Bytes, outcomes: &Outcomes) {
        let _ = outcomes.send(Outcome::Alive).await;
        let message = match (about, type_of(&body).as_deref()) {
            (About::Hello, Some("hello" | "error" | "drain")) => body,
            (About::Hello, _) => json!({"type": "hello", "version": "1.0"})
                .to_string()
                .into(),
            (_, None | Some("ack" | "pong" | "hello")) => return,
            (_, Some(_)) => body,
        };
        let message = Outcome::Arrived(Arrival::Message(message));
        let _ = outcomes.send(message).await;
    }
}

/// A notification about a call.
pub(crate) struct Notification {
    pub(crate) id: Box<str>,
    pub(crate) call: Box<str>,
    body: Bytes,
}

impl Notification {
    pub(crate) fn new(body: Bytes) -> Self {
        let [id, call] = match pick(&body, ["event_id", "call"]) {
            Ok(found) => found.map(|value| value.and_then(|v| serde_json::from_str(v.get()).ok())),
            Err(_) => [None, None],
        };
        Self {
            id: id.unwrap_or_default(),
            call: call.unwrap_or_default(),
            body,
        }
    }
}

fn client(
    dial: &Dial,
    token: Option<&Token>,
    settings: &Settings,
    tls: ClientConfig,
    idle: usize,
) -> io::Result<Client> {
    let client = Client::builder()
        .default_headers(headers(token)?)
        .user_agent("tidegate")
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(idle)
        .connector_layer(Watch)
        .tls_backend_preconfigured(tls);
    let client = match &dial.tls.server_name {
        None => client,
        Some(name) => client.dns_resolver(Alias {
            name: name.clone(),
            host: dial.endpoint.host.clone(),
        }),
    };
    client.build().map_err(io::Error::other)
}

fn headers(token: Option<&Token>) -> io::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, token.bearer().map_err(io::Error::other)?);
    }
    Ok(headers)
}

/// Plain HTTP needs no authorities, and reading them takes its time.
fn tls(dial: &Dial) -> io::Result<ClientConfig> {
    let notify = dial.notify.as_ref();
    let secure = |endpoint: &Endpoint| endpoint.scheme.is_secure();
    let mut config = match secure(&dial.endpoint) || notify.is_some_and(secure) {
        true => dial.tls.config().map_err(io::Error::other)?,
        false => ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn url(endpoint: &Endpoint, dial: &Dial) -> String {
    let name = dial.tls.server_name.as_ref();
    let named = name.filter(|_| endpoint.host == dial.endpoint.host && endpoint.scheme.is_secure());
    match named {
        None => endpoint.to_string(),
        Some(name) => Endpoint {
            host: name.clone(),
            ..endpoint.clone()
        }
        .to_string(),
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

fn failure(status: u16) -> Failure {
    match status {
        400..500 => Failure::ClientError(status),
        _ => Failure::ServerError(status),
    }
}

fn refused(reply: Result<Reply, NoReply>) -> Ended {
    match reply {
        Ok(reply) => Ended::Refused(reply.status),
        Err(NoReply::Late) => Ended::NoHello,
        Err(NoReply::TooLarge) => Ended::Protocol("its hello is past the limit".to_owned()),
        Err(NoReply::Unreachable(why) | NoReply::Broken(why)) => Ended::Unreachable(why),
    }
}

fn type_of(body: &[u8]) -> Option<String> {
    let [found] = pick(body, ["type"]).ok()?;
    serde_json::from_str(found?.get()).ok()
}
