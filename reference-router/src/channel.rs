//! A connection to the proxy over TCP.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tidegate_schemas::frame::{Decoder, FrameError, Framing};
use tidegate_schemas::message::Hello;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::session::Session;
use crate::watch::Current;

const CONNECT: Duration = Duration::from_secs(5);
/// After this long without a word the proxy is asked whether it is there, and has as long to say so.
const QUIET: Duration = Duration::from_secs(20);
/// How long a leaving application waits for questions that crossed its `drain`.
const CROSSED: Duration = Duration::from_millis(500);

/// Where the proxy is and who calls.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Host and port of the proxy's routing listener.
    pub proxy: String,
    /// How messages are told apart.
    pub framing: Framing,
    /// The first message.
    pub hello: Hello<'static>,
}

#[derive(Debug, thiserror::Error)]
enum ChannelError {
    #[error("no connection within {} s", CONNECT.as_secs())]
    ConnectTimeout,
    #[error("the proxy closed the connection")]
    Closed,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the proxy does not answer")]
    Silent,
}

/// Connects to the proxy and answers its questions, again and again until `stop`.
pub async fn run(settings: Settings, current: watch::Receiver<Current>, stop: CancellationToken) {
    let mut backoff = Backoff::new();
    while !stop.is_cancelled() {
        let Err(error) = attempt(&settings, &current, &stop, &mut backoff).await else {
            return;
        };
        let wait = backoff.next();
        warn!(proxy = settings.proxy, %error, "not connected, next attempt in {wait:.1?}");
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// One connection from its beginning to its end; `Ok` if it ended because of `stop`.
async fn attempt(
    settings: &Settings,
    current: &watch::Receiver<Current>,
    stop: &CancellationToken,
    backoff: &mut Backoff,
) -> Result<(), ChannelError> {
    let stream = tokio::select! {
        stream = connect(&settings.proxy) => stream?,
        () = stop.cancelled() => return Ok(()),
    };
    info!(proxy = settings.proxy, "connected");
    let mut connection = Connection::new(stream, settings.framing);
    let result = connection.serve(&settings.hello, current, stop).await;
    if connection.was_of_use {
        backoff.reset();
    }
    result
}

async fn connect(proxy: &str) -> Result<TcpStream, ChannelError> {
    let connecting = timeout(CONNECT, TcpStream::connect(proxy)).await;
    let stream = connecting.map_err(|_| ChannelError::ConnectTimeout)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

struct Connection {
    stream: TcpStream,
    decoder: Decoder,
    session: Session,
    input: BytesMut,
    output: Vec<u8>,
    /// The proxy said something that could be read.
    was_of_use: bool,
}

impl Connection {
    fn new(stream: TcpStream, framing: Framing) -> Self {
        Self {
            stream,
            decoder: Decoder::new(framing),
            session: Session::new(framing),
            input: BytesMut::with_capacity(16 * 1024),
            output: Vec::with_capacity(16 * 1024),
            was_of_use: false,
        }
    }

    async fn serve(
        &mut self,
        hello: &Hello<'_>,
        current: &watch::Receiver<Current>,
        stop: &CancellationToken,
    ) -> Result<(), ChannelError> {
        self.session.hello(hello, &mut self.output);
        self.write().await?;
        loop {
            tokio::select! {
                heard = self.hear() => heard?,
                () = stop.cancelled() => return self.leave(current).await,
            }
            self.answer(current).await?;
        }
    }

    /// Waits for bytes.
    async fn hear(&mut self) -> Result<(), ChannelError> {
        if let Ok(read) = timeout(QUIET, self.read()).await {
            return read;
        }
        self.session.ping(&mut self.output);
        self.write().await?;
        timeout(QUIET, self.read())
            .await
            .map_err(|_| ChannelError::Silent)?
    }

    async fn read(&mut self) -> Result<(), ChannelError> {
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(ChannelError::Closed),
            _ => Ok(()),
        }
    }

    /// Answers everything that has come.
    async fn answer(&mut self, current: &watch::Receiver<Current>) -> Result<(), ChannelError> {
        let rules = current.borrow().rules.clone();
        while let Some(message) = self.decoder.next(&mut self.input)? {
            self.was_of_use = true;
            self.session.handle(&message, &rules, &mut self.output);
        }
        self.session.flush(&mut self.output);
        self.write().await
    }

    async fn write(&mut self) -> Result<(), ChannelError> {
        self.stream.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }

    /// Asks for no more questions, answers those that are under way and closes.
    async fn leave(&mut self, current: &watch::Receiver<Current>) -> Result<(), ChannelError> {
        self.session.drain(&mut self.output);
        self.write().await?;
        while let Ok(Ok(())) = timeout(CROSSED, self.read()).await {
            self.answer(current).await?;
        }
        Ok(())
    }
}
