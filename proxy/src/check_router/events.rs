//! The questions that are asked: requests as they come, the odd ones among them.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tidegate_schemas::ConsultationId;

/// A question, ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) id: ConsultationId,
    /// The whole message, with `type` and `version`.
    pub(super) event: Arc<Value>,
    pub(super) text: Arc<str>,
}

/// Where questions come from: numbers them, and knows the proxy.
#[derive(Debug)]
pub(super) struct Asking {
    instance: u32,
    next: u32,
    pub(super) deadline_ms: u32,
    pub(super) node: String,
    pub(super) listener: String,
}

impl Asking {
    pub(super) fn new(deadline_ms: u32, node: &str, listener: &str) -> Self {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seconds = time.map_or(0, |time| time.as_secs());
        Self {
            instance: (seconds & u64::from(u32::MAX)) as u32,
            next: 0,
            deadline_ms,
            node: node.to_owned(),
            listener: listener.to_owned(),
        }
    }

    pub(super) fn id(&mut self) -> ConsultationId {
        self.next += 1;
        ConsultationId {
            instance: self.instance,
            index: self.next & 0xff_ffff,
            label: self.next,
        }
    }

    /// The event with an id of its own, and all that belongs to the proxy.
    pub(super) fn question(&mut self, event: &Map<String, Value>) -> Question {
        let id = self.id();
        let mut event = event.clone();
        event.insert("type".to_owned(), "route".into());
        event.insert("version".to_owned(), "1.0".into());
        event.insert("id".to_owned(), id.to_string().into());
        event.insert("deadline_ms".to_owned(), self.deadline_ms.into());
        for (key, value) in [
            ("call", json!(id.to_string())),
            ("node", json!(self.node)),
            ("attempt", json!(1)),
            ("reason", json!("new")),
        ] {
            event.entry(key).or_insert(value);
        }
        let event = Value::Object(event);
        Question {
            id,
            text: event.to_string().into(),
            event: Arc::new(event),
        }
    }

    /// A plain INVITE for `user`.
    pub(super) fn invite(&self, user: &str) -> Map<String, Value> {
        self.request("INVITE", &format!("sip:{user}@example.com"))
    }

    /// The events that every application has to cope with.
    pub(super) fn embedded(&self) -> Vec<Map<String, Value>> {
        let mut events: Vec<_> = NUMBERS
            .iter()
            .map(|uri| self.request("INVITE", uri))
            .collect();
        events.extend(
            METHODS
                .iter()
                .map(|method| self.request(method, "sip:alice@example.com")),
        );
        events.extend(variations().into_iter().map(|change| {
            let mut event = self.invite("201");
            merge(&mut event, change);
            event
        }));
        events.push(self.with_all_headers());
        events
    }

    fn request(&self, method: &str, uri: &str) -> Map<String, Value> {
        let call_id = format!("{}-{}@198.51.100.7", method.to_lowercase(), uri.len());
        let event = json!({
            "source": {
                "transport": "udp", "ip": "198.51.100.7", "port": 5060, "listener": self.listener,
            },
            "request": {
                "method": method,
                "uri": uri,
                "from": {"display": "Alice", "uri": "sip:alice@example.com", "tag": "a73kszlfl"},
                "to": {"uri": uri},
                "call_id": call_id,
                "cseq": 1,
                "contact": "sip:alice@198.51.100.7",
                "headers": [
                    ["Via", "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK74bf9"],
                    ["Max-Forwards", "70"],
                    ["From", "\"Alice\" <sip:alice@example.com>;tag=a73kszlfl"],
                    ["To", format!("<{uri}>")],
                    ["Call-ID", call_id],
                    ["CSeq", format!("1 {method}")],
                    ["Contact", "<sip:alice@198.51.100.7>"],
                ],
            },
        });
        object(event)
    }

    /// Repeats, an empty value, a folded one, and bytes that were no UTF-8.
    fn with_all_headers(&self) -> Map<String, Value> {
        let mut event = self.invite("bob");
        let more = json!([
            ["Route", "<sip:one.example.com;lr>"],
            ["Route", "<sip:two.example.com;lr>"],
            ["X-Tag", "gold"],
            ["x-tag", "prepaid"],
            ["Subject", ""],
            ["X-Bytes", "caf\u{fffd}"],
            ["X-Quoted", "\"a \\\"b\\\" \\\\ c\""],
            ["i", "compact"],
        ]);
        let headers = event
            .get_mut("request")
            .and_then(|it| it.get_mut("headers"));
        if let (Some(Value::Array(headers)), Value::Array(more)) = (headers, more) {
            headers.extend(more);
        }
        event
    }
}

/// Request-URIs in all the forms in which numbers come.
const NUMBERS: [&str; 9] = [
    "sip:+4930123456@example.com",
    "tel:+4930123456",
    "tel:7042;phone-context=example.com",
    "sip:101@example.com",
    "sip:112@example.com",
    "sips:bob@example.com",
    "sip:bob@[2001:db8::7]:5070;transport=tcp",
    "sip:J%C3%BCrgen@example.com",
    "sip:example.com",
];

const METHODS: [&str; 5] = ["OPTIONS", "MESSAGE", "REGISTER", "SUBSCRIBE", "PUBLISH"];

/// What may be different about an INVITE.
fn variations() -> Vec<Value> {
    let attempt = json!({"target": "sip:bob@192.0.2.7", "code": 408, "reason": "Request Timeout",
        "cause": "timeout", "time_ms": 5000});
    let redirected = json!({"target": "sip:bob@192.0.2.8", "code": 302, "reason": "Moved Temporarily",
        "cause": "response", "time_ms": 31, "branch_flags": 8,
        "contacts": [{"uri": "sip:bob@example.net", "q": 0.8}, {"uri": "tel:+4930123457"}]});
    let again = |reason: &str, attempts: Value| json!({"attempt": 2, "reason": reason, "attempts": attempts, "context": "tried-office"});
    vec![
        again("exhausted", json!([attempt])),
        again("branch_failed", json!([attempt])),
        again("redirected", json!([attempt, redirected])),
        json!({"step": "core", "attributes": {"lnp": {"rn": "+49199001"}, "account": "alice"}}),
        json!({"request": {"from": {"display": "Jürgen Grüße 東京 🦀"}}}),
        json!({"request": {"from": {"display": "", "uri": "sip:anonymous@anonymous.invalid"}}}),
        json!({"request": {"contact": null}}),
        json!({"source": {"transport": "tcp", "ip": "2001:db8::7", "port": 49152}}),
        json!({"source": {"transport": "wss"}, "request": {"to": {"display": "caf\u{fffd}", "tag": "t1"}}}),
        json!({"request": {"call_id": "!%*_+`'~()<>:\\\"/[]?{}@x", "cseq": 2_147_483_647}}),
        json!({"request": {"body": "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\n"}}),
    ]
}

/// RFC 7396: `null` takes away.
pub(super) fn merge(target: &mut Map<String, Value>, change: Value) {
    let Value::Object(change) = change else {
        return;
    };
    for (key, value) in change {
        match (target.get_mut(&key), value) {
            (_, Value::Null) => drop(target.remove(&key)),
            (Some(Value::Object(inner)), value @ Value::Object(_)) => merge(inner, value),
            (_, value) => drop(target.insert(key, value)),
        }
    }
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_schemas::RouteEvent;

    use super::*;

    #[test]
    fn every_event_is_one_of_the_contract() {
        let mut asking = Asking::new(2000, "edge", "udp:192.0.2.1:5060");
        for event in asking.embedded() {
            let question = asking.question(&event);
            let read: Result<RouteEvent<'_>, _> = serde_json::from_str(&question.text);
            assert_eq!(
                read.unwrap_or_else(|e| panic!("{e}: {}", question.text)).id,
                question.id
            );
        }
    }
}
