//! The route document: what an application answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::call::CallEventKind;
use crate::de;
pub use crate::error::DocumentError;
use crate::id::ConsultationId;

/// What the proxy is to do with a request. A superset of rtjson 1.0.
///
/// Unknown keys are ignored, as rtjson does. `null` means the same as absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RouteDocument {
    /// Version of the contract, `1.0`.
    #[serde(
        deserialize_with = "de::version",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(regex(pattern = r"^1(\.[0-9]+)?$"))]
    pub version: Option<String>,
    /// The id of the event this answers. Needed on native channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ConsultationId>,
    /// What to do; `route` when absent and routes are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// How the entries of `routes` are tried; `serial` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
    /// Targets and groups, in the order in which they are tried.
    #[serde(deserialize_with = "de::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Route>>")]
    pub routes: Vec<Route>,
    /// Outcomes after which the next route of a serial group is tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_on: Option<Vec<Outcome>>,
    /// Outcomes that end the attempt; they win over `continue_on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_on: Option<Vec<Outcome>>,
    /// Outcomes after which the application is asked at once, instead of trying the next route; they
    /// win over `continue_on` and `stop_on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_on: Option<Vec<Outcome>>,
    /// What a 3xx of a branch leads to; as configured when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_redirect: Option<OnRedirect>,
    /// What follows when the routes ran out: another document. Nothing means the best response.
    #[serde(
        deserialize_with = "de::object",
        skip_serializing_if = "Option::is_none"
    )]
    pub on_exhausted: Option<Box<Self>>,
    /// For `reply`: the response.
    #[serde(
        deserialize_with = "de::object",
        skip_serializing_if = "Option::is_none"
    )]
    pub reply: Option<Reply>,
    /// For `redirect`: the Contacts of the 302.
    #[serde(
        deserialize_with = "de::objects",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(with = "Option<Vec<RedirectContact>>")]
    pub contacts: Vec<RedirectContact>,
    /// An opaque string that comes back with the next event about this transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Labels for logs and records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether the proxy stays on the path of the dialog; the configuration's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_route: Option<bool>,
    /// For `pass`: what the next applications in the chain find in their events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether this decision may be used again.
    #[serde(
        deserialize_with = "de::object",
        skip_serializing_if = "Option::is_none"
    )]
    pub cache: Option<Cache>,
    /// The notifications about this call that subscribers get; all when absent, none when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<Vec<CallEventKind>>,
    /// Milliseconds after the answer at which the proxy ends the call. Keeps it on the path.
    #[serde(
        deserialize_with = "de::milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub max_call_ms: Option<u32>,
    /// Reserved; a document that has it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<serde_json::Value>,
}

/// What a 3xx of a branch leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnRedirect {
    /// The application is asked, with the Contacts in the history.
    Ask,
    /// Its Contacts are tried, by their q (RFC 3261 section 16.7 step 4).
    Follow,
    /// It is the outcome of the branch, and the caller's business.
    Stop,
}

/// The verb of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Ask again, with the history. Only as `on_exhausted`.
    Ask,
    /// Say nothing to the caller. For attacks; the transaction is kept to absorb repeats.
    Drop,
    /// Leave the decision to the next application.
    Pass,
    /// Answer 302 with `contacts`.
    Redirect,
    /// Answer with `reply`.
    Reply,
    /// Forward to `routes`.
    Route,
}

/// How the members of a group are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Routing {
    /// All at once.
    Parallel,
    /// One after the other.
    #[default]
    Serial,
}

/// A target or a group: an object with `routes` is a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Route {
    /// Several routes that are tried as one.
    Group(Group),
    /// One destination.
    Target(Box<Target>),
}

/// Several routes that are tried as one; groups nest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// How the entries are tried; `serial` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
    /// Its targets and groups.
    pub routes: Vec<Route>,
    /// As on the document, for this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_on: Option<Vec<Outcome>>,
    /// As on the document, for this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_on: Option<Vec<Outcome>>,
    /// As on the document, for this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_on: Option<Vec<Outcome>>,
}

/// One destination of the request. Whatever is absent keeps the request's own value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Target {
    /// The new Request-URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The next hop, when it is not the one that the Request-URI or the Route set names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_uri: Option<String>,
    /// Route values to put in front of the request's own: `<sip:edge;lr>, <sip:core;lr>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The listener to send from: `udp:192.0.2.1:5060`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// Changes to the headers of this branch alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
    /// A number for the application's own use; carried to logs and attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub branch_flags: Option<u32>,
    /// Milliseconds without any response before the branch counts as failed with 408.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub fr_timer: Option<u32>,
    /// Milliseconds without a final response after a provisional one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub fr_inv_timer: Option<u32>,
    /// As on the document, for this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_on: Option<Vec<Outcome>>,
    /// As on the document, for this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_on: Option<Vec<Outcome>>,
    /// As on the document, for this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_on: Option<Vec<Outcome>>,
}

/// Changes to headers. Order of application: `remove`, `set`, `append`, `extra`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Headers {
    /// A new From display name or URI; the tag stays.
    #[serde(
        deserialize_with = "de::object",
        skip_serializing_if = "Option::is_none"
    )]
    pub from: Option<Identity>,
    /// A new To display name or URI; the tag stays.
    #[serde(
        deserialize_with = "de::object",
        skip_serializing_if = "Option::is_none"
    )]
    pub to: Option<Identity>,
    /// Whole header lines, each ended by CRLF, as rtjson has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
    /// Headers that shall have just this value: an object of names and values, in this order.
    #[serde(with = "de::pairs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub set: Vec<(String, String)>,
    /// Headers to add behind those that are there.
    #[serde(deserialize_with = "de::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<(String, String)>>")]
    pub append: Vec<(String, String)>,
    /// Names of headers to take away.
    #[serde(deserialize_with = "de::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub remove: Vec<String>,
}

/// A display name and a URI.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Identity {
    /// The display name, unquoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// The URI, without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// What a branch may end with: a code (`"486"`), a class (`"5xx"`), `"timeout"` or `"transport"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Outcome(pub String);

/// A response made by the application.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// 300 to 699 for INVITE, 200 to 699 for others.
    #[serde(deserialize_with = "de::code")]
    #[schemars(range(min = 200, max = 699))]
    pub code: u16,
    /// The reason phrase; the standard one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Headers to add, in this order.
    #[serde(
        default,
        deserialize_with = "de::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(with = "Option<Vec<(String, String)>>")]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body's Content-Type; needed with a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// One Contact of a redirection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedirectContact {
    /// Where to go instead.
    pub uri: String,
    /// Preference from 0 to 1.
    #[serde(
        default,
        deserialize_with = "de::preference",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 0, max = 1))]
    pub q: Option<f32>,
}
