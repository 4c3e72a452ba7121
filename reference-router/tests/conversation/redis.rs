//! A Redis of the test's own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, FromRedisValue};

use crate::scene::PATIENCE;

/// A running `redis-server`; it is killed when dropped.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    connection: Connection,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// Nothing, with a reason on standard error, where the program is not installed.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let started = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn();
        let child = match started {
            Ok(child) => child,
            Err(error) => {
                eprintln!("skipped: redis-server can't be started: {error}");
                return None;
            }
        };
        let connection = connect(port);
        Some(Self {
            child,
            port,
            connection,
            _folder: folder,
        })
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Runs one command.
    pub(crate) fn run<T: FromRedisValue>(&mut self, words: &[&str]) -> T {
        let mut command = Cmd::new();
        command.arg(words);
        command.query(&mut self.connection).unwrap()
    }

    /// Holds the server still, as a network that loses everything does.
    pub(crate) fn stop_answering(&self) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args(["-STOP", &pid]).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn connect(port: u16) -> Connection {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < PATIENCE, "redis-server does not listen");
        thread::sleep(Duration::from_millis(10));
    }
    Client::open(url(port)).unwrap().get_connection().unwrap()
}
