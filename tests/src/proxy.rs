//! The running binary.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::admin::{Admin, TOKEN};
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
    admin: Admin,
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
        let admin = Admin::new((Ipv4Addr::LOCALHOST, free_port()).into());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tidegate.toml");
        std::fs::write(&file, configuration(settings, port, channel, admin)).unwrap();
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
            admin,
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

    /// Its admin API.
    #[must_use]
    pub fn admin(&self) -> Admin {
        self.admin
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

    /// Asks for the counters and returns one of a group; 0 where it never moved.
    #[must_use]
    pub fn counter(&self, group: &str, name: &str) -> u64 {
        let counters = self.counters();
        counters
            .get(&format!("{group}.{name}"))
            .copied()
            .unwrap_or(0)
    }

    /// All counters that have moved, each as `group.name`.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let before = self.log.len();
        signal(&self.child, "USR1");
        let line = self
            .log
            .wait_after(before, |line| line.contains("\"counters\""));
        let line: Value = serde_json::from_str(&line).expect("a log line in JSON");
        let groups = line.as_object().expect("a log line");
        let pairs = groups.iter().flat_map(|(group, text)| {
            let pairs = text.as_str().unwrap_or_default().split(' ');
            pairs.filter_map(move |pair| {
                let (name, value) = pair.split_once('=')?;
                Some((format!("{group}.{name}"), value.parse().ok()?))
            })
        });
        pairs.collect()
    }

    /// Waits until a counter has a value that `wanted` accepts.
    pub fn wait_for_counter(&self, group: &str, name: &str, wanted: impl Fn(u64) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.counter(group, name);
            if wanted(value) {
                return;
            }
            assert!(Instant::now() < deadline, "{group} {name} is {value}");
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
        let written = self.log.text();
        if std::thread::panicking() {
            eprintln!("---- the proxy wrote:\n{written}\n----");
        } else {
            assert!(
                !written.contains("panicked at"),
                "a panic in the proxy:\n{written}"
            );
        }
    }
}

fn configuration(settings: &Settings, port: u16, channel: SocketAddr, admin: Admin) -> String {
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
    text += "[log]\nformat = \"json\"\n";
    let listen = admin.address();
    text += &format!("[admin]\nlisten = \"{listen}\"\ntoken = \"{TOKEN}\"\n");
    text += &format!("[routing]\ndeadline_ms = {deadline_ms}\n");
    text += &format!("[[routing.listen]]\naddress = \"{channel}\"\ndialect = \"{dialect}\"\n");
    text + more + "\n"
}
