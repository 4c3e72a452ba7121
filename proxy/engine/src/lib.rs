//! The stateful SIP proxy as a deterministic machine: messages, answers and timers in, messages and
//! questions out, each with the time as an argument. It has no socket, no clock and no source of
//! randomness, so a race is a unit test and a seed is a reproducible failure.
//!
//! [`Engine`] is the entry; [`Output`] is what it produces.

mod address;
mod config;
mod engine;
mod output;
mod plan;
mod stats;
mod time;

pub use address::{ConnectionId, Hop, ListenerId, Source, Transport};
pub use config::{Config, Listener, Timers};
pub use engine::{AnswerError, Engine, steer};
pub use output::{Finished, Forget, Output, ResolveId};
pub use stats::Stats;
pub use time::Time;
