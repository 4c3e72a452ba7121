//! The harness of the end-to-end tests: the real binary, SIPp, node.js, and small peers on loopback
//! that are written apart from the project's own parser, so that a defect of it shows.
//!
//! Nothing here returns an error: what can't be had fails the test with a message.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod admin;
mod agent;
mod application;
mod binary;
mod example;
pub mod faulty;
mod log;
mod message;
mod page;
mod ports;
mod proxy;
mod redis;
mod request;
mod router;
pub mod scripted;
mod sipp;
mod tool;

use std::time::Duration;

pub use admin::Admin;
pub use agent::Agent;
pub use application::{Application, parallel, serial, target};
pub use example::Language;
pub use log::Log;
pub use message::Message;
pub use page::run_page;
pub use ports::free_port;
pub use proxy::{Proxy, Settings};
pub use redis::Redis;
pub use request::Request;
pub use router::Router;
pub use sipp::{Callee, Caller, Outcome, calls};
pub use tool::{Said, Tool};

/// How long an expected event may take. Far longer than it takes, for machines under load.
pub const PATIENCE: Duration = Duration::from_secs(10);
