//! Conversations with proxies that are only sockets, over every channel, and with a real Redis.

#![allow(clippy::unwrap_used, reason = "what can't be set up fails the test")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

mod accepted;
mod dialled;
mod http;
mod prepaid;
mod redis;
mod scene;
mod websocket;
