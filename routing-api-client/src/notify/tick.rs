//! The passing of time for notifications.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::registry::Registry;
use crate::{Shutdown, serve};

/// How often acknowledgements that are overdue are looked for.
const EVERY: Duration = Duration::from_millis(250);

/// Sends again what was not acknowledged in time, and forgets subscribers that stay away, until
/// `shutdown`. One for the process.
pub async fn keep_notifying(registry: Arc<Registry>, mut shutdown: Shutdown) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = serve::stopped(&mut shutdown) => return,
            _ = ticks.tick() => registry.notifications().tick(Instant::now().into_std()),
        }
    }
}
