//! What has to hold after every step, whatever the seed. The ledger sees each input of the engine
//! and what came of it, and keeps its own account of transactions, branches and consultations.

mod calls;
mod consultations;
mod downstream;
mod heard;
mod inputs;
mod told;
mod transaction;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_engine::{Config, Engine, Source, Stats};
use tidegate_schemas::{ConsultationId, RouteDocument};
use tidegate_sip::View;

use crate::draft::read;
use crate::recorder::Command;
use calls::Book;
use consultations::Open;
use told::Told;
use transaction::{Branch, Key, Transaction};

/// Ends a check with a violation unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            return Err($crate::invariants::Violation::new(format!($($reason)+)));
        }
    };
}
pub(crate) use ensure;

/// An invariant that does not hold.
#[derive(Debug)]
pub(crate) struct Violation(String);

impl Violation {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the engine is given.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    Message {
        source: Source,
        view: View<'a>,
    },
    Document {
        id: ConsultationId,
        document: &'a RouteDocument,
    },
    Unavailable {
        id: ConsultationId,
    },
    Undelivered {
        payload: &'a Bytes,
    },
    Resolved {
        host: &'a str,
        addresses: &'a [IpAddr],
    },
    /// A call has to be ended.
    Order,
    Timers,
}

/// The account of everything that went in and came out.
pub(crate) struct Ledger {
    config: Arc<Config>,
    transactions: Vec<Transaction>,
    /// The latest transaction with a key.
    by_key: BTreeMap<Key, usize>,
    /// By the branch that the engine wrote.
    branches: BTreeMap<Vec<u8>, Branch>,
    open: BTreeMap<ConsultationId, Open>,
    over: BTreeSet<ConsultationId>,
    /// Where messages without a transaction may go.
    stateless: Told,
    book: Book,
    draining: bool,
    now: u64,
    step: Step,
}

/// What is known about the present step.
#[derive(Debug, Default)]
struct Step {
    /// The transaction that began with it.
    began: Option<usize>,
    /// The engine refused the request without a transaction.
    refused: bool,
    malformed: bool,
    repeated: bool,
    /// The transaction that a response came for.
    heard: Option<usize>,
    /// The transaction that a CANCEL came for.
    cancelled: Option<usize>,
    /// A transaction that has to be answered in this step.
    has_to_end: Option<usize>,
    /// Responses that were sent, by transaction.
    passed: BTreeSet<(usize, u16)>,
    /// The response that has to be among them.
    has_to_pass: Option<(usize, u16)>,
    /// A failure has to be acknowledged, and was.
    has_to_acknowledge: bool,
    acknowledged: bool,
    /// The breadth given to the branches of each transaction.
    breadth: BTreeMap<usize, u32>,
}

impl Ledger {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            transactions: Vec::new(),
            by_key: BTreeMap::new(),
            branches: BTreeMap::new(),
            open: BTreeMap::new(),
            over: BTreeSet::new(),
            stateless: Told::default(),
            book: Book::default(),
            draining: false,
            now: 0,
            step: Step::default(),
        }
    }

    pub(crate) fn drained(&mut self) {
        self.draining = true;
    }

    /// One input and what it led to, in order.
    pub(crate) fn observe(
        &mut self,
        now: u64,
        input: &Input<'_>,
        commands: &[Command],
        before: &Stats,
        engine: &Engine,
    ) -> Result<(), Violation> {
        self.now = now;
        self.step = Step::default();
        self.take_in(input, commands, before, &engine.stats())?;
        for command in commands {
            self.check(input, command)?;
        }
        self.look_at_calls(engine)?;
        self.check_state(engine)
    }

    fn check(&mut self, input: &Input<'_>, command: &Command) -> Result<(), Violation> {
        match command {
            Command::Send { hop, bytes } => {
                let Some(message) = read(bytes) else {
                    return Err(Violation::new("what it sends can't be read"));
                };
                if message.view().is_request() {
                    self.check_request(input, hop, message.view(), bytes)
                } else {
                    self.check_response(input, hop, message.view(), bytes)
                }
            }
            Command::Consult { id, deadline } => self.begin_consultation(*id, *deadline),
            Command::Forget { id, why } => self.forget(input, *id, *why),
            Command::Resolve { host, .. } => self.check_look_up(host),
            Command::Call(notice) => self.check_notice(notice),
            Command::Finished {
                call,
                request,
                status,
            } => self.finish(*call, request, *status),
        }
    }

    fn check_state(&self, engine: &Engine) -> Result<(), Violation> {
        let (live, most) = (engine.live(), self.config.max_transactions);
        ensure!(live <= most, "{live} transactions are alive, {most} may be");
        self.check_duties()?;
        self.check_cancelling()?;
        self.check_deadlines()
    }

    /// What has to be done in the step in which it becomes due.
    fn check_duties(&self) -> Result<(), Violation> {
        let transaction = |index: usize| &self.transactions[index];
        if let Some(began) = self.step.began.map(transaction) {
            let answered = began.provisional || began.final_status.is_some();
            ensure!(
                answered || !began.is_invite(),
                "an INVITE got no 100 at once (17.2.1)"
            );
        }
        if let Some(ended) = self.step.has_to_end.map(transaction) {
            let status = ended.final_status;
            ensure!(
                status == Some(487),
                "a CANCEL of a suspended INVITE led to {status:?}"
            );
        }
        if let Some((index, status)) = self.step.has_to_pass {
            let passed = self.step.passed.contains(&(index, status));
            ensure!(passed, "a {status} is not passed on at once (16.7 step 5)");
        }
        let acknowledged = self.step.acknowledged || !self.step.has_to_acknowledge;
        ensure!(acknowledged, "a failure gets no ACK (17.1.1.3)");
        Ok(())
    }

    /// RFC 3261 section 16.7 steps 5 and 10, section 16.10: once it is clear that a branch is in vain,
    /// it is cancelled as soon as it may be.
    fn check_cancelling(&self) -> Result<(), Violation> {
        let Some(index) = self.step.heard.or(self.step.cancelled) else {
            return Ok(());
        };
        let transaction = &self.transactions[index];
        if !transaction.is_invite() || transaction.closed.is_none() {
            return Ok(());
        }
        let left = self.branches.values().find(|branch| {
            branch.transaction == index
                && branch.proceeding
                && branch.is_alive_for_sure(self.now)
                && branch.final_status.is_none()
                && branch.cancel.is_none()
        });
        ensure!(
            left.is_none(),
            "a branch is not cancelled although {:?}",
            transaction.closed
        );
        Ok(())
    }

    /// Nothing happens any more, and no time will change that.
    pub(crate) fn at_the_end(&self, engine: &Engine) -> Result<(), Violation> {
        ensure!(
            engine.live() == 0,
            "{} transactions are left",
            engine.live()
        );
        ensure!(engine.timers() == 0, "{} timers are left", engine.timers());
        ensure!(
            self.open.is_empty(),
            "consultations are left: {:?}",
            self.open
        );
        self.check_calls_at_the_end(engine)?;
        self.transactions
            .iter()
            .try_for_each(Transaction::check_end)
    }
}
