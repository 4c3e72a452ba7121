//! Requests that were written, in case the connection dies before they are answered.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::queue::Outgoing;

/// Requests that are remembered; older ones make room.
const LIMIT: usize = 64;

/// How long a request may lack an answer, 64*T1 (RFC 3261 section 17.1.1.2).
const AGE: Duration = Duration::from_secs(32);

/// The requests of the last seconds. What the kernel took may still be lost with the connection.
#[derive(Debug, Default)]
pub(super) struct Recent {
    requests: VecDeque<(Instant, Outgoing)>,
}

impl Recent {
    pub(super) fn wrote(&mut self, now: Instant, message: Outgoing) {
        if message.shard.is_none() || message.bytes.starts_with(b"SIP/2.0") {
            return;
        }
        self.forget(now);
        if self.requests.len() == LIMIT {
            self.requests.pop_front();
        }
        self.requests.push_back((now, message));
    }

    /// The requests written after `since`.
    pub(super) fn after(&mut self, now: Instant, since: Option<Instant>) -> Vec<Outgoing> {
        self.forget(now);
        let fresh = |(written, _): &(Instant, Outgoing)| since.is_none_or(|since| *written > since);
        self.requests
            .drain(..)
            .filter(fresh)
            .map(|(_, message)| message)
            .collect()
    }

    fn forget(&mut self, now: Instant) {
        while self
            .requests
            .front()
            .is_some_and(|(written, _)| now - *written > AGE)
        {
            self.requests.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn message(text: &'static str) -> Outgoing {
        Outgoing {
            shard: Some(0),
            bytes: Bytes::from_static(text.as_bytes()),
        }
    }

    #[test]
    fn only_young_requests_are_remembered() {
        let (start, mut recent) = (Instant::now(), Recent::default());
        recent.wrote(start, message("BYE old"));
        let later = start + AGE + Duration::from_secs(1);
        recent.wrote(later, message("INVITE"));
        recent.wrote(later, message("SIP/2.0 200 OK"));
        assert_eq!(recent.after(later, None), [message("INVITE")]);
    }

    #[test]
    fn what_was_written_before_the_last_sign_of_life_can_be_left_out() {
        let (start, mut recent) = (Instant::now(), Recent::default());
        recent.wrote(start, message("INVITE"));
        let second = start + Duration::from_millis(2);
        recent.wrote(second, message("BYE"));
        let heard = start + Duration::from_millis(1);
        assert_eq!(recent.after(second, Some(heard)), [message("BYE")]);
    }
}
