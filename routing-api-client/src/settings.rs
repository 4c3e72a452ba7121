//! What an operator may set.

use std::fmt;
use std::hint::black_box;
use std::time::Duration;

use http::header::{HeaderValue, InvalidHeaderValue};

/// How applications are asked. One for the process, held by the [`Registry`](crate::Registry).
#[derive(Debug, Clone)]
pub struct Settings {
    /// The proxy's name in its `hello`.
    pub node: String,
    /// This start of the proxy: the `instance` of every consultation id.
    pub instance: u32,
    /// Total time of one consultation. How long a connection that is being drained may live on.
    pub deadline: Duration,
    /// Most bytes of one message from an application.
    pub max_frame: usize,
    /// Most questions in flight for one application, unless its `hello` says less.
    pub max_in_flight: u32,
    /// Most messages that wait to be written to one application.
    pub outgoing_queue: usize,
    /// Most bytes that wait to be written to one application; the last message may go beyond.
    pub outgoing_bytes: usize,
    /// Silence after which an application is asked for a sign of life.
    pub heartbeat: Duration,
    /// Silence after which an application counts as lost.
    pub heartbeat_timeout: Duration,
    /// Time for an application to say `hello`.
    pub hello_timeout: Duration,
    /// Time for an application to take what is written to it.
    pub write_timeout: Duration,
    /// The secret that the dialling side shows, where a listener or an application has none of its
    /// own.
    pub token: Option<Token>,
    /// Time for an outbound connection to be established.
    pub connect_timeout: Duration,
    /// Pause before the first attempt to connect again.
    pub reconnect_min: Duration,
    /// Longest pause between two attempts to connect.
    pub reconnect_max: Duration,
    /// How long an application that let a question time out is asked only when no other can be.
    pub suspect_for: Duration,
    /// Most applications connected to one listener.
    pub max_connections: usize,
    /// Most decisions that are kept to be used again.
    pub cache_entries: usize,
    /// Most bytes that these take, about.
    pub cache_bytes: usize,
    /// Most notifications that wait for one subscriber; beyond them the oldest are given up.
    pub notify_queue: usize,
    /// Most bytes of them.
    pub notify_bytes: usize,
    /// How long notifications wait for a subscriber that is away.
    pub notify_keep: Duration,
    /// How long a notification may go without its acknowledgement before it is sent again.
    pub ack_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: "tidegate".to_owned(),
            instance: 0,
            deadline: Duration::from_secs(2),
            max_frame: 1 << 20,
            max_in_flight: 10_000,
            outgoing_queue: 10_000,
            outgoing_bytes: 16 << 20,
            heartbeat: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(10),
            hello_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            token: None,
            connect_timeout: Duration::from_secs(5),
            reconnect_min: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(10),
            suspect_for: Duration::from_secs(5),
            max_connections: 64,
            cache_entries: 10_000,
            cache_bytes: 64 << 20,
            notify_queue: 100_000,
            notify_bytes: 64 << 20,
            notify_keep: Duration::from_secs(3600),
            ack_timeout: Duration::from_secs(5),
        }
    }
}

/// A shared secret. Never printed, compared in constant time.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes the secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// As it stands in `Authorization`.
    pub(crate) fn bearer(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Whether `shown` is the secret. The time taken tells its length at most.
    pub(crate) fn matches(&self, shown: &str) -> bool {
        let (own, shown) = (self.0.as_bytes(), shown.as_bytes());
        let differing = own
            .iter()
            .zip(shown)
            .fold(0, |d, (a, b)| d | black_box(a ^ b));
        own.len() == shown.len() && black_box(differing) == 0
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_matches() {
        let token = Token::new("s3cret");
        assert!(token.matches("s3cret"));
        for wrong in ["", "s3cre", "s3cret ", "S3cret"] {
            assert!(!token.matches(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", Token::new("s3cret")).contains("s3cret"));
    }
}
