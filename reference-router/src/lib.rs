//! A routing application: it answers the proxy's questions by a chain of small modules, and takes
//! what happens to calls.
//!
//! [`setup`] reads the configuration, [`watch`] follows it, [`service`] answers by it, [`channel`]
//! talks to proxies. Each module is one file below `modules`.

mod action;
pub mod answer;
pub mod application;
mod ask;
mod backoff;
mod chain;
pub mod channel;
mod clock;
mod counters;
mod csv;
mod digits;
pub mod error;
mod files;
pub mod host;
mod list;
mod modules;
mod notifications;
mod pattern;
mod secret;
pub mod service;
mod session;
pub mod setup;
mod steps;
mod store;
mod target;
mod template;
#[cfg(test)]
mod testing;
mod uri;
pub mod watch;
