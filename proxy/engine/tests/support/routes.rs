//! Route documents as short as they can be said.

use serde_json::{Value, json};

use super::peer::Peer;

/// A target at this peer, by its own URI.
fn target(peer: &Peer) -> Value {
    json!({ "uri": peer.uri() })
}

/// One peer after the other.
pub(crate) fn serial(peers: &[&Peer]) -> Value {
    group("serial", peers)
}

/// All peers at once.
pub(crate) fn parallel(peers: &[&Peer]) -> Value {
    group("parallel", peers)
}

/// A group of peers, which is a document as well.
fn group(routing: &str, peers: &[&Peer]) -> Value {
    let routes: Vec<Value> = peers.iter().map(|peer| target(peer)).collect();
    json!({ "routing": routing, "routes": routes })
}

/// A document that answers the caller.
pub(crate) fn reply(code: u16, reason: &str) -> Value {
    json!({ "action": "reply", "reply": { "code": code, "reason": reason } })
}
