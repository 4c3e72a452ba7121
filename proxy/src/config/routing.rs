//! The routing applications.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address;

/// How routing applications are reached and asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Routing {
    /// Milliseconds for one decision, all applications together. Then the fallback decides.
    pub deadline_ms: u32,
    /// `Retry-After` in seconds of the 503 when nothing can decide.
    pub retry_after_s: u32,
    /// Whether events carry the body of the request.
    pub include_body: bool,
    /// Questions that one application gets at once, unless its `hello` says less.
    pub max_in_flight: u32,
    /// Bytes of one message from an application.
    pub max_frame: usize,
    /// A secret for the native dialect: the side that dials shows it in its `hello`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Where applications dial in. Without any: native on 127.0.0.1:8448.
    pub listen: Vec<RoutingListen>,
    /// Applications that the proxy dials.
    pub dial: Vec<Dial>,
    /// What decides when no application does.
    pub fallback: Fallback,
}

impl Default for Routing {
    fn default() -> Self {
        let client = routing_api_client::Settings::default();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8448));
        Self {
            deadline_ms: 2000,
            retry_after_s: 5,
            include_body: false,
            max_in_flight: client.max_in_flight,
            max_frame: client.max_frame,
            token: None,
            listen: vec![RoutingListen::native(address)],
            dial: Vec::new(),
            fallback: Fallback::default(),
        }
    }
}

/// One address where applications dial in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutingListen {
    /// The IP address and port to bind. Port 0 takes a free one.
    #[serde(deserialize_with = "address::deserialize_socket")]
    #[schemars(with = "String")]
    pub address: SocketAddr,
    /// `native`: the contract of this project. `kamailio`: applications written for Kamailio's
    /// evapi and rtjson connect unchanged. `evapi`: as `kamailio`, with a `template` and
    /// `paths` of your own.
    #[serde(default)]
    pub dialect: Dialect,
    /// `evapi` only: the event, with Kamailio's variables: `{"tindex":$T(id_index),…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// `evapi` only: where in the answer things stand. What is absent is as in `kamailio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<AnswerPaths>,
    /// `evapi` only: how messages are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framing: Option<Framing>,
}

impl RoutingListen {
    /// A native listener.
    #[must_use]
    pub fn native(address: SocketAddr) -> Self {
        Self {
            address,
            dialect: Dialect::Native,
            template: None,
            paths: None,
            framing: None,
        }
    }
}

/// `127.0.0.1:8448`, or `127.0.0.1:8448=kamailio` with the dialect behind it.
impl FromStr for RoutingListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, dialect) = text.split_once('=').unwrap_or((text, "native"));
        let dialect = match dialect {
            "native" => Dialect::Native,
            "kamailio" => Dialect::Kamailio,
            _ => {
                return Err(format!(
                    "`{dialect}` is no dialect; write =native or =kamailio"
                ));
            }
        };
        Ok(Self {
            dialect,
            ..Self::native(address::parse_socket(address)?)
        })
    }
}

/// What is spoken on a listener.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// A template and paths of your own.
    Evapi,
    /// The preset for applications of Kamailio.
    Kamailio,
    /// The contract of this project.
    #[default]
    Native,
}

/// Where in an answer of the evapi dialect things stand: keys with dots between them, such as
/// `xtra.tindex`. The empty string is the answer itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerPaths {
    /// What `$T(id_index)` gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// What `$T(id_label)` gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The route document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// One application that the proxy dials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dial {
    /// Host and port.
    pub address: String,
    /// How messages are told apart.
    #[serde(default)]
    pub framing: Framing,
}

/// How messages are told apart on a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// One JSON text a line.
    #[default]
    Lines,
    /// `5:hello,`.
    Netstring,
}

/// What decides when no application does. Without a document: 503 with Retry-After.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fallback {
    /// A route document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// A file that holds a route document in JSON, instead of `document`. A relative name counts
    /// from the folder of the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_file: Option<PathBuf>,
}

impl Fallback {
    pub(super) fn resolve_against(&mut self, folder: Option<&Path>) {
        if let (Some(file), Some(folder)) = (&mut self.document_file, folder) {
            *file = folder.join(&*file);
        }
    }
}
