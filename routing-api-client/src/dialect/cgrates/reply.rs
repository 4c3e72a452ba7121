//! What the agent says.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tidegate_schemas::document::{Action, DocumentError, Reply, Route, Target};
use tidegate_schemas::{ConsultationId, RouteDocument};

use super::calls::{Question, call_of};
use super::{Cgrates, CgratesDialect};
use crate::dialect::pick::pick;

/// A message of the agent.
#[derive(Debug)]
pub(crate) enum Message {
    /// What becomes of a question.
    Answer {
        id: ConsultationId,
        document: Result<Box<RouteDocument>, DocumentError>,
    },
    /// It could not answer, and the operator wants someone else to be asked then.
    Failed { id: ConsultationId, error: String },
    /// A call has to end.
    Disconnect {
        call: ConsultationId,
        reason: Option<String>,
    },
    /// It wants to know which calls are live.
    List,
    /// A sign of life.
    Alive,
}

/// Reads a message; nothing where it is none that means anything here.
pub(super) fn read(dialect: &Cgrates, instance: u32, json: &[u8]) -> Option<Message> {
    let keys = ["Event", "TransactionIndex", "TransactionLabel"];
    let [event, index, label] = pick(json, keys).ok()?;
    let event = text(event?)?;
    let reply = dialect.settings().reply_route.as_deref();
    match &*event {
        name if name == reply.unwrap_or("CGR_AUTH_REPLY") => {
            let id = ConsultationId {
                instance,
                index: text(index?)?.trim().parse().ok()?,
                label: text(label?)?.trim().parse().ok()?,
            };
            Some(answer(dialect, id, json))
        }
        "CGR_SESSION_DISCONNECT" => disconnect(json),
        "CGR_DLG_LIST" => Some(Message::List),
        "CGR_PROCESS_MESSAGE" | "CGR_PROCESS_CDR" => Some(Message::Alive),
        _ => None,
    }
}

/// Reads an answer to a question that is known.
pub(super) fn document(
    dialect: &Cgrates,
    id: ConsultationId,
    json: &[u8],
) -> Result<Box<RouteDocument>, DocumentError> {
    match answer(dialect, id, json) {
        Message::Answer { document, .. } => document,
        Message::Failed { error, .. } => Err(DocumentError::new("/Error", error)),
        _ => Err(DocumentError::new("", "it is no answer")),
    }
}

fn disconnect(json: &[u8]) -> Option<Message> {
    let [entry, id, reason] = pick(json, ["HashEntry", "HashId", "Reason"]).ok()?;
    Some(Message::Disconnect {
        call: call_of(&text(entry?)?, &text(id?)?)?,
        reason: reason
            .and_then(text)
            .map(Cow::into_owned)
            .filter(|reason| !reason.is_empty()),
    })
}

fn answer(dialect: &Cgrates, id: ConsultationId, json: &[u8]) -> Message {
    let question = dialect.calls.answered(id);
    let settings = dialect.settings();
    let verdict = Verdict::read(settings, json);
    match (verdict, settings.error_code) {
        (Err(error), _) => Message::Answer {
            id,
            document: Err(error),
        },
        (Ok(Verdict::Error(error)), None) => Message::Failed { id, error },
        (Ok(Verdict::Error(error)), Some(code)) => Message::Answer {
            id,
            document: Ok(Box::new(refusal(code, &error))),
        },
        (Ok(Verdict::NoCredit), _) => Message::Answer {
            id,
            document: Ok(Box::new(refusal(settings.no_credit_code, "no credit"))),
        },
        (Ok(Verdict::Granted(granted)), _) => {
            let document = granted.document(settings, question.as_ref());
            if let (Ok(_), Some(question)) = (&document, &question) {
                dialect.calls.authorise(question);
            }
            Message::Answer {
                id,
                document: document.map(Box::new),
            }
        }
    }
}

/// The words of CGRateS are for the operator's eyes.
fn refusal(code: u16, why: &str) -> RouteDocument {
    let mut tags = Map::new();
    tags.insert("cgrates_error".to_owned(), Value::from(why));
    RouteDocument {
        action: Some(Action::Reply),
        reply: Some(Reply {
            code,
            ..Reply::default()
        }),
        tags: Some(tags),
        ..RouteDocument::default()
    }
}

enum Verdict {
    Error(String),
    NoCredit,
    Granted(Granted),
}

#[derive(Default)]
struct Granted {
    /// Nothing: no limit.
    max_usage_s: Option<u64>,
    attributes: Map<String, Value>,
    resource: String,
    routes: Vec<String>,
}

const KEYS: [&str; 5] = [
    "Error",
    "MaxUsage",
    "Attributes",
    "ResourceAllocation",
    "Routes",
];

impl Verdict {
    fn read(settings: &CgratesDialect, json: &[u8]) -> Result<Self, DocumentError> {
        let [error, usage, attributes, resource, routes] =
            pick(json, KEYS).map_err(|error| DocumentError::new("", error.to_string()))?;
        let error = string(error, "/Error")?;
        if !error.is_empty() {
            return Ok(Self::Error(error));
        }
        let asked_for_usage = settings.flags.is_empty() || settings.flags.contains("*accounts");
        let usage = usage.map(max_usage).transpose()?.flatten();
        // Where usage was not asked for, the agent says 0.
        let max_usage_s = usage.filter(|seconds| asked_for_usage || *seconds > 0);
        if max_usage_s == Some(0) {
            return Ok(Self::NoCredit);
        }
        Ok(Self::Granted(Granted {
            max_usage_s,
            attributes: pairs(&string(attributes, "/Attributes")?),
            resource: string(resource, "/ResourceAllocation")?,
            routes: names(&string(routes, "/Routes")?),
        }))
    }
}

impl Granted {
    /// Leaves the decision to the next application. Where there is none, the routes in it count.
    fn document(
        self,
        settings: &CgratesDialect,
        question: Option<&Question>,
    ) -> Result<RouteDocument, DocumentError> {
        let limit_ms = self.max_usage_s.map(|s| s.saturating_mul(1000));
        let limit_ms = limit_ms.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
        let begins_a_call = question.is_none_or(|question| question.is_invite);
        let routes = self.routes(settings)?;
        let mut attributes = Map::new();
        attributes.insert("cgrates".to_owned(), self.attributes());
        Ok(RouteDocument {
            action: Some(Action::Pass),
            routes,
            max_call_ms: limit_ms.filter(|_| begins_a_call),
            attributes: Some(attributes),
            ..RouteDocument::default()
        })
    }

    /// To the Request-URI, unless there is a table of next hops.
    fn routes(&self, settings: &CgratesDialect) -> Result<Vec<Route>, DocumentError> {
        if settings.routes.is_empty() || self.routes.is_empty() {
            return Ok(vec![Route::Target(Box::default())]);
        }
        let known = |name: &String| match settings.routes.get(name) {
            Some(next_hop) => Ok(Route::Target(Box::new(Target {
                dst_uri: Some(next_hop.clone()),
                ..Target::default()
            }))),
            None => Err(unknown_route(name)),
        };
        self.routes.iter().map(known).collect()
    }

    fn attributes(self) -> Value {
        let mut all = Map::new();
        if let Some(seconds) = self.max_usage_s {
            all.insert("max_usage_s".to_owned(), json!(seconds));
        }
        if !self.attributes.is_empty() {
            all.insert("attributes".to_owned(), Value::Object(self.attributes));
        }
        if !self.resource.is_empty() {
            all.insert("resource".to_owned(), json!(self.resource));
        }
        if !self.routes.is_empty() {
            all.insert("routes".to_owned(), json!(self.routes));
        }
        Value::Object(all)
    }
}

fn unknown_route(name: &str) -> DocumentError {
    let name: String = name.chars().take(64).collect();
    let reason = format!("no next hop is configured for the route `{name}`");
    DocumentError::new("/Routes", reason)
}

/// Seconds; nothing where there is no limit.
fn max_usage(value: &RawValue) -> Result<Option<u64>, DocumentError> {
    let wrong = || DocumentError::new("/MaxUsage", "a number of seconds is needed");
    let text = text(value).unwrap_or_else(|| Cow::Borrowed(value.get()));
    let text = text.trim();
    if matches!(text, "" | "null") {
        return Ok(None);
    }
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    match seconds {
        seconds if seconds < 0.0 => Ok(None),
        seconds if seconds.is_finite() => Ok(Some(seconds as u64)),
        _ => Err(wrong()),
    }
}

/// `Name:value,Name:value`. The agent does not escape commas, so what has no colon belongs to the
/// value before it.
fn pairs(text: &str) -> Map<String, Value> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for piece in text.split(',') {
        match (piece.split_once(':'), pairs.last_mut()) {
            (Some((name, value)), _) => pairs.push((name, value.to_owned())),
            (None, Some((_, value))) => {
                value.push(',');
                value.push_str(piece);
            }
            (None, None) => {}
        }
    }
    let pair = |(name, value): (&str, String)| (name.to_owned(), Value::from(value));
    pairs.into_iter().map(pair).collect()
}

/// `route1,route2:parameters`.
fn names(text: &str) -> Vec<String> {
    let name = |piece: &str| {
        let name = piece.split(':').next().unwrap_or_default();
        name.trim().to_owned()
    };
    let names = text.split(',').map(name);
    names.filter(|name| !name.is_empty()).collect()
}

fn string(value: Option<&RawValue>, pointer: &'static str) -> Result<String, DocumentError> {
    match value {
        None => Ok(String::new()),
        Some(value) if value.get() == "null" => Ok(String::new()),
        Some(value) => serde_json::from_str(value.get())
            .map_err(|_| DocumentError::new(pointer, "a string is needed")),
    }
}

/// A string, or a number as it is written.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(text).ok().map(Cow::Owned),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(text)),
        _ => None,
    }
}
