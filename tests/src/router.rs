//! Routing applications that run as programs of their own.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::PATIENCE;
use crate::binary::{binary, root, signal, wait};
use crate::example::Language;
use crate::log::Log;

/// A running routing application; it is killed when dropped.
#[derive(Debug)]
pub struct Router {
    child: Child,
    log: Log,
}

impl Router {
    /// Starts `examples/node` on TCP with these targets; returns when it is connected.
    #[must_use]
    pub fn example(channel: SocketAddr, targets: &[&str]) -> Self {
        let proxy = channel.to_string();
        let mut arguments = vec!["tcp", "--proxy", &proxy];
        for (option, target) in ["--first", "--second"].into_iter().zip(targets) {
            arguments.extend([option, target]);
        }
        Self::example_in(Language::Node, &arguments, "")
    }

    /// Starts an example with these arguments and this secret; returns when it is connected.
    #[must_use]
    pub fn example_in(language: Language, arguments: &[&str], token: &str) -> Self {
        let mut command = language.command();
        command.args(arguments).env("TOKEN", token);
        Self::start(
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()),
            "connected",
        )
    }

    /// Starts an example that is dialled with these arguments; returns when it listens.
    #[must_use]
    pub fn listening(language: Language, arguments: &[&str]) -> Self {
        let mut command = language.command();
        command.args(arguments).env("TOKEN", "");
        Self::start(
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()),
            "listening on",
        )
    }

    /// Starts a node.js script of this repository that finds the proxy by `PORT`; returns when it is
    /// connected.
    #[must_use]
    pub fn node(script: &str, channel: SocketAddr, environment: &[(&str, String)]) -> Self {
        let mut command = Command::new("node");
        command
            .arg(root().join(script))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("PORT", channel.port().to_string());
        Self::start(
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()),
            "connected",
        )
    }

    /// Starts the application of `tests/load` under this name, with these arguments; returns when it
    /// listens, or has a connection. `target` is a host with its port.
    #[must_use]
    pub fn of_load(name: &str, arguments: &[&str], target: &str) -> Self {
        let mut command = Command::new("node");
        command
            .arg(root().join("tests/load/router.js"))
            .args(arguments)
            .envs([("NAME", name), ("TARGET", target)]);
        let ready = match arguments {
            [_, "listen", ..] => "listening",
            _ => "connected",
        };
        Self::start(
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()),
            ready,
        )
    }

    /// Starts `reference-router` with this rules file; returns when it is connected.
    #[must_use]
    pub fn reference(channel: SocketAddr, rules: &Path) -> Self {
        let mut command = Command::new(binary("reference-router"));
        command
            .args(["--proxy", &channel.to_string(), "--rules"])
            .arg(rules);
        Self::start(
            command.stdout(Stdio::null()).stderr(Stdio::piped()),
            "says hello",
        )
    }

    /// Starts `reference-router` with its example rules, one address option and this secret; returns
    /// when it has read its rules.
    #[must_use]
    pub fn reference_at(option: &str, address: &str, token: &str) -> Self {
        let mut command = Command::new(binary("reference-router"));
        command
            .args([option, address, "--rules"])
            .arg(root().join("reference-router/rules.example.toml"))
            .env("ROUTER_TOKEN", token);
        Self::start(
            command.stdout(Stdio::null()).stderr(Stdio::piped()),
            "rules read",
        )
    }

    /// Starts `tidegate replay-router` on this recording, its summary as JSON into a file; returns
    /// when `ready` stands in its log.
    #[must_use]
    pub fn replay(recording: &Path, summary: &Path, arguments: &[&str], ready: &str) -> Self {
        let summary = File::create(summary).expect("a file for the summary");
        let mut command = Command::new(binary("tidegate"));
        command
            .args(["replay-router", "--json"])
            .args(arguments)
            .arg(recording);
        Self::start(command.stdout(summary).stderr(Stdio::piped()), ready)
    }

    /// What it wrote.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) {
        signal(&self.child, "TERM");
    }

    /// Waits for its end.
    #[must_use]
    pub fn wait_for_end(&mut self) -> ExitStatus {
        wait(&mut self.child, PATIENCE).expect("the routing application to end")
    }

    /// Stops it where it is (SIGSTOP): its connections stay, and it says nothing.
    pub fn freeze(&self) {
        signal(&self.child, "STOP");
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        signal(&self.child, "CONT");
    }

    /// Ends it at once, as the kernel does when memory is short.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start(command: &mut Command, connected: &str) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .spawn()
            .expect("the routing application");
        let log = match (child.stdout.take(), child.stderr.take()) {
            (Some(output), _) => Log::follow(output),
            (None, output) => Log::follow(output.expect("one output is piped")),
        };
        let router = Self { child, log };
        let _ = router.log.wait_for(connected);
        router
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
