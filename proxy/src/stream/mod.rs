//! SIP over TCP: one task for each connection, a registry of them that all shards share.

mod connect;
mod connection;
mod counters;
mod listener;
mod queue;
mod recent;
mod refusal;
mod registry;
mod writer;

pub(crate) use listener::{accept, bind};
pub(crate) use registry::{Limits, Registry};
