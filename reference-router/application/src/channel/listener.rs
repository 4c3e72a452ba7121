//! Connections of proxies that dial, on TCP or TLS.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::tls::{TlsError, TlsFiles};

/// A pause after a connection that could not be taken, as where file handles have run out.
const PAUSE: Duration = Duration::from_millis(100);
/// So long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Connections that are secured and not taken yet.
const WAITING: usize = 64;

/// A stream of bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Duplex for S {}

/// Takes connections.
#[derive(Debug)]
pub struct Listener {
    local: io::Result<SocketAddr>,
    source: Source,
}

type Taken = (Box<dyn Duplex>, SocketAddr);

enum Source {
    Plain(TcpListener),
    Secure(mpsc::Receiver<Taken>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "TCP",
            Self::Secure(_) => "TLS",
        })
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self {
            local: listener.local_addr(),
            source: Source::Plain(listener),
        }
    }
}

impl Listener {
    /// With TLS, under the certificate of `files`. They are read again for each connection, so that
    /// a renewed certificate is taken. Has to be called where tokio runs.
    ///
    /// # Errors
    /// The certificate or its key can't be used.
    pub fn secure(listener: TcpListener, files: TlsFiles) -> Result<Self, TlsError> {
        files.acceptor()?;
        let local = listener.local_addr();
        let (sender, secured) = mpsc::channel(WAITING);
        tokio::spawn(secure_all(listener, files, sender));
        Ok(Self {
            local,
            source: Source::Secure(secured),
        })
    }
}

impl axum::serve::Listener for Listener {
    type Io = Box<dyn Duplex>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Taken {
        match &mut self.source {
            Source::Plain(listener) => {
                let (stream, peer) = accept(listener).await;
                (Box::new(stream), peer)
            }
            Source::Secure(secured) => match secured.recv().await {
                Some(taken) => taken,
                None => future::pending().await,
            },
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.local {
            Ok(address) => Ok(*address),
            Err(error) => Err(error.kind().into()),
        }
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                warn!(%error, "a connection can't be taken");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Each handshake is a task of its own, so that a slow one holds up nobody.
async fn secure_all(listener: TcpListener, files: TlsFiles, taken: mpsc::Sender<Taken>) {
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = taken.closed() => return,
        };
        let (files, taken) = (files.clone(), taken.clone());
        tokio::spawn(async move {
            match secure(stream, &files).await {
                Ok(stream) => drop(taken.send((stream, peer)).await),
                Err(error) => warn!(%peer, %error, "a connection can't be secured"),
            }
        });
    }
}

async fn secure(stream: TcpStream, files: &TlsFiles) -> Result<Box<dyn Duplex>, TlsError> {
    let handshake = files.acceptor()?.accept(stream);
    let secured = timeout(HANDSHAKE, handshake).await;
    let too_slow = |_| io::Error::from(io::ErrorKind::TimedOut);
    Ok(Box::new(secured.map_err(too_slow)??))
}
