//! By what a document is judged.

use std::net::{IpAddr, Ipv4Addr};

use tidegate_engine::{Listener, Transport};
use tidegate_schemas::RouteEvent;

use crate::config::Config;

/// The engine's view of a configuration. Where there is none, the listener that the request came in
/// by is one that the document may name.
pub(crate) fn engine(
    config: &Config,
    is_configured: bool,
    event: Option<&RouteEvent<'_>>,
) -> tidegate_engine::Config {
    let mut engine = config.engine_without_documents();
    let listener = event.and_then(|event| listener(&event.source.listener));
    if let (false, Some(listener)) = (is_configured, listener) {
        engine.listeners = vec![listener];
    }
    engine
}

/// `udp:192.0.2.1:5060`; the host may be a name, whose address then does not matter.
fn listener(name: &str) -> Option<Listener> {
    let (transport, place) = name.split_once(':')?;
    let (host, port) = place.rsplit_once(':')?;
    let transport = match transport {
        "udp" => Transport::Udp,
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        "ws" => Transport::Ws,
        "wss" => Transport::Wss,
        _ => return None,
    };
    let port = port.parse().ok()?;
    let ip = host.trim_matches(['[', ']']).parse();
    let ip = ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let mut listener = Listener::new(transport, (ip, port).into());
    host.clone_into(&mut listener.host);
    Some(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_made_again_from_its_name() {
        for name in [
            "udp:192.0.2.1:5060",
            "tcp:[2001:db8::1]:5061",
            "tls:sip.example.com:5061",
        ] {
            assert_eq!(listener(name).unwrap().name(), name);
        }
        assert_eq!(listener("carrier pigeon"), None);
    }
}
