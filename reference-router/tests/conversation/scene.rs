//! A router in this process, and messages of a proxy.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reference_router::service::Service;
use reference_router::watch::{self, Current};
use routing_application::{Host, Identity};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// An event that never comes fails the test instead of hanging it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const FIRST: &str = "00000001-00000002-00000003";
pub(crate) const SECOND: &str = "00000001-00000002-00000004";

/// A configuration that is followed, and a service that decides by it.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) current: tokio::sync::watch::Receiver<Current>,
    pub(crate) service: Arc<Service>,
    pub(crate) host: Host<Service>,
    pub(crate) stop: CancellationToken,
}

impl Scene {
    pub(crate) fn new(text: &str) -> Self {
        Self::with_files(text, &[], None)
    }

    pub(crate) fn with_files(text: &str, files: &[(&str, &str)], token: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::write(folder.path().join("router.toml"), text).unwrap();
        let current = watch::follow(&folder.path().join("router.toml")).unwrap();
        let identity = Identity {
            name: "test".to_owned(),
            release: Some("7.1".to_owned()),
            token: token.map(str::to_owned),
            max_in_flight: 7,
        };
        let service = Service::new(identity, Vec::new(), current.clone()).unwrap();
        Self {
            folder,
            current,
            host: Host::new(Arc::clone(&service)),
            service,
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until the router has seen a change.
    pub(crate) async fn changed(&mut self, change: impl FnOnce(&Self)) {
        self.current.mark_unchanged();
        change(self);
        let seen = timeout(PATIENCE, self.current.changed()).await;
        seen.unwrap().unwrap();
    }

    pub(crate) async fn rewrite(&mut self, name: &str, text: &str) {
        self.changed(|scene| fs::write(scene.file(name), text).unwrap())
            .await;
    }

    pub(crate) fn problem(&self) -> Option<String> {
        self.current
            .borrow()
            .problem
            .as_ref()
            .map(ToString::to_string)
    }
}

pub(crate) fn reply_with(code: u16) -> String {
    format!("[[rule]]\nname = \"all\"\nreply = {{ code = {code} }}\n")
}

pub(crate) fn question(id: &str) -> Value {
    question_of(id, "c", "alice")
}

/// A question about this call of this caller.
pub(crate) fn question_of(id: &str, call: &str, caller: &str) -> Value {
    json!({
        "type": "route", "version": "1.0", "id": id, "call": call, "node": "edge",
        "deadline_ms": 5000, "attempt": 1, "reason": "new",
        "source": {"transport": "udp", "ip": "192.0.2.1", "port": 5060,
                   "listener": "udp:192.0.2.2:5060"},
        "request": {"method": "INVITE", "uri": "sip:+49301@example.com",
                    "from": {"uri": format!("sip:{caller}@example.com"), "tag": "1"},
                    "to": {"uri": "sip:+49301@example.com"}, "call_id": "x", "cseq": 1,
                    "headers": [["Subject", "one"]]},
    })
}

/// A notification about this call.
pub(crate) fn notification(kind: &str, call: &str, duration_ms: Option<u64>) -> Value {
    let mut event = json!({
        "type": "call", "event_id": format!("{call}-{kind}"), "seq": 1, "event": kind, "call": call,
        "node": "edge", "time_ms": 1_795_388_400_000_u64, "decided_by": "test", "call_id": "x",
        "from": "sip:alice@example.com", "to": "sip:+49301@example.com",
        "uri": "sip:+49301@example.com", "code": 200, "reason": "OK", "setup_ms": 900,
    });
    if let Some(duration_ms) = duration_ms {
        event["duration_ms"] = duration_ms.into();
    }
    event
}
