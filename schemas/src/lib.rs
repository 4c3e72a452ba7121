//! The routing contract: what the proxy sends to a routing application and what the application
//! answers.
//!
//! These types are its one source. The JSON Schemas in `schemas/json/` are generated from them, and
//! every sample in the repository is tested against both.

pub mod document;
pub mod event;
pub mod id;
pub mod message;

pub use document::RouteDocument;
pub use event::RouteEvent;
pub use id::ConsultationId;
pub use message::{FromApplication, FromProxy};
