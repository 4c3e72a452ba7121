//! What an input tells the ledger, before the output is looked at.

use std::net::IpAddr;

use bytes::Bytes;
use tidegate_engine::{Source, Stats};
use tidegate_schemas::RouteDocument;
use tidegate_sip::{Method, View};

use super::transaction::{LATE, LIFE, Transaction, key};
use super::{Input, Ledger, Violation, ensure, told};
use crate::draft::branch_of;
use crate::recorder::Command;

/// A transaction can't begin again sooner than this: T4.
const T4: u64 = 5_000;

impl Ledger {
    pub(super) fn take_in(
        &mut self,
        input: &Input<'_>,
        commands: &[Command],
        before: &Stats,
        after: &Stats,
    ) -> Result<(), Violation> {
        let began = after.requests - before.requests;
        self.step.malformed = after.requests_malformed > before.requests_malformed;
        self.step.refused = self.step.malformed || after.requests_shed > before.requests_shed;
        self.step.repeated = after.request_repeats > before.request_repeats;
        match input {
            Input::Message { source, view } if view.is_request() => {
                self.stateless.add_request(*view);
                if began == 1 {
                    self.begin(source, *view)?;
                }
                let found = after.cancels > before.cancels;
                match view.method() {
                    _ if self.step.malformed => {}
                    Method::Cancel => self.take_cancel(*view, found)?,
                    Method::Ack => self.take_ack(*view),
                    _ if self.step.repeated => self.check_repeated(*view, commands)?,
                    _ => {}
                }
            }
            Input::Message { view, .. } => self.hear(*view),
            Input::Document { id, document } if after.documents > before.documents => {
                let transaction = self.close_consultation(*id)?;
                self.learn(transaction, document);
            }
            Input::Unavailable { id } if self.open.contains_key(id) => {
                self.close_consultation(*id)?;
                ensure!(
                    !commands.is_empty(),
                    "nothing comes of no application being there"
                );
            }
            Input::Document { .. } | Input::Unavailable { .. } => {
                ensure!(
                    commands.is_empty(),
                    "an answer that was not used has an effect"
                );
            }
            Input::Undelivered { payload } => self.undelivered(payload),
            Input::Resolved { host, addresses } => self.resolved(host, addresses),
            Input::Timers | Input::Order => {}
        }
        Ok(())
    }

    fn begin(&mut self, source: &Source, view: View<'_>) -> Result<(), Violation> {
        let via = view.top_via().ok();
        let begun = Transaction::new(source, view, self.now);
        let (Some(via), Some(mut begun)) = (via, begun) else {
            return Err(Violation::new(
                "a request without a Via began a transaction",
            ));
        };
        let key = key(&via, view.method_raw());
        if let Some(older) = self
            .by_key
            .get(&key)
            .map(|index| &self.transactions[*index])
        {
            let over = older
                .finished
                .is_some_and(|(at, _)| at + T4 - 100 <= self.now);
            ensure!(over, "a repeat of a request began a second transaction");
        }
        let is_new = view.to().is_ok_and(|to| to.tag().is_none());
        ensure!(
            !is_new || !self.draining,
            "a call began while the proxy drains"
        );
        begun.told.add_request(view);
        let index = self.transactions.len();
        self.transactions.push(begun);
        self.note_number(view);
        self.by_key.insert(key, index);
        self.step.began = Some(index);
        if let Some(fallback) = self.config.clone().fallback.as_ref() {
            self.learn(index, fallback);
        }
        Ok(())
    }

    /// What a document allows that otherwise would be wrong.
    fn learn(&mut self, transaction: usize, document: &RouteDocument) {
        let transaction = &mut self.transactions[transaction];
        transaction.told.add_document(document);
        transaction.may_drop |= told::may_drop(document);
        transaction.follows |= told::follows_redirects(document);
        transaction.rewrites |= told::rewrites(document);
        transaction.six_goes_on |= told::lets_six_go_on(document);
        transaction.timed_out_below |= told::may_reply_408(document);
    }

    /// RFC 3261 section 9.2.
    fn take_cancel(&mut self, view: View<'_>, found: bool) -> Result<(), Violation> {
        let via = view.top_via().ok();
        let known = via.and_then(|via| self.by_key.get(&key(&via, b"INVITE")).copied());
        let Some(index) = known else {
            ensure!(!found, "a CANCEL found a transaction that never began");
            return Ok(());
        };
        let suspended = self.open.values().any(|it| it.transaction == Some(index));
        let transaction = &mut self.transactions[index];
        if transaction.finished.is_some() {
            return Ok(());
        }
        ensure!(found, "a CANCEL did not find its transaction");
        transaction.cancelled = Some(self.now);
        self.step.cancelled = Some(index);
        transaction.closed = Some("the caller cancelled");
        if suspended {
            self.step.has_to_end = Some(index);
        }
        Ok(())
    }

    /// The ACK for a failure has the branch of its INVITE (RFC 3261 section 17.1.1.3).
    fn take_ack(&mut self, view: View<'_>) {
        let via = view.top_via().ok();
        let known = via.and_then(|via| self.by_key.get(&key(&via, b"INVITE")).copied());
        if let Some(transaction) = known.map(|index| &mut self.transactions[index]) {
            transaction.acknowledged |= transaction.failure.is_some() && !transaction.success;
        }
    }

    /// RFC 3261 sections 17.2.1 and 17.2.2: a repeat gets the last response again.
    fn check_repeated(&self, view: View<'_>, commands: &[Command]) -> Result<(), Violation> {
        let via = view.top_via().ok();
        let known = via.and_then(|via| self.by_key.get(&key(&via, view.method_raw())));
        let Some(transaction) = known.map(|index| &self.transactions[*index]) else {
            return Err(Violation::new("a request repeats none"));
        };
        let ended = transaction
            .finished
            .is_some_and(|(at, _)| at + LIFE - LATE < self.now);
        let silent = transaction
            .finished
            .is_some_and(|(_, status)| status.is_none());
        let has_nothing = transaction.last.is_none() || transaction.success;
        let owes = !ended && !silent && !has_nothing && !transaction.acknowledged;
        ensure!(
            !owes || !commands.is_empty(),
            "a repeated request gets nothing"
        );
        Ok(())
    }

    fn undelivered(&mut self, payload: &Bytes) {
        let start = payload.windows(8).position(|it| it == b";branch=");
        let Some(rest) = start.and_then(|at| payload.get(at + 8..)) else {
            return;
        };
        let end = rest.iter().position(|it| !it.is_ascii_alphanumeric());
        let name = rest[..end.unwrap_or(rest.len())].to_ascii_lowercase();
        if let Some(branch) = self.branches.get_mut(&name) {
            branch.undelivered = true;
        }
    }

    fn resolved(&mut self, host: &str, addresses: &[IpAddr]) {
        self.stateless.resolved(host, addresses);
        for transaction in &mut self.transactions {
            transaction.told.resolved(host, addresses);
        }
    }
}

/// The branch of the message that an input is, if it is a request.
pub(super) fn request_branch<'a>(input: &Input<'a>) -> Option<(&'a [u8], &'a [u8], Source)> {
    match input {
        Input::Message { source, view } if view.is_request() => Some((
            branch_of(*view).unwrap_or_default(),
            view.method_raw(),
            *source,
        )),
        _ => None,
    }
}
