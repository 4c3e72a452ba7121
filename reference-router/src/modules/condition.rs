//! Which requests a rule is for.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use tidegate_schemas::RouteEvent;

use crate::uri::Callee;

/// All that is given must hold; of a list, one is enough. `users` and `prefixes` are one list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Condition {
    pub(crate) methods: Vec<String>,
    pub(crate) users: Vec<String>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) domains: Vec<String>,
    pub(crate) sources: Vec<Network>,
}

/// A network, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network(IpNet);

impl Network {
    pub(crate) fn covers(self, other: Self) -> bool {
        self.0.contains(&other.0)
    }

    pub(crate) fn contains(self, ip: IpAddr) -> bool {
        self.0.contains(&ip)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let network = IpNet::from_str(&text).ok();
        let address = || IpAddr::from_str(&text).ok().map(IpNet::from);
        network.or_else(address).map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is neither an address nor a network like 192.0.2.0/24"
            ))
        })
    }
}

impl Condition {
    pub(crate) fn says_nothing(&self) -> bool {
        self.methods.is_empty()
            && !self.names_numbers()
            && self.domains.is_empty()
            && self.sources.is_empty()
    }

    pub(crate) fn names_numbers(&self) -> bool {
        !self.users.is_empty() || !self.prefixes.is_empty()
    }

    /// What is left of the user behind the longest prefix that matches; nothing if the rule is not
    /// for this request.
    pub(crate) fn matches<'c>(
        &self,
        event: &RouteEvent<'_>,
        callee: &'c Callee<'_>,
    ) -> Option<&'c str> {
        let method = |name: &String| *name == event.request.method;
        let domain = |name: &String| *name == callee.domain;
        let source = |network: &Network| network.contains(event.source.ip.to_canonical());
        let holds =
            any(&self.methods, method) && any(&self.domains, domain) && any(&self.sources, source);
        holds.then(|| self.number(callee)).flatten()
    }

    fn number<'c>(&self, callee: &'c Callee<'_>) -> Option<&'c str> {
        let user = callee.user.as_deref().unwrap_or_default();
        if !self.names_numbers() || self.users.iter().any(|name| name == user) {
            return Some(user);
        }
        let rests = self
            .prefixes
            .iter()
            .filter_map(|prefix| user.strip_prefix(prefix.as_str()));
        rests.min_by_key(|rest| rest.len())
    }
}

fn any<T>(list: &[T], holds: impl Fn(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(holds)
}
