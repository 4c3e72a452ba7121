//! Where applications dial in, one connection after the other.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderValue;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::{Wire, stream, websocket};
use crate::connection::SUBPROTOCOL;
use crate::serve::AcceptTransport;
use crate::tls::TlsServer;

/// An address at which applications dial in.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    transport: AcceptTransport,
    tls: Option<TlsServer>,
    max_frame: usize,
}

impl Door {
    /// Listens.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub async fn open(
        address: SocketAddr,
        transport: AcceptTransport,
        tls: Option<TlsServer>,
        max_frame: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            transport,
            tls,
            max_frame,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits for the next application.
    ///
    /// # Errors
    /// None came in time, or a handshake with it failed.
    pub async fn accept(&self, within: Duration) -> io::Result<Wire> {
        let work = async {
            let stream = self.knock().await?;
            self.let_in(stream).await
        };
        let done = timeout(within, work).await;
        done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Waits for the next connection and closes it at once. Whether one came.
    pub async fn turn_away(&self, within: Duration) -> bool {
        timeout(within, self.knock())
            .await
            .is_ok_and(|it| it.is_ok())
    }

    async fn knock(&self) -> io::Result<TcpStream> {
        let (stream, _) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn let_in(&self, stream: TcpStream) -> io::Result<Wire> {
        match &self.tls {
            None => self.shake_hands(stream).await,
            Some(tls) => {
                let stream = TlsAcceptor::from(tls.config()).accept(stream).await?;
                self.shake_hands(stream).await
            }
        }
    }

    async fn shake_hands(&self, stream: impl stream::Io + 'static) -> io::Result<Wire> {
        if self.transport == AcceptTransport::Tcp {
            return Ok(stream::wire(stream, None, self.max_frame));
        }
        let mut bearer = None;
        let config = WebSocketConfig::default()
            .max_message_size(Some(self.max_frame))
            .max_frame_size(Some(self.max_frame));
        #[expect(clippy::result_large_err, reason = "the library wants it")]
        let answer = |request: &Request, response| answer(request, response, &mut bearer);
        let socket = accept_hdr_async_with_config(stream, answer, Some(config)).await;
        let socket = socket.map_err(io::Error::other)?;
        Ok(websocket::wire(socket, bearer))
    }
}

/// Agrees upon the subprotocol, and remembers the secret that is shown.
#[expect(clippy::result_large_err, reason = "the library wants it")]
fn answer(
    request: &Request,
    mut response: Response,
    bearer: &mut Option<String>,
) -> Result<Response, ErrorResponse> {
    let value = |name| {
        request
            .headers()
            .get(name)
            .and_then(|it: &HeaderValue| it.to_str().ok())
    };
    let offered = value(SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    if !offered.split(',').any(|offer| offer.trim() == SUBPROTOCOL) {
        let why = format!("the subprotocol {SUBPROTOCOL} is needed\n");
        let mut refusal = ErrorResponse::new(Some(why));
        *refusal.status_mut() = http::StatusCode::BAD_REQUEST;
        return Err(refusal);
    }
    let shown = value(AUTHORIZATION).and_then(|shown| shown.split_once(' '));
    *bearer = shown.map(|(_, secret)| secret.trim().to_owned());
    let agreed = HeaderValue::from_static(SUBPROTOCOL);
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, agreed);
    Ok(response)
}
