//! What the proxy tells about itself.

mod counters;
mod log;

pub(crate) use counters::collect;
pub use counters::{Group, Stats};
pub use log::init;
pub(crate) use log::{filter, set_level};
