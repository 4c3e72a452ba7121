//! Being a routing application, on every channel of the routing contract.
//!
//! Whoever implements [`Application`] answers questions and takes notifications; [`channel`] carries
//! them: TCP in either framing, TLS, WebSocket and HTTP, dialled or listened for.

mod answer;
mod application;
pub mod args;
mod backoff;
pub mod channel;
mod host;
mod notifications;
pub mod replay;
mod secret;
mod session;
#[cfg(test)]
mod testing;

pub use answer::Answer;
pub use application::{Application, Happening, Identity, NotDone};
pub use host::Host;
