//! What unit tests begin with.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_schemas::RouteEvent;

use crate::{Answer, Application, Host, Identity};

/// Answers everything with an empty document.
pub(crate) struct Anything(Identity);

impl Application for Anything {
    fn identity(&self) -> &Identity {
        &self.0
    }

    async fn answer(&self, _event: &RouteEvent<'_>) -> Answer {
        Answer::Document(Box::default())
    }
}

pub(crate) fn host(token: Option<&str>) -> Host<Anything> {
    let identity = Identity {
        token: token.map(str::to_owned),
        ..Identity::new("test")
    };
    Host::new(Arc::new(Anything(identity)))
}

pub(crate) fn question(id: &str) -> Value {
    json!({
        "type": "route", "version": "1.0", "id": id, "call": "c", "node": "edge",
        "deadline_ms": 5000, "attempt": 1, "reason": "new",
        "source": {"transport": "udp", "ip": "192.0.2.1", "port": 5060,
                   "listener": "udp:192.0.2.2:5060"},
        "request": {"method": "INVITE", "uri": "sip:bob@example.com",
                    "from": {"uri": "sip:alice@example.com", "tag": "1"},
                    "to": {"uri": "sip:bob@example.com"}, "call_id": "x", "cseq": 1,
                    "headers": [["Subject", "one"]]},
    })
}
