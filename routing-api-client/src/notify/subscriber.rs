//! One application that wants notifications, with its connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::queue::Queue;
use super::wanted::Wanted;
use crate::application::{Application, ApplicationId};
use crate::settings::Settings;

/// Notifications that may wait for their `ack` at one time.
const WINDOW: usize = 256;
/// The ack timeout is doubled as often as this while none comes.
const MOST_DOUBLINGS: u32 = 4;

/// What is known of it, by its name.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) wanted: Wanted,
    /// The first one carries.
    connections: Vec<(Arc<Application>, Wanted)>,
    queue: Queue,
    /// When the oldest that was sent should have been acknowledged.
    ack_due: Option<Instant>,
    /// Timeouts since the last `ack`.
    timeouts: u32,
    away_since: Option<Instant>,
    pub(super) dropped: u64,
}

/// What a step of a subscriber counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) sent: u64,
    pub(super) resent: u64,
    pub(super) dropped: u64,
}

impl Subscriber {
    pub(super) fn new() -> Self {
        Self {
            wanted: Wanted::default(),
            connections: Vec::new(),
            queue: Queue::default(),
            ack_due: None,
            timeouts: 0,
            away_since: None,
            dropped: 0,
        }
    }

    /// One more connection. What it wants is what the application wants, together with its others.
    pub(super) fn join(
        &mut self,
        now: Instant,
        settings: &Settings,
        application: Arc<Application>,
        wanted: Wanted,
    ) -> Counted {
        self.connections.push((application, wanted));
        self.away_since = None;
        self.want();
        self.pump(now, settings)
    }

    /// A connection is gone: what it carried goes over another one.
    pub(super) fn leave(
        &mut self,
        now: Instant,
        settings: &Settings,
        id: ApplicationId,
    ) -> Counted {
        let carried = self.carrier().is_some_and(|first| first.id == id);
        let before = self.connections.len();
        self.connections
            .retain(|(application, _)| application.id != id);
        if self.connections.len() == before {
            return Counted::default();
        }
        if self.connections.is_empty() {
            // It is wanted still: the application may come back.
            self.away_since = Some(now);
        } else {
            self.want();
        }
        match carried {
            true => self.again(now, settings),
            false => Counted::default(),
        }
    }

    pub(super) fn push(
        &mut self,
        now: Instant,
        settings: &Settings,
        id: &str,
        payload: Bytes,
    ) -> Counted {
        let limits = (settings.notify_queue, settings.notify_bytes);
        let dropped = self.queue.push(now, id, payload, limits);
        self.dropped += dropped;
        let counted = self.pump(now, settings);
        Counted { dropped, ..counted }
    }

    /// Whether `id` was waiting for its `ack`.
    pub(super) fn ack(&mut self, now: Instant, settings: &Settings, id: &str) -> (bool, Counted) {
        let known = self.queue.ack(id);
        if known {
            self.timeouts = 0;
            self.ack_due = None;
        }
        (known, self.pump(now, settings))
    }

    /// Time passes: what was not acknowledged is sent again, over another connection if there is
    /// one; what nobody came for is given up.
    pub(super) fn tick(&mut self, now: Instant, settings: &Settings) -> Counted {
        let dropped = match (self.away_since, now.checked_sub(settings.notify_keep)) {
            (Some(_), Some(oldest)) => self.queue.expire(oldest),
            _ => 0,
        };
        self.dropped += dropped;
        let mut counted = if self.ack_due.is_some_and(|due| due <= now) {
            self.timeouts = (self.timeouts + 1).min(MOST_DOUBLINGS);
            if !self.connections.is_empty() {
                self.connections.rotate_left(1);
            }
            self.again(now, settings)
        } else {
            self.pump(now, settings)
        };
        counted.dropped += dropped;
        counted
    }

    /// Whether it has been away for so long that it is forgotten.
    pub(super) fn is_over(&self, now: Instant, keep: Duration) -> bool {
        self.away_since
            .is_some_and(|since| now.saturating_duration_since(since) >= keep)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.queue.in_flight()
    }

    fn carrier(&self) -> Option<&Arc<Application>> {
        self.connections.first().map(|(application, _)| application)
    }

    fn want(&mut self) {
        let all = self.connections.iter().map(|(_, wanted)| *wanted);
        self.wanted = all.fold(Wanted::default(), Wanted::or);
    }

    fn again(&mut self, now: Instant, settings: &Settings) -> Counted {
        let resent = self.queue.rewind();
        self.ack_due = None;
        let counted = self.pump(now, settings);
        Counted { resent, ..counted }
    }

    /// Sends what the window and the connection's buffer have room for. Nothing waits here: a
    /// buffer that is full is tried again with the next `ack` or tick.
    fn pump(&mut self, now: Instant, settings: &Settings) -> Counted {
        let mut counted = Counted::default();
        if let Some((carrier, _)) = self.connections.first() {
            while let Some(payload) = self.queue.next(WINDOW) {
                if carrier.notice(payload).is_err() {
                    break;
                }
                match carrier.dialect().acknowledges() {
                    true => self.queue.sent(),
                    false => self.queue.taken(),
                }
                counted.sent += 1;
            }
        }
        if self.queue.in_flight() == 0 {
            self.ack_due = None;
        } else {
            let patience = settings.ack_timeout * (1 << self.timeouts);
            self.ack_due.get_or_insert(now + patience);
        }
        counted
    }
}
