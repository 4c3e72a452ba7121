//! The channels over which proxies ask.

pub mod dial;
pub mod endpoint;
pub mod http;
mod link;
mod listener;
pub mod tcp;
mod tls;
mod websocket;

pub use listener::{Duplex, Listener};
pub use tls::{TlsError, TlsFiles};

use std::io;
use std::pin::pin;
use std::time::Duration;

use tidegate_schemas::frame::FrameError;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use self::link::Link;
use crate::application::{Application, Happening};
use crate::host::Host;
use crate::session::{Session, Stranger};

/// After this long without a word the proxy is asked whether it is there, and has as long to say so.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A proxy that takes nothing for so long is taken for dead.
const SLOWEST_READER: Duration = Duration::from_secs(10);
/// How long a leaving application waits for questions that crossed its `drain`.
const CROSSED: Duration = Duration::from_millis(500);
/// How long it waits at most for what is in flight.
const LONGEST_LEAVE: Duration = Duration::from_secs(10);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error("no connection in time")]
    ConnectTimeout,
    #[error("the proxy closed the connection")]
    Closed,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the proxy does not answer")]
    Silent,
    #[error("the proxy takes no answers")]
    Stuck,
    #[error(transparent)]
    Stranger(#[from] Stranger),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    WebSocket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("a message that is no text")]
    NoText,
}

/// Who began the connection, and so has to show the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Began {
    /// This application.
    Dialled,
    /// The proxy, which has shown the secret already if that is said.
    Accepted { trusted: bool },
}

/// Why a conversation ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// The application wants other notifications than were asked for in `hello`.
    Changed,
    /// The application is about to end.
    Stopped,
}

/// Speaks with a proxy until the connection or the application ends.
pub(crate) async fn converse(
    link: &mut impl Link,
    host: &Host<impl Application>,
    began: Began,
    stop: &CancellationToken,
) -> Result<Left, ChannelError> {
    host.application().happened(Happening::Connected);
    let trusted = match began {
        Began::Dialled => true,
        Began::Accepted { trusted } => trusted,
    };
    let mut conversation = Conversation {
        link,
        session: Session::new(host.clone(), trusted),
        heard: Instant::now(),
        asked: false,
    };
    let hello = host.hello(began == Began::Dialled);
    conversation.send(&[hello]).await?;
    let left = conversation.serve(host.application(), stop).await?;
    conversation.leave().await?;
    Ok(left)
}

struct Conversation<'l, L, A> {
    link: &'l mut L,
    session: Session<A>,
    heard: Instant,
    /// A ping waits for an answer.
    asked: bool,
}

impl<L: Link, A: Application> Conversation<'_, L, A> {
    async fn serve(
        &mut self,
        application: &A,
        stop: &CancellationToken,
    ) -> Result<Left, ChannelError> {
        let mut resubscribes = pin!(application.resubscribes());
        loop {
            let limit = HEARTBEAT * if self.asked { 2 } else { 1 };
            tokio::select! {
                message = self.link.receive() => self.take(message?).await?,
                answers = self.session.finished() => self.send(&answers).await?,
                () = sleep_until(self.heard + limit) => self.knock().await?,
                () = stop.cancelled() => return Ok(Left::Stopped),
                () = &mut resubscribes => return Ok(Left::Changed),
            }
        }
    }

    async fn take(&mut self, message: bytes::Bytes) -> Result<(), ChannelError> {
        self.heard = Instant::now();
        self.asked = false;
        if message.is_empty() {
            return Ok(());
        }
        match self.session.handle(&message)? {
            Some(answer) => self.send(&[answer]).await,
            None => Ok(()),
        }
    }

    /// Asks whether the proxy is there, once.
    async fn knock(&mut self) -> Result<(), ChannelError> {
        if self.asked {
            return Err(ChannelError::Silent);
        }
        self.asked = true;
        self.send(&[br#"{"type":"ping"}"#.to_vec()]).await
    }

    async fn send(&mut self, messages: &[Vec<u8>]) -> Result<(), ChannelError> {
        if messages.is_empty() {
            return Ok(());
        }
        let sending = timeout(SLOWEST_READER, self.link.send(messages)).await;
        sending.map_err(|_| ChannelError::Stuck)?
    }

    /// Asks for no more questions and answers those that are under way.
    async fn leave(&mut self) -> Result<(), ChannelError> {
        self.send(&[br#"{"type":"drain"}"#.to_vec()]).await?;
        let end = Instant::now() + LONGEST_LEAVE;
        let mut quiet = Instant::now() + CROSSED;
        loop {
            tokio::select! {
                message = self.link.receive() => {
                    quiet = Instant::now() + CROSSED;
                    self.take(message?).await?;
                }
                answers = self.session.finished() => self.send(&answers).await?,
                () = sleep_until(quiet), if self.session.is_idle() => break,
                () = sleep_until(end) => {
                    debug!("left while something was under way");
                    break;
                }
            }
        }
        self.link.close().await;
        Ok(())
    }
}
