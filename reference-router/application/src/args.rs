//! Where a routing application is found, on its command line.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::serve::Listener as _;
use clap::{Args, ValueEnum};
use tidegate_schemas::frame::Framing;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::application::{Application, Identity};
use crate::channel::dial::{self, Settings};
use crate::channel::endpoint::Endpoint;
use crate::channel::{Listener, TlsError, TlsFiles, http, tcp};
use crate::host::Host;

/// Where a proxy on this machine listens.
const USUAL_PROXY: &str = "127.0.0.1:8448";

/// The channels of an application.
#[derive(Debug, Clone, Args)]
pub struct Channels {
    /// Where proxies listen for routing applications: host:port, or a URL with tcp, tls, ws or wss;
    /// several are separated by commas. Without this and without --listen, 127.0.0.1:8448
    #[arg(long, value_name = "URL", env = "ROUTER_PROXY", value_delimiter = ',')]
    proxy: Vec<Endpoint>,

    /// Connections to each proxy: its shards spread their questions over them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    connections: u16,

    /// Where to listen for HTTP and WebSocket: ip:port, or https://ip:port with TLS
    #[arg(long, value_name = "ADDRESS", env = "ROUTER_LISTEN", value_delimiter = ',', value_parser = web)]
    listen: Vec<Address>,

    /// Where to listen for proxies that dial over TCP: ip:port, or tls://ip:port with TLS
    #[arg(long, value_name = "ADDRESS", env = "ROUTER_LISTEN_TCP", value_delimiter = ',', value_parser = stream)]
    listen_tcp: Vec<Address>,

    /// How messages are told apart on a TCP connection; a proxy that dials shows it by its first byte
    #[arg(long, value_enum, default_value = "lines")]
    framing: FramingName,

    /// The secret: shown to proxies that are dialled, asked of those that dial
    #[arg(long, env = "ROUTER_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// How many questions each connection takes at once
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max_in_flight: u32,

    /// Who may have signed the certificates of proxies, for tls:// and wss:// (PEM)
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// The certificate of this application, where it listens with TLS or proxies want one (PEM)
    #[arg(long, value_name = "FILE", requires = "key_file")]
    certificate_file: Option<PathBuf>,

    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate_file")]
    key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FramingName {
    /// One JSON text a line
    Lines,
    /// Netstrings, as Kamailio's evapi has them
    Netstring,
}

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address {
    socket: SocketAddr,
    is_secure: bool,
}

/// Channels that are open.
#[derive(Debug)]
pub struct Open {
    stop: CancellationToken,
    channels: JoinSet<()>,
    addresses: Vec<SocketAddr>,
}

impl Open {
    /// Where is listened: HTTP and WebSocket first, then TCP, each in the order of the options.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Asks for no more questions, answers what is in flight, and closes.
    pub async fn leave(self) {
        self.stop.cancel();
        self.channels.join_all().await;
    }
}

/// Why a channel can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An address can't be listened on.
    #[error("{option} {address}: {error}")]
    Listen {
        /// Where it was asked for.
        option: &'static str,
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// TLS is not possible.
    #[error("{option} {address}: {error}")]
    Tls {
        /// Where it was asked for.
        option: &'static str,
        /// Which.
        address: SocketAddr,
        /// Why.
        error: TlsError,
    },
}

impl Channels {
    /// The identity that the options give, under this name.
    #[must_use]
    pub fn identity(&self, name: &str, release: &str) -> Identity {
        Identity {
            name: name.to_owned(),
            release: Some(release.to_owned()),
            token: self.token.clone(),
            max_in_flight: self.max_in_flight,
        }
    }

    /// Listens, and dials.
    ///
    /// # Errors
    /// An address can't be listened on. Proxies that can't be reached are dialled again and again.
    pub async fn open(&self, host: &Host<impl Application>) -> Result<Open, OpenError> {
        let stop = CancellationToken::new();
        let (mut channels, mut addresses) = (JoinSet::new(), Vec::new());
        for address in &self.listen {
            let listener = self.bind("--listen", *address).await?;
            addresses.extend(listener.local_addr());
            let serving = http::serve(listener, host.clone(), stop.clone());
            channels.spawn(async move {
                if let Err(error) = serving.await {
                    error!(%error, "no longer listening");
                }
            });
        }
        for address in &self.listen_tcp {
            let listener = self.bind("--listen-tcp", *address).await?;
            addresses.extend(listener.local_addr());
            let framing = self.framing.into();
            channels.spawn(tcp::serve(listener, framing, host.clone(), stop.clone()));
        }
        for settings in self.proxies() {
            channels.spawn(dial::run(settings, host.clone(), stop.clone()));
        }
        Ok(Open {
            stop,
            channels,
            addresses,
        })
    }

    async fn bind(&self, option: &'static str, wanted: Address) -> Result<Listener, OpenError> {
        let address = wanted.socket;
        let failed = |error| OpenError::Listen {
            option,
            address,
            error,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        info!(address = %bound, tls = wanted.is_secure, "listening ({option})");
        if !wanted.is_secure {
            return Ok(listener.into());
        }
        Listener::secure(listener, self.tls()).map_err(|error| OpenError::Tls {
            option,
            address,
            error,
        })
    }

    fn tls(&self) -> TlsFiles {
        TlsFiles {
            ca_file: self.ca_file.clone(),
            certificate_file: self.certificate_file.clone(),
            key_file: self.key_file.clone(),
        }
    }

    /// A connection each.
    fn proxies(&self) -> impl Iterator<Item = Settings> {
        let settings = |proxy| Settings {
            proxy,
            framing: self.framing.into(),
            tls: self.tls(),
        };
        let each = self.endpoints().into_iter().map(settings);
        each.flat_map(|settings| (0..self.connections).map(move |_| settings.clone()))
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        let listens = !self.listen.is_empty() || !self.listen_tcp.is_empty();
        match self.proxy.as_slice() {
            [] if listens => Vec::new(),
            [] => USUAL_PROXY.parse().into_iter().collect(),
            proxies => proxies.to_vec(),
        }
    }
}

impl From<FramingName> for Framing {
    fn from(name: FramingName) -> Self {
        match name {
            FramingName::Lines => Self::Lines,
            FramingName::Netstring => Self::Netstring,
        }
    }
}

fn web(text: &str) -> Result<Address, String> {
    address(text, "http://", "https://")
}

fn stream(text: &str) -> Result<Address, String> {
    address(text, "tcp://", "tls://")
}

fn address(text: &str, plain: &str, secure: &str) -> Result<Address, String> {
    let secured = text.strip_prefix(secure);
    let bare = secured.or_else(|| text.strip_prefix(plain)).unwrap_or(text);
    let wrong = |error: &dyn Display| {
        format!("{error}: an IP address and a port are needed, with {secure} before them for TLS")
    };
    Ok(Address {
        socket: bare.parse().map_err(|error| wrong(&error))?,
        is_secure: secured.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_says_by_its_scheme_whether_it_is_secure() {
        for (text, is_secure) in [
            ("127.0.0.1:80", false),
            ("http://127.0.0.1:80", false),
            ("https://127.0.0.1:80", true),
        ] {
            let socket = "127.0.0.1:80".parse().unwrap();
            assert_eq!(web(text), Ok(Address { socket, is_secure }), "{text}");
        }
        assert!(stream("tls://[::1]:8449").unwrap().is_secure);
        for text in ["edge:80", "tls://127.0.0.1:80", "127.0.0.1", "https://"] {
            assert!(web(text).unwrap_err().contains("https://"), "{text}");
        }
    }
}
