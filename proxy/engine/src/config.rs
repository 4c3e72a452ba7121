//! What the engine is told once.

use std::net::SocketAddr;

use tidegate_schemas::RouteDocument;

use crate::address::{ListenerId, Transport};
use crate::call::CallSettings;
use crate::rules::Rule;

/// The engine's configuration, the same for all shards.
#[derive(Debug, Clone)]
pub struct Config {
    /// This proxy's name in events.
    pub node: String,
    /// Where it listens; [`ListenerId`] is the index.
    pub listeners: Vec<Listener>,
    /// Host names that are ours, in lower case.
    pub domains: Vec<String>,
    /// Timers.
    pub timers: Timers,
    /// Milliseconds that applications have for one consultation, all attempts together.
    pub deadline_ms: u32,
    /// `Retry-After` of the 503 when nothing can decide, in seconds.
    pub retry_after_s: u32,
    /// Whether events carry the body.
    pub include_body: bool,
    /// Whether dialog-forming requests get a Record-Route unless their document says otherwise.
    pub record_route: bool,
    /// Whether a 3xx of a branch makes its Contacts new targets (RFC 3261 section 16.7 step 4).
    pub follow_redirects: bool,
    /// Max-Forwards for a request that has none.
    pub max_forwards: u8,
    /// Max-Breadth for a request that has none (RFC 5393 section 5.3.3).
    pub max_breadth: u32,
    /// Requests longer than this go over TCP although UDP was chosen (RFC 3261 section 18.1.1);
    /// 0 turns the rule off.
    pub udp_limit: usize,
    /// The least Session-Expires in seconds that passes (RFC 4028 section 8.1); `None`: no interest.
    pub min_session_expires: Option<u32>,
    /// Live transactions in one shard; a request beyond them gets 503.
    pub max_transactions: usize,
    /// Targets in one document.
    pub max_targets: usize,
    /// Consultations about one transaction.
    pub max_rounds: u32,
    /// A header that tells, in forwarded requests and in replies made here, what decided. One that
    /// came with the request is taken away.
    pub decision_header: Option<String>,
    /// What decides when no application does.
    pub fallback: Option<RouteDocument>,
    /// Which requests are asked about, and whom; the first that matches. Requests outside of dialogs
    /// that match none go to chain 0, those inside go straight.
    pub rules: Vec<Rule>,
    /// How calls are followed.
    pub calls: CallSettings,
}

impl Config {
    /// Defaults around these listeners.
    #[must_use]
    pub fn new(listeners: Vec<Listener>) -> Self {
        Self {
            node: "tidegate".to_owned(),
            listeners,
            domains: Vec::new(),
            timers: Timers::default(),
            deadline_ms: 2000,
            retry_after_s: 5,
            include_body: false,
            record_route: true,
            follow_redirects: false,
            max_forwards: 70,
            max_breadth: 60,
            udp_limit: 1300,
            min_session_expires: None,
            max_transactions: 1 << 20,
            max_targets: 32,
            max_rounds: 8,
            decision_header: None,
            fallback: None,
            rules: Vec::new(),
            calls: CallSettings::default(),
        }
    }

    pub(crate) fn listener(&self, id: ListenerId) -> Option<&Listener> {
        self.listeners.get(usize::from(id.0))
    }
}

/// One local address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Its transport.
    pub transport: Transport,
    /// The address it is bound to.
    pub addr: SocketAddr,
    /// The host that others reach it by, as it stands in a Via; IPv6 in brackets.
    pub host: String,
    /// The port that others reach it by.
    pub port: u16,
}

impl Listener {
    /// A listener that is reached by the address it is bound to.
    #[must_use]
    pub fn new(transport: Transport, addr: SocketAddr) -> Self {
        let host = match addr {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        };
        Self {
            transport,
            addr,
            host,
            port: addr.port(),
        }
    }

    /// `udp:192.0.2.1:5060`, as `socket` of a route document names it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}:{}", self.transport.name(), self.host, self.port)
    }
}

/// Timers in milliseconds, by their names in the RFCs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Round-trip estimate (RFC 3261 section 17.1.1.1).
    pub t1: u32,
    /// Longest interval between retransmissions.
    pub t2: u32,
    /// Longest life of a message in the network.
    pub t4: u32,
    /// Timer C: an INVITE branch without a final response (RFC 3261 section 16.6 step 11).
    pub timer_c: u32,
    /// No response at all; `None`: 64*T1.
    pub fr_timer: Option<u32>,
    /// No final response after a provisional one; `None`: Timer C.
    pub fr_inv_timer: Option<u32>,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: 500,
            t2: 4000,
            t4: 5000,
            timer_c: 185_000,
            fr_timer: None,
            fr_inv_timer: None,
        }
    }
}
