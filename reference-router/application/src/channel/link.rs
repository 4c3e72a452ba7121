//! What a connection is to a conversation: messages both ways.

use bytes::{Bytes, BytesMut};
use tidegate_schemas::frame::{Decoder, Framing, encode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::ChannelError;

/// A connection that carries messages.
pub(crate) trait Link: Send {
    /// The next message; an empty one where only a sign of life came. May be dropped at any time
    /// without losing anything.
    fn receive(&mut self) -> impl Future<Output = Result<Bytes, ChannelError>> + Send;

    /// Sends messages, one after the other.
    fn send(
        &mut self,
        messages: &[Vec<u8>],
    ) -> impl Future<Output = Result<(), ChannelError>> + Send;

    /// Ends the connection in good order.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// Frames on a stream of bytes.
pub(crate) struct StreamLink<S> {
    stream: S,
    decoder: Decoder,
    framing: Framing,
    input: BytesMut,
    output: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> StreamLink<S> {
    pub(crate) fn new(stream: S, framing: Framing) -> Self {
        Self::after(stream, framing, BytesMut::with_capacity(16 * 1024))
    }

    /// When this much was read already.
    pub(crate) fn after(stream: S, framing: Framing, input: BytesMut) -> Self {
        Self {
            stream,
            decoder: Decoder::new(framing),
            framing,
            input,
            output: Vec::with_capacity(16 * 1024),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Link for StreamLink<S> {
    async fn receive(&mut self) -> Result<Bytes, ChannelError> {
        loop {
            if let Some(message) = self.decoder.next(&mut self.input)? {
                return Ok(message);
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(ChannelError::Closed);
            }
        }
    }

    async fn send(&mut self, messages: &[Vec<u8>]) -> Result<(), ChannelError> {
        self.output.clear();
        for message in messages {
            encode(self.framing, message, &mut self.output);
        }
        self.stream.write_all(&self.output).await?;
        self.stream.flush().await?;
        Ok(())
    }

    async fn close(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}
