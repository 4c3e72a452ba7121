//! Calls: what the engine tells of them goes to those who subscribed, and what applications and
//! operators want of them goes to the engine.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use routing_api_client::{ApplicationId, Order, Registry, Wanted};
use tidegate_engine::{CallEvent, CallInfo};
use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::{self, CallEventKind, CallSummary};
use tidegate_schemas::message::{FromProxy, VERSION};
use tidegate_schemas::record::Ended;

use super::Shard;
use super::clock::{Clock, Moment};

/// Calls in one answer to `calls`.
const MOST_LISTED: usize = 1000;

/// Renders what happens to calls, once for all who want to know.
pub(super) struct CallLog {
    pub(super) applications: Arc<Registry>,
    clock: Clock,
    shard: u8,
    shards: u8,
    /// Notifications so far.
    number: u64,
}

impl CallLog {
    pub(super) fn new(applications: Arc<Registry>, clock: Clock, shard: u8, shards: u8) -> Self {
        Self {
            applications,
            clock,
            shard,
            shards,
            number: 0,
        }
    }

    pub(super) fn push(&mut self, event: &CallEvent<'_>) {
        self.number += 1;
        let settings = self.applications.settings();
        let (node, instance) = (&settings.node, settings.instance);
        let id = format!("{node}/{instance:08x}/{}/{}", self.shard, self.number);
        let message = FromProxy::Call(describe(event, &id, node, self.clock.unix_ms(event.at)));
        let Ok(payload) = serde_json::to_vec(&message) else {
            return;
        };
        let payload = Bytes::from(payload);
        let notifications = self.applications.notifications();
        notifications.push(Instant::now(), event.kind, &id, &payload);
    }
}

impl CallLog {
    /// The end of a call, for the recording.
    pub(super) fn ended(&self, event: &CallEvent<'_>) -> Option<Ended<'static>> {
        if event.kind != CallEventKind::Ended {
            return None;
        }
        Some(Ended {
            version: Cow::Borrowed(VERSION),
            time_ms: self.clock.unix_ms(event.at),
            call: Cow::Owned(event.call.to_string()),
            node: Cow::Owned(self.applications.settings().node.clone()),
            duration_ms: event.duration_ms?,
            cause: event.cause?,
        })
    }
}

fn describe<'a>(
    event: &CallEvent<'a>,
    id: &'a str,
    node: &'a str,
    time_ms: u64,
) -> call::CallEvent<'a> {
    call::CallEvent {
        event_id: Cow::Borrowed(id),
        seq: event.seq,
        event: event.kind,
        call: Cow::Owned(event.call.to_string()),
        node: Cow::Borrowed(node),
        time_ms,
        decided_by: Cow::Borrowed(event.decided_by),
        call_id: text(event.call_id),
        from: text(event.from),
        to: text(event.to),
        uri: text(event.uri),
        target: event.target.map(text),
        branch_flags: event.branch_flags,
        code: event.code,
        reason: text(event.reason),
        setup_ms: event.setup_ms,
        duration_ms: event.duration_ms,
        cause: event.cause,
        detail: event.detail.map(Cow::Borrowed),
        tags: tags(event.tags),
        context: event.context.map(Cow::Borrowed),
    }
}

fn summary(call: &CallInfo<'_>) -> CallSummary<'static> {
    let owned = |bytes| Cow::Owned(text(bytes).into_owned());
    CallSummary {
        call: Cow::Owned(call.call.to_string()),
        decided_by: Cow::Owned(call.decided_by.to_owned()),
        call_id: owned(call.call_id),
        from: owned(call.from),
        to: owned(call.to),
        target: owned(call.target),
        duration_ms: call.duration_ms,
        remaining_ms: call.remaining_ms,
        tags: tags(call.tags),
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The engine keeps them as the JSON object that it was given.
fn tags(json: Option<&str>) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_str(json?).ok()
}

impl Shard {
    /// Lets the engine follow what anybody wants to know.
    pub(super) fn follow_calls(&mut self) {
        let wanted = self.outbox.calls.applications.notifications().wanted();
        if self.followed != Some(wanted) {
            self.followed = Some(wanted);
            let ends = self.durations.then_some(CallEventKind::Ended);
            let kinds = Wanted::kinds(wanted).chain(ends);
            self.engine.follow_calls(kinds.collect());
        }
    }

    /// Carries out what an application wants.
    pub(super) fn on_order(&mut self, now: Moment, application: ApplicationId, order: Order) {
        match order {
            Order::List { reference } => self.list_calls_for(now, application, reference),
            Order::Terminate {
                call,
                reason,
                reference,
            } => {
                let known = self.terminate(now, call, reason.as_deref());
                let applications = &self.outbox.calls.applications;
                if known {
                    let message = FromProxy::Terminated {
                        reference: reference.map(Cow::Owned),
                        call: Cow::Owned(call.to_string()),
                    };
                    applications.tell(application, &message);
                } else {
                    applications.tell_unknown_call(application, reference.as_deref());
                }
            }
        }
    }

    /// Whether there was such a call.
    pub(super) fn terminate(
        &mut self,
        now: Moment,
        call: ConsultationId,
        reason: Option<&str>,
    ) -> bool {
        let ended = self
            .engine
            .terminate(now.time, call, reason, &mut self.outbox);
        tracing::info!(%call, reason, known = ended.is_ok(), "call to be ended");
        ended.is_ok()
    }

    /// All live calls, or those that an application of this name decided.
    pub(super) fn list_calls(
        &self,
        now: Moment,
        decided_by: Option<&str>,
    ) -> Vec<CallSummary<'static>> {
        let mut calls = Vec::new();
        self.engine.calls(now.time, |call| {
            if decided_by.is_none_or(|name| name == call.decided_by) {
                calls.push(summary(&call));
            }
        });
        calls
    }

    /// This shard's part of the answer.
    fn list_calls_for(&self, now: Moment, application: ApplicationId, reference: Option<String>) {
        let log = &self.outbox.calls;
        let all = log.applications.applications();
        let Some(known) = all.iter().find(|state| state.id == application) else {
            return;
        };
        let mut calls = self.list_calls(now, Some(&known.name));
        let truncated = calls.len() > MOST_LISTED;
        calls.truncate(MOST_LISTED);
        let message = FromProxy::Calls {
            reference: reference.map(Cow::Owned),
            calls,
            part: u32::from(log.shard) + 1,
            parts: log.shards.into(),
            truncated,
        };
        log.applications.tell(application, &message);
    }
}
