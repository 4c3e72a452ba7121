//! What all transactions of a shard share, and the step that one of them takes.

use std::sync::Arc;

use tidegate_sip::{Edits, Head};

use crate::address::ListenerId;
use crate::branch::BranchCodec;
use crate::call::Calls;
use crate::config::{Config, Listener};
use crate::context::Context;
use crate::key::KeyMaker;
use crate::output::Output;
use crate::own::OwnNames;
use crate::stats::Stats;
use crate::tag::TagMaker;
use crate::time::Time;
use crate::transaction::{Effects, Timer, Timing};
use crate::wheel::{Entry, TimerWheel};

/// Shared by all transactions of a shard.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: Arc<Config>,
    pub(crate) shard: u8,
    pub(crate) instance: u32,
    pub(crate) timing: Timing,
    pub(crate) own: OwnNames,
    pub(crate) codec: BranchCodec,
    pub(crate) keys: KeyMaker,
    pub(crate) tags: TagMaker,
    /// By listener: as `socket` of a document names it.
    pub(crate) listener_names: Vec<String>,
    /// By listener: as it stands in a Via.
    sent_by: Vec<String>,
    pub(crate) calls: Calls,
    pub(crate) wheel: TimerWheel,
    pub(crate) stats: Stats,
    pub(crate) last_generation: u32,
    /// Reused by every message that is built.
    pub(crate) edits: Edits,
    pub(crate) head: Head,
    pub(crate) buffer: Vec<u8>,
}

impl Core {
    pub(crate) fn new(config: Arc<Config>, shard: u8, secret: [u8; 16], instance: u32) -> Self {
        let sent_by = |listener: &Listener| format!("{}:{}", listener.host, listener.port);
        Self {
            shard,
            instance,
            timing: timing(&config),
            own: OwnNames::new(&config),
            codec: BranchCodec::new(secret),
            keys: KeyMaker::new(&secret),
            tags: TagMaker::new(&secret),
            listener_names: config.listeners.iter().map(Listener::name).collect(),
            sent_by: config.listeners.iter().map(sent_by).collect(),
            calls: Calls::new(&secret),
            wheel: TimerWheel::new(),
            stats: Stats::default(),
            last_generation: 0,
            edits: Edits::new(),
            head: Head::new(),
            buffer: Vec::new(),
            config,
        }
    }

    /// What counts from here on. The listeners are the same.
    pub(crate) fn reconfigure(&mut self, config: Arc<Config>) {
        self.timing = timing(&config);
        self.own = OwnNames::new(&config);
        self.config = config;
    }

    /// Host and port of a listener, as others reach it.
    pub(crate) fn sent_by(&self, id: ListenerId) -> &str {
        self.sent_by
            .get(usize::from(id.0))
            .map_or("", String::as_str)
    }

    /// A number that no transaction and no consultation of this shard had before.
    pub(crate) fn next_generation(&mut self) -> u32 {
        self.last_generation = self.last_generation.wrapping_add(1);
        self.last_generation
    }
}

fn timing(config: &Config) -> Timing {
    let timers = &config.timers;
    Timing {
        t1: timers.t1,
        t2: timers.t2,
        t4: timers.t4,
    }
}

/// One transaction in the act of handling one input.
pub(crate) struct Step<'a, O: Output> {
    pub(crate) now: Time,
    pub(crate) core: &'a mut Core,
    pub(crate) cx: &'a mut Context,
    pub(crate) out: &'a mut O,
}

/// Marks timer entries of a branch's CANCEL, beside those of its request.
pub(crate) const CANCEL_BIT: u16 = 0x8000;
/// In the place of a branch number: the entry is about the server transaction.
pub(crate) const SERVER: u16 = 0x7fff;

impl<O: Output> Step<'_, O> {
    /// Arms a timer of this transaction. `branch` is [`SERVER`], a branch number, or one with
    /// [`CANCEL_BIT`].
    pub(crate) fn arm(&mut self, branch: u16, timer: Timer, ms: u32) {
        let entry = Entry {
            slot: self.cx.slot,
            generation: self.cx.generation,
            branch,
            kind: timer,
        };
        self.core.wheel.insert(self.now.0, ms, entry);
    }

    pub(crate) fn arm_all(&mut self, branch: u16, effects: &Effects) {
        for &(timer, ms) in effects.arm.iter() {
            self.arm(branch, timer, ms);
        }
    }
}
