//! A Redis of a test's own.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{PATIENCE, free_port};

/// A running redis-server that keeps nothing on disk; it is killed when dropped.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    address: SocketAddr,
    connection: RefCell<BufReader<TcpStream>>,
    _folder: TempDir,
}

impl Redis {
    /// Starts one; returns when it takes connections.
    #[must_use]
    pub fn start() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("redis-server")
            .args(["--port", &address.port().to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("redis-server");
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            if let Ok(stream) = TcpStream::connect(address) {
                break stream;
            }
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "redis-server does not listen on {address}"
            );
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            child,
            address,
            connection: RefCell::new(BufReader::new(stream)),
            _folder: folder,
        }
    }

    /// Where it is, as clients want it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Gives a command; the words of its reply, those of lists one after the other. What is not
    /// there is an empty word.
    pub fn command(&self, words: &[&str]) -> Vec<String> {
        let mut connection = self.connection.borrow_mut();
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let mut reply = Vec::new();
        read(&mut connection, &mut reply);
        reply
    }

    /// A field of a hash, empty when it is not there.
    #[must_use]
    pub fn field(&self, key: &str, field: &str) -> String {
        self.command(&["HGET", key, field]).concat()
    }

    /// Waits until the fields of a hash have these values.
    pub fn wait_for(&self, key: &str, wanted: &[(&str, &str)]) {
        let deadline = Instant::now() + PATIENCE;
        while wanted
            .iter()
            .any(|(field, value)| self.field(key, field) != *value)
        {
            assert!(
                Instant::now() < deadline,
                "{key} is {:?}, and was to be {wanted:?}",
                self.command(&["HGETALL", key])
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(connection: &mut BufReader<TcpStream>, words: &mut Vec<String>) {
    let mut line = String::new();
    connection.read_line(&mut line).expect("a reply of Redis");
    let (kind, rest) = line.trim_end().split_at(1);
    match kind {
        "*" => (0..rest.parse::<i64>().unwrap()).for_each(|_| read(connection, words)),
        "$" => words.push(match usize::try_from(rest.parse::<i64>().unwrap()) {
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                connection.read_exact(&mut bytes).unwrap();
                String::from_utf8_lossy(&bytes[..length]).into_owned()
            }
            Err(_) => String::new(),
        }),
        "-" => panic!("Redis refuses: {rest}"),
        _ => words.push(rest.to_owned()),
    }
}
