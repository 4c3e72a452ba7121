//! Whom to ask, in which order, and what counts as a failure.

use std::sync::Arc;
use std::time::Duration;

use tidegate_schemas::RouteDocument;

use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::settings::Token;

/// All that may change while calls run. Replaced as a whole.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// By the number that the request's rule names; the first is for requests without one.
    pub chains: Vec<Chain>,
    /// The pools that steps name.
    pub pools: Vec<Pool>,
    /// The applications that are known by name. One that dials in under another name is a member of
    /// its listener's pool with the defaults.
    pub applications: Vec<Member>,
}

/// Applications in a row: each step may `pass` to the next one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chain {
    /// For logs.
    pub name: Arc<str>,
    /// In their order; never empty.
    pub steps: Vec<Step>,
}

/// One decision of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// As `step` in events; empty in a chain of one.
    pub name: Arc<str>,
    /// Pools, by index, the preferred one first.
    pub ask: Vec<usize>,
    /// Time for this step, out of that of the consultation; all that is left when absent.
    pub deadline: Option<Duration>,
    /// What decides when none of the pools does, in this order; when these are exhausted too,
    /// nothing decides (503 with Retry-After).
    pub otherwise: Vec<Otherwise>,
}

/// What decides in the place of an application.
#[derive(Debug, Clone, PartialEq)]
pub enum Otherwise {
    /// An earlier decision, within its `stale_if_error_ms`.
    Cached,
    /// This document; the name is the tier in logs.
    Document(Arc<str>, Arc<RouteDocument>),
    /// The next step does (fail open). As the last one of the last step: nothing decides.
    Pass,
}

/// Applications that share the work.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Its name.
    pub name: Arc<str>,
    /// Who is asked first.
    pub choose: Choose,
    /// Questions in flight in the whole pool, in one process; unlimited when absent.
    pub max_in_flight: Option<u32>,
    /// What part of the remaining time one attempt gets while another application could follow,
    /// above 0 and at most 1.
    pub share: f32,
    /// Ask a second application when the first one is slower than its usual p95.
    pub hedge: bool,
    /// What to do after each kind of failure.
    pub on_failure: FailureTable,
    /// When an application is left out.
    pub eject: Eject,
}

/// Who is asked first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choose {
    /// The one with the fewest questions in flight for its weight.
    #[default]
    LeastInFlight,
    /// The same one for the same Call-ID, while it can be asked (rendezvous hashing by weight).
    StickyByCall,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Ask the next application.
    #[default]
    Next,
    /// Ask the same application once more, then the next one.
    Retry,
    /// Ask no further application: `otherwise` decides.
    Otherwise,
    /// Nothing decides: 503 with Retry-After.
    Refuse,
}

/// For each kind of failure what to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailureTable {
    /// It could not be reached, or was lost before it answered.
    pub refused: OnFailure,
    /// Its share of the time ran out.
    pub timeout: OnFailure,
    /// HTTP 400 to 499.
    pub http_4xx: OnFailure,
    /// HTTP 500 to 599, and all else that is not 2xx.
    pub http_5xx: OnFailure,
    /// Its answer is no route document, or none that can be honoured.
    pub invalid: OnFailure,
    /// It said `error`.
    pub error: OnFailure,
}

/// When an application is left out, and when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eject {
    /// Failures in a row after which it is left out; 0: never.
    pub failures: u32,
    /// A p95 beyond which it is left out, while its pool has another one that is faster.
    pub slower_than: Option<Duration>,
    /// How long at first. It doubles with each time that the question it then gets fails too.
    pub pause: Duration,
    /// How long at most.
    pub max_pause: Duration,
}

impl Default for Eject {
    fn default() -> Self {
        Self {
            failures: 5,
            slower_than: None,
            pause: Duration::from_secs(5),
            max_pause: Duration::from_secs(60),
        }
    }
}

/// A named application.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// What it calls itself in its `hello`, or what it is called here.
    pub name: Arc<str>,
    /// Its pool, by index.
    pub pool: usize,
    /// Its share of the work relative to the others; 0 gets none.
    pub weight: u32,
    /// The percentage of the pool's calls that it gets, and not one more, while it can be asked.
    pub canary: Option<u8>,
    /// It only looks on: it gets copies of this percentage of its pool's questions, and never
    /// decides.
    pub shadow: Option<u8>,
    /// Questions in flight, if less than what it wants itself.
    pub max_in_flight: Option<u32>,
    /// No new questions.
    pub draining: bool,
    /// How it is reached, where the proxy dials.
    pub dial: Option<Dial>,
}

/// How the proxy reaches an application.
#[derive(Debug, Clone, PartialEq)]
pub struct Dial {
    /// Where it is.
    pub endpoint: Endpoint,
    /// What it speaks.
    pub dialect: Dialect,
    /// The secret shown to it: in `hello`, and as `Authorization: Bearer` on WebSocket and HTTP.
    pub token: Option<Token>,
    /// Names and keys for TLS.
    pub tls: TlsClient,
    /// HTTP: where notifications go, if elsewhere.
    pub notify: Option<Endpoint>,
}

/// TLS towards an application, by files in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsClient {
    /// Who may vouch for it; the system's authorities when absent.
    pub ca_file: Option<std::path::PathBuf>,
    /// Our certificate, where it wants one.
    pub certificate_file: Option<std::path::PathBuf>,
    /// Its key.
    pub key_file: Option<std::path::PathBuf>,
    /// The name in its certificate, where that is not its host.
    pub server_name: Option<String>,
}

impl Pool {
    /// A pool with the defaults.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            choose: Choose::default(),
            max_in_flight: None,
            share: 0.5,
            hedge: false,
            on_failure: FailureTable::default(),
            eject: Eject::default(),
        }
    }
}

impl Policy {
    /// One pool, asked by one chain of one step, with nothing behind it.
    #[must_use]
    pub fn simple() -> Self {
        let step = Step {
            name: Arc::from(""),
            ask: vec![0],
            deadline: None,
            otherwise: Vec::new(),
        };
        Self {
            chains: vec![Chain {
                name: Arc::from("default"),
                steps: vec![step],
            }],
            pools: vec![Pool::named("default")],
            applications: Vec::new(),
        }
    }
}
