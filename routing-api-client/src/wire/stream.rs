//! Frames on TCP and TLS.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use tidegate_schemas::frame::{Framing, encode};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, sink, split};
use tokio::time::timeout;

use super::{Closing, Handover, Sender, Wire};
use crate::connection::{Arrival, Channel, Ended, Receive, Stream};

pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// The half that is written to.
pub(super) struct Writer(WriteHalf<Box<dyn Io>>);

/// A wire on a byte stream. Without `framing`, the application's first byte shows it.
pub(super) fn wire(stream: impl Io + 'static, framing: Option<Framing>, max_frame: usize) -> Wire {
    let (read, write) = split(Box::new(stream) as Box<dyn Io>);
    Wire::start(Sender::Stream(Writer(write)), None, |handover, known| {
        // What is sent before anything came needs it already.
        if let Some(framing) = framing {
            let _ = known.set(framing);
        }
        async move {
            let closing = self::read(read, framing, max_frame, &handover, &known).await;
            handover.end(closing).await;
        }
    })
}

async fn read(
    half: ReadHalf<Box<dyn Io>>,
    framing: Option<Framing>,
    max_frame: usize,
    handover: &Handover,
    known: &OnceLock<Framing>,
) -> Closing {
    let (mut receiver, _) = Stream(half, sink()).open(framing, max_frame);
    loop {
        let arrival = match receiver.next() {
            Ok(Some(arrival)) => arrival,
            Ok(None) => match receiver.fill().await {
                Ok(()) => continue,
                Err(ended) => return closing(&ended),
            },
            Err(ended) => return closing(&ended),
        };
        if let Some(framing) = receiver.framing() {
            let _ = known.set(framing);
        }
        if let Arrival::Message(text) = arrival
            && let Err(closing) = handover.text(text).await
        {
            return closing;
        }
    }
}

pub(super) fn closing(ended: &Ended) -> Closing {
    match ended {
        Ended::Closed => Closing::Closed,
        other => Closing::Broken(other.to_string()),
    }
}

impl Writer {
    /// Writes `bytes`, `piece` of them at a time.
    pub(super) async fn write(
        &mut self,
        bytes: &[u8],
        piece: usize,
        within: Duration,
    ) -> io::Result<()> {
        let work = async {
            for piece in bytes.chunks(piece.max(1)) {
                self.0.write_all(piece).await?;
                self.0.flush().await?;
            }
            Ok(())
        };
        let done = timeout(within, work).await;
        done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    pub(super) async fn close(&mut self, within: Duration) {
        let _ = timeout(within, self.0.shutdown()).await;
    }
}

pub(super) fn framed(framing: Framing, text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    encode(framing, text.as_bytes(), &mut out);
    out
}
