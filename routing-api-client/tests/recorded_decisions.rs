//! A routing function in Rust, asked what was asked before: `docs/testing-your-application.md` shows
//! this file.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use routing_api_client::{Recording, Tolerances, compare};
use serde_json::json;
use tidegate_schemas::record::DecisionCause;
use tidegate_schemas::{RouteDocument, RouteEvent};

#[test]
fn it_decides_as_recorded() {
    let mut tolerances = Tolerances::default();
    tolerances.ignore("headers.set.x-routed-by").unwrap();
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/recording.jsonl");
    let mut asked = 0;
    for entry in Recording::open(recording).unwrap() {
        let entry = entry.unwrap();
        let record = entry.record().unwrap();
        let (DecisionCause::Answered, Some(decided)) = (record.cause, &record.document) else {
            continue;
        };
        let differences = compare(decided, &decide(&record.event), &tolerances);
        assert!(
            differences.is_empty(),
            "line {}: {differences:#?}",
            entry.line()
        );
        asked += 1;
    }
    assert!(asked > 0, "nothing was asked");
}

/// The routing function under test.
fn decide(event: &RouteEvent<'_>) -> RouteDocument {
    let user = event
        .request
        .uri
        .trim_start_matches("sip:")
        .split('@')
        .next()
        .unwrap();
    let target =
        |port: u16| json!({"uri": format!("sip:{user}@127.0.0.1:{port}"), "fr_timer": 2000});
    let both = [target(5070), target(5071)];
    let document = match (user.as_bytes(), user.len()) {
        ([b'1', ..], 3) => {
            json!({"routing": "parallel", "routes": both, "tags": {"tariff": "office"}})
        }
        ([b'2', ..], 3) => {
            json!({"routing": "serial", "routes": both, "tags": {"tariff": "failover"}})
        }
        ([b'9', ..], _) => {
            json!({"action": "reply", "reply": {"code": 403, "reason": "Not From Here"}})
        }
        ([b'a'..=b'z', ..], _) => json!({"routes": both[..1], "tags": {"tariff": "names"}}),
        _ => json!({"action": "reply", "reply": {"code": 404, "reason": "Unknown Number"}}),
    };
    RouteDocument::from_json(document.to_string().as_bytes()).unwrap()
}
