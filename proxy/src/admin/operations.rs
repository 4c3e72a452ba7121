//! Everything that can be asked, in one table: the router serves it, and the document of the API
//! tells of it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tidegate_schemas::admin::{
    self, ApplicationChange, Applications, Calls, Counters, Health, Promotion, Recording, Reloaded,
    SampleAnswer, SampleQuestion, Shadow, ShadowSamples, Shadows, Termination,
};
use tidegate_schemas::call::CallSummary;

use super::operation::{Failing, Operation};
use super::{metrics, routes};
use crate::config::Application;

pub(super) const UNAUTHORIZED: Failing = Failing::new(
    StatusCode::UNAUTHORIZED,
    "unauthorized",
    "The token is missing or wrong.",
);
pub(super) const FORBIDDEN: Failing = Failing::new(
    StatusCode::FORBIDDEN,
    "forbidden",
    "No token is configured, and this is a web page or no program on this machine.",
);
pub(super) const TOO_LARGE: Failing = Failing::new(
    StatusCode::PAYLOAD_TOO_LARGE,
    "unreadable_body",
    "The body is larger than 1 MiB.",
);
pub(super) const NOT_JSON: Failing = Failing::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "not_json",
    "The body has no `Content-Type: application/json`.",
);
pub(super) const INVALID: Failing = Failing::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "invalid",
    "The body has not the form that is wanted, or what it wants can't be; `pointer` says where.",
);
const INVALID_QUERY: Failing = Failing::new(
    StatusCode::BAD_REQUEST,
    "invalid_query",
    "The query can't be read.",
);
const UNKNOWN_APPLICATION: Failing = Failing::new(
    StatusCode::NOT_FOUND,
    "unknown_application",
    "No application has this name.",
);
const UNKNOWN_CALL: Failing = Failing::new(
    StatusCode::NOT_FOUND,
    "unknown_call",
    "No live call has this name, or none that is followed.",
);
const UNKNOWN_SHADOW: Failing = Failing::new(
    StatusCode::NOT_FOUND,
    "unknown_shadow",
    "No application of this name only looks on.",
);
const EXISTS: Failing = Failing::new(
    StatusCode::CONFLICT,
    "exists",
    "An application of this name is there already.",
);
const DIALS_IN: Failing = Failing::new(
    StatusCode::CONFLICT,
    "dials_in",
    "The application dials in by itself.",
);
const NO_FILE: Failing = Failing::new(
    StatusCode::CONFLICT,
    "no_file",
    "The proxy was started without a configuration file.",
);
const NEEDS_RESTART: Failing = Failing::new(
    StatusCode::CONFLICT,
    "needs_restart",
    "What changed is read at the start only; nothing was applied.",
);
const CONFLICT: Failing = Failing::new(
    StatusCode::CONFLICT,
    "conflict",
    "The configuration and what was changed at runtime do not go together.",
);
const INVALID_CONFIGURATION: Failing = Failing::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "invalid_configuration",
    "The configuration file is wrong.",
);
const NOT_ASKED: Failing = Failing::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "not_asked",
    "The application is down, or takes no more questions.",
);

/// All of them. An operation that is added here is served and documented.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = about_the_proxy();
    all.extend(about_applications());
    all.extend(about_shadows());
    all.extend(about_calls());
    all
}

fn about_the_proxy() -> Vec<Operation> {
    vec![
        Operation::get("/v1/health", "getHealth", routes::health)
            .does("Whether the proxy runs or drains, and since when.")
            .answers::<Health>(json!({
                "status": "running", "node": "edge-1", "version": "0.1.0", "uptime_s": 86_400,
                "shards": 4, "applications": 2,
            })),
        Operation::get("/v1/counters", "getCounters", routes::counters)
            .does("All counters since the proxy's start, in groups.")
            .answers::<Counters>(json!({ "routing": { "asked": 1042, "answered": 1040 } })),
        Operation::get("/metrics", "getMetrics", routes::metrics)
            .does("All counters, and what shadows did, in the text format of Prometheus.")
            .answers_text(metrics::CONTENT_TYPE, METRICS),
        Operation::get("/v1/recording", "getRecording", routes::recording)
            .does("How the recording of decisions is doing, and what it lost.")
            .answers::<Recording>(recording()),
        Operation::get("/v1/config", "getConfiguration", routes::config)
            .does("The configuration that counts, secrets masked; `tidegate schema config` describes it.")
            .answers::<Value>(json!({ "node": "edge-1", "admin": { "token": "***" } })),
        Operation::post("/v1/reload", "reload", routes::reload)
            .does("Reads the configuration file again, as SIGHUP does.")
            .switch("dry_run", "Only show what would change.")
            .answers::<Reloaded>(json!({
                "applied": true,
                "changes": [{ "key": "routing.application[core-a].weight", "old": 1, "new": 2 }],
                "overruled": [], "needs_restart": [],
            }))
            .fails(&[
                INVALID_QUERY,
                NO_FILE,
                NEEDS_RESTART,
                CONFLICT,
                INVALID_CONFIGURATION,
            ]),
        Operation::get("/v1/openapi.json", "getOpenapi", routes::openapi)
            .does("This document.")
            .answers::<Value>(json!({ "openapi": "3.1.1" })),
    ]
}

fn about_applications() -> Vec<Operation> {
    vec![
        Operation::get("/v1/applications", "listApplications", routes::applications)
            .does("All applications: state, questions in flight, latency, counts.")
            .answers::<Applications>(json!({ "applications": [application()] })),
        Operation::post("/v1/applications", "addApplication", routes::add)
            .does("Adds an application: the keys of a `[[routing.application]]` as JSON.")
            .takes::<Application>(json!({
                "name": "core-b", "url": "tcp://192.0.2.8:8448", "weight": 2,
            }))
            .creates::<admin::Application>(application())
            .fails(&[EXISTS]),
        Operation::get(
            "/v1/applications/{name}",
            "getApplication",
            routes::application,
        )
        .does("One application.")
        .answers::<admin::Application>(application())
        .fails(&[UNKNOWN_APPLICATION]),
        Operation::patch(
            "/v1/applications/{name}",
            "changeApplication",
            routes::alter,
        )
        .does("Changes an application; what is absent stays.")
        .takes::<ApplicationChange>(json!({ "weight": 2, "canary": null }))
        .answers::<admin::Application>(application())
        .fails(&[UNKNOWN_APPLICATION]),
        Operation::delete(
            "/v1/applications/{name}",
            "removeApplication",
            routes::remove,
        )
        .does("Removes an application; what it was asked is still answered.")
        .fails(&[UNKNOWN_APPLICATION, DIALS_IN]),
        Operation::post(
            "/v1/applications/{name}/drain",
            "drainApplication",
            routes::drain,
        )
        .does("The application gets no new questions.")
        .answers::<admin::Application>(application())
        .fails(&[UNKNOWN_APPLICATION]),
        Operation::post(
            "/v1/applications/{name}/resume",
            "resumeApplication",
            routes::resume,
        )
        .does("The application is asked again.")
        .answers::<admin::Application>(application())
        .fails(&[UNKNOWN_APPLICATION]),
        Operation::post(
            "/v1/applications/{name}/promote",
            "promoteApplication",
            routes::promote,
        )
        .does("A shadow becomes a canary, a canary a full member of its pool.")
        .takes::<Promotion>(json!({ "canary": 10 }))
        .answers::<admin::Application>(application())
        .fails(&[UNKNOWN_APPLICATION]),
        Operation::post("/v1/applications/{name}/ask", "askApplication", routes::ask)
            .does("Asks the application a question outside of any call.")
            .takes::<SampleQuestion>(json!({
                "uri": "sip:+4930123456@example.com", "from": "sip:alice@example.com",
            }))
            .answers::<SampleAnswer>(json!({
                "valid": true, "took_us": 412,
                "document": { "routes": [{ "dst_uri": "sip:192.0.2.7:5060" }] },
                "event": { "type": "route", "version": "1.0", "reason": "new" },
            }))
            .fails(&[UNKNOWN_APPLICATION, NOT_ASKED]),
    ]
}

fn about_shadows() -> Vec<Operation> {
    vec![
        Operation::get("/v1/shadows", "listShadows", routes::shadows)
            .does(
                "The applications that only look on, and how well they agree with what is decided.",
            )
            .answers::<Shadows>(json!({ "shadows": [shadow()] })),
        Operation::get("/v1/shadows/{name}", "getShadow", routes::shadow)
            .does("One shadow.")
            .answers::<Shadow>(shadow())
            .fails(&[UNKNOWN_SHADOW]),
        Operation::post(
            "/v1/shadows/{name}/reset",
            "resetShadow",
            routes::reset_shadow,
        )
        .does("Counts anew what the shadow does, and forgets its differing answers.")
        .answers::<Shadow>(shadow())
        .fails(&[UNKNOWN_SHADOW]),
        Operation::get(
            "/v1/shadows/{name}/samples",
            "listShadowSamples",
            routes::shadow_samples,
        )
        .does("The last answers of the shadow that differ from what was decided.")
        .answers::<ShadowSamples>(json!({ "samples": [shadow_sample()] }))
        .fails(&[UNKNOWN_SHADOW]),
        Operation::delete(
            "/v1/shadows/{name}/samples",
            "forgetShadowSamples",
            routes::forget_shadow_samples,
        )
        .does("Forgets them.")
        .fails(&[UNKNOWN_SHADOW]),
    ]
}

fn about_calls() -> Vec<Operation> {
    vec![
        Operation::get("/v1/calls", "listCalls", routes::calls)
            .does("The live calls that are followed.")
            .answers::<Calls<'_>>(json!({ "calls": [call()] })),
        Operation::get("/v1/calls/{call}", "getCall", routes::call)
            .does("One live call.")
            .answers::<CallSummary<'_>>(call())
            .fails(&[UNKNOWN_CALL]),
        Operation::post(
            "/v1/calls/{call}/terminate",
            "terminateCall",
            routes::terminate,
        )
        .does("Ends a call, with a BYE to both sides.")
        .takes::<Termination>(json!({ "reason": "account closed" }))
        .fails(&[UNKNOWN_CALL]),
    ]
}

fn application() -> Value {
    json!({
        "name": "core-b", "pool": "core", "url": "tcp://192.0.2.8:8448", "dialect": "native",
        "state": "up", "draining": false, "connections": 1, "in_flight": 3, "weight": 2,
        "latency": { "p50_us": 310, "p95_us": 740, "p99_us": 1900 },
        "counts": {
            "asked": 1042, "answered": 1040, "errors": 0, "timeouts": 2, "late": 1, "invalid": 0,
        },
        "origin": "runtime",
    })
}

const METRICS: &str = "\
# HELP tidegate_shadow_agree_total Answers of a shadow that mean what was decided.
# TYPE tidegate_shadow_agree_total counter
tidegate_shadow_agree_total{application=\"core-next\"} 1037
";

fn recording() -> Value {
    json!({
        "enabled": true, "recorded": 1042, "dropped": 0, "without_outcome": 3, "mask_failed": 0,
        "sinks": [
            {
                "name": "file", "state": "working", "waiting": 0, "waiting_bytes": 0,
                "written": 1042, "dropped": 0, "errors": 0, "renewed": 1,
            },
            {
                "name": "redis", "state": "failing", "failing_since_ms": 1_767_225_600_000_u64,
                "error": "Connection refused (os error 111)", "waiting": 42,
                "waiting_bytes": 75_600, "written": 1000, "dropped": 0, "errors": 7, "renewed": 0,
            },
        ],
    })
}

fn shadow() -> Value {
    json!({
        "name": "core-next", "pool": "core", "state": "up", "shadow": 100, "asked": 1042,
        "agreed": 1037, "differed": 4, "invalid": 0,
        "failed": { "timeout": 1, "lost": 0, "refused": 0, "error": 0 },
        "dropped": { "queue_full": 0, "busy": 0, "down": 12 },
        "undecided": 3, "fields": { "fr_timer": 1, "uri": 4 },
        "latency": { "p50_us": 310, "p95_us": 740, "p99_us": 1900 },
        "samples": 4,
    })
}

fn shadow_sample() -> Value {
    json!({
        "time_ms": 1_767_225_600_000_u64, "call": "5e1f9a02-00000007-000001c3",
        "decided_by": "core-a",
        "event": { "type": "route", "version": "1.0", "reason": "new" },
        "expected": { "routes": [{ "uri": "sip:bob@192.0.2.7" }] },
        "found": { "routes": [{ "uri": "sip:bob@192.0.2.8" }] },
        "differences": [{
            "field": "uri", "pointer": "/routes/0/uri",
            "expected": "sip:bob@192.0.2.7", "found": "sip:bob@192.0.2.8",
        }],
    })
}

fn call() -> Value {
    json!({
        "call": "5e1f9a02-00000007-000001c3", "decided_by": "core-b",
        "call_id": "3848276298220188511@198.51.100.7", "from": "sip:alice@example.com",
        "to": "sip:+4930123456@example.com", "target": "sip:bob@192.0.2.7", "duration_ms": 61_034,
    })
}
