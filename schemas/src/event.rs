//! The event: what the proxy asks.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::ConsultationId;

/// A question about one request. Borrows from the request, so that asking copies each byte once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteEvent<'a> {
    /// Unique for each consultation.
    pub id: ConsultationId,
    /// The same for every consultation about one transaction.
    #[serde(borrow)]
    pub call: Cow<'a, str>,
    /// The name of the proxy that asks.
    #[serde(borrow)]
    pub node: Cow<'a, str>,
    /// Milliseconds in which an answer is of use, counted from the sending of this event.
    pub deadline_ms: u32,
    /// 1 for the first consultation about the transaction.
    pub attempt: u32,
    /// Why it is asked.
    pub reason: AskReason,
    /// Where the request came from.
    #[serde(borrow)]
    pub source: Source<'a>,
    /// The request.
    #[serde(borrow)]
    pub request: Request<'a>,
    /// What was tried since the first consultation.
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt<'a>>,
    /// The string that the application gave last time.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub context: Option<Cow<'a, str>>,
    /// The step of the chain in which it is asked, where a chain is configured.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub step: Option<Cow<'a, str>>,
    /// What the applications before it in the chain passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Cow<'a, serde_json::Map<String, serde_json::Value>>>,
}

/// Why an application is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskReason {
    /// One branch failed, and the application wanted to know.
    BranchFailed,
    /// The routes of the last document ran out.
    Exhausted,
    /// A new request.
    New,
    /// A branch answered 3xx.
    Redirected,
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source<'a> {
    /// `udp`, `tcp`, `tls`, `ws` or `wss`.
    #[serde(borrow)]
    pub transport: Cow<'a, str>,
    /// The peer's address.
    pub ip: std::net::IpAddr,
    /// The peer's port.
    pub port: u16,
    /// The listener that took it: `udp:192.0.2.1:5060`.
    #[serde(borrow)]
    pub listener: Cow<'a, str>,
}

/// A request as it arrived. Bytes that are not UTF-8 are replaced by U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request<'a> {
    /// `INVITE`, …
    #[serde(borrow)]
    pub method: Cow<'a, str>,
    /// The Request-URI.
    #[serde(borrow)]
    pub uri: Cow<'a, str>,
    /// From.
    #[serde(borrow)]
    pub from: Party<'a>,
    /// To.
    #[serde(borrow)]
    pub to: Party<'a>,
    /// Call-ID.
    #[serde(borrow)]
    pub call_id: Cow<'a, str>,
    /// The number in CSeq.
    pub cseq: u32,
    /// The URI of the first Contact.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Cow<'a, str>>,
    /// All headers in wire order with repeats kept.
    #[serde(borrow)]
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The body, where the configuration asks for it.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'a, str>>,
}

/// From or To, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party<'a> {
    /// The display name without its quotes.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub display: Option<Cow<'a, str>>,
    /// The URI.
    #[serde(borrow)]
    pub uri: Cow<'a, str>,
    /// The tag.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Cow<'a, str>>,
}

/// One branch that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt<'a> {
    /// The Request-URI of the branch.
    #[serde(borrow)]
    pub target: Cow<'a, str>,
    /// The final code; 408 for a timeout, 503 for a transport error.
    pub code: u16,
    /// The reason phrase.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    /// Where the code comes from.
    pub cause: Cause,
    /// Milliseconds from the sending of the branch to its end.
    pub time_ms: u32,
    /// The target's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_flags: Option<u32>,
    /// The Contacts of a 3xx.
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<AttemptContact<'a>>,
}

/// One Contact of a 3xx that a branch was answered with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptContact<'a> {
    /// Where to go instead.
    #[serde(borrow)]
    pub uri: Cow<'a, str>,
    /// Preference from 0 to 1, where it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<f32>,
}

/// Where the outcome of a branch comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The proxy cancelled it.
    Cancelled,
    /// The peer answered.
    Response,
    /// The peer did not answer in time.
    Timeout,
    /// It could not be sent.
    Transport,
}
