//! WebSocket: a text frame for each message, whoever dialled.

use std::borrow::Cow;

use axum::extract::ws as inbound;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tidegate_schemas::frame::Framing;
use tokio_tungstenite::tungstenite as outbound;

use super::Ended;
use super::channel::{Arrival, Channel, Receive, Transmit};
use crate::outgoing::Batch;

/// What both sides have to agree upon.
pub(crate) const SUBPROTOCOL: &str = "tidegate.routing.v1";

/// One WebSocket of either library.
pub(crate) struct WebSocket<S>(pub(crate) S);

/// A frame of either library.
pub(crate) trait Frame: Send + Sized {
    fn text(text: &str) -> Self;
    fn read(self) -> Read;
}

/// Why a WebSocket of either library is over.
pub(crate) trait Fault: Send {
    fn into_fault(self) -> outbound::Error;
}

/// What a frame is to us.
pub(crate) enum Read {
    Text(Bytes),
    /// Ping, pong: a sign of life, which the library answers.
    Control,
    Binary,
    Close,
}

impl<S, F, E> Channel for WebSocket<S>
where
    S: Stream<Item = Result<F, E>> + Sink<F, Error = E> + Unpin + Send,
    F: Frame,
    E: Fault,
{
    type Receiver = Reader<S>;
    type Sender = Writer<S, F>;
    const FRAMING: Option<Framing> = Some(Framing::Lines);

    fn open(self, _: Option<Framing>, max_frame: usize) -> (Reader<S>, Writer<S, F>) {
        let (sink, stream) = self.0.split();
        let reader = Reader {
            stream,
            max_frame,
            message: None,
        };
        (reader, Writer(sink))
    }
}

pub(crate) struct Reader<S> {
    stream: SplitStream<S>,
    max_frame: usize,
    message: Option<Bytes>,
}

impl<S, F, E> Receive for Reader<S>
where
    S: Stream<Item = Result<F, E>> + Unpin + Send,
    F: Frame,
    E: Fault,
{
    async fn fill(&mut self) -> Result<(), Ended> {
        let frame = self.stream.next().await.ok_or(Ended::Closed)?;
        match frame.map_err(|error| ended(error, self.max_frame))?.read() {
            Read::Text(text) => self.message = Some(text),
            Read::Control => {}
            Read::Binary => return Err(Ended::Protocol("a text frame is needed".to_owned())),
            Read::Close => return Err(Ended::Closed),
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Arrival>, Ended> {
        Ok(self.message.take().map(Arrival::Message))
    }

    fn heard(&mut self) -> bool {
        true
    }

    fn framing(&self) -> Option<Framing> {
        Some(Framing::Lines)
    }
}

pub(crate) struct Writer<S, F>(SplitSink<S, F>);

impl<S, F, E> Transmit for Writer<S, F>
where
    S: Sink<F, Error = E> + Unpin + Send,
    F: Frame,
    E: Fault,
{
    /// A frame for each line.
    async fn send(&mut self, batch: &mut Batch) -> Result<(), Ended> {
        let line = batch.line();
        let length = line.len();
        let text: Cow<'_, str> = String::from_utf8_lossy(line.trim_ascii_end());
        let frame = F::text(&text);
        self.0.feed(frame).await.map_err(|e| ended(e, usize::MAX))?;
        batch.advance(length);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        self.0.flush().await.map_err(|e| ended(e, usize::MAX))
    }

    async fn close(&mut self) {
        let _ = self.0.close().await;
    }
}

fn ended(error: impl Fault, limit: usize) -> Ended {
    use outbound::error::{CapacityError, ProtocolError};
    match error.into_fault() {
        outbound::Error::ConnectionClosed
        | outbound::Error::AlreadyClosed
        | outbound::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ended::Closed,
        outbound::Error::Io(error) => Ended::Io(error),
        outbound::Error::Capacity(CapacityError::MessageTooLong { .. }) => Ended::TooLarge(limit),
        other => Ended::Protocol(other.to_string()),
    }
}

impl Frame for outbound::Message {
    fn text(text: &str) -> Self {
        Self::text(text)
    }

    fn read(self) -> Read {
        match self {
            Self::Text(text) => Read::Text(text.into()),
            Self::Binary(_) => Read::Binary,
            Self::Close(_) => Read::Close,
            Self::Ping(_) | Self::Pong(_) | Self::Frame(_) => Read::Control,
        }
    }
}

impl Frame for inbound::Message {
    fn text(text: &str) -> Self {
        Self::text(text)
    }

    fn read(self) -> Read {
        match self {
            Self::Text(text) => Read::Text(text.into()),
            Self::Binary(_) => Read::Binary,
            Self::Close(_) => Read::Close,
            Self::Ping(_) | Self::Pong(_) => Read::Control,
        }
    }
}

impl Fault for outbound::Error {
    fn into_fault(self) -> outbound::Error {
        self
    }
}

impl Fault for axum::Error {
    fn into_fault(self) -> outbound::Error {
        match self.into_inner().downcast::<outbound::Error>() {
            Ok(error) => *error,
            Err(other) => outbound::Error::Io(std::io::Error::other(other)),
        }
    }
}
