//! The JSON Schemas (draft 2020-12) of the contract, as checked in under `schemas/json/`.

/// What an application sends over a channel: a message or a route document.
pub const FROM_APPLICATION: &str = include_str!("../json/from-application.schema.json");

/// What the proxy sends over a channel.
pub const FROM_PROXY: &str = include_str!("../json/from-proxy.schema.json");

/// What an application answers.
pub const ROUTE_DOCUMENT: &str = include_str!("../json/route-document.schema.json");

/// What the proxy asks.
pub const ROUTE_EVENT: &str = include_str!("../json/route-event.schema.json");

/// All of them with their names.
pub const ALL: [(&str, &str); 4] = [
    ("from-application", FROM_APPLICATION),
    ("from-proxy", FROM_PROXY),
    ("route-document", ROUTE_DOCUMENT),
    ("route-event", ROUTE_EVENT),
];
