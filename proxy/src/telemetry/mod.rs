//! What the proxy tells about itself.

mod counters;
mod log;

pub(crate) use counters::collect;
pub use counters::{Group, Stats};
pub(crate) use log::filter;
pub use log::init;
