//! Applications: those that dial in, and those that the proxy dials or asks.

use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address;
use super::dialects::{AnswerPaths, Dialect, Framing};
use super::peers::{Cgrates, Drachtio, Wazo};
use super::tls::{ClientTls, ServerTls};

/// One address where applications dial in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutingListen {
    /// The IP address and port to bind. Port 0 takes a free one.
    #[serde(deserialize_with = "address::deserialize_socket")]
    #[schemars(with = "String")]
    pub address: SocketAddr,
    /// `tcp`: frames on TCP. `websocket`: text frames, subprotocol `tidegate.routing.v1`.
    #[serde(default)]
    pub transport: RoutingTransport,
    /// The pool that those who dial in here belong to, unless a `routing.application` of their name
    /// says otherwise. Without it, the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The secret of this listener instead of `routing.token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// `native`: the contract of this project. `kamailio`: applications written for Kamailio's
    /// evapi and rtjson connect unchanged. `cgrates`: as CGRateS's KamailioAgent wants it. `evapi`:
    /// as `kamailio`, with a `template` and `paths` of your own.
    #[serde(default)]
    pub dialect: Dialect,
    /// `evapi` only: the event, with Kamailio's variables: `{"tindex":$T(id_index),…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// How messages are told apart; for the dialects of evapi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framing: Option<Framing>,
    /// `evapi` only: where in the answer things stand. What is absent is as in `kamailio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<AnswerPaths>,
    /// `cgrates` only: what it is asked and told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgrates: Option<Cgrates>,
    /// TLS. Without it, nothing is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTls>,
}

/// What an application that dials in speaks below the contract.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoutingTransport {
    /// Frames on TCP.
    #[default]
    Tcp,
    /// WebSocket.
    Websocket,
}

impl RoutingListen {
    /// A native listener.
    #[must_use]
    pub fn native(address: SocketAddr) -> Self {
        Self {
            address,
            transport: RoutingTransport::Tcp,
            pool: None,
            token: None,
            dialect: Dialect::Native,
            template: None,
            framing: None,
            paths: None,
            cgrates: None,
            tls: None,
        }
    }
}

/// `127.0.0.1:8448`, or `127.0.0.1:8448=kamailio` with the dialect behind it, or `=websocket`.
impl FromStr for RoutingListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, what) = text.split_once('=').unwrap_or((text, "native"));
        let mut listen = Self::native(address::parse_socket(address)?);
        match what {
            "native" => {}
            "websocket" => listen.transport = RoutingTransport::Websocket,
            "kamailio" => listen.dialect = Dialect::Kamailio,
            "cgrates" => listen.dialect = Dialect::Cgrates,
            _ => {
                return Err(format!(
                    "`{what}` is no dialect; write =native, =websocket, =kamailio or =cgrates"
                ));
            }
        }
        Ok(listen)
    }
}

/// One application, by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ApplicationSettings")]
pub struct Application {
    /// What it calls itself in its `hello`, or what it is called here. Each name once.
    pub name: String,
    /// Where the proxy reaches it: `tcp://host:8448`, `tls://…`, `ws://host/path`, `wss://…`,
    /// `http://host/path`, `https://…`, or `sip:host:port` for a SIP redirect server. Without it,
    /// the rest counts for an application that dials in under this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its pool. Without it, the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Its share of the work relative to the others of its pool. 0: none.
    pub weight: u32,
    /// The percentage of its pool's calls that it gets, and not one more: for a new version that has
    /// to prove itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<u8>,
    /// It only looks on: it gets copies of the questions of this percentage of its pool's calls, and
    /// what it answers is compared with what was decided. 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<u8>,
    /// Questions that it gets at once, if less than `routing.max_in_flight` and than its own wish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// Whether it gets no new questions.
    pub draining: bool,
    /// With `url`: what it speaks. As for `routing.listen`, and over HTTP also `wazo` and
    /// `drachtio`.
    pub dialect: Dialect,
    /// As for `routing.listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// With `url`, on TCP: how messages are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framing: Option<Framing>,
    /// With `url`: the secret that the proxy shows to it, in `hello` and as a bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// With an HTTP `url`: where notifications about calls go, if elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    /// As for `routing.listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<AnswerPaths>,
    /// As for `routing.listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgrates: Option<Cgrates>,
    /// `drachtio` only: how its request handler is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drachtio: Option<Drachtio>,
    /// `wazo` only: how its router is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wazo: Option<Wazo>,
    /// With a `tls`, `wss` or `https` URL: whom to trust and what to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
}

impl Application {
    /// An application with the defaults.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: None,
            pool: None,
            weight: 1,
            canary: None,
            shadow: None,
            max_in_flight: None,
            draining: false,
            dialect: Dialect::Native,
            template: None,
            framing: None,
            token: None,
            notify_url: None,
            paths: None,
            cgrates: None,
            drachtio: None,
            wazo: None,
            tls: None,
        }
    }
}

impl Default for Application {
    fn default() -> Self {
        Self::named("")
    }
}

/// One application that the proxy dials, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dial {
    /// Host and port.
    pub address: String,
    /// How messages are told apart.
    #[serde(default)]
    pub framing: Framing,
}

impl Dial {
    /// What it stands for: a native application on TCP, named by its address, in the first pool.
    #[must_use]
    pub fn application(&self) -> Application {
        Application {
            url: Some(format!("tcp://{}", self.address)),
            framing: Some(self.framing),
            ..Application::named(self.address.clone())
        }
    }
}

pub(super) fn resolve_against(
    listen: &mut [RoutingListen],
    applications: &mut [Application],
    folder: &Path,
) {
    for tls in listen.iter_mut().filter_map(|it| it.tls.as_mut()) {
        tls.resolve_against(folder);
    }
    for tls in applications.iter_mut().filter_map(|it| it.tls.as_mut()) {
        tls.resolve_against(folder);
    }
}
