//! What the engine sends towards callees.

use bytes::Bytes;
use tidegate_engine::Hop;
use tidegate_sip::{Method, Name, View, check_request};

use super::transaction::{Branch, Transaction, key};
use super::{Input, Ledger, Violation, ensure};
use crate::draft::branch_of;

impl Ledger {
    pub(super) fn check_request(
        &mut self,
        input: &Input<'_>,
        hop: &Hop,
        view: View<'_>,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        let defect = check_request(view).err();
        ensure!(defect.is_none(), "it sends an unsound request: {defect:?}");
        self.check_way_out(hop, view)?;
        let name = branch_of(view).unwrap_or_default().to_ascii_lowercase();
        let known = self.branches.contains_key(&name);
        match view.method() {
            Method::Cancel if known => self.check_cancel(&name, hop, view, bytes),
            Method::Ack if known => self.check_ack(&name, hop, bytes),
            Method::Bye | Method::Options if !known && view.vias().count() == 1 => {
                self.check_own_request(hop, view, bytes)
            }
            Method::Cancel | Method::Ack => self.check_passed_on(input, hop, view),
            _ if known => self.check_repeat(&name, hop, bytes),
            _ => self.check_copy(name, hop, view, bytes),
        }
    }

    /// The listener fits the transport and the address, and the Via names it.
    fn check_way_out(&self, hop: &Hop, view: View<'_>) -> Result<(), Violation> {
        let Some(listener) = self.config.listeners.get(usize::from(hop.listener.0)) else {
            return Err(Violation::new(format!("it sends from nowhere: {hop:?}")));
        };
        let fits =
            listener.transport == hop.transport && listener.addr.is_ipv4() == hop.addr.is_ipv4();
        ensure!(fits, "{hop:?} can't be reached from {listener:?}");
        let sent_by = format!("{}:{}", listener.host, listener.port);
        let named = view.top_via().is_ok_and(|via| {
            via.sent_by == sent_by.as_bytes()
                && via.transport == hop.transport.via_name().as_bytes()
        });
        ensure!(
            named,
            "the Via does not name the listener that it leaves by"
        );
        let counted = view.field(Name::ContentLength).is_some();
        ensure!(
            counted || !hop.transport.is_reliable(),
            "no Content-Length on a stream"
        );
        Ok(())
    }

    /// RFC 3261 section 9.1: not before a provisional response, not after a final one.
    fn check_cancel(
        &mut self,
        name: &[u8],
        hop: &Hop,
        view: View<'_>,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        let Some(branch) = self.branches.get_mut(name) else {
            return Ok(());
        };
        ensure!(
            *hop == branch.hop,
            "a CANCEL goes to {hop:?}, its INVITE to {:?}",
            branch.hop
        );
        if let Some(known) = &branch.cancel {
            ensure!(known == bytes, "a branch is cancelled twice");
            return Ok(());
        }
        let transaction = &self.transactions[branch.transaction];
        ensure!(transaction.is_invite(), "a non-INVITE is cancelled (9.1)");
        ensure!(
            branch.provisional,
            "a CANCEL before any provisional response (9.1)"
        );
        ensure!(
            branch.final_status.is_none(),
            "a CANCEL after the final response {:?}",
            branch.final_status
        );
        let (number, sent) = (view.cseq(), transaction.request.view().cseq());
        let same = number.is_ok_and(|a| sent.is_ok_and(|b| a.number == b.number));
        ensure!(same, "the CANCEL has another CSeq number than its INVITE");
        ensure!(view.vias().count() == 1, "a CANCEL of ours has one Via");
        branch.cancel = Some(bytes.clone());
        Ok(())
    }

    /// RFC 3261 section 17.1.1.3: for a failure, and always the same.
    fn check_ack(&mut self, name: &[u8], hop: &Hop, bytes: &Bytes) -> Result<(), Violation> {
        let Some(branch) = self.branches.get_mut(name) else {
            return Ok(());
        };
        ensure!(
            *hop == branch.hop,
            "an ACK goes to {hop:?}, its INVITE to {:?}",
            branch.hop
        );
        let failed = branch.final_status.is_some_and(|status| status >= 300);
        ensure!(failed, "an ACK for {:?}", branch.final_status);
        self.step.acknowledged = true;
        let known = branch.ack.get_or_insert_with(|| bytes.clone());
        ensure!(known == bytes, "the ACK of a branch changes");
        Ok(())
    }

    /// An ACK to a 2xx, or a CANCEL for somebody else.
    fn check_passed_on(
        &self,
        input: &Input<'_>,
        hop: &Hop,
        view: View<'_>,
    ) -> Result<(), Violation> {
        ensure!(
            self.stateless.has(hop.addr),
            "it was not told of {}",
            hop.addr
        );
        ensure!(
            view.vias().count() >= 2,
            "a {:?} of ours for no branch",
            view.method()
        );
        match input {
            Input::Message { view: came, .. } => {
                ensure!(
                    came.method() == view.method(),
                    "it makes a request of its own"
                );
                ensure!(came.body() == view.body(), "the body changed");
                check_hops(*came, view, self.config.max_forwards)
            }
            Input::Resolved { .. } => Ok(()),
            _ => Err(Violation::new("it makes a request of its own")),
        }
    }

    fn check_repeat(&self, name: &[u8], hop: &Hop, bytes: &Bytes) -> Result<(), Violation> {
        let Some(branch) = self.branches.get(name) else {
            return Ok(());
        };
        let transaction = &self.transactions[branch.transaction];
        ensure!(
            *bytes == branch.sent,
            "a branch is sent again with other bytes"
        );
        ensure!(
            *hop == branch.hop,
            "a repeat goes to {hop:?}, not {:?}",
            branch.hop
        );
        ensure!(
            !hop.transport.is_reliable(),
            "a repeat on a reliable transport"
        );
        let last = branch.final_status;
        ensure!(last.is_none(), "a request is repeated after {last:?}");
        let slows = transaction.is_invite() && branch.provisional;
        ensure!(
            !slows,
            "an INVITE is repeated after a provisional response (17.1.1.2)"
        );
        Ok(())
    }

    /// RFC 3261 section 16.6.
    fn check_copy(
        &mut self,
        name: Vec<u8>,
        hop: &Hop,
        view: View<'_>,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        let second = view.vias().nth(1).and_then(Result::ok);
        let known = second.and_then(|via| self.by_key.get(&key(&via, view.method_raw())).copied());
        let Some(index) = known else {
            return Err(Violation::new("a request leaves that never came"));
        };
        ensure!(
            !self.is_suspended(index),
            "a request leaves while an application is asked"
        );
        let transaction = &self.transactions[index];
        let closed = transaction.closed;
        ensure!(closed.is_none(), "a branch leaves although {closed:?}");
        ensure!(
            transaction.told.has(hop.addr),
            "it was not told of {}",
            hop.addr
        );
        transaction.check_copy(view, self.config.max_forwards)?;
        self.check_breadth(index, view)?;
        self.transactions[index].progress = self.now;
        let branch = Branch::new(index, hop, bytes, self.now);
        self.branches.insert(name, branch);
        Ok(())
    }

    /// RFC 5393 section 5.3.3: what leaves at one moment shares the breadth.
    fn check_breadth(&mut self, index: usize, view: View<'_>) -> Result<(), Violation> {
        let number = |view: View<'_>| view.number(Name::MaxBreadth).and_then(Result::ok);
        let came = number(self.transactions[index].request.view());
        let most = self.config.max_breadth;
        let allowed = came.map_or(most, |came| came.min(most));
        let share = number(view).unwrap_or(allowed);
        let used = self.step.breadth.entry(index).or_default();
        *used += share;
        ensure!(
            share > 0 && *used <= allowed,
            "{used} of a breadth of {allowed} are used"
        );
        Ok(())
    }

    pub(super) fn check_look_up(&self, host: &str) -> Result<(), Violation> {
        let known = self.stateless.has_name(host)
            || self.transactions.iter().any(|it| it.told.has_name(host));
        ensure!(known, "it looks up {host}, of which it was not told");
        Ok(())
    }
}

impl Transaction {
    /// What a copy shares with the request.
    fn check_copy(&self, copy: View<'_>, max_forwards: u8) -> Result<(), Violation> {
        let came = self.request.view();
        check_hops(came, copy, max_forwards)?;
        ensure!(came.body() == copy.body(), "the body changed");
        ensure!(came.call_id() == copy.call_id(), "the Call-ID changed");
        ensure!(came.cseq().ok() == copy.cseq().ok(), "the CSeq changed");
        let tags = |view: View<'_>| {
            let tag = |it: Option<&[u8]>| it.map(<[u8]>::to_vec);
            (
                view.from().ok().map(|from| tag(from.tag())),
                view.to().ok().map(|to| tag(to.tag())),
            )
        };
        ensure!(tags(came) == tags(copy), "a tag changed");
        let opaque = |view: View<'_>| {
            let fields = view
                .fields_named("X-Opaque")
                .map(|field| field.line.of(view.bytes()));
            fields.map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        ensure!(
            opaque(came) == opaque(copy),
            "a header changed that nobody touched"
        );
        let vias = copy.vias().count();
        ensure!(vias == came.vias().count() + 1, "a copy has {vias} Vias");
        Ok(())
    }
}

/// RFC 3261 section 16.6 step 3.
fn check_hops(came: View<'_>, leaves: View<'_>, max_forwards: u8) -> Result<(), Violation> {
    let expected = match came.max_forwards() {
        Some(Ok(hops)) => hops.saturating_sub(1),
        _ => u32::from(max_forwards),
    };
    let written = leaves.max_forwards();
    ensure!(
        written == Some(Ok(expected)),
        "Max-Forwards is {written:?}, not {expected}"
    );
    Ok(())
}
