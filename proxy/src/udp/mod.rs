//! SIP over UDP: batches in, batches out, and what the network could not deliver.

mod errors;
mod keepalive;
mod mmsg;
mod socket;

pub(crate) use errors::watch;
pub(crate) use keepalive::is_keepalive;
pub(crate) use mmsg::Arrivals;
pub(crate) use socket::{Failed, UdpCounters, UdpListener, bind};
