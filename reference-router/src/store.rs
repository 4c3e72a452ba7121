//! Redis, behind a trait, so that modules can be tried without one and the crate can be changed in
//! one place.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, RedisError, Script, Value};
use serde::Deserialize;
use tokio::time::timeout;

/// Where Redis is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    /// `redis://user:password@host:port/database`, or `rediss://` for TLS.
    pub(crate) url: String,
    #[serde(default = "default_timeout")]
    timeout_ms: u64,
    /// In front of every key. With a hash tag, all keys are in one slot of a cluster.
    #[serde(default = "default_prefix")]
    pub(crate) prefix: String,
}

fn default_timeout() -> u64 {
    100
}

fn default_prefix() -> String {
    "tidegate:".to_owned()
}

/// A script that Redis runs as one step.
pub(crate) struct Lua(Script);

impl Lua {
    pub(crate) fn new(code: &str) -> Self {
        Self(Script::new(code))
    }
}

impl fmt::Debug for Lua {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get_hash())
    }
}

/// What a command or a script gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    List(Vec<Self>),
    Nothing,
    Number(i64),
    Text(String),
}

impl Reply {
    pub(crate) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Nothing | Self::List(_) => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Number(_) | Self::List(_) => None,
        }
    }

    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
}

/// Why Redis was of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
    #[error("Redis did not answer in time")]
    Timeout,
    #[error("Redis answered something else than was expected")]
    Unexpected,
}

/// A place for what has to outlive this process.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// Runs one command.
    fn command(&self, words: Vec<String>) -> BoxFuture<'_, Result<Reply, StoreError>>;

    /// Runs a script.
    fn script<'a>(
        &'a self,
        script: &'a Lua,
        keys: Vec<String>,
        arguments: Vec<String>,
    ) -> BoxFuture<'a, Result<Reply, StoreError>>;
}

/// Runs one command given as words.
pub(crate) async fn command(store: &dyn Store, words: &[&str]) -> Result<Reply, StoreError> {
    store
        .command(words.iter().map(|&word| word.to_owned()).collect())
        .await
}

/// A Redis, reached over one connection that is made anew when it breaks.
pub(crate) struct Redis {
    connection: ConnectionManager,
    limit: Duration,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}

impl Redis {
    /// Does not connect before the first command, so that a Redis that is away delays nothing.
    pub(crate) fn new(settings: &StoreSettings) -> Result<Self, RedisError> {
        let limit = Duration::from_millis(settings.timeout_ms);
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(limit))
            .set_connection_timeout(Some(limit))
            .set_number_of_retries(1);
        let client = Client::open(settings.url.as_str())?;
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, config)?,
            limit,
        })
    }
}

impl Store for Redis {
    fn command(&self, words: Vec<String>) -> BoxFuture<'_, Result<Reply, StoreError>> {
        let mut connection = self.connection.clone();
        Box::pin(async move {
            let mut command = Cmd::new();
            command.arg(words);
            let asked = timeout(self.limit, command.query_async::<Value>(&mut connection));
            reply(asked.await.map_err(|_| StoreError::Timeout)??)
        })
    }

    fn script<'a>(
        &'a self,
        script: &'a Lua,
        keys: Vec<String>,
        arguments: Vec<String>,
    ) -> BoxFuture<'a, Result<Reply, StoreError>> {
        let mut connection = self.connection.clone();
        Box::pin(async move {
            let mut run = script.0.prepare_invoke();
            run.key(keys).arg(arguments);
            let asked = timeout(self.limit, run.invoke_async::<Value>(&mut connection));
            reply(asked.await.map_err(|_| StoreError::Timeout)??)
        })
    }
}

fn reply(value: Value) -> Result<Reply, StoreError> {
    match value {
        Value::Nil => Ok(Reply::Nothing),
        Value::Int(number) => Ok(Reply::Number(number)),
        Value::BulkString(bytes) => String::from_utf8(bytes)
            .map(Reply::Text)
            .map_err(|_| StoreError::Unexpected),
        Value::SimpleString(text) => Ok(Reply::Text(text)),
        Value::Okay => Ok(Reply::Text("OK".to_owned())),
        Value::Array(values) => {
            let replies: Result<_, _> = values.into_iter().map(reply).collect();
            replies.map(Reply::List)
        }
        _ => Err(StoreError::Unexpected),
    }
}
