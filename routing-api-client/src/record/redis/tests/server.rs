//! A Redis that says what it is told to (RESP2), and tells what it heard.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::PATIENCE;

pub(super) const PASSWORD: &str = "s3cret-word";

/// What one `XADD` gets.
#[derive(Clone, Copy)]
pub(super) enum Reply {
    /// An id.
    Added,
    /// An id, said together with the next reply.
    Held,
    Error(&'static str),
    /// The end of the connection.
    Close,
}

pub(super) struct Server {
    port: u16,
    heard: Receiver<(usize, Vec<String>)>,
}

/// What commands but `XADD` get.
#[derive(Clone, Copy)]
enum Manner {
    Polite,
    Refusing(&'static str),
    Silent,
}

pub(super) fn url(port: u16) -> String {
    format!("redis://user:{PASSWORD}@127.0.0.1:{port}/")
}

impl Server {
    /// Answers each `XADD` of a connection by one of its replies, and says nothing when they run out.
    pub(super) fn start<const N: usize>(connections: [Vec<Reply>; N]) -> Self {
        Self::with(Manner::Polite, connections.into())
    }

    /// Lets nobody in.
    pub(super) fn guarded(why: &'static str) -> Self {
        Self::with(Manner::Refusing(why), vec![Vec::new()])
    }

    /// Takes connections and says nothing.
    pub(super) fn silent() -> Self {
        Self::with(Manner::Silent, vec![Vec::new()])
    }

    fn with(manner: Manner, connections: Vec<Vec<Reply>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, heard) = channel();
        thread::spawn(move || {
            for (i, replies) in connections.into_iter().enumerate() {
                let (stream, _) = listener.accept().unwrap();
                let tell = tell.clone();
                thread::spawn(move || serve(&stream, manner, replies, |it| hear(&tell, i, it)));
            }
        });
        Self { port, heard }
    }

    pub(super) fn url(&self) -> String {
        url(self.port)
    }

    /// The next `XADD`, and over which connection it came.
    pub(super) fn next(&self) -> (usize, Vec<String>) {
        self.heard.recv_timeout(PATIENCE).unwrap()
    }

    /// Connections and calls of the next ones.
    pub(super) fn calls(&self, count: usize) -> Vec<String> {
        let next = (0..count).map(|_| self.next());
        next.map(|(i, command)| format!("{i}:{}", command[9]))
            .collect()
    }
}

fn hear(tell: &Sender<(usize, Vec<String>)>, connection: usize, command: &[String]) {
    // The test may be over.
    let _ = tell.send((connection, command.to_vec()));
}

fn serve(mut stream: &TcpStream, manner: Manner, replies: Vec<Reply>, hear: impl Fn(&[String])) {
    let mut replies = replies.into_iter();
    let mut owed = String::new();
    let mut input = BufReader::new(stream);
    while let Some(command) = read(&mut input) {
        if command[0] == "XADD" {
            hear(&command);
            match replies.next() {
                Some(Reply::Added) => owed.push_str("$3\r\n1-1\r\n"),
                Some(Reply::Held) => {
                    owed.push_str("$3\r\n1-1\r\n");
                    continue;
                }
                Some(Reply::Error(why)) => owed.extend(["-", why, "\r\n"]),
                Some(Reply::Close) => return,
                None => {}
            }
        } else {
            owed.extend(match manner {
                Manner::Polite => ["+", "OK", "\r\n"],
                Manner::Refusing(why) => ["-", why, "\r\n"],
                Manner::Silent => [""; 3],
            });
        }
        if stream.write_all(owed.as_bytes()).is_err() {
            return;
        }
        owed.clear();
    }
}

/// An array of bulk strings; nothing at the end.
fn read(input: &mut impl BufRead) -> Option<Vec<String>> {
    let count = length(input, '*')?;
    (0..count).map(|_| bulk(input)).collect()
}

fn bulk(input: &mut impl BufRead) -> Option<String> {
    let mut bytes = vec![0; length(input, '$')? + 2];
    input.read_exact(&mut bytes).ok()?;
    bytes.truncate(bytes.len() - 2);
    String::from_utf8(bytes).ok()
}

fn length(input: &mut impl BufRead, sign: char) -> Option<usize> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    line.trim_end().strip_prefix(sign)?.parse().ok()
}
