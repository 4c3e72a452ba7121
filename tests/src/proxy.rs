//! The running binary.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::binary::{binary, root, signal, wait};
use crate::log::Log;
use crate::{PATIENCE, Request, free_port};

/// How a proxy is to be configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Addresses on which it takes SIP, over UDP and TCP.
    pub ips: Vec<IpAddr>,
    /// `native` or `kamailio`.
    pub dialect: &'static str,
    /// Milliseconds for one decision.
    pub deadline_ms: u32,
    /// Tables to add to the configuration, in TOML.
    pub more: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ips: vec![Ipv4Addr::LOCALHOST.into()],
            dialect: "native",
            deadline_ms: 2000,
            more: String::new(),
        }
    }
}

/// A running proxy; it is killed when dropped.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    log: Log,
    port: u16,
    channel: SocketAddr,
    _folder: TempDir,
}

impl Proxy {
    /// With the default settings.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&Settings::default())
    }

    /// With these settings; returns when it answers.
    #[must_use]
    pub fn with(settings: &Settings) -> Self {
        let port = free_port();
        let channel = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tidegate.toml");
        std::fs::write(&file, configuration(settings, port, channel)).unwrap();
        let mut child = Command::new(binary("tidegate"))
            .args(["run", "--config"])
            .arg(&file)
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the proxy");
        let log = Log::follow(child.stderr.take().unwrap());
        let mut proxy = Self {
            child,
            log,
            port,
            channel,
            _folder: folder,
        };
        for ip in &settings.ips {
            proxy.wait_until_it_answers((*ip, port).into());
        }
        proxy
    }

    /// Its first SIP address, for UDP and TCP alike.
    #[must_use]
    pub fn sip(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its SIP address on ::1, where the settings say so.
    #[must_use]
    pub fn sip6(&self) -> SocketAddr {
        (Ipv6Addr::LOCALHOST, self.port).into()
    }

    /// Where routing applications dial in.
    #[must_use]
    pub fn channel(&self) -> SocketAddr {
        self.channel
    }

    /// What it wrote.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The URI of somebody behind this proxy.
    #[must_use]
    pub fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.sip())
    }

    /// Asks for the counters and returns the one of this name.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        let before = self.log.len();
        signal(&self.child, "USR1");
        let line = self
            .log
            .wait_after(before, |line| value_in(line, name).is_some());
        value_in(&line, name).unwrap()
    }

    /// Waits until the counter of this name has reached a value.
    pub fn wait_for_counter(&self, name: &str, reached: impl Fn(u64) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !reached(self.counter(name)) {
            assert!(
                Instant::now() < deadline,
                "{name} is {}",
                self.counter(name)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) {
        signal(&self.child, "TERM");
    }

    /// Waits for its end.
    #[must_use]
    pub fn wait_for_end(&mut self) -> ExitStatus {
        wait(&mut self.child, PATIENCE).expect("the proxy to end")
    }

    fn wait_until_it_answers(&mut self, address: SocketAddr) {
        let socket = UdpSocket::bind((address.ip(), 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let local = socket.local_addr().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let uri = format!("sip:{address}");
            let probe = Request::new("OPTIONS", &uri, local, "UDP").replacing("Max-Forwards", "0");
            let _ = socket.send_to(&probe.to_bytes(), address);
            let answered = socket.recv(&mut [0; 2048]).is_ok();
            if answered && TcpStream::connect(self.channel).is_ok() {
                return;
            }
            let late = Instant::now() > deadline;
            assert!(
                !late && self.is_alive(),
                "the proxy does not answer:\n{}",
                self.log.text()
            );
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- the proxy wrote:\n{}\n----", self.log.text());
        }
    }
}

fn configuration(settings: &Settings, port: u16, channel: SocketAddr) -> String {
    let mut text = String::new();
    for ip in &settings.ips {
        for transport in ["udp", "tcp"] {
            let address = SocketAddr::from((*ip, port));
            text += &format!("[[listen]]\ntransport = \"{transport}\"\naddress = \"{address}\"\n");
        }
    }
    let Settings {
        dialect,
        deadline_ms,
        more,
        ..
    } = settings;
    text += &format!("[routing]\ndeadline_ms = {deadline_ms}\n");
    text += &format!("[[routing.listen]]\naddress = \"{channel}\"\ndialect = \"{dialect}\"\n");
    text + more + "\n"
}

/// The number in `name=7` or `"name":7`.
fn value_in(line: &str, name: &str) -> Option<u64> {
    let plain: String = line.chars().filter(|c| !matches!(c, '"' | ' ')).collect();
    let from = [format!("{name}="), format!("{name}:")]
        .iter()
        .find_map(|key| {
            let at = plain.find(key.as_str())?;
            let starts =
                at == 0 || !plain[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            starts.then_some(at + key.len())
        })?;
    let digits: String = plain[from..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}
