//! Request forwarding (RFC 3261 section 16.6): from a target of the plan to a branch.

mod copy;
mod drive;
mod headers;
mod launch;
mod next_hop;
mod record_route;

pub(crate) use copy::Copy;
pub(crate) use headers::{identity_span, printable};
pub(crate) use next_hop::{HostPart, NextHop};
