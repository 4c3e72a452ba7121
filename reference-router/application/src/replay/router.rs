//! Recorded decisions inside a test.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tidegate_schemas::frame::Framing;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::key::Key;
use super::player::Player;
use super::recorded::{BadLine, Recorded, Repeat};
use super::summary::Summary;
use crate::channel::dial::{self, Settings};
use crate::channel::endpoint::Endpoint;
use crate::channel::{TlsFiles, http, tcp};
use crate::{Host, Identity};

/// A routing application inside of a test that answers as it was recorded. It runs on a thread of its
/// own, and so serves tests with and without an async runtime.
///
/// ```
/// use std::io::{BufRead, BufReader, Write};
/// use std::net::TcpStream;
///
/// use routing_application::replay::ReplayRouter;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let line = r#"{"type":"consultation","version":"1.0","time_ms":1,"id":"00000001-00000002-00000003","call":"c","node":"edge","event":{"id":"00000001-00000002-00000003","call":"c","node":"edge","deadline_ms":1000,"attempt":1,"reason":"new","source":{"transport":"udp","ip":"192.0.2.1","port":5060,"listener":"udp:192.0.2.2:5060"},"request":{"method":"INVITE","uri":"sip:bob@example.com","from":{"uri":"sip:alice@example.com"},"to":{"uri":"sip:bob@example.com"},"call_id":"x","cseq":1,"headers":[]}},"document":{"routes":[{"uri":"sip:bob@192.0.2.7"}]},"tier":"app","cause":"answered","latency_us":900}"#;
/// # let recording = String::from(line);
/// // In a test: `let recording = std::fs::read_to_string("tests/calls.jsonl")?;`
/// let router = ReplayRouter::from_lines(recording.lines())?;
/// let address = router.listen_tcp("127.0.0.1:0")?;
///
/// // The proxy under test dials `address`, or is dialled with `router.dial("tcp://…".parse()?)`.
/// # let mut proxy = TcpStream::connect(address)?;
/// # let mut lines = BufReader::new(proxy.try_clone()?).lines();
/// # writeln!(proxy, r#"{{"type":"hello","version":"1.0","name":"edge"}}"#)?;
/// # let hello = lines.next().unwrap()?;
/// # assert!(hello.contains("hello"), "{hello}");
/// # let question = line.split_once(r#""event":{"#).unwrap().1.split_once(r#"},"document""#).unwrap().0;
/// # writeln!(proxy, r#"{{"type":"route","version":"1.0",{}}}"#, question.replace("-00000003", "-00000009"))?;
/// # let answer = lines.next().unwrap()?;
/// # assert!(answer.contains("-00000009") && answer.contains("sip:bob@192.0.2.7"), "{answer}");
///
/// // When the calls are over:
/// let summary = router.stop();
/// assert!(summary.is_clean(), "{summary}");
/// assert_eq!((summary.served, summary.never_asked), (1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ReplayRouter {
    host: Host<Player>,
    player: Arc<Player>,
    handle: Handle,
    tasks: TaskTracker,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// Why recorded decisions can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recording is wrong.
    #[error(transparent)]
    BadLine(#[from] BadLine),
    /// An address can't be listened on, or the system lacks something.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ReplayRouter {
    /// Serves the lines of a recording by the default [`Key`], again and again.
    ///
    /// # Errors
    /// A line is none of a recording, or no thread can be started.
    pub fn from_lines(
        lines: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, ReplayError> {
        let mut recorded = Recorded::new(Key::default(), Repeat::default());
        recorded.add_lines(lines)?;
        Ok(Self::start(recorded, Identity::new("replay-router"))?)
    }

    /// Serves these decisions under this identity.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(recorded: Recorded, identity: Identity) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let player = Arc::new(Player::new(identity, recorded));
        let host = {
            let _inside = handle.enter();
            Host::new(Arc::clone(&player))
        };
        let (stopped, ended) = (stop.clone(), tasks.clone());
        let thread = thread::Builder::new().name("replay-router".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async {
                stopped.cancelled().await;
                ended.close();
                ended.wait().await;
            });
        })?;
        Ok(Self {
            host,
            player,
            handle,
            tasks,
            stop,
            thread: Some(thread),
        })
    }

    /// Takes proxies that dial over TCP, in either framing. Port 0 is a free one; the answer says
    /// which.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub fn listen_tcp(&self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        let (listener, bound) = self.bind(address)?;
        let serving = tcp::serve(
            listener,
            Framing::Lines,
            self.host.clone(),
            self.stop.clone(),
        );
        self.tasks.spawn_on(serving, &self.handle);
        Ok(bound)
    }

    /// Takes questions over HTTP, and proxies that dial over WebSocket.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub fn listen(&self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        let (listener, bound) = self.bind(address)?;
        let serving = http::serve(listener, self.host.clone(), self.stop.clone());
        self.tasks.spawn_on(serving, &self.handle);
        Ok(bound)
    }

    /// Dials a proxy, again and again until it is there.
    pub fn dial(&self, proxy: Endpoint) {
        let settings = Settings {
            proxy,
            framing: Framing::Lines,
            tls: TlsFiles::default(),
        };
        let dialling = dial::run(settings, self.host.clone(), self.stop.clone());
        self.tasks.spawn_on(dialling, &self.handle);
    }

    /// What it came to so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.player.summary()
    }

    /// How many questions were answered by a record so far.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.summary().served
    }

    /// What was said to questions without a record so far.
    #[must_use]
    pub fn unmatched(&self) -> Vec<String> {
        self.summary().failures
    }

    /// Leaves the proxies in good order. Blocks until that is done.
    #[must_use = "whether every question found its record"]
    pub fn stop(mut self) -> Summary {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.player.summary()
    }

    fn bind(
        &self,
        address: impl ToSocketAddrs,
    ) -> io::Result<(tokio::net::TcpListener, SocketAddr)> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        let _inside = self.handle.enter();
        Ok((tokio::net::TcpListener::from_std(listener)?, bound))
    }
}

impl Drop for ReplayRouter {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
