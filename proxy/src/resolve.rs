//! Host names to addresses, by the system's resolver.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_engine::ResolveId;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::inbox::{Input, Switchboard};

/// How long an answer is used again. The system's resolver does not tell the record's own time.
const TTL: Duration = Duration::from_secs(30);

/// How long a failure is used again.
const FAILED_TTL: Duration = Duration::from_secs(2);

/// Time for one look-up.
const DEADLINE: Duration = Duration::from_secs(5);

/// Look-ups at once.
const RUNNING: usize = 64;

/// Names that are remembered.
const NAMES: usize = 4096;

/// The look-ups of one shard.
#[derive(Debug)]
pub(crate) struct Resolver {
    shard: u8,
    switchboard: Arc<Switchboard>,
    names: HashMap<String, Name>,
    running: usize,
    pub(crate) counters: ResolveCounters,
}

/// Counters of one resolver.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResolveCounters {
    pub(crate) lookups: u64,
    pub(crate) cached: u64,
    pub(crate) failed: u64,
    pub(crate) refused: u64,
}

#[derive(Debug)]
enum Name {
    Running(Vec<ResolveId>),
    Known {
        addresses: Vec<IpAddr>,
        until: Instant,
    },
}

impl Resolver {
    pub(crate) fn new(shard: u8, switchboard: Arc<Switchboard>) -> Self {
        let names = HashMap::new();
        Self {
            shard,
            switchboard,
            names,
            running: 0,
            counters: ResolveCounters::default(),
        }
    }

    /// The addresses of `host`, where they are known (or known to be missing). Otherwise a look-up
    /// runs, and [`Resolver::finish`] names `id`.
    pub(crate) fn look_up(
        &mut self,
        now: Instant,
        id: ResolveId,
        host: &str,
    ) -> Option<Vec<IpAddr>> {
        match self.names.get_mut(host) {
            Some(Name::Running(waiting)) => {
                waiting.push(id);
                return None;
            }
            Some(Name::Known { addresses, until }) if *until > now => {
                self.counters.cached += 1;
                return Some(addresses.clone());
            }
            _ => {}
        }
        if self.running >= RUNNING {
            self.counters.refused += 1;
            return Some(Vec::new());
        }
        self.begin(now, id, host);
        None
    }

    /// Takes the end of a look-up and says who waited for it.
    pub(crate) fn finish(
        &mut self,
        now: Instant,
        host: String,
        addresses: Vec<IpAddr>,
    ) -> Vec<ResolveId> {
        self.running = self.running.saturating_sub(1);
        self.counters.failed += u64::from(addresses.is_empty());
        let until = now
            + if addresses.is_empty() {
                FAILED_TTL
            } else {
                TTL
            };
        match self.names.insert(host, Name::Known { addresses, until }) {
            Some(Name::Running(waiting)) => waiting,
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, now: Instant, id: ResolveId, host: &str) {
        self.make_room(now);
        self.names.insert(host.to_owned(), Name::Running(vec![id]));
        self.running += 1;
        self.counters.lookups += 1;
        let (shard, switchboard, host) =
            (self.shard, Arc::clone(&self.switchboard), host.to_owned());
        tokio::spawn(async move {
            let addresses = resolve(&host).await;
            switchboard
                .deliver(shard, Input::Resolved { host, addresses })
                .await;
        });
    }

    fn make_room(&mut self, now: Instant) {
        if self.names.len() < NAMES {
            return;
        }
        let alive = |name: &Name| !matches!(name, Name::Known { until, .. } if *until <= now);
        self.names.retain(|_, name| alive(name));
        if self.names.len() >= NAMES {
            self.names
                .retain(|_, name| matches!(name, Name::Running(_)));
        }
    }
}

async fn resolve(host: &str) -> Vec<IpAddr> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = timeout(DEADLINE, lookup_host((bare, 0))).await;
    let Ok(Ok(found)) = found else {
        return Vec::new();
    };
    let mut addresses = Vec::new();
    for address in found {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn an_address_resolves_to_itself_and_nonsense_to_nothing() {
        assert_eq!(
            resolve("192.0.2.7").await,
            [IpAddr::from(Ipv4Addr::new(192, 0, 2, 7))]
        );
        assert_eq!(resolve("[::1]").await, ["::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolve("not a host").await, Vec::<IpAddr>::new());
    }
}
