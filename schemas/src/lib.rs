//! The routing contract: what the proxy sends to a routing application and what the application
//! answers.
//!
//! These types are its one source. The JSON Schemas in `schemas/json/` are generated from them, and
//! every sample in the repository is tested against both.

pub mod admin;
pub mod cache;
pub mod call;
mod de;
pub mod document;
pub mod error;
pub mod event;
pub mod frame;
pub mod id;
pub mod json;
pub mod lenient;
mod loose;
pub mod message;
mod outcome;
mod parse;
pub mod record;
mod route;

pub use document::RouteDocument;
pub use error::DocumentError;
pub use event::RouteEvent;
pub use id::ConsultationId;
pub use message::{FromApplication, FromProxy};
