//! A running shard, for those who speak with it.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::{Control, Report};

/// How long a shard may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A running shard.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(crate) control: mpsc::Sender<Control>,
    ended: watch::Receiver<Option<Report>>,
}

impl Handle {
    pub(super) fn new(
        control: mpsc::Sender<Control>,
        ended: watch::Receiver<Option<Report>>,
    ) -> Self {
        Self { control, ended }
    }

    /// Completes when the shard has ended, well or not.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut ended = self.ended.clone();
        async move {
            let _ = ended.wait_for(Option::is_some).await;
        }
    }

    /// The answer to an order; `None` when the shard does not answer in time.
    pub(crate) async fn ask<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<T>) -> Control,
    ) -> Option<T> {
        let (ask, answer) = oneshot::channel();
        let asked = async {
            self.control.send(order(ask)).await.ok()?;
            answer.await.ok()
        };
        timeout(PATIENCE, asked).await.ok()?
    }

    /// What it counted; when it has ended, what it had counted then.
    pub(crate) async fn report(&self) -> Option<Report> {
        let report = self.ask(Control::Report).await;
        report.or_else(|| self.ended.borrow().clone())
    }
}
