//! All ways between a proxy and an application, and the far end of each.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use routing_api_client::{
    Accept, AcceptTransport, ChannelStats, Dial, Dialect, Reach, Settings, TlsClient, Token,
    keep_connected,
};
use rustls::pki_types::ServerName;
use serde_json::json;
use tidegate_schemas::frame::Framing;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::certificates;
use crate::common::{PATIENCE, Proxy, native, policy_of, settings};
use crate::far::{AbortOnDrop, Far, HttpFar};
use crate::http::{Waiting, serve};

pub(crate) const SUBPROTOCOL: &str = "tidegate.routing.v1";

/// Who dials, and what carries the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Tcp,
    Lines,
    Tls,
    Ws,
    Wss,
    TcpDialled,
    TlsDialled,
    WsDialled,
    WssDialled,
    Http,
    Https,
}

impl Way {
    pub(crate) fn is_dialled(self) -> bool {
        !matches!(
            self,
            Self::Tcp | Self::Lines | Self::Tls | Self::Ws | Self::Wss
        )
    }

    pub(crate) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    pub(crate) fn is_websocket(self) -> bool {
        matches!(
            self,
            Self::Ws | Self::Wss | Self::WsDialled | Self::WssDialled
        )
    }

    pub(crate) fn is_secure(self) -> bool {
        matches!(
            self,
            Self::Tls | Self::Wss | Self::TlsDialled | Self::WssDialled | Self::Https
        )
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::Tcp | Self::Lines | Self::TcpDialled => "tcp",
            Self::Tls | Self::TlsDialled => "tls",
            Self::Ws | Self::WsDialled => "ws",
            Self::Wss | Self::WssDialled => "wss",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn framing(self) -> Framing {
        match self {
            Self::Lines => Framing::Lines,
            _ => Framing::Netstring,
        }
    }
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}
pub(crate) type BoxIo = Box<dyn Io>;

/// What the proxy demands and shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) token: Option<&'static str>,
    /// The side that is dialled wants a certificate.
    pub(crate) mutual: bool,
    /// What the proxy shows where it dials.
    pub(crate) certificate: Option<&'static str>,
}

/// What an application shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) bearer: Option<&'static str>,
    pub(crate) certificate: Option<&'static str>,
    pub(crate) subprotocol: Option<&'static str>,
}

/// A proxy, and how to get to be an application of it.
pub(crate) struct Bench {
    pub(crate) proxy: Proxy,
    pub(crate) way: Way,
    pub(crate) keeper: Option<JoinHandle<()>>,
    mutual: bool,
    listener: Option<TcpListener>,
}

/// Where it is short, tests need not wait.
pub(crate) fn quick() -> Settings {
    Settings {
        reconnect_min: std::time::Duration::from_millis(10),
        reconnect_max: std::time::Duration::from_millis(50),
        ..settings()
    }
}

impl Bench {
    pub(crate) async fn start(way: Way) -> Self {
        Self::with(way, quick(), Terms::default()).await
    }

    pub(crate) async fn with(way: Way, settings: Settings, terms: Terms) -> Self {
        Self::speaking(native(), way, settings, terms).await
    }

    pub(crate) async fn speaking(
        dialect: Dialect,
        way: Way,
        settings: Settings,
        terms: Terms,
    ) -> Self {
        let token = terms.token.map(Token::new);
        let accept = accept(dialect, way, &terms);
        let proxy = Proxy::serving(accept, settings, 64).await;
        let mut bench = Self {
            proxy,
            way,
            keeper: None,
            mutual: terms.mutual,
            listener: None,
        };
        if way.is_dialled() {
            bench.dial(token, terms.certificate).await;
        }
        bench
    }

    /// The place of an application that somebody else asks, and how to reach it.
    pub(crate) async fn for_an_asker(way: Way) -> (Self, Reach) {
        let mut bench = Self {
            proxy: Proxy::serving(Accept::tcp(native()), quick(), 64).await,
            way,
            keeper: None,
            mutual: false,
            listener: None,
        };
        if way.is_dialled() {
            let dial = bench.listen(None, None).await;
            return (bench, Reach::Dial(Box::new(dial)));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        bench.proxy.address = listener.local_addr().unwrap();
        let accept = accept(native(), way, &Terms::default());
        (bench, Reach::Accept(listener, Box::new(accept)))
    }

    async fn dial(&mut self, token: Option<Token>, certificate: Option<&str>) {
        let dial = self.listen(token, certificate).await;
        self.proxy.registry.reconfigure(policy_of([("b", dial)]));
        self.keeper = Some(self.keep());
    }

    /// The application listens: how it is dialled.
    async fn listen(&mut self, token: Option<Token>, certificate: Option<&str>) -> Dial {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.listener = Some(listener);
        Dial {
            endpoint: self.url(address).parse().unwrap(),
            dialect: native(),
            token,
            tls: match self.way.is_secure() {
                true => certificates::proxy_client(certificate),
                false => TlsClient::default(),
            },
            notify: None,
        }
    }

    pub(crate) fn url(&self, address: SocketAddr) -> String {
        let path = match self.way {
            way if way.is_http() || way.is_websocket() => "/route?x=1",
            _ => "",
        };
        format!("{}://{address}{path}", self.way.scheme())
    }

    pub(crate) fn keep(&self) -> JoinHandle<()> {
        tokio::spawn(keep_connected(
            Arc::clone(&self.proxy.registry),
            self.proxy.inboxes.clone(),
            self.proxy.stop.subscribe(),
            |_| true,
        ))
    }

    /// The next connection as it is, whoever opens it.
    pub(crate) async fn plain(&self) -> TcpStream {
        let stream = match &self.listener {
            None => TcpStream::connect(self.proxy.address).await.unwrap(),
            Some(listener) => {
                timeout(PATIENCE, listener.accept())
                    .await
                    .unwrap()
                    .unwrap()
                    .0
            }
        };
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A connection with TLS where it belongs to the way.
    pub(crate) async fn stream(&self, shown: &Shown) -> std::io::Result<BoxIo> {
        let stream = self.plain().await;
        if !self.way.is_secure() {
            return Ok(Box::new(stream));
        }
        let certificate = shown.certificate;
        if self.way.is_dialled() {
            let config = certificates::server(certificate.unwrap_or("server"), self.mutual);
            let acceptor = TlsAcceptor::from(Arc::new(config));
            return Ok(Box::new(acceptor.accept(stream).await?));
        }
        let connector = TlsConnector::from(certificates::client(certificate));
        let name = ServerName::try_from(certificates::NAME).unwrap();
        Ok(Box::new(connector.connect(name, stream).await?))
    }

    /// The far end of a connection on which nothing was said.
    pub(crate) async fn far(&self, shown: &Shown) -> Result<Far, String> {
        let far = timeout(PATIENCE, self.try_far(shown)).await;
        far.expect("there is no connection")
    }

    async fn try_far(&self, shown: &Shown) -> Result<Far, String> {
        if self.way.is_http() {
            return Ok(self.http());
        }
        let stream = self.stream(shown).await.map_err(|e| e.to_string())?;
        if !self.way.is_websocket() {
            return Ok(Far::on(stream, self.way.framing()));
        }
        let websocket = match self.way.is_dialled() {
            true => accept_websocket(stream, shown).await,
            false => connect_websocket(stream, shown).await,
        };
        websocket.map(Far::Ws).map_err(|error| error.to_string())
    }

    fn http(&self) -> Far {
        let (requests, received) = mpsc::unbounded_channel();
        let listener = self.listener.as_ref().unwrap();
        let listener = listener_again(listener);
        let acceptor = self.way.is_secure().then(|| {
            let config = certificates::server("server", self.mutual);
            TlsAcceptor::from(Arc::new(config))
        });
        let server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            for connection in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (acceptor, requests) = (acceptor.clone(), requests.clone());
                connections.spawn(async move {
                    let io: BoxIo = match acceptor {
                        None => Box::new(stream),
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    serve(io, connection, requests).await;
                });
            }
        });
        Far::Http(HttpFar {
            requests: received,
            waiting: Waiting::default(),
            server: AbortOnDrop(server),
        })
    }

    /// Waits until something was counted.
    pub(crate) async fn until(&self, counted: impl Fn(&ChannelStats) -> bool) {
        let counts = async {
            while !counted(&self.proxy.registry.stats()) {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        let stats = || self.proxy.registry.stats();
        assert!(timeout(PATIENCE, counts).await.is_ok(), "{:?}", stats());
    }

    /// An application that said hello and can be asked.
    pub(crate) async fn application(&mut self, name: &str) -> Far {
        let mut far = self.far(&Shown::default()).await.unwrap();
        far.introduce(self.way, &json!({"name": name})).await;
        self.proxy.up().await;
        far
    }
}

fn accept(dialect: Dialect, way: Way, terms: &Terms) -> Accept {
    Accept {
        transport: match way.is_websocket() {
            true => AcceptTransport::WebSocket,
            false => AcceptTransport::Tcp,
        },
        token: terms.token.map(Token::new),
        tls: way
            .is_secure()
            .then(|| certificates::proxy_server(terms.mutual)),
        ..Accept::tcp(dialect)
    }
}

fn listener_again(listener: &TcpListener) -> TcpListener {
    let socket = socket2::SockRef::from(listener).try_clone().unwrap();
    TcpListener::from_std(socket.into()).unwrap()
}

async fn connect_websocket(
    stream: BoxIo,
    shown: &Shown,
) -> Result<WebSocketStream<BoxIo>, tokio_tungstenite::tungstenite::Error> {
    let mut request = "ws://localhost/any".into_client_request().unwrap();
    let headers = request.headers_mut();
    match shown.subprotocol.unwrap_or(SUBPROTOCOL) {
        "" => {}
        subprotocol => {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol.parse().unwrap());
        }
    }
    if let Some(token) = shown.bearer {
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    client_async(request, stream)
        .await
        .map(|(stream, _)| stream)
}

#[expect(clippy::result_large_err, reason = "the library wants it")]
async fn accept_websocket(
    stream: BoxIo,
    shown: &Shown,
) -> Result<WebSocketStream<BoxIo>, tokio_tungstenite::tungstenite::Error> {
    let bearer = shown.bearer.map(|token| format!("Bearer {token}"));
    let answer = |request: &server::Request, mut response: server::Response| {
        let headers = request.headers();
        assert_eq!(headers[SEC_WEBSOCKET_PROTOCOL], SUBPROTOCOL);
        assert_eq!(request.uri(), "/route?x=1");
        let token = headers
            .get(AUTHORIZATION)
            .map(|v| v.to_str().unwrap().to_owned());
        if bearer.is_some() {
            assert_eq!(token, bearer);
        }
        match shown.subprotocol.unwrap_or(SUBPROTOCOL) {
            "" => {}
            subprotocol => {
                let headers = response.headers_mut();
                headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol.parse().unwrap());
            }
        }
        Ok(response)
    };
    accept_hdr_async(stream, answer).await
}
