//! What an input tells the ledger, before the output is looked at.

use std::net::IpAddr;

use bytes::Bytes;
use tidegate_engine::{Source, Stats};
use tidegate_schemas::RouteDocument;
use tidegate_sip::{Edits, Method, View, check_response, remove_value};

use super::transaction::{Transaction, key};
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
        ensure!(
            began == 0 || !self.draining,
            "a transaction began while the proxy drains"
        );
        match input {
            Input::Message { source, view } if view.is_request() => {
                self.stateless.add_request(*view);
                if began == 1 {
                    self.begin(source, *view)?;
                }
                let found = after.cancels > before.cancels;
                if view.method() == Method::Cancel && !self.step.malformed {
                    self.take_cancel(*view, found)?;
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
            Input::Timers => {}
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
        begun.told.add_request(view);
        let index = self.transactions.len();
        self.transactions.push(begun);
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
        transaction.cancelled = true;
        transaction.closed = Some("the caller cancelled");
        if suspended {
            self.step.has_to_end = Some(index);
        }
        Ok(())
    }

    /// A response, if the engine should take it: its Via and CSeq are those of a branch.
    fn hear(&mut self, view: View<'_>) {
        let mut vias = view.vias();
        let (Some(Ok(ours)), Some(Ok(_))) = (vias.next(), vias.next()) else {
            return;
        };
        let name = ours.branch().unwrap_or_default().to_ascii_lowercase();
        let Some(branch) = self.branches.get_mut(&name) else {
            return;
        };
        let transaction = &mut self.transactions[branch.transaction];
        let listener = self
            .config
            .listeners
            .get(usize::from(branch.hop.listener.0));
        let sent_by = listener.map(|it| format!("{}:{}", it.host, it.port));
        let method = view.cseq().map(|cseq| Method::from_bytes(cseq.method));
        let fits = sent_by.is_some_and(|it| it.as_bytes() == ours.sent_by)
            && method == Ok(transaction.method)
            && check_response(view).is_ok();
        if !fits {
            return;
        }
        self.step.heard = Some(branch.transaction);
        transaction.told.add_contacts(view);
        let without_via = without_top_via(view);
        if !transaction.heard.contains(&without_via) {
            transaction.heard.push(without_via);
        }
        let (status, alive) = (view.status(), branch.is_alive_for_sure(self.now));
        let first = branch.final_status.is_none();
        if status < 200 {
            branch.provisional = true;
            branch.proceeding |= alive && first;
            return;
        }
        branch.final_status.get_or_insert(status);
        transaction.timed_out_below |= status == 408;
        if !first || !alive || transaction.finished.is_some() {
            return;
        }
        if status < 300 {
            transaction.closed = Some("a 2xx came");
        } else if status >= 600 && !transaction.six_goes_on {
            transaction.closed = Some("a 6xx came");
            transaction.global_failure = true;
        }
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

fn without_top_via(view: View<'_>) -> Vec<u8> {
    let mut edits = Edits::new();
    let mut bytes = Vec::new();
    if let Ok(via) = view.top_via() {
        remove_value(view, &mut edits, via.span);
    }
    edits.apply(view.bytes(), &mut bytes).unwrap();
    bytes
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
