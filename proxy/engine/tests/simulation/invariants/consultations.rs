//! Each consultation is asked once and ends once: answered, forgotten, or nobody was there.

use tidegate_engine::{AnswerError, Forget, Time};
use tidegate_schemas::{ConsultationId, RouteDocument};
use tidegate_sip::{Method, Name};

use super::transaction::LATE;
use super::{Input, Ledger, Violation, ensure};
use crate::draft::text;

#[derive(Debug)]
pub(super) struct Open {
    deadline: u64,
    pub(super) transaction: Option<usize>,
}

impl Ledger {
    pub(super) fn begin_consultation(
        &mut self,
        id: ConsultationId,
        deadline: Time,
    ) -> Result<(), Violation> {
        let known = self.open.contains_key(&id) || self.over.contains(&id);
        ensure!(!known, "consultation {id} was asked twice");
        let wanted = self.now + u64::from(self.config.deadline_ms);
        ensure!(
            deadline.0 == wanted,
            "the deadline of {id} is {deadline:?}, not {wanted}"
        );
        let (deadline, transaction) = (deadline.0, None);
        self.open.insert(
            id,
            Open {
                deadline,
                transaction,
            },
        );
        Ok(())
    }

    /// What the question said: the top Via, the method and the call.
    pub(crate) fn consulted(
        &mut self,
        id: ConsultationId,
        described: Option<(String, String, String)>,
    ) -> Result<(), Violation> {
        let Some((via, method, call)) = described else {
            ensure!(
                !self.open.contains_key(&id),
                "{id} is open and can't be read"
            );
            return Ok(());
        };
        // Bytes that are not UTF-8 are replaced in events, so keys do not serve here.
        let found = self.transactions.iter().rposition(|transaction| {
            let view = transaction.request.view();
            let top_via = view.field(Name::Via).map(|field| text(field.value));
            top_via.as_ref() == Some(&via) && text(view.method_raw()) == method
        });
        let Some(index) = found else {
            return Err(Violation::new(format!("{id} asks about no transaction")));
        };
        let other = self.open.values().any(|it| it.transaction == Some(index));
        ensure!(!other, "a transaction is asked about twice at one time");
        let transaction = &mut self.transactions[index];
        let same = transaction.call.get_or_insert_with(|| call.clone()) == &call;
        ensure!(same, "one transaction is called by two names");
        ensure!(
            transaction.finished.is_none(),
            "{id} asks about a finished transaction"
        );
        ensure!(
            transaction.cancelled.is_none(),
            "{id} asks about a cancelled transaction"
        );
        transaction.progress = self.now;
        if let Some(open) = self.open.get_mut(&id) {
            open.transaction = Some(index);
        }
        Ok(())
    }

    /// A question is there just as long as its consultation.
    pub(crate) fn question(
        &self,
        id: ConsultationId,
        asked: Option<ConsultationId>,
    ) -> Result<(), Violation> {
        let expected = self.open.contains_key(&id).then_some(id);
        ensure!(
            asked == expected,
            "the question of {id} is {asked:?}, not {expected:?}"
        );
        Ok(())
    }

    /// What the engine said to an answer.
    pub(crate) fn answered(
        &self,
        id: ConsultationId,
        document: &RouteDocument,
        result: &Result<(), AnswerError>,
    ) -> Result<(), Violation> {
        let fits = match result {
            Ok(()) => self.over.contains(&id),
            Err(AnswerError::Unknown) => !self.open.contains_key(&id),
            Err(AnswerError::Invalid(_)) => self.open.contains_key(&id),
        };
        ensure!(fits, "an answer to {id} led to {result:?}: {document:?}");
        Ok(())
    }

    pub(super) fn close_consultation(&mut self, id: ConsultationId) -> Result<usize, Violation> {
        let Some(open) = self.open.remove(&id) else {
            return Err(Violation::new(format!("{id} ends without being open")));
        };
        self.over.insert(id);
        let transaction = open.transaction;
        transaction.ok_or_else(|| Violation::new(format!("{id} is about nothing")))
    }

    pub(super) fn forget(
        &mut self,
        input: &Input<'_>,
        id: ConsultationId,
        why: Forget,
    ) -> Result<(), Violation> {
        let transaction = self.close_consultation(id)?;
        let fits = match (why, input) {
            (Forget::Cancelled, Input::Message { view, .. }) => {
                view.method() == Method::Cancel
                    && self.transactions[transaction].cancelled.is_some()
            }
            (Forget::Deadline, Input::Timers) => true,
            (Forget::Answered, Input::Message { view, .. }) => view.status() / 100 == 2,
            _ => false,
        };
        ensure!(fits, "{id} is forgotten: {why:?}, without a cause");
        Ok(())
    }

    pub(super) fn check_deadlines(&self) -> Result<(), Violation> {
        let late = self
            .open
            .iter()
            .find(|(_, open)| open.deadline + LATE < self.now);
        ensure!(
            late.is_none(),
            "a consultation outlives its deadline: {late:?}"
        );
        Ok(())
    }

    /// Whether an application is being asked about a transaction.
    pub(super) fn is_suspended(&self, transaction: usize) -> bool {
        self.open
            .values()
            .any(|open| open.transaction == Some(transaction))
    }
}
