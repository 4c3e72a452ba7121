//! What the proxy does, as it shows on the wire: each test is one behaviour that a specification or
//! the routing contract asks for, played in virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod ack;
mod alias;
mod asking;
mod calls;
mod cancel;
mod consultation;
mod described;
mod errors;
mod finished;
mod forward;
mod headers;
mod hostile;
mod loops;
mod non_invite;
mod plans;
mod reason;
mod reconfigure;
mod record_route;
mod response;
mod route;
mod session_timer;
mod steer;
mod target;
mod timers;
mod transactions;
mod upstream;
mod validate;
