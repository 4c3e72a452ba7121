//! What goes over a channel, beside documents: the envelope of each direction.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::{CallEvent, CallSummary};
use crate::document::{DocumentError, RouteDocument};
use crate::event::RouteEvent;
use crate::id::ConsultationId;

/// The version of the contract that these types are.
pub const VERSION: &str = "1.0";

/// Proxy to application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FromProxy<'a> {
    /// Something happened to a call. Answer with `ack`; without one it is sent again.
    Call(#[serde(borrow)] CallEvent<'a>),
    /// Answer to the application's `calls`.
    Calls {
        /// As in the request.
        #[serde(
            rename = "ref",
            default,
            skip_serializing_if = "Option::is_none",
            borrow
        )]
        reference: Option<Cow<'a, str>>,
        /// The calls that this application decided, as far as this part of the answer has them.
        #[serde(borrow)]
        calls: Vec<CallSummary<'a>>,
        /// Which part of the answer this is, from 1.
        part: u32,
        /// How many parts there are.
        parts: u32,
        /// Whether there are more calls than fit into the part.
        truncated: bool,
    },
    /// The caller hung up while the application thought: an answer is of no use any more.
    Cancelled {
        /// The consultation that is over.
        id: ConsultationId,
    },
    /// The proxy will close this channel: nothing new comes, answers are still taken.
    Drain,
    /// Something that the application sent was refused.
    Error(#[serde(borrow)] ErrorMessage<'a>),
    /// First message on a native channel.
    Hello(#[serde(borrow)] Hello<'a>),
    /// Answer with `pong`.
    Ping,
    /// Answer to the application's `ping`.
    Pong,
    /// Answer to the application's `terminate`: BYE is on its way to both sides.
    Terminated {
        /// As in the request.
        #[serde(
            rename = "ref",
            default,
            skip_serializing_if = "Option::is_none",
            borrow
        )]
        reference: Option<Cow<'a, str>>,
        /// The call.
        #[serde(borrow)]
        call: Cow<'a, str>,
    },
    /// A question. The answer is a route document with the same `id`.
    Route {
        /// Version of the contract, `1.0`.
        #[serde(borrow)]
        version: Cow<'a, str>,
        /// The question.
        #[serde(flatten, borrow)]
        event: RouteEvent<'a>,
    },
}

/// A question as it goes over the channel, for writing without a copy of the event:
/// [`FromProxy::Route`] of something borrowed.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "route")]
pub struct Question<'a> {
    version: &'static str,
    #[serde(flatten)]
    event: &'a RouteEvent<'a>,
}

impl<'a> Question<'a> {
    /// Wraps an event.
    #[must_use]
    pub fn new(event: &'a RouteEvent<'a>) -> Self {
        Self {
            version: VERSION,
            event,
        }
    }
}

/// Application to proxy. A message without `type` is a route document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FromApplication<'a> {
    /// A notification has been taken: it is not sent again.
    Ack {
        /// Of the notification.
        #[serde(borrow)]
        event_id: Cow<'a, str>,
    },
    /// Which of the calls that this application decided are live?
    Calls {
        /// Comes back with the answer.
        #[serde(
            rename = "ref",
            default,
            skip_serializing_if = "Option::is_none",
            borrow
        )]
        reference: Option<Cow<'a, str>>,
    },
    /// End a call: BYE to both sides.
    Terminate(#[serde(borrow)] Terminate<'a>),
    /// No new questions, please; those in flight will be answered.
    Drain,
    /// The application can't answer a question: the next application is asked at once.
    Error(#[serde(borrow)] ErrorMessage<'a>),
    /// First message on a native channel.
    Hello(#[serde(borrow)] Hello<'a>),
    /// Answer with `pong`.
    Ping,
    /// Answer to the proxy's `ping`.
    Pong,
}

/// Anything that an application sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Inbound<'a> {
    /// An answer: it has no `type`.
    Document(Box<RouteDocument>),
    /// A message of the channel.
    Message(FromApplication<'a>),
}

/// Reads what an application sent: a message if it has a `type`, a route document otherwise.
///
/// # Errors
/// Where and why it is neither.
pub fn parse_inbound(json: &[u8]) -> Result<Inbound<'_>, DocumentError> {
    crate::parse::inbound(json)
}

/// Who is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Hello<'a> {
    /// Version of the contract, `1.0`.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// The sender's name: the proxy's node, or the application.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The shared secret, where one is configured.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub token: Option<Cow<'a, str>>,
    /// Application: its own version, for records and reports.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub release: Option<Cow<'a, str>>,
    /// Application: how many questions it takes at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub max_in_flight: Option<u32>,
    /// Application: notifications it wants.
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    pub subscribe: Vec<Cow<'a, str>>,
}

/// Ends a live call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Terminate<'a> {
    /// Comes back with the answer.
    #[serde(
        rename = "ref",
        default,
        skip_serializing_if = "Option::is_none",
        borrow
    )]
    pub reference: Option<Cow<'a, str>>,
    /// The call, as events and notifications name it.
    #[serde(borrow)]
    pub call: Cow<'a, str>,
    /// For people; it comes back in `detail` of `ended`.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
}

/// What was refused and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorMessage<'a> {
    /// The consultation it is about, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ConsultationId>,
    /// The request of the application that it answers, where that had one.
    #[serde(
        rename = "ref",
        default,
        borrow,
        skip_serializing_if = "Option::is_none"
    )]
    pub reference: Option<Cow<'a, str>>,
    /// A stable word for programs: `invalid_document`, `unknown_id`, `too_large`, `bad_frame`, …
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// For people.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    /// Where in the document.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Cow<'a, str>>,
}

impl<'a> ErrorMessage<'a> {
    /// The refusal of a document.
    #[must_use]
    pub fn invalid_document(id: ConsultationId, error: &'a DocumentError) -> Self {
        Self {
            id: Some(id),
            reference: None,
            code: Cow::Borrowed("invalid_document"),
            message: Cow::Borrowed(&error.reason),
            pointer: Some(Cow::Borrowed(&error.pointer)),
        }
    }
}
