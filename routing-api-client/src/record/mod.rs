//! Recording: every consultation is written down as one line of JSON, off the call's path.
//!
//! A shard's [`Notebook`] keeps what was asked and decided until the call has its final response, and
//! then puts the whole line into a [`Spool`]. A thread of its own takes it from there to where it is
//! kept. A full spool refuses and counts; no call waits for it.

mod draft;
mod notebook;
mod settings;
mod spool;

pub use notebook::CallOutcome;
pub(crate) use notebook::{Asked, Decision, Notebook};
pub use settings::RecordSettings;
pub use spool::{Spool, SpoolStats};
