//! What the engine sends towards the caller.

use bytes::Bytes;
use tidegate_engine::Hop;
use tidegate_schemas::ConsultationId;
use tidegate_sip::{Limits, Message, NameAddr, View, check_response};

use super::inputs::request_branch;
use super::transaction::{LIFE, Transaction, key, way_back};
use super::{Input, Ledger, Violation, ensure};
use crate::draft::{branch_of, method_of};
use crate::plan_generator::ALIAS;

/// RFC 4320 section 4.1: Timer E has reached T2.
const UNTIL_TRYING: u64 = 3_500;

impl Ledger {
    pub(super) fn check_response(
        &mut self,
        input: &Input<'_>,
        hop: &Hop,
        view: View<'_>,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        if self.step.malformed {
            return self.check_stateless(input, hop, view);
        }
        let defect = check_response(view).err();
        ensure!(defect.is_none(), "it sends an unsound response: {defect:?}");
        let Ok(via) = view.top_via() else {
            return Err(Violation::new("it sends a response without a Via"));
        };
        ensure!(method_of(view) != b"ACK", "it answers an ACK");
        let known = self.by_key.get(&key(&via, method_of(view))).copied();
        let known = known
            .or(self.step.heard)
            .or_else(|| self.spoiled(hop, view));
        match known.filter(|_| !self.step.refused) {
            Some(index) => self.check_answer(index, hop, view, bytes),
            None => self.check_stateless(input, hop, view),
        }
    }

    /// The transaction of a response that the network had spoiled.
    fn spoiled(&self, hop: &Hop, view: View<'_>) -> Option<usize> {
        self.transactions.iter().position(|transaction| {
            let heard = transaction.heard.iter();
            let same = |heard: &Vec<u8>| {
                heard == view.bytes() || (transaction.rewrites && is_same_answer(heard, view))
            };
            let was_heard = heard.into_iter().any(same);
            let repeated = transaction.last.as_deref() == Some(view.bytes());
            transaction.hop == *hop && (was_heard || repeated)
        })
    }

    /// A response without a transaction is made at once, for the request that came.
    fn check_stateless(
        &self,
        input: &Input<'_>,
        hop: &Hop,
        view: View<'_>,
    ) -> Result<(), Violation> {
        let Some((branch, method, source)) = request_branch(input) else {
            return Err(Violation::new(
                "it sends a response that belongs to nothing",
            ));
        };
        ensure!(method != b"ACK", "it answers an ACK");
        let same = branch_of(view).unwrap_or_default() == branch || self.step.malformed;
        ensure!(same, "it answers another request than the one that came");
        ensure!(view.status() >= 200, "a 1xx without a transaction");
        if let Ok(via) = view.top_via() {
            let expected = way_back(&source, &via);
            // The port of a Via that can't be read is a guess.
            let guess = self.step.malformed && hop.addr.ip() == expected.addr.ip();
            let fits = *hop == expected || guess;
            ensure!(fits, "a response goes to {hop:?}, not {expected:?}");
        }
        Ok(())
    }

    fn check_answer(
        &mut self,
        index: usize,
        hop: &Hop,
        view: View<'_>,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        let (now, repeated) = (self.now, self.step.repeated);
        let follows = self.config.follow_redirects;
        let transaction = &mut self.transactions[index];
        let (to, way) = (transaction.hop, *hop);
        ensure!(way == to, "a response goes to {way:?}, not {to:?}");
        let status = view.status();
        match status {
            100..=199 => transaction.check_provisional(status, now)?,
            200..=299 if transaction.is_invite() => transaction.success = true,
            _ => transaction.check_final(status, bytes, repeated, now)?,
        }
        if status >= 200 {
            transaction.final_status.get_or_insert(status);
        }
        transaction.check_source(view, follows)?;
        transaction.last = Some(bytes.clone());
        self.step.passed.insert((index, status));
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        call: ConsultationId,
        request: &[u8],
        status: Option<u16>,
    ) -> Result<(), Violation> {
        let message = Message::parse(request.to_vec().into(), &Limits::default()).ok();
        let found = message.as_ref().and_then(|message| {
            let via = message.view().top_via().ok()?;
            self.by_key
                .get(&key(&via, message.view().method_raw()))
                .copied()
        });
        let Some(index) = found else {
            return Err(Violation::new("an unknown transaction is finished"));
        };
        let suspended = self.is_suspended(index);
        ensure!(
            !suspended,
            "a transaction is finished while an application is asked"
        );
        let transaction = &mut self.transactions[index];
        transaction.check_patience(self.now)?;
        ensure!(
            transaction.finished.is_none(),
            "a transaction is finished twice"
        );
        let named = transaction
            .call
            .as_ref()
            .is_none_or(|known| *known == call.to_string());
        ensure!(named, "a transaction is finished under another name");
        let sent = transaction.final_status;
        ensure!(
            status == sent,
            "finished says {status:?}, the caller got {sent:?}"
        );
        let silent = transaction.may_drop || transaction.timed_out_below;
        ensure!(
            status.is_some() || silent,
            "a request is given up without an answer"
        );
        transaction.finished = Some((self.now, status));
        transaction.closed = Some("it is finished");
        Ok(())
    }
}

/// Where From and To are not as they came, the number that every answer has.
fn is_same_answer(heard: &[u8], view: View<'_>) -> bool {
    let numbers = view.fields_named("X-Answer").map(|field| field.line);
    let mut lines = numbers.map(|line| line.of(view.bytes()));
    lines.any(|line| heard.windows(line.len()).any(|window| window == line))
}

impl Transaction {
    /// RFC 4320 section 4.1; nothing provisional follows a final response.
    fn check_provisional(&mut self, status: u16, now: u64) -> Result<(), Violation> {
        let after = self.final_status;
        ensure!(after.is_none(), "a {status} follows a {after:?}");
        ensure!(self.finished.is_none(), "a {status} follows the end");
        if !self.is_invite() {
            let age = now - self.began;
            ensure!(status == 100, "a {status} to a non-INVITE");
            ensure!(age >= UNTIL_TRYING, "a 100 to a non-INVITE after {age} ms");
        }
        self.provisional = true;
        Ok(())
    }

    /// A failure, or the final response to a non-INVITE: there is only one.
    fn check_final(
        &mut self,
        status: u16,
        bytes: &Bytes,
        repeated: bool,
        now: u64,
    ) -> Result<(), Violation> {
        ensure!(!self.success, "a {status} follows a 2xx");
        ensure!(self.is_invite() || status != 408, "a 408 to a non-INVITE");
        let Some(known) = &self.failure else {
            ensure!(self.finished.is_none(), "a {status} follows the end");
            let in_time = self.is_invite() || now - self.began < LIFE;
            ensure!(in_time, "a {status} to a non-INVITE whose caller has gone");
            self.failure = Some(bytes.clone());
            return Ok(());
        };
        ensure!(
            known == bytes,
            "a second, different final response: {status}"
        );
        ensure!(
            repeated || !self.acknowledged,
            "a failure is repeated after its ACK"
        );
        ensure!(
            self.is_invite() || repeated,
            "a final response is repeated unasked"
        );
        Ok(())
    }

    /// What is passed on is what came, without our Via and with the caller's own From and To.
    fn check_source(&self, view: View<'_>, follows: bool) -> Result<(), Violation> {
        let request = self.request.view();
        let shown = shows_alias(view) && !shows_alias(request);
        ensure!(!shown, "the caller does not get its own From or To back");
        let came_from_below = view.fields_named("X-Answer").next().is_some();
        if !came_from_below || self.last.as_deref() == Some(view.bytes()) {
            return Ok(());
        }
        let status = view.status();
        let edited =
            matches!(status, 401 | 407) || ((follows || self.follows) && status / 100 == 3);
        let heard = self.heard.iter().any(|heard| heard == view.bytes());
        ensure!(
            heard || edited || self.rewrites,
            "a {status} is passed on that no callee sent"
        );
        Ok(())
    }
}

/// Whether From or To is what documents put there.
fn shows_alias(view: View<'_>) -> bool {
    let alias = ALIAS.as_bytes();
    let names = |text: &[u8]| text.windows(alias.len()).any(|part| part == alias);
    // Its tag may spell anything.
    let shows = |address: NameAddr<'_>| names(address.uri) || address.display.is_some_and(names);
    view.from().is_ok_and(shows) || view.to().is_ok_and(shows)
}
