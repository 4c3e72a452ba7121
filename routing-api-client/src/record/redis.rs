//! A recording in a Redis Stream.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

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
/// A line whose reply does not come is sent again: it may stand in the stream twice, and is never
/// lost by a lost reply.
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
                connection.set_write_timeout(Some(timeout))?;
                if std::mem::replace(&mut self.known, true) {
                    port.count_renewed();
                }
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// One command for each line.
    fn commands(&mut self, lines: &VecDeque<Bytes>) -> Vec<u8> {
        self.pipeline.clear();
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
        self.pipeline.get_packed_pipeline()
    }

    /// Sends the lines together, and takes away those that Redis has. The refusal of one, if there
    /// is any.
    fn send(
        &mut self,
        lines: &mut VecDeque<Bytes>,
        port: &Port,
    ) -> RedisResult<Option<RedisError>> {
        let commands = self.commands(lines);
        let timeout = self.settings.timeout;
        let connection = self.connect(port)?;
        let end = Instant::now() + timeout;
        connection.send_packed_command(&commands)?;
        let mut refused = VecDeque::new();
        let mut refusal = None;
        let mut outcome = Ok(());
        while !lines.is_empty() && outcome.is_ok() {
            match reply(connection, end).map(Value::extract_error) {
                Ok(Ok(_)) => drop(lines.pop_front()),
                Ok(Err(error)) => {
                    refusal = Some(error);
                    refused.extend(lines.pop_front());
                }
                Err(error) => outcome = Err(error),
            }
        }
        refused.append(lines);
        *lines = refused;
        outcome.map(|()| refusal)
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
        match self.send(lines, port) {
            Ok(None) => Ok(()),
            Ok(Some(refusal)) => {
                // The name leads to another master by the time it is connected to again.
                if refusal.code() == Some("READONLY") {
                    self.connection = None;
                }
                Err(describe(&refusal))
            }
            Err(error) => {
                self.connection = None;
                Err(describe(&error))
            }
        }
    }
}

/// The next one. All of a batch have to come until `end`.
fn reply(connection: &mut Connection, end: Instant) -> RedisResult<Value> {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        connection.set_read_timeout(Some(left))?;
        match connection.recv_response()? {
            // What RESP3 says in between is no reply.
            Value::Push { .. } => {}
            value => return Ok(value),
        }
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
mod tests;
