//! WebSocket, whoever dialled.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::SplitStream;
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Closing, Handover, Sender, Wire};

/// The half that is written to.
pub(super) struct Writer(Pin<Box<dyn Sink<Message, Error = Error> + Send>>);

/// A wire on a WebSocket.
pub(super) fn wire<S>(socket: WebSocketStream<S>, bearer: Option<String>) -> Wire
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sink, stream) = socket.split();
    let sender = Sender::WebSocket(Writer(Box::pin(sink)));
    Wire::start(sender, bearer, |handover, _| async move {
        let mut stream = stream;
        let closing = read(&mut stream, &handover).await;
        handover.end(closing).await;
        // The closing handshake is the library's, while it is read on.
        while let Some(Ok(_)) = stream.next().await {}
    })
}

async fn read<S>(stream: &mut SplitStream<WebSocketStream<S>>, handover: &Handover) -> Closing
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let text = match stream.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return closed(frame.as_ref()),
            Some(Ok(Message::Binary(_))) => {
                return Closing::Broken(
                    "it sent a binary frame where a text frame is needed".to_owned(),
                );
            }
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Closing::Broken(error.to_string()),
            None => return Closing::Closed,
        };
        if let Err(closing) = handover.text(text.into()).await {
            return closing;
        }
    }
}

fn closed(frame: Option<&CloseFrame>) -> Closing {
    frame.map_or(Closing::Closed, |frame| {
        Closing::Code(frame.code.into(), frame.reason.to_string())
    })
}

impl Writer {
    pub(super) async fn send(&mut self, text: &str, within: Duration) -> io::Result<()> {
        let sent = timeout(within, self.0.send(Message::text(text))).await;
        match sent {
            Ok(sent) => sent.map_err(io::Error::other),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    pub(super) async fn close(&mut self, within: Duration) {
        let _ = timeout(within, self.0.close()).await;
    }
}
