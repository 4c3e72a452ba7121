//! The routing applications.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::applications::{self, Application, Dial, RoutingListen};
use super::chains::Chain;
use super::documents::StaticDocument;
use super::pools::Pool;
use super::rules::Rule;
use super::shadow::Shadow;

/// How routing applications are reached and asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Routing {
    /// Milliseconds for one decision, all applications together. Then the fallback decides.
    pub deadline_ms: u32,
    /// `Retry-After` in seconds of the 503 when nothing can decide.
    pub retry_after_s: u32,
    /// Whether events carry the body of the request.
    pub include_body: bool,
    /// A header that tells what decided, in forwarded requests and in replies made here:
    /// `X-Decided-By`. One that came with the request is taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_header: Option<String>,
    /// Questions that one application gets at once, unless its `hello` says less.
    pub max_in_flight: u32,
    /// Bytes of one message from an application.
    pub max_frame: usize,
    /// A secret for the native dialect: the side that dials shows it in its `hello`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Where applications dial in. Without any: native on 127.0.0.1:8448.
    pub listen: Vec<RoutingListen>,
    /// Applications that the proxy dials, in short: native ones on TCP, in the first pool, named by
    /// their addresses.
    pub dial: Vec<Dial>,
    /// Applications by name: those that the proxy dials or asks, and settings for those that dial
    /// in.
    pub application: Vec<Application>,
    /// Applications that share the work. Without any: one named `default`.
    pub pool: Vec<Pool>,
    /// Applications in a row, each of which may `pass`. The first chain is for all requests that no
    /// rule names. Without any: one named `default`, of one step that asks the first pool.
    pub chain: Vec<Chain>,
    /// Which requests are asked about, and whom; the first rule that fits counts. Without any: all
    /// that begin something, the first chain.
    pub rule: Vec<Rule>,
    /// Decisions made beforehand, by the names under which rules and steps use them.
    pub documents: BTreeMap<String, StaticDocument>,
    /// What decides when no application does.
    pub fallback: StaticDocument,
    /// How applications are asked that only look on, and what counts as a difference.
    pub shadow: Shadow,
}

impl Default for Routing {
    fn default() -> Self {
        let client = routing_api_client::Settings::default();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8448));
        Self {
            deadline_ms: 2000,
            retry_after_s: 5,
            include_body: false,
            decision_header: None,
            max_in_flight: client.max_in_flight,
            max_frame: client.max_frame,
            token: None,
            listen: vec![RoutingListen::native(address)],
            dial: Vec::new(),
            application: Vec::new(),
            pool: Vec::new(),
            chain: Vec::new(),
            rule: Vec::new(),
            documents: BTreeMap::new(),
            fallback: StaticDocument::default(),
            shadow: Shadow::default(),
        }
    }
}

/// The pool and the chain that are there when none are named.
pub(super) const DEFAULT: &str = "default";

impl Routing {
    pub(super) fn resolve_against(&mut self, folder: &Path) {
        applications::resolve_against(&mut self.listen, &mut self.application, folder);
        for document in self.documents.values_mut() {
            document.resolve_against(folder);
        }
        self.fallback.resolve_against(folder);
    }

    /// Where the pool of this name stands; the first one without a name.
    pub(super) fn pool_index(&self, name: Option<&str>) -> Option<usize> {
        match name {
            None => Some(0),
            Some(name) => self.pools().iter().position(|pool| pool.name == name),
        }
    }

    /// Where the chain of this name stands.
    pub(super) fn chain_index(&self, name: &str) -> Option<usize> {
        match self.chain.is_empty() {
            true => (name == DEFAULT).then_some(0),
            false => self.chain.iter().position(|chain| chain.name == name),
        }
    }

    /// The pools, the default where there are none.
    pub(super) fn pools(&self) -> Vec<Pool> {
        match self.pool.is_empty() {
            true => vec![Pool::named(DEFAULT)],
            false => self.pool.clone(),
        }
    }
}
