//! The JSON Schemas (draft 2020-12) of the contract, as checked in under `schemas/json/`, and the
//! documents of its interfaces, under `schemas/contract/`.

/// What an application sends over a channel: a message or a route document.
pub const FROM_APPLICATION: &str = include_str!("../json/from-application.schema.json");

/// What the proxy sends over a channel.
pub const FROM_PROXY: &str = include_str!("../json/from-proxy.schema.json");

/// What an application answers.
pub const ROUTE_DOCUMENT: &str = include_str!("../json/route-document.schema.json");

/// What the proxy asks.
pub const ROUTE_EVENT: &str = include_str!("../json/route-event.schema.json");

/// One line of a recording.
pub const RECORDING: &str = include_str!("../json/recording.schema.json");

/// All schemas with their names.
pub const ALL: [(&str, &str); 5] = [
    ("from-application", FROM_APPLICATION),
    ("from-proxy", FROM_PROXY),
    ("recording", RECORDING),
    ("route-document", ROUTE_DOCUMENT),
    ("route-event", ROUTE_EVENT),
];

/// AsyncAPI 3.0: what goes over TCP and WebSocket.
pub const ROUTING_ASYNCAPI: &str = include_str!("../contract/routing.asyncapi.json");

/// OpenAPI 3.1: what an application serves that is asked over HTTP.
pub const APPLICATION_OPENAPI: &str = include_str!("../contract/application.openapi.json");

/// OpenAPI 3.1: the admin API.
pub const ADMIN_OPENAPI: &str = include_str!("../contract/admin.openapi.json");

/// The documents of the interfaces with their names.
pub const DOCUMENTS: [(&str, &str); 3] = [
    ("admin.openapi", ADMIN_OPENAPI),
    ("application.openapi", APPLICATION_OPENAPI),
    ("routing.asyncapi", ROUTING_ASYNCAPI),
];
