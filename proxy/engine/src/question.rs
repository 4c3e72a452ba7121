//! The event about a suspended transaction, borrowed from its request.

use std::borrow::Cow;

use tidegate_schemas::ConsultationId;
use tidegate_schemas::event::{Attempt, AttemptContact, Party, Request, RouteEvent, Source};
use tidegate_sip::{NameAddr, View};

use crate::address;
use crate::context::{AttemptRecord, Context, Phase};
use crate::core::Core;
use crate::time::Time;

/// Builds the event for `id` and lets `read` see it. `None` when the consultation is over.
pub(crate) fn read<R>(
    core: &Core,
    cx: &Context,
    now: Time,
    id: ConsultationId,
    read: impl FnOnce(&RouteEvent<'_>) -> R,
) -> Option<R> {
    let (Phase::Suspended(suspended), Some(request)) = (&cx.phase, &cx.request) else {
        return None;
    };
    let call = cx.call(core.instance, core.shard).to_string();
    let event = RouteEvent {
        id,
        call: Cow::Borrowed(&call),
        node: Cow::Borrowed(&core.config.node),
        deadline_ms: suspended.deadline.since(now),
        attempt: request.rounds,
        reason: suspended.reason,
        source: source(core, &cx.source),
        request: describe(request.message.view(), core.config.include_body),
        attempts: request.attempts.iter().map(attempt).collect(),
        context: request.context.as_deref().map(Cow::Borrowed),
        step: None,
        attributes: None,
    };
    Some(read(&event))
}

fn source<'a>(core: &'a Core, source: &address::Source) -> Source<'a> {
    let listener = core.listener_names.get(usize::from(source.listener.0));
    Source {
        transport: Cow::Borrowed(source.transport.name()),
        ip: source.addr.ip().to_canonical(),
        port: source.addr.port(),
        listener: Cow::Borrowed(listener.map_or("", String::as_str)),
    }
}

fn describe(view: View<'_>, with_body: bool) -> Request<'_> {
    Request {
        method: text(view.method_raw()),
        uri: text(view.request_uri()),
        from: party(view.from().ok()),
        to: party(view.to().ok()),
        call_id: text(view.call_id().unwrap_or_default()),
        cseq: view.cseq().map_or(0, |cseq| cseq.number),
        contact: view
            .contacts()
            .next()
            .and_then(Result::ok)
            .map(|contact| text(contact.uri)),
        headers: view
            .all_fields()
            .map(|field| (text(field.raw_name), text(field.value)))
            .collect(),
        body: (with_body && !view.body().is_empty()).then(|| text(view.body())),
    }
}

fn party(address: Option<NameAddr<'_>>) -> Party<'_> {
    let Some(address) = address else {
        return Party::default();
    };
    Party {
        display: address
            .display
            .map(unquoted)
            .filter(|display| !display.is_empty()),
        uri: text(address.uri),
        tag: address.tag().map(text),
    }
}

/// The text of a display name without its quotes and backslashes (RFC 3261 section 25.1).
fn unquoted(display: &[u8]) -> Cow<'_, str> {
    let inner = display
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let Some(inner) = inner else {
        return text(display);
    };
    if !inner.contains(&b'\\') {
        return text(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(if byte == b'\\' {
            bytes.next().copied().unwrap_or(byte)
        } else {
            byte
        });
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

fn attempt(record: &AttemptRecord) -> Attempt<'_> {
    Attempt {
        target: text(&record.target),
        code: record.code,
        reason: text(&record.reason),
        cause: record.cause,
        time_ms: record.time_ms,
        branch_flags: record.branch_flags,
        contacts: record.contacts.iter().map(contact).collect(),
    }
}

fn contact((uri, q): &(Box<[u8]>, Option<u16>)) -> AttemptContact<'_> {
    AttemptContact {
        uri: text(uri),
        q: q.map(|q| f32::from(q) / 1000.0),
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
