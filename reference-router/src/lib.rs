//! A routing application: it answers the proxy's questions by a chain of small modules, and takes
//! what happens to calls.
//!
//! [`setup`] reads the configuration, [`watch`] follows it, [`service`] answers by it; the crate
//! `routing-application` talks to proxies. Each module is one file below `modules`.

mod action;
mod ask;
mod chain;
mod clock;
mod counters;
mod csv;
mod digits;
pub mod error;
mod files;
mod list;
mod modules;
mod pattern;
pub mod service;
pub mod setup;
mod steps;
mod store;
mod target;
mod template;
#[cfg(test)]
mod testing;
mod uri;
pub mod watch;
