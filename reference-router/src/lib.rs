//! A routing application: it answers the proxy's questions out of a rules file.
//!
//! [`rules`] reads the file, [`decide`](mod@decide) makes an answer, [`channel`] talks to the proxy,
//! [`watch`] follows the file.

mod backoff;
pub mod channel;
mod condition;
pub mod decide;
mod list;
pub mod rules;
pub mod session;
mod shadow;
mod target;
mod template;
mod uri;
pub mod watch;
