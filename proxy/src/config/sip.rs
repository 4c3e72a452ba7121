//! SIP itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How SIP is handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sip {
    /// Host names and addresses that are ours beside the listeners': a Route or Request-URI that
    /// names one of them names this proxy.
    pub domains: Vec<String>,
    /// Whether the proxy stays on the path of dialogs (RFC 3261 section 16.6 step 4). A route
    /// document can say otherwise for one request.
    pub record_route: bool,
    /// Whether the Contacts of a 3xx become new targets (RFC 3261 section 16.7 step 4).
    pub follow_redirects: bool,
    /// Max-Forwards for a request that has none.
    pub max_forwards: u8,
    /// Max-Breadth for a request that has none: how many branches may be alive at once (RFC 5393).
    pub max_breadth: u32,
    /// Requests of more bytes go over TCP although UDP was chosen (RFC 3261 section 18.1.1). 0 turns
    /// the rule off.
    pub udp_limit: usize,
    /// The least Session-Expires, in seconds, that passes; less is answered with 422 (RFC 4028).
    /// Without it the proxy takes no interest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_se: Option<u32>,
    /// Timers in milliseconds, by their names in RFC 3261.
    pub timers: Timers,
    /// Bounds.
    pub limits: SipLimits,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            record_route: true,
            follow_redirects: false,
            max_forwards: 70,
            max_breadth: 60,
            udp_limit: 1300,
            min_se: None,
            timers: Timers::default(),
            limits: SipLimits::default(),
        }
    }
}

/// Timers in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timers {
    /// Estimate of the round-trip time; most other timers are multiples of it.
    pub t1: u32,
    /// Longest interval between retransmissions of a request other than INVITE.
    pub t2: u32,
    /// Longest time that a message stays in the network.
    pub t4: u32,
    /// An INVITE branch that rings for longer is cancelled. More than three minutes.
    pub timer_c: u32,
    /// No response at all for so long: the branch failed with 408. Without it 64 times `t1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fr_timer: Option<u32>,
    /// No final response for so long after a provisional one: the branch failed with 408. Without it
    /// `timer_c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fr_inv_timer: Option<u32>,
}

impl Default for Timers {
    fn default() -> Self {
        let timers = tidegate_engine::Timers::default();
        Self {
            t1: timers.t1,
            t2: timers.t2,
            t4: timers.t4,
            timer_c: timers.timer_c,
            fr_timer: timers.fr_timer,
            fr_inv_timer: timers.fr_inv_timer,
        }
    }
}

/// Bounds on what one message or one shard may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SipLimits {
    /// Bytes of one message, body included.
    pub max_message: u32,
    /// Header fields in one message.
    pub max_headers: u16,
    /// Bytes of one header field with its folds.
    pub max_line: u32,
    /// Live transactions in one shard; a new request beyond them gets 503.
    pub max_transactions: usize,
    /// Targets in one route document.
    pub max_targets: usize,
    /// Consultations about one transaction.
    pub max_rounds: u32,
}

impl Default for SipLimits {
    fn default() -> Self {
        let message = tidegate_sip::Limits::default();
        Self {
            max_message: message.max_message,
            max_headers: message.max_headers,
            max_line: message.max_line,
            max_transactions: 1 << 20,
            max_targets: 32,
            max_rounds: 8,
        }
    }
}
