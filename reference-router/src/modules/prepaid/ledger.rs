//! Balances and reservations in Redis.
//!
//! | key | holds |
//! |---|---|
//! | `account:NAME` | a hash: `balance`, and of it `reserved`, in micro-units |
//! | `call:ID` | a hash: the state of a call and what it may cost |
//! | `pending` | a sorted set: calls by the time at which their reservation is given up |

use std::sync::{Arc, LazyLock};

use tidegate_schemas::call::CallEvent;

use crate::ask::Terms;
use crate::store::{Lua, Reply, Store, StoreError};

static RESERVE: LazyLock<Lua> = LazyLock::new(|| script(include_str!("reserve.lua")));
static NOTIFY: LazyLock<Lua> = LazyLock::new(|| script(include_str!("notify.lua")));
static SWEEP: LazyLock<Lua> = LazyLock::new(|| script(include_str!("sweep.lua")));

fn script(body: &str) -> Lua {
    Lua::new(&format!("{}{body}", include_str!("common.lua")))
}

/// How many reservations one sweep gives up at most, so that no script holds Redis for long.
const MOST_SWEPT: &str = "200";

#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) prefix: String,
    /// Less time than this is not worth a call.
    pub(crate) minimum_ms: u64,
    /// How long a call may take until it is answered.
    pub(crate) setup_ms: u64,
    /// How long the end of a call may be late.
    pub(crate) grace_ms: u64,
    /// How long a call that is over is known, so that a repeated notification changes nothing.
    pub(crate) remember_ms: u64,
    pub(crate) charges_lost_calls: bool,
}

/// What is to be reserved.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) call: &'a str,
    pub(crate) account: &'a str,
    /// Micro-units a minute.
    pub(crate) rate: u64,
    pub(crate) increment_ms: u64,
    pub(crate) max_ms: u32,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reservation {
    /// The call may take so long.
    Made { max_ms: u32 },
    /// The call has ended already.
    Over,
    /// The balance is too small.
    Poor,
    /// There is no such account.
    Unknown,
}

impl Ledger {
    pub(crate) async fn reserve(&self, wanted: &Wanted<'_>) -> Result<Reservation, StoreError> {
        let arguments = vec![
            self.prefix.clone(),
            wanted.call.to_owned(),
            wanted.account.to_owned(),
            wanted.rate.to_string(),
            wanted.increment_ms.to_string(),
            wanted.max_ms.to_string(),
            self.minimum_ms.to_string(),
            self.setup_ms.to_string(),
        ];
        let keys = self.keys(Some(wanted.account), wanted.call);
        let reply = self.store.script(&RESERVE, keys, arguments).await?;
        reservation(&reply).ok_or(StoreError::Unexpected)
    }

    pub(crate) async fn notify(
        &self,
        event: &CallEvent<'_>,
        terms: Option<&Terms>,
    ) -> Result<(), StoreError> {
        let said = |value: Option<u64>| value.unwrap_or_default().to_string();
        let arguments = vec![
            self.prefix.clone(),
            event.call.to_string(),
            event.event.name().to_owned(),
            said(event.duration_ms),
            self.grace_ms.to_string(),
            self.remember_ms.to_string(),
            terms.map(|terms| terms.account.clone()).unwrap_or_default(),
            said(terms.map(|terms| terms.rate)),
            said(terms.map(|terms| terms.increment_ms)),
        ];
        let account = terms.map(|terms| terms.account.as_str());
        let keys = self.keys(account, &event.call);
        let reply = self.store.script(&NOTIFY, keys, arguments).await?;
        let outcome = reply.text().unwrap_or_default();
        tracing::debug!(call = %event.call, event = event.event.name(), outcome, "billed");
        Ok(())
    }

    pub(crate) async fn sweep(&self) -> Result<u64, StoreError> {
        let lost = if self.charges_lost_calls {
            "charge"
        } else {
            "release"
        };
        let arguments = [
            &self.prefix,
            lost,
            &self.remember_ms.to_string(),
            MOST_SWEPT,
        ];
        let arguments = arguments.map(str::to_owned).to_vec();
        let keys = vec![format!("{}pending", self.prefix)];
        let swept = self.store.script(&SWEEP, keys, arguments).await?;
        let swept = swept.number().and_then(|swept| u64::try_from(swept).ok());
        swept.ok_or(StoreError::Unexpected)
    }

    fn keys(&self, account: Option<&str>, call: &str) -> Vec<String> {
        let prefix = &self.prefix;
        let account = account.map(|account| format!("{prefix}account:{account}"));
        let others = [format!("{prefix}call:{call}"), format!("{prefix}pending")];
        others.into_iter().chain(account).collect()
    }
}

fn reservation(reply: &Reply) -> Option<Reservation> {
    let [outcome, max_ms] = reply.list() else {
        return None;
    };
    match outcome.text()? {
        "made" => Some(Reservation::Made {
            max_ms: u32::try_from(max_ms.number()?).ok()?,
        }),
        "over" => Some(Reservation::Over),
        "poor" => Some(Reservation::Poor),
        "unknown" => Some(Reservation::Unknown),
        _ => None,
    }
}
