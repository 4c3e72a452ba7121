//! Hands answers over, and knows who can be asked.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use crate::dispatcher::{Dispatcher, Verdict};
use crate::inbound::{Inbound, Order};
use crate::registry::Registry;

/// Ends with the last connection.
pub(super) async fn pump(
    registry: Arc<Registry>,
    mut arrivals: mpsc::Receiver<Inbound>,
    found: watch::Sender<Option<Arc<str>>>,
) {
    let mut dispatcher = Dispatcher::new(Arc::clone(&registry));
    while let Some(inbound) = arrivals.recv().await {
        let came_or_went = matches!(inbound, Inbound::Up { .. } | Inbound::Lost { .. });
        if let Verdict::Order { application, order } =
            dispatcher.on_inbound(Instant::now(), inbound)
        {
            // There are no calls here.
            let reference = match &order {
                Order::Terminate { reference, .. } | Order::List { reference } => reference,
            };
            registry.tell_unknown_call(application, reference.as_deref());
        }
        if came_or_went {
            found.send_if_modified(|current| choose(&registry, current));
        }
    }
}

/// The same as before while it is connected. Whether that changed.
fn choose(registry: &Registry, current: &mut Option<Arc<str>>) -> bool {
    let connected = registry.applications();
    let is_there = |name: &Arc<str>| connected.iter().any(|it| it.name == *name);
    if current.as_ref().is_some_and(is_there) {
        return false;
    }
    let before = current.take();
    *current = connected.first().map(|it| Arc::clone(&it.name));
    before != *current
}
