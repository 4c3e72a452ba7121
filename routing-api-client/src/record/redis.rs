//! A recording in a Redis Stream.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;
use redis::{Client, Connection, Pipeline, RedisError, RedisResult, Value};

use super::sink::{Port, Sink};
use crate::tls::provider;

/// Bytes of a line within which its call stands.
const HEAD: usize = 512;

/// Where the stream is.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// `redis://` or, for TLS, `rediss://`, with user, password and database where they are needed.
    pub url: String,
    /// The stream's key.
    pub stream: String,
    /// About how many lines it holds.
    pub max_len: u64,
    /// Bytes that wait for it.
    pub queue_bytes: usize,
    /// For a connection, and for each batch.
    pub timeout: Duration,
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = f.debug_struct("RedisSettings");
        settings.field("stream", &self.stream);
        settings.finish_non_exhaustive()
    }
}

/// Appends lines to a stream.
///
/// A batch whose reply does not come is sent again: a line may stand in the stream twice, and is
/// never lost by a lost reply.
pub(super) struct Stream {
    client: Client,
    settings: RedisSettings,
    connection: Option<Connection>,
    /// It was there before.
    known: bool,
    pipeline: Pipeline,
}

impl RedisSettings {
    /// What is wrong with the URL.
    ///
    /// # Errors
    /// It names no Redis.
    pub fn check(&self) -> Result<(), String> {
        Client::open(&*self.url)
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

impl Stream {
    pub(super) fn new(settings: RedisSettings) -> RedisResult<Self> {
        if settings.url.starts_with("rediss:") {
            // The Redis client takes the process's own.
            drop(provider());
        }
        Ok(Self {
            client: Client::open(&*settings.url)?,
            settings,
            connection: None,
            known: false,
            pipeline: Pipeline::new(),
        })
    }

    fn connect(&mut self, port: &Port) -> RedisResult<&mut Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let timeout = self.settings.timeout;
                let connection = self.client.get_connection_with_timeout(timeout)?;
                connection.set_read_timeout(Some(timeout))?;
                connection.set_write_timeout(Some(timeout))?;
                if std::mem::replace(&mut self.known, true) {
                    port.count_renewed();
                }
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// The replies, one for each line.
    fn send(
        &mut self,
        lines: &VecDeque<Bytes>,
        port: &Port,
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        self.pipeline.clear();
        self.pipeline.ignore_errors();
        for line in lines {
            let command = self.pipeline.cmd("XADD").arg(&self.settings.stream);
            command
                .arg("MAXLEN")
                .arg("~")
                .arg(self.settings.max_len)
                .arg("*");
            command
                .arg("type")
                .arg(kind(line))
                .arg("call")
                .arg(call(line));
            command.arg("line").arg(&**line);
        }
        let pipeline = std::mem::take(&mut self.pipeline);
        let connection = self.connect(port)?;
        let replies = pipeline.query(connection);
        self.pipeline = pipeline;
        replies
    }
}

impl Sink for Stream {
    const BATCH: usize = 512 << 10;

    fn write(&mut self, lines: &mut VecDeque<Bytes>, port: &Port) -> Result<(), String> {
        if lines.is_empty() {
            return self
                .connect(port)
                .map(drop)
                .map_err(|error| describe(&error));
        }
        let replies = self.send(lines, port).map_err(|error| {
            self.connection = None;
            describe(&error)
        })?;
        let mut replies = replies.into_iter();
        let mut refusal = None;
        lines.retain(|_| match replies.next() {
            Some(Ok(_)) => false,
            Some(Err(error)) => {
                refusal = Some(describe(&error));
                true
            }
            None => true,
        });
        refusal.map_or(Ok(()), Err)
    }
}

/// Without the URL, which may hold a password.
fn describe(error: &RedisError) -> String {
    if error.is_timeout() {
        return "Redis does not answer in time".to_owned();
    }
    error.to_string()
}

fn kind(line: &[u8]) -> &[u8] {
    text(line, b"\"type\":\"")
}

fn call(line: &[u8]) -> &[u8] {
    text(line, b"\"call\":\"")
}

/// The string behind `key`, near the beginning of a line.
fn text<'a>(line: &'a [u8], key: &[u8]) -> &'a [u8] {
    let head = line.get(..HEAD).unwrap_or(line);
    let found = memmem::find(head, key).and_then(|at| head.get(at + key.len()..));
    found
        .and_then(|rest| rest.get(..memchr::memchr(b'"', rest)?))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_call_of_a_line_are_found_without_reading_it_all() {
        let line = br#"{"type":"ended","version":"1.0","call":"a-1-2","x":"\"call\":\"no"}"#;
        assert_eq!((kind(line), call(line)), (&b"ended"[..], &b"a-1-2"[..]));
        assert_eq!(call(br#"{"call":"cut"#), b"");
        assert_eq!(call(b"{}"), b"");
    }

    #[test]
    fn settings_do_not_show_a_password() {
        let settings = RedisSettings {
            url: "redis://user:s3cret@127.0.0.1/".to_owned(),
            stream: "decisions".to_owned(),
            max_len: 1,
            queue_bytes: 1,
            timeout: Duration::from_secs(1),
        };
        assert!(!format!("{settings:?}").contains("s3cret"));
        assert_eq!(settings.check(), Ok(()));
    }
}
