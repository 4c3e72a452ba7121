//! All who take part in one call: a proxy of its own, the application, the endpoints.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use super::application::Application;
use super::calls::Call;
use super::checks::Checks;
use super::endpoint::Endpoint;
use super::mailbox::{Missing, PATIENCE, Step};
use super::trace::{Actor, Trace};
use crate::config::{Config, Listen, RoutingListen, SipTransport};
use crate::{Address, Proxy};

/// A port that is free.
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

#[derive(Debug)]
pub(super) struct Cast {
    pub(super) alice: Endpoint,
    pub(super) bob: Endpoint,
    pub(super) carol: Endpoint,
    pub(super) dave: Endpoint,
    pub(super) application: Application,
    pub(super) proxy: Proxy,
    pub(super) checks: Checks,
    pub(super) trace: Trace,
}

/// How a call differs from the others before it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// How the caller reaches the proxy.
    pub(super) caller: SipTransport,
    /// Milliseconds for a decision.
    pub(super) deadline_ms: u32,
    /// The document for when nobody decides, which may lead to dave.
    pub(super) fallback: Option<fn(dave: &str) -> Value>,
}

impl Setting {
    pub(super) const USUAL: Self = Self {
        caller: SipTransport::Udp,
        deadline_ms: 4000,
        fallback: None,
    };
}

impl Cast {
    /// Starts a proxy and brings all others up.
    pub(super) async fn assemble(call: &Call) -> io::Result<Self> {
        let (bob, carol, dave) = (
            UdpSocket::bind(ANY).await?,
            UdpSocket::bind(ANY).await?,
            UdpSocket::bind(ANY).await?,
        );
        let setting = &call.setting;
        let proxy = Proxy::start(config(setting, dave.local_addr()?)).map_err(io::Error::other)?;
        let udp = sip_address(&proxy, SipTransport::Udp)?;
        let channel = proxy.routing_addresses().first().copied();
        let channel = channel.ok_or_else(|| io::Error::other("no routing listener"))?;
        let trace = Trace::default();
        let alice = match setting.caller {
            SipTransport::Udp => {
                Endpoint::udp(Actor::Alice, UdpSocket::bind(ANY).await?, udp, &trace)?
            }
            SipTransport::Tcp => {
                let tcp = sip_address(&proxy, SipTransport::Tcp)?;
                Endpoint::tcp(Actor::Alice, tcp, &trace).await?
            }
        };
        Ok(Self {
            alice,
            bob: Endpoint::udp(Actor::Bob, bob, udp, &trace)?,
            carol: Endpoint::udp(Actor::Carol, carol, udp, &trace)?,
            dave: Endpoint::udp(Actor::Dave, dave, udp, &trace)?,
            application: Application::connect(channel, &trace).await?,
            proxy,
            checks: Checks::default(),
            trace,
        })
    }

    /// What stands under the names in the ladder.
    pub(super) fn addresses(&self) -> Vec<(Actor, String)> {
        let endpoints = [&self.alice, &self.bob, &self.carol, &self.dave];
        let endpoints = endpoints.map(|endpoint| {
            let transport = endpoint.transport().to_lowercase();
            let port = endpoint.address.port();
            (endpoint.actor, format!("{transport} {port}"))
        });
        let sip = self.proxy.addresses().iter();
        let sip = sip.map(|listener| format!("{} {}", listener.transport, listener.address.port()));
        let proxy = (Actor::Tidegate, sip.collect::<Vec<_>>().join(" "));
        let channel = self.proxy.routing_addresses().iter();
        let channel =
            channel.map(|address| (Actor::Application, format!("tcp {}", address.port())));
        endpoints
            .into_iter()
            .chain([proxy])
            .chain(channel)
            .collect()
    }

    /// Stops the proxy and waits until all that it sent is in the trace.
    pub(super) async fn disperse(self) {
        let Self {
            alice,
            bob,
            carol,
            dave,
            mut application,
            proxy,
            ..
        } = self;
        let _ = timeout(PATIENCE, proxy.stop()).await;
        for mut endpoint in [alice, bob, carol, dave] {
            let _ = endpoint.close().await;
        }
        application.close().await;
    }
}

/// Completes when the proxy has counted something.
pub(super) async fn counted(proxy: &Proxy, group: &str, counter: &str) -> Step {
    let deadline = Instant::now() + PATIENCE;
    while proxy.stats().await.get(group, counter) == 0 {
        if Instant::now() > deadline {
            return Err(Missing(format!("tidegate did not count {group} {counter}")));
        }
    }
    Ok(())
}

fn config(setting: &Setting, dave: SocketAddr) -> Config {
    let mut config = Config {
        node: "demo".to_owned(),
        shards: Some(1),
        listen: [SipTransport::Udp, SipTransport::Tcp].map(listen).into(),
        ..Config::default()
    };
    config.routing.listen = vec![RoutingListen::native(ANY.into())];
    config.admin.enabled = false;
    config.routing.deadline_ms = setting.deadline_ms;
    config.routing.fallback.document = setting
        .fallback
        .map(|document| document(&format!("sip:dave@{dave}")));
    config
}

fn listen(transport: SipTransport) -> Listen {
    Listen {
        transport,
        address: ANY.into(),
        advertise: None,
    }
}

fn sip_address(proxy: &Proxy, transport: SipTransport) -> io::Result<SocketAddr> {
    let mut known = proxy.addresses().iter();
    let found = known.find(|Address { transport: has, .. }| *has == transport);
    found
        .map(|listener| listener.address)
        .ok_or_else(|| io::Error::other(format!("no {transport} listener")))
}
