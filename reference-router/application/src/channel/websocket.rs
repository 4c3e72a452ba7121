//! WebSocket (RFC 6455): text messages under the subprotocol of the routing contract, in both roles.

use axum::extract::ws;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tidegate_schemas::frame::DEFAULT_LIMIT;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::ChannelError;
use super::link::Link;

/// The subprotocol that both sides have to name.
pub(crate) const SUBPROTOCOL: &str = "tidegate.routing.v1";

/// A connection that this application dialled.
pub(crate) struct ClientLink<S>(WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ClientLink<S> {
    /// Opens the conversation at `url` over a connected stream.
    pub(crate) async fn open(
        url: &str,
        token: Option<&str>,
        stream: S,
    ) -> Result<Self, ChannelError> {
        let mut request = url.into_client_request().map_err(Box::new)?;
        let headers = request.headers_mut();
        headers.insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
        let bearer = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
        if let Some(bearer) = bearer {
            headers.insert(AUTHORIZATION, bearer);
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(DEFAULT_LIMIT))
            .max_frame_size(Some(DEFAULT_LIMIT));
        let opened = client_async_with_config(request, stream, Some(config)).await;
        let (socket, response) = opened.map_err(Box::new)?;
        let spoken = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
        if spoken.is_none_or(|spoken| spoken != SUBPROTOCOL) {
            let reason = SubProtocolError::InvalidSubProtocol;
            let error = Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(reason));
            return Err(Box::new(error).into());
        }
        Ok(Self(socket))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Link for ClientLink<S> {
    async fn receive(&mut self) -> Result<Bytes, ChannelError> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Ok(text.into()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Bytes::new()),
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => Err(ChannelError::NoText),
            Some(Ok(Message::Close(_))) | None => Err(ChannelError::Closed),
            Some(Err(error)) => Err(Box::new(error).into()),
        }
    }

    async fn send(&mut self, messages: &[Vec<u8>]) -> Result<(), ChannelError> {
        for message in messages {
            let text = Utf8Bytes::try_from(message.clone()).map_err(|_| ChannelError::NoText)?;
            self.0.feed(Message::Text(text)).await.map_err(Box::new)?;
        }
        Ok(self.0.flush().await.map_err(Box::new)?)
    }

    async fn close(&mut self) {
        let _ = self.0.close(None).await;
    }
}

/// A connection that a proxy dialled.
pub(crate) struct ServerLink(pub(crate) ws::WebSocket);

impl Link for ServerLink {
    async fn receive(&mut self) -> Result<Bytes, ChannelError> {
        match self.0.recv().await {
            Some(Ok(ws::Message::Text(text))) => Ok(text.into()),
            Some(Ok(ws::Message::Ping(_) | ws::Message::Pong(_))) => Ok(Bytes::new()),
            Some(Ok(ws::Message::Binary(_))) => Err(ChannelError::NoText),
            Some(Ok(ws::Message::Close(_)) | Err(_)) | None => Err(ChannelError::Closed),
        }
    }

    async fn send(&mut self, messages: &[Vec<u8>]) -> Result<(), ChannelError> {
        for message in messages {
            let text = ws::Utf8Bytes::try_from(Bytes::copy_from_slice(message));
            let text = text.map_err(|_| ChannelError::NoText)?;
            let fed = self.0.feed(ws::Message::Text(text)).await;
            fed.map_err(|_| ChannelError::Closed)?;
        }
        self.0.flush().await.map_err(|_| ChannelError::Closed)
    }

    async fn close(&mut self) {
        let _ = self.0.send(ws::Message::Close(None)).await;
    }
}
