//! The tokio shell of tidegate: sockets, clocks and threads around an engine that has none.
//!
//! [`Proxy::start`] turns a [`Config`](config::Config) into a running proxy; [`cli`] is the program
//! around it. A shard is a thread that owns its transactions, its sockets and its questions to the
//! routing applications, so that nothing on the path of a call is locked.

mod admin;
mod ask;
mod bind;
mod check_router;
pub mod cli;
pub mod config;
mod demo;
mod inbox;
mod manage;
mod proxy;
mod replay;
mod replay_router;
mod resolve;
mod secret;
mod shadows;
mod shard;
mod start;
mod stream;
pub mod telemetry;
mod udp;

pub use manage::ManageError;
pub use proxy::{Address, Proxy};
pub use start::StartError;
