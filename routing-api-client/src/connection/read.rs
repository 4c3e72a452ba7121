//! Messages out of a byte stream.

use bytes::{Bytes, BytesMut};
use tidegate_schemas::frame::{Decoder, FrameError, Framing};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Ended;

/// Room for one read.
const CHUNK: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Reader<R> {
    half: R,
    buffer: BytesMut,
    decoder: Decoder,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Without a framing, the first byte tells it.
    pub(crate) fn new(half: R, framing: Option<Framing>, max_frame: usize) -> Self {
        let decoder = framing.map_or_else(Decoder::detect, Decoder::new);
        Self {
            half,
            buffer: BytesMut::with_capacity(CHUNK),
            decoder: decoder.with_limit(max_frame),
        }
    }

    /// Reads what is there, waiting for at least one byte. Nothing is lost when it is dropped.
    pub(crate) async fn fill(&mut self) -> Result<(), Ended> {
        self.buffer.reserve(CHUNK / 4);
        match self.half.read_buf(&mut self.buffer).await? {
            0 => Err(Ended::Closed),
            _ => Ok(()),
        }
    }

    /// The next whole message.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        self.decoder.next(&mut self.buffer)
    }

    pub(crate) fn framing(&self) -> Option<Framing> {
        self.decoder.framing()
    }
}
