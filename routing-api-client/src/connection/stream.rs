//! Frames on a byte stream: TCP, and TLS on it.

use std::io;

use bytes::BytesMut;
use tidegate_schemas::frame::{Decoder, Framing};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Ended;
use super::channel::{Arrival, Channel, Receive, Transmit};
use crate::outgoing::Batch;

/// Room for one read.
const CHUNK: usize = 16 * 1024;

/// The two halves of a byte stream.
#[derive(Debug)]
pub(crate) struct Stream<R, W>(pub(crate) R, pub(crate) W);

impl<R, W> Channel for Stream<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    type Receiver = Reader<R>;
    type Sender = Writer<W>;

    fn open(self, framing: Option<Framing>, max_frame: usize) -> (Reader<R>, Writer<W>) {
        (Reader::new(self.0, framing, max_frame), Writer(self.1))
    }
}

#[derive(Debug)]
pub(crate) struct Reader<R> {
    half: R,
    buffer: BytesMut,
    decoder: Decoder,
}

impl<R> Reader<R> {
    fn new(half: R, framing: Option<Framing>, max_frame: usize) -> Self {
        let decoder = framing.map_or_else(Decoder::detect, Decoder::new);
        Self {
            half,
            buffer: BytesMut::with_capacity(CHUNK),
            decoder: decoder.with_limit(max_frame),
        }
    }
}

impl<R: AsyncRead + Unpin + Send> Receive for Reader<R> {
    async fn fill(&mut self) -> Result<(), Ended> {
        self.buffer.reserve(CHUNK / 4);
        match self.half.read_buf(&mut self.buffer).await? {
            0 => Err(Ended::Closed),
            _ => Ok(()),
        }
    }

    fn next(&mut self) -> Result<Option<Arrival>, Ended> {
        let message = self.decoder.next(&mut self.buffer)?;
        Ok(message.map(Arrival::Message))
    }

    /// Any byte is a sign of life.
    fn heard(&mut self) -> bool {
        true
    }

    fn framing(&self) -> Option<Framing> {
        self.decoder.framing()
    }
}

#[derive(Debug)]
pub(crate) struct Writer<W>(W);

impl<W: AsyncWrite + Unpin + Send> Transmit for Writer<W> {
    async fn send(&mut self, batch: &mut Batch) -> Result<(), Ended> {
        match self.0.write(batch.rest()).await? {
            0 => Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            written => {
                batch.advance(written);
                Ok(())
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        Ok(self.0.flush().await?)
    }

    async fn close(&mut self) {
        let _ = self.0.shutdown().await;
    }
}
