//! Applications that the proxy dials.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::Shutdown;
use crate::connection::{Context, Side};
use crate::dialect::Dialect;
use crate::inbound::Inboxes;
use crate::registry::Registry;
use crate::serve::{converse, stopped};
use crate::settings::Settings;

/// Keeps a connection to the application at `address` (`host:port`) until `shutdown`, and speaks
/// with it on the current runtime.
pub async fn dial(
    address: String,
    dialect: Dialect,
    registry: Arc<Registry>,
    inboxes: Inboxes,
    mut shutdown: Shutdown,
) {
    let context = Context {
        registry,
        inboxes,
        dialect,
        shutdown: shutdown.clone(),
    };
    let mut pause = Backoff::new(context.registry.settings());
    while !*shutdown.borrow() {
        if connect_once(&address, &context, &mut shutdown).await {
            pause.reset();
        }
        tokio::select! {
            () = sleep(pause.next()) => {}
            () = stopped(&mut shutdown) => return,
        }
    }
}

/// Whether the application ever could be asked.
async fn connect_once(address: &str, context: &Context, shutdown: &mut Shutdown) -> bool {
    let limit = context.registry.settings().connect_timeout;
    let connected = tokio::select! {
        connected = timeout(limit, TcpStream::connect(address)) => connected,
        () = stopped(shutdown) => return false,
    };
    match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => converse(stream, context, address, Side::Dialled).await,
        Err(error) => {
            warn!(address, %error, "connecting to a routing application failed");
            false
        }
    }
}

/// Pauses that double, each shortened by up to a half so that proxies do not march in step.
#[derive(Debug)]
struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    fn new(settings: &Settings) -> Self {
        Self {
            min: settings.reconnect_min,
            max: settings.reconnect_max.max(settings.reconnect_min),
            next: settings.reconnect_min,
        }
    }

    fn reset(&mut self) {
        self.next = self.min;
    }

    fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_anew() {
        let millis = Duration::from_millis;
        let mut backoff = Backoff::new(&Settings {
            reconnect_min: millis(100),
            reconnect_max: millis(300),
            ..Settings::default()
        });
        for longest in [100, 200, 300, 300] {
            let pause = backoff.next();
            assert!(
                millis(longest / 2) <= pause && pause <= millis(longest),
                "{pause:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next() <= millis(100));
    }
}
