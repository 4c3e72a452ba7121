//! SIPp as caller and as callee.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::binary::{root, wait};
use crate::{PATIENCE, free_port};

/// How many calls a test that counts them makes: `TIDEGATE_CALLS`, or 1000.
#[must_use]
pub fn calls() -> u32 {
    let said = std::env::var("TIDEGATE_CALLS").ok();
    said.map_or(1000, |text| {
        text.parse().expect("TIDEGATE_CALLS is a number")
    })
}

/// SIPp as callee; it is killed when dropped.
#[derive(Debug)]
pub struct Callee {
    child: Child,
    address: SocketAddr,
    tcp: bool,
    folder: TempDir,
}

impl Callee {
    /// Runs `tests/sipp/SCENARIO.xml` over UDP, or over TCP.
    #[must_use]
    pub fn start(scenario: &str, tcp: bool) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let folder = tempfile::tempdir().unwrap();
        let child = sipp(scenario, address, tcp, &folder)
            .arg("-aa")
            .spawn()
            .expect("sipp");
        let callee = Self {
            child,
            address,
            tcp,
            folder,
        };
        callee.wait_until_bound();
        callee
    }

    /// The URI that leads to it, without a user.
    #[must_use]
    pub fn uri(&self) -> String {
        let parameter = if self.tcp { ";transport=tcp" } else { "" };
        format!("sip:{}{parameter}", self.address)
    }

    /// How many calls went through its whole scenario, once it is `wanted`, or after a while.
    #[must_use]
    pub fn finished_calls(&self, wanted: u32) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let finished = statistics(&self.folder).map_or(0, |outcome| outcome.succeeded);
            if finished >= wanted || Instant::now() > deadline {
                return finished;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_until_bound(&self) {
        let table = if self.tcp {
            "/proc/net/tcp"
        } else {
            "/proc/net/udp"
        };
        let port = format!(":{:04X} ", self.address.port());
        let deadline = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(table).unwrap().contains(&port) {
            assert!(
                Instant::now() < deadline,
                "sipp does not listen on {}",
                self.address
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// SIPp as caller.
#[derive(Debug)]
pub struct Caller {
    child: Child,
    folder: TempDir,
    calls: u32,
    rate: u32,
}

/// What became of the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Calls that went through the whole scenario.
    pub succeeded: u32,
    /// Calls that did not.
    pub failed: u32,
    /// Where SIPp's traces are, when a call failed.
    pub traces: Option<PathBuf>,
}

impl Outcome {
    /// All of so many calls went through.
    #[track_caller]
    pub fn assert_all(&self, calls: u32) {
        let traces = &self.traces;
        assert_eq!((self.succeeded, self.failed), (calls, 0), "{traces:?}");
    }
}

impl Caller {
    /// Starts `calls` calls of `user` through the proxy at `proxy`, `rate` a second.
    #[must_use]
    pub fn start(
        scenario: &str,
        proxy: SocketAddr,
        user: &str,
        tcp: bool,
        calls: u32,
        rate: u32,
    ) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let folder = tempfile::tempdir().unwrap();
        let mut command = sipp(scenario, address, tcp, &folder);
        command
            .arg(proxy.to_string())
            .args(["-s", user, "-recv_timeout", "20000", "-l", "20000"]);
        command.args(["-m", &calls.to_string(), "-r", &rate.to_string()]);
        command.args([
            "-trace_stat",
            "-stf",
            "statistics.csv",
            "-fd",
            "1",
            "-trace_err",
        ]);
        if calls <= 50 {
            command.arg("-trace_msg");
        }
        Self {
            child: command.spawn().expect("sipp"),
            folder,
            calls,
            rate,
        }
    }

    /// Waits until so many calls have succeeded.
    pub fn wait_for(&self, succeeded: u32) {
        let deadline =
            Instant::now() + PATIENCE + Duration::from_secs((self.calls / self.rate).into());
        while statistics(&self.folder).is_none_or(|outcome| outcome.succeeded < succeeded) {
            assert!(
                Instant::now() < deadline,
                "no {succeeded} calls: {:?}",
                statistics(&self.folder)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end of all calls.
    #[must_use]
    pub fn finish(self) -> Outcome {
        self.finish_counting().0
    }

    /// As [`Caller::finish`], with how many messages were sent once more.
    #[must_use]
    pub fn finish_counting(mut self) -> (Outcome, u32) {
        let patience = Duration::from_secs(u64::from(self.calls / self.rate) + 60);
        match wait(&mut self.child, patience) {
            Some(status) => assert!(
                status.code().is_some(),
                "SIPp was ended from outside: {status}"
            ),
            None => {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        let mut outcome = statistics(&self.folder).expect("SIPp's statistics");
        let resent = statistic(&self.folder, "Retransmissions(C)").unwrap_or_default();
        outcome.failed = self.calls - outcome.succeeded;
        if outcome.failed > 0 {
            outcome.traces = Some(self.folder.keep());
        }
        (outcome, resent)
    }
}

fn statistics(folder: &TempDir) -> Option<Outcome> {
    Some(Outcome {
        succeeded: statistic(folder, "SuccessfulCall(C)")?,
        failed: statistic(folder, "FailedCall(C)")?,
        traces: None,
    })
}

fn statistic(folder: &TempDir, name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(folder.path().join("statistics.csv")).ok()?;
    let mut lines = text.lines();
    let (names, last) = (lines.next()?, lines.next_back()?);
    let at = names.split(';').position(|given| given == name)?;
    last.split(';').nth(at)?.parse().ok()
}

fn sipp(scenario: &str, address: SocketAddr, tcp: bool, folder: &TempDir) -> Command {
    let scenario = root()
        .join("tests/sipp")
        .join(scenario)
        .with_extension("xml");
    let mut command = Command::new("sipp");
    command
        .arg("-sf")
        .arg(scenario.canonicalize().expect("the scenario"));
    command.args([
        "-i",
        &address.ip().to_string(),
        "-p",
        &address.port().to_string(),
    ]);
    command.args(["-nostdin", "-t", if tcp { "t1" } else { "u1" }]);
    command.args(["-default_behaviors", "all,-abortunexp"]);
    command.args([
        "-trace_stat",
        "-stf",
        "statistics.csv",
        "-fd",
        "1",
        "-trace_err",
    ]);
    command.current_dir(folder.path());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
