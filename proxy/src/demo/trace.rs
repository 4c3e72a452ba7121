//! What happened in a call, in order and with its time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::message::Message;
use super::style::Tone;

/// Who takes part, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Actor {
    Alice,
    Tidegate,
    Application,
    Bob,
    Carol,
    Dave,
}

impl Actor {
    pub(super) const ALL: [Self; 6] = [
        Self::Alice,
        Self::Tidegate,
        Self::Application,
        Self::Bob,
        Self::Carol,
        Self::Dave,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Tidegate => "tidegate",
            Self::Application => "application",
            Self::Bob => "bob",
            Self::Carol => "carol",
            Self::Dave => "dave",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// By which it can be claimed.
    pub(super) number: usize,
    /// Since the first entry.
    pub(super) at: Duration,
    pub(super) event: Event,
}

#[derive(Debug, Clone)]
pub(super) enum Event {
    /// Something went from one to another.
    Sent {
        from: Actor,
        to: Actor,
        label: String,
        tone: Tone,
        fate: Fate,
        content: Content,
    },
    /// Something happened to one of them.
    Note { actor: Actor, text: String },
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrived, and the script expected it or has sent it.
    Expected,
    /// It arrived, and the script did not ask for it.
    Unexpected,
    /// It repeats an earlier one byte for byte.
    Repeated,
    /// It could not be delivered.
    Lost,
}

/// What was sent.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Nothing,
    Sip(String),
    Question(Value),
    Document(Value),
    Notice(Value),
}

/// The entries of one call, written by all who take part.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    began: Option<Instant>,
    entries: Vec<Entry>,
}

impl Shared {
    /// No entry is ever taken away, so that their count is a new number.
    fn insert(&mut self, place: usize, event: Event) -> usize {
        let now = Instant::now();
        let at = now.saturating_duration_since(*self.began.get_or_insert(now));
        let at = self.entries.get(place).map_or(at, |next| next.at);
        let number = self.entries.len();
        self.entries.insert(place, Entry { number, at, event });
        number
    }
}

impl Event {
    fn went_to(&self, actor: Actor) -> bool {
        matches!(self, Self::Sent { to, .. } if *to == actor)
    }
}

impl Trace {
    /// Records a SIP message. Gives the number by which it can be claimed.
    pub(super) fn sip(&self, from: Actor, to: Actor, message: &Message, fate: Fate) -> usize {
        let again = if fate == Fate::Repeated { " again" } else { "" };
        self.record(Event::Sent {
            from,
            to,
            label: format!("{}{again}", message.label()),
            tone: message.tone(),
            fate,
            content: Content::Sip(message.text()),
        })
    }

    /// Records a message of the routing channel, as [`Trace::sip`] does.
    pub(super) fn channel(
        &self,
        from: Actor,
        to: Actor,
        label: impl Into<String>,
        fate: Fate,
        content: Content,
    ) -> usize {
        self.record(Event::Sent {
            from,
            to,
            label: label.into(),
            tone: Tone::Application,
            fate,
            content,
        })
    }

    pub(super) fn note(&self, actor: Actor, text: impl Into<String>) {
        let text = text.into();
        self.record(Event::Note { actor, text });
    }

    /// Records what can't have arrived at `to`, in front of the last message to `next`: the proxy
    /// must have sent it before that.
    pub(super) fn lost(&self, to: Actor, label: &str, next: Actor) {
        let event = Event::Sent {
            from: Actor::Tidegate,
            to,
            label: label.to_owned(),
            tone: Tone::Failure,
            fate: Fate::Lost,
            content: Content::Nothing,
        };
        self.insert_before(next, event);
    }

    /// Records a note in front of the last message to `next`.
    pub(super) fn note_before(&self, next: Actor, actor: Actor, text: impl Into<String>) {
        let text = text.into();
        self.insert_before(next, Event::Note { actor, text });
    }

    /// Marks an entry as expected.
    pub(super) fn claim(&self, number: usize) {
        let mut shared = self.lock();
        let mut entries = shared.entries.iter_mut();
        let entry = entries.find(|entry| entry.number == number);
        if let Some(Event::Sent { fate, .. }) = entry.map(|entry| &mut entry.event) {
            *fate = Fate::Expected;
        }
    }

    /// All entries so far.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.lock().entries.clone()
    }

    fn insert_before(&self, next: Actor, event: Event) {
        let mut shared = self.lock();
        let mut entries = shared.entries.iter();
        if let Some(place) = entries.rposition(|entry| entry.event.went_to(next)) {
            shared.insert(place, event);
        }
    }

    fn record(&self, event: Event) -> usize {
        let mut shared = self.lock();
        let place = shared.entries.len();
        shared.insert(place, event)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
