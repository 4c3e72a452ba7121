//! Where the application is that a command asks, and how it is reached.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use routing_api_client::{Asker, AskerError, AskerSettings, Reach as Way, Settings};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as Unknown;
use tokio::net::TcpListener;

use crate::config::{
    Application, ClientTls, Config, Dialect, Framing, RoutingListen, RoutingTransport, ServerTls,
};

/// How the application is reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "The application")]
pub(super) struct Reach {
    /// Where it listens: tcp://host:port, tls://…, ws://host:port/path, wss://…, http://… or https://…
    #[arg(long, value_name = "URL", conflicts_with = "listen")]
    router: Option<String>,

    /// Wait here until it dials in: tcp://127.0.0.1:8448, tls://…, ws://… or wss://…
    #[arg(long, value_name = "URL", value_parser = door)]
    listen: Option<Door>,

    /// Seconds to wait until it is there
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    within: f32,

    /// The secret that the side that dials shows
    #[arg(
        long,
        value_name = "SECRET",
        env = "TIDEGATE_APPLICATION_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,

    /// What it speaks: native, kamailio, cgrates, wazo or drachtio
    #[arg(long, default_value = "native", value_parser = one_of::<Dialect>)]
    dialect: Dialect,

    /// How messages are told apart on TCP: netstring or lines. Without it, netstring where the
    /// application is dialled, and as it does where it dials in
    #[arg(long, value_parser = one_of::<Framing>)]
    framing: Option<Framing>,

    /// TLS: who vouches for the other side; for one that is dialled, the system's authorities without it
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// TLS: the certificate that is shown to it
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,

    /// TLS: the key of that certificate
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,

    /// TLS: the name in its certificate, where that is not its host
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreachable {
    /// The command line does not say whom, or can't be meant.
    #[error("{0}")]
    Usage(String),
    /// It is not there.
    #[error("{0}; is it running, and does it speak the same channel? `--within` waits longer")]
    Asker(#[from] AskerError),
    /// An address can't be listened on.
    #[error("{0} can't be listened on: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// Where an application dials in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Door {
    transport: RoutingTransport,
    is_secure: bool,
    address: SocketAddr,
}

impl Reach {
    /// Whether it is said where the application is.
    pub(super) fn is_given(&self) -> bool {
        self.router.is_some() || self.listen.is_some()
    }

    /// Where it is, in words.
    pub(super) fn name(&self) -> String {
        match (&self.router, &self.listen) {
            (Some(url), _) => url.clone(),
            (None, Some(door)) => format!("the application that dials in at {}", door.address),
            (None, None) => String::new(),
        }
    }

    /// Waits until the application can be asked. It may send documents of up to `max_frame` bytes.
    pub(super) async fn connect(&self, config: &Config) -> Result<Asker, Unreachable> {
        let within = Duration::from_secs_f32(self.within);
        let settings = Settings {
            connect_timeout: within.max(Duration::from_millis(100)),
            ..AskerSettings::default().settings
        };
        let settings = Settings {
            node: config.node.clone(),
            max_frame: config.routing.max_frame,
            ..settings
        };
        let way = self.way().await?;
        if let Way::Accept(listener, _) = &way
            && let Ok(address) = listener.local_addr()
        {
            super::exit::tell(&format!("waiting for an application on {address}"));
        }
        Ok(Asker::connect(way, AskerSettings { within, settings }).await?)
    }

    async fn way(&self) -> Result<Way, Unreachable> {
        match (&self.router, &self.listen) {
            (Some(url), _) => self.dialled(url),
            (None, Some(door)) => self.accepted(*door).await,
            (None, None) => Err(Unreachable::Usage(
                "say where the application is: --router URL, or --listen URL where it dials in"
                    .to_owned(),
            )),
        }
    }

    fn dialled(&self, url: &str) -> Result<Way, Unreachable> {
        let application = Application {
            url: Some(url.to_owned()),
            dialect: self.dialect,
            framing: self.framing,
            token: self.token.clone(),
            tls: Some(ClientTls {
                ca_file: self.ca.clone(),
                certificate_file: self.certificate.clone(),
                key_file: self.key.clone(),
                server_name: self.server_name.clone(),
            }),
            ..Application::named(url)
        };
        let wrong = |why: String| Unreachable::Usage(format!("--router: {why}"));
        let dial = application
            .way()
            .map_err(|problem| wrong(problem.message))?;
        let dial = dial.ok_or_else(|| wrong("it is empty".to_owned()))?;
        if dial.endpoint.scheme.is_secure() {
            dial.tls.check().map_err(|error| wrong(error.to_string()))?;
        }
        Ok(Way::Dial(Box::new(dial)))
    }

    async fn accepted(&self, door: Door) -> Result<Way, Unreachable> {
        let listen = RoutingListen {
            transport: door.transport,
            dialect: self.dialect,
            framing: self.framing,
            token: self.token.clone(),
            tls: self.server_tls(door)?,
            ..RoutingListen::native(door.address)
        };
        let wrong = |why: String| Unreachable::Usage(format!("--listen: {why}"));
        let accept = Config::default().accept(0, &listen);
        let accept = accept.map_err(|problem| wrong(problem.message))?;
        let listener = TcpListener::bind(door.address).await;
        let listener = listener.map_err(|error| Unreachable::Listen(door.address, error))?;
        Ok(Way::Accept(listener, Box::new(accept)))
    }

    fn server_tls(&self, door: Door) -> Result<Option<ServerTls>, Unreachable> {
        match (door.is_secure, &self.certificate, &self.key) {
            (false, ..) => Ok(None),
            (true, Some(certificate), Some(key)) => Ok(Some(ServerTls {
                certificate_file: certificate.clone(),
                key_file: key.clone(),
                client_ca_file: self.ca.clone(),
            })),
            (true, ..) => Err(Unreachable::Usage(
                "--listen: TLS needs --certificate and --key".to_owned(),
            )),
        }
    }
}

fn door(text: &str) -> Result<Door, String> {
    let (scheme, address) = text.split_once("://").unwrap_or(("tcp", text));
    let (transport, is_secure) = match scheme {
        "tcp" => (RoutingTransport::Tcp, false),
        "tls" => (RoutingTransport::Tcp, true),
        "ws" => (RoutingTransport::Websocket, false),
        "wss" => (RoutingTransport::Websocket, true),
        _ => {
            return Err(
                "write tcp://, tls://, ws:// or wss://, an IP address and a port".to_owned(),
            );
        }
    };
    let address = address.trim_end_matches('/').parse();
    let address = address.map_err(|_| "write an IP address and a port behind the scheme")?;
    Ok(Door {
        transport,
        is_secure,
        address,
    })
}

fn seconds(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok();
    let number = number.filter(|it| (0.0..=86_400.0).contains(it));
    number.ok_or_else(|| "write seconds, from 0 to 86400".to_owned())
}

/// One of the words of a configuration file.
fn one_of<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    let read: Result<T, Unknown> = T::deserialize(text.into_deserializer());
    read.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_a_scheme_and_an_address() {
        let opened = door("wss://127.0.0.1:8449/").unwrap();
        assert_eq!(opened.transport, RoutingTransport::Websocket);
        assert!(opened.is_secure);
        assert_eq!(door("127.0.0.1:8448"), door("tcp://127.0.0.1:8448"));
        assert!(door("http://127.0.0.1:8448").is_err());
        assert!(door("tcp://localhost").is_err());
    }

    #[test]
    fn words_of_the_configuration_are_those_of_the_command_line() {
        assert_eq!(one_of::<Dialect>("kamailio"), Ok(Dialect::Kamailio));
        assert_eq!(one_of::<Framing>("lines"), Ok(Framing::Lines));
        assert!(one_of::<Dialect>("basic").unwrap_err().contains("native"));
    }
}
