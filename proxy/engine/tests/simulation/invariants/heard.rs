//! What a response tells the ledger, and what the engine owes in return.

use tidegate_sip::{Edits, Method, View, check_response, remove_value};

use super::Ledger;
use super::transaction::{Branch, LATE, LIFE, Transaction};

impl Ledger {
    pub(super) fn hear(&mut self, view: View<'_>) {
        let Some(name) = self.answered_branch(view) else {
            return;
        };
        let Some(branch) = self.branches.get_mut(&name) else {
            return;
        };
        let (index, status) = (branch.transaction, view.status());
        let transaction = &mut self.transactions[index];
        let unfinished = transaction.finished.is_none();
        let is_news = branch.hear(status, self.now);
        transaction.hear(view, self.now);
        if is_news && unfinished {
            transaction.take_final(status);
        }
        let passes = match status {
            101..=199 => is_news && unfinished,
            200..=299 => branch.accepts(self.now),
            _ => false,
        };
        let is_invite = transaction.is_invite();
        self.step.heard = Some(index);
        self.step.has_to_pass = (is_invite && passes).then_some((index, status));
        self.step.has_to_acknowledge =
            is_invite && status >= 300 && (is_news || branch.absorbs(self.now));
    }

    /// The branch that a response is for, if the engine should take it: its Via and CSeq fit.
    fn answered_branch(&self, view: View<'_>) -> Option<Vec<u8>> {
        let mut vias = view.vias();
        let ours = vias.next()?.ok()?;
        vias.next()?.ok()?;
        let name = ours.branch()?.to_ascii_lowercase();
        let branch = self.branches.get(&name)?;
        let listeners = &self.config.listeners;
        let listener = listeners.get(usize::from(branch.hop.listener.0))?;
        let sent_by = format!("{}:{}", listener.host, listener.port);
        let method = Method::from_bytes(view.cseq().ok()?.method);
        let fits = sent_by.as_bytes() == ours.sent_by
            && method == self.transactions[branch.transaction].method
            && check_response(view).is_ok();
        fits.then_some(name)
    }
}

impl Branch {
    /// Whether the engine has to take it as news: the branch is alive for sure, and not answered.
    fn hear(&mut self, status: u16, now: u64) -> bool {
        let is_news = self.is_alive_for_sure(now) && self.final_status.is_none();
        if status < 200 {
            self.provisional = true;
            self.proceeding |= is_news;
        } else {
            self.final_status.get_or_insert(status);
            self.answered = self.answered.or_else(|| is_news.then_some((now, status)));
        }
        is_news
    }

    /// Timer M lets repeats of the 2xx and 2xx of other callees pass (RFC 6026 section 7.2).
    fn accepts(&self, now: u64) -> bool {
        self.answered
            .is_some_and(|(at, status)| status < 300 && now < at + LIFE - LATE)
    }

    /// Timer D keeps the transaction for repeats of the failure (RFC 3261 section 17.1.1.2).
    fn absorbs(&self, now: u64) -> bool {
        let keeps = !self.hop.transport.is_reliable();
        keeps
            && self
                .answered
                .is_some_and(|(at, status)| status >= 300 && now < at + LIFE - LATE)
    }
}

impl Transaction {
    fn hear(&mut self, view: View<'_>, now: u64) {
        self.progress = now;
        self.timed_out_below |= view.status() == 408;
        self.told.add_contacts(view);
        let without_via = without_top_via(view);
        if !self.heard.contains(&without_via) {
            self.heard.push(without_via);
        }
    }

    /// RFC 3261 section 16.7 step 5: nothing more is tried.
    fn take_final(&mut self, status: u16) {
        match status {
            200..=299 => self.closed = Some("a 2xx came"),
            600..=699 if !self.six_goes_on => {
                self.closed = Some("a 6xx came");
                self.global_failure = true;
            }
            _ => {}
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
