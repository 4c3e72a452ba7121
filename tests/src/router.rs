//! Routing applications that run as programs of their own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::binary::{binary, root};
use crate::log::Log;

/// A running routing application; it is killed when dropped.
#[derive(Debug)]
pub struct Router {
    child: Child,
    log: Log,
}

impl Router {
    /// Starts `examples/node/router.js`; returns when it is connected.
    #[must_use]
    pub fn example(channel: SocketAddr, environment: &[(&str, String)]) -> Self {
        Self::node("examples/node/router.js", channel, environment)
    }

    /// Starts a node.js script of this repository; returns when it is connected.
    #[must_use]
    pub fn node(script: &str, channel: SocketAddr, environment: &[(&str, String)]) -> Self {
        let mut command = Command::new("node");
        command
            .arg(root().join(script))
            .envs(environment.iter().map(|(name, value)| (name, value)));
        command
            .env("HOST", channel.ip().to_string())
            .env("PORT", channel.port().to_string());
        Self::start(
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()),
            "connected",
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

    /// What it wrote.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
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
