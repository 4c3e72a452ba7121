//! The stateful SIP proxy as a deterministic machine: messages, answers and timers in, messages and
//! questions out, each with the time as an argument. It has no socket, no clock and no source of
//! randomness, so a race is a unit test and a seed is a reproducible failure.
//!
//! [`Engine`] is the entry; [`Output`] is what it produces.

mod ack;
mod address;
mod alias;
mod best;
mod branch;
mod call;
mod cancel;
mod config;
mod consult;
mod context;
mod core;
mod decide;
mod engine;
mod failure;
mod forward;
mod identity;
mod key;
mod output;
mod own;
pub mod plan;
mod question;
mod reply;
mod request;
mod response;
mod rules;
mod stateless;
mod stats;
mod steer;
mod tag;
mod time;
mod timers;
mod transaction;
mod upstream;
mod wheel;

pub use address::{ConnectionId, Hop, ListenerId, Source, Transport};
pub use call::{CallEvent, CallInfo, CallKinds, CallSettings, UnknownCall};
pub use config::{Config, Listener, Timers};
pub use engine::{AnswerError, Engine, OtherListeners};
pub use output::{Finished, Forget, Output, ResolveId};
pub use rules::{Rule, Treatment};
pub use stats::Stats;
pub use steer::Steer;
pub use time::Time;
