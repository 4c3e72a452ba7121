//! Routing applications in node.js.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::binary::root;
use crate::log::Log;

/// A running node.js application.
#[derive(Debug)]
pub struct Node {
    child: Child,
    log: Log,
}

impl Node {
    /// Starts `examples/node/router.js`; returns when it is connected.
    #[must_use]
    pub fn example(channel: SocketAddr, environment: &[(&str, String)]) -> Self {
        Self::start("examples/node/router.js", channel, environment)
    }

    /// Starts a script of this repository; returns when it is connected.
    #[must_use]
    pub fn start(script: &str, channel: SocketAddr, environment: &[(&str, String)]) -> Self {
        let mut child = Command::new("node")
            .arg(root().join(script))
            .env("HOST", channel.ip().to_string())
            .env("PORT", channel.port().to_string())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("node");
        let log = Log::follow(child.stdout.take().unwrap());
        let node = Self { child, log };
        let _ = node.log.wait_for("connected");
        node
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
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
