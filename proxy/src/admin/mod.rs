//! The admin API: HTTP and JSON for operators, and for `tidegate ctl`.
//!
//! It has a thread of its own, so that nothing that is asked here holds up a call.

mod answer;
mod extract;
mod guard;
mod metrics;
pub(crate) mod openapi;
mod operation;
mod operations;
mod routes;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::StartError;
use crate::config::{Admin, DEFAULT_ADMIN};
use crate::manage::Manager;
use guard::Guard;

/// The address is taken, and nothing is served yet.
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    guard: Guard,
}

/// The API is served.
pub(crate) struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Takes the address, if the API is to be served. When nothing was said about it and something else
/// has the usual port, the proxy does without.
pub(crate) fn bind(config: &Admin) -> Result<Option<Bound>, StartError> {
    if !config.enabled {
        return Ok(None);
    }
    let address = config.listen.unwrap_or(DEFAULT_ADMIN);
    match listen(address) {
        Ok((listener, address)) => Ok(Some(Bound {
            listener,
            address,
            guard: Guard::new(config.token.as_deref()),
        })),
        Err(error) if config.listen.is_none() => {
            tracing::warn!(%address, %error, "no admin API; give it an address: --admin-listen");
            Ok(None)
        }
        Err(error) => Err(StartError::Bind {
            what: format!("admin:{address}"),
            error,
        }),
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Bound {
    /// Serves the API in a thread of its own.
    pub(crate) fn serve(self, manager: Arc<Manager>) -> io::Result<Server> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(self.listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let app = routes::router(manager, self.guard);
        let work = async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(async move {
                let _ = stopped.await;
            });
            if let Err(error) = served.await {
                tracing::error!(%error, "the admin API ended");
            }
        };
        let builder = thread::Builder::new().name("admin".to_owned());
        Ok(Server {
            address: self.address,
            stop,
            thread: builder.spawn(move || run(runtime, work))?,
        })
    }
}

fn run(runtime: Runtime, work: impl Future<Output = ()>) {
    runtime.block_on(work);
    runtime.shutdown_background();
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new requests.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        drop(self.thread);
    }
}
