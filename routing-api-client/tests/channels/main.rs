//! What every channel has to do, and what only one of them can.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod asking;
mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod everywhere;
mod far;
mod http;
mod http_2;
mod keeping;
mod only_http;
mod strangers;
mod way;
