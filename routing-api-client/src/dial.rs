//! One application that the proxy dials.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::warn;

use crate::connection::{self, Context, Side};
use crate::policy::Dial;
use crate::serve::{prepare, stopped};
use crate::settings::Settings;

/// Keeps a connection to an application until the context's shutdown, and speaks with it.
pub(crate) async fn keep_one(context: Context, dial: Dial) {
    let mut shutdown = context.shutdown.clone();
    let mut pause = Backoff::new(context.registry.settings());
    loop {
        if connect_once(&dial, &context).await {
            pause.reset();
        }
        tokio::select! {
            () = sleep(pause.next()) => {}
            () = stopped(&mut shutdown) => return,
        }
    }
}

/// Whether the application ever could be asked.
async fn connect_once(dial: &Dial, context: &Context) -> bool {
    let limit = context.registry.settings().connect_timeout;
    let mut shutdown = context.shutdown.clone();
    let connected = tokio::select! {
        connected = timeout(limit, connect(dial, context)) => connected,
        () = stopped(&mut shutdown) => return false,
    };
    let address = dial.endpoint.to_string();
    match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(Connected::Plain(stream)) => {
            let (read, write) = stream.into_split();
            connection::run(context, read, write, &address, Side::Dialled).await
        }
        Ok(Connected::Secure(stream)) => {
            let (read, write) = tokio::io::split(*stream);
            connection::run(context, read, write, &address, Side::Dialled).await
        }
        Err(error) => {
            context.registry.counters.dial_failed.add();
            warn!(address, %error, "connecting to a routing application failed");
            false
        }
    }
}

enum Connected {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

async fn connect(dial: &Dial, context: &Context) -> io::Result<Connected> {
    let endpoint = &dial.endpoint;
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
    prepare(&stream, context, &endpoint.host);
    if !endpoint.scheme.is_secure() {
        return Ok(Connected::Plain(stream));
    }
    let tls = dial.tls.clone();
    let config = spawn_blocking(move || tls.config()).await?;
    let config = config.map_err(io::Error::other)?;
    let name = dial.tls.server_name.as_ref().unwrap_or(&endpoint.host);
    let name = ServerName::try_from(name.clone()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    Ok(Connected::Secure(Box::new(stream)))
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
