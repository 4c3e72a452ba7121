//! Prepaid calls: a call gets as much time as can be reserved, and costs what it took.
//!
//! All state is in Redis, each change of it one script, so that routers may come and go in mid-call
//! and several may run at once.

mod account;
mod ledger;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tidegate_schemas::call::{CallEvent, CallEventKind};

use self::account::AccountFrom;
use self::ledger::{Ledger, Reservation, Wanted};
use super::{OnFailure, Step};
use crate::action::Reply;
use crate::ask::{Ask, Terms};
use crate::csv::{BadLine, Table};
use crate::digits::{Prefixes, international};
use crate::error::SetupError;
use crate::files::Files;
use crate::list::List;
use crate::setup::Shelf;
use crate::store::StoreError;

/// More than this can't be reserved for one call: up to it, scripts calculate without rounding.
const MOST_MICRO: u128 = 150_000_000_000;

/// `[prepaid]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default = "default_account")]
    account: List<AccountFrom>,
    rate: Option<u64>,
    rates_file: Option<PathBuf>,
    #[serde(default = "default_prefix")]
    international_prefix: String,
    #[serde(default = "default_increment")]
    increment_s: u32,
    #[serde(default = "default_reserve")]
    reserve_s: u32,
    #[serde(default = "default_minimum")]
    minimum_s: u32,
    #[serde(default = "default_setup")]
    setup_s: u32,
    #[serde(default = "default_grace")]
    grace_s: u32,
    #[serde(default = "default_remember")]
    remember_s: u32,
    #[serde(default = "default_sweep")]
    sweep_s: u32,
    #[serde(default)]
    lost_call: LostCall,
    #[serde(default)]
    unknown_account: Unknown,
    #[serde(default = "payment_required")]
    reply: Reply,
    #[serde(default = "closed")]
    on_failure: OnFailure,
}

fn default_account() -> List<AccountFrom> {
    List(vec![AccountFrom::FromUser])
}

fn default_prefix() -> String {
    "00".to_owned()
}

fn default_increment() -> u32 {
    1
}

fn default_reserve() -> u32 {
    3600
}

fn default_minimum() -> u32 {
    10
}

fn default_setup() -> u32 {
    300
}

fn default_grace() -> u32 {
    60
}

fn default_remember() -> u32 {
    7 * 86_400
}

fn default_sweep() -> u32 {
    10
}

fn payment_required() -> Reply {
    Reply::new(402)
}

fn closed() -> OnFailure {
    OnFailure::Closed
}

/// What an answered call costs whose end is never heard of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LostCall {
    /// All that was reserved.
    Charge,
    /// Nothing.
    #[default]
    Release,
}

/// What happens to callers who have no account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unknown {
    /// They are not prepaid: nothing is reserved.
    Pass,
    /// They are refused.
    #[default]
    Refuse,
}

/// Accounts, prices and reservations.
#[derive(Debug)]
pub(crate) struct Prepaid {
    ledger: Ledger,
    account: Vec<AccountFrom>,
    rate: Option<u64>,
    rates: Prefixes<u64>,
    prefix: String,
    increment_ms: u64,
    reserve_ms: u32,
    sweep: Duration,
    unknown: Unknown,
    reply: Reply,
    on_failure: OnFailure,
}

impl Prepaid {
    pub(crate) fn load(
        settings: Settings,
        files: &mut Files,
        shelf: &Shelf,
    ) -> Result<Self, SetupError> {
        let millis = |seconds: u32| u64::from(seconds) * 1000;
        let (store, prefix) = shelf.key("prepaid", "")?;
        let reserve_ms = settings.reserve_s.checked_mul(1000);
        let reserve_ms = reserve_ms.filter(|_| settings.reserve_s > 0 && settings.increment_s > 0);
        let reserve_ms = reserve_ms.ok_or_else(|| {
            let reason = "`reserve_s` and `increment_s` are at least 1, and at most a month";
            SetupError::table("prepaid", reason)
        })?;
        let ledger = Ledger {
            store,
            prefix,
            minimum_ms: millis(settings.minimum_s),
            setup_ms: millis(settings.setup_s),
            grace_ms: millis(settings.grace_s),
            remember_ms: millis(settings.remember_s),
            charges_lost_calls: settings.lost_call == LostCall::Charge,
        };
        let mut prepaid = Self {
            ledger,
            account: settings.account.0,
            rate: settings.rate,
            rates: Prefixes::default(),
            prefix: settings.international_prefix,
            increment_ms: millis(settings.increment_s),
            reserve_ms,
            sweep: Duration::from_secs(settings.sweep_s.max(1).into()),
            unknown: settings.unknown_account,
            reply: settings.reply,
            on_failure: settings.on_failure,
        };
        match (&settings.rates_file, settings.rate) {
            (None, None) => {
                let reason = "`rate` or `rates_file` is needed";
                return Err(SetupError::table("prepaid", reason));
            }
            (_, Some(rate)) if !prepaid.can_reserve(rate) => {
                return Err(SetupError::table("prepaid", TOO_DEAR));
            }
            (None, Some(_)) => {}
            (Some(file), _) => {
                let columns = ["prefix", "rate"];
                files.table(file, &columns, &["note"], |table| prepaid.add(table))?;
            }
        }
        Ok(prepaid)
    }

    pub(crate) fn count(&self) -> usize {
        self.rates.len()
    }

    pub(crate) fn sweep_interval(&self) -> Duration {
        self.sweep
    }

    /// Reserves for a call that goes somewhere. Asked again about the same call, it says the same.
    pub(crate) async fn decide(&self, ask: &mut Ask<'_>) -> Step {
        let request = &ask.event.request;
        if request.method != "INVITE" || request.to.tag.is_some() || ask.terms.is_some() {
            return Step::Next;
        }
        let Some(account) = account::find(&self.account, ask) else {
            return self.refuse_unknown();
        };
        let Some(rate) = self.rate_for(ask.number()) else {
            return Step::done(Reply::new(403).document());
        };
        let wanted = Wanted {
            call: &ask.event.call,
            account: &account,
            rate,
            increment_ms: self.increment_ms,
            max_ms: self.reserve_ms,
        };
        match self.ledger.reserve(&wanted).await {
            Ok(Reservation::Made { max_ms }) => {
                let terms = Terms {
                    account,
                    rate,
                    increment_ms: self.increment_ms,
                    max_call_ms: max_ms,
                };
                ask.attributes.insert("prepaid".to_owned(), json!(terms));
                ask.terms = Some(terms);
                Step::Next
            }
            Ok(Reservation::Poor) => Step::done(self.reply.document()),
            Ok(Reservation::Unknown) => self.refuse_unknown(),
            Ok(Reservation::Over) => Step::Unable("prepaid: the call is over".to_owned()),
            Err(error) => self.on_failure.step("prepaid", &error),
        }
    }

    fn refuse_unknown(&self) -> Step {
        match self.unknown {
            Unknown::Pass => Step::Next,
            Unknown::Refuse => Step::done(self.reply.document()),
        }
    }

    fn rate_for(&self, number: &str) -> Option<u64> {
        let digits = international(number, &self.prefix);
        let rated = digits.as_deref().and_then(|digits| self.rates.find(digits));
        rated.map(|(_, rate)| *rate).or(self.rate)
    }

    /// Takes what happened to a call. A repeated notification changes nothing.
    pub(crate) async fn notify(&self, event: &CallEvent<'_>) -> Result<(), StoreError> {
        if event.event == CallEventKind::Progress {
            return Ok(());
        }
        self.ledger.notify(event, terms(event).as_ref()).await
    }

    /// Ends reservations of calls of which nothing more was heard; says how many.
    pub(crate) async fn sweep(&self) -> Result<u64, StoreError> {
        self.ledger.sweep().await
    }

    fn can_reserve(&self, rate: u64) -> bool {
        let longest = u128::from(self.reserve_ms) + u128::from(self.increment_ms);
        longest * u128::from(rate) / 60_000 <= MOST_MICRO
    }

    fn add(&mut self, table: &Table) -> Result<(), BadLine> {
        for row in &table.rows {
            let (prefix, rate) = (table.get(row, 0), table.get(row, 1));
            let digits = match prefix {
                "" => Some(String::new()),
                _ => international(prefix, &self.prefix),
            };
            let digits = digits.ok_or_else(|| row.refused(format!("{prefix:?} is no prefix")))?;
            let rate: u64 = rate.parse().map_err(|_| {
                row.refused(format!(
                    "{rate:?} is no rate: whole micro-units a minute are needed"
                ))
            })?;
            if !self.can_reserve(rate) {
                return Err(row.refused(TOO_DEAR));
            }
            if self.rates.insert(&digits, rate).is_some() {
                return Err(row.refused(format!("{prefix:?} stands twice in it")));
            }
        }
        Ok(())
    }
}

const TOO_DEAR: &str =
    "one reservation would be more than 150000 units: lower `reserve_s` or the rate";

/// What the tags say that the call costs, for a call that Redis does not know any more.
fn terms(event: &CallEvent<'_>) -> Option<Terms> {
    Terms::deserialize(event.tags.as_ref()?.get("prepaid")?).ok()
}
