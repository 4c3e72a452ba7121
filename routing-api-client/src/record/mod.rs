//! Recording: every consultation is written down as one line of JSON, off the call's path.
//!
//! A shard's [`Notebook`] keeps what was asked and decided until the call has its final response, and
//! then puts the whole line into a [`Spool`]. A thread of its own takes it from there to where it is
//! kept. A full spool refuses and counts; no call waits for it.

mod draft;
mod file;
mod mask;
mod notebook;
mod redis;
mod settings;
mod sink;
mod spool;
mod writer;

pub use file::{FileSettings, Rotate};
pub use mask::{CREDENTIALS, How, InvalidMask, MaskRule, Masks, header_places, number_places};
pub use notebook::CallOutcome;
pub(crate) use notebook::{Asked, Decision, Notebook};
pub use redis::RedisSettings;
pub use settings::RecordSettings;
pub use sink::SinkState;
pub use spool::{Spool, SpoolStats};
pub use writer::{Recorder, RecorderSettings, RecorderStats};
