//! All calls of a shard.

use hashbrown::HashMap;
use slab::Slab;
use smallvec::SmallVec;
use tidegate_schemas::ConsultationId;
use tidegate_sip::View;

use super::event::CallKinds;
use super::key::CallKeys;
use super::record::{Call, Side, Stage};
use crate::address::Hop;
use crate::key::BuildKeyHasher;
use crate::time::Time;

/// The calls that are followed, with the ways to find one.
#[derive(Debug)]
pub(crate) struct Calls {
    /// What anybody wants to be told.
    pub(crate) kinds: CallKinds,
    pub(crate) keys: CallKeys,
    /// Empty while it takes a step.
    slots: Slab<Option<Box<Call>>>,
    /// More than one where an INVITE came by twice, on a spiral.
    by_key: HashMap<u64, SmallVec<[u32; 2]>, BuildKeyHasher>,
    by_label: HashMap<u32, u32, foldhash::fast::RandomState>,
}

/// Names a call that may be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallRef {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// What a transaction has to do with a call.
#[derive(Debug)]
pub(crate) enum Link {
    None,
    /// It began the call.
    Began(CallRef),
    /// It runs inside of its dialog.
    Inside(Box<Inside>),
}

/// One dialog, and who sent the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside {
    pub(crate) key: u64,
    pub(crate) tag: u64,
    pub(crate) from: Side,
}

impl Calls {
    pub(crate) fn new(secret: &[u8; 16]) -> Self {
        Self {
            kinds: CallKinds::default(),
            keys: CallKeys::new(secret),
            slots: Slab::new(),
            by_key: HashMap::default(),
            by_label: HashMap::default(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn next_slot(&self) -> Option<u32> {
        u32::try_from(self.slots.vacant_key()).ok()
    }

    pub(crate) fn insert(&mut self, call: Box<Call>) {
        self.by_key.entry(call.key).or_default().push(call.slot);
        self.by_label.insert(call.id.label, call.slot);
        self.slots.insert(Some(call));
    }

    pub(crate) fn get(&self, name: CallRef) -> Option<&Call> {
        let call = self.slots.get(name.slot as usize)?.as_deref()?;
        (call.generation == name.generation).then_some(call)
    }

    pub(crate) fn find(&self, id: ConsultationId) -> Option<CallRef> {
        let slot = *self.by_label.get(&id.label)?;
        let call = self.slots.get(slot as usize)?.as_deref()?;
        (call.id == id).then_some(CallRef {
            slot,
            generation: call.generation,
        })
    }

    /// Those that a dialog belongs to.
    pub(crate) fn of(&self, key: u64) -> SmallVec<[u32; 2]> {
        self.by_key.get(&key).cloned().unwrap_or_default()
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &Call> {
        self.slots.iter().filter_map(|(_, call)| call.as_deref())
    }

    /// To be given back.
    pub(super) fn take(&mut self, slot: u32) -> Option<Box<Call>> {
        self.slots.get_mut(slot as usize)?.take()
    }

    /// Forgotten when it is over.
    pub(super) fn give_back(&mut self, call: Box<Call>) {
        let slot = call.slot as usize;
        if !call.is_over() {
            if let Some(place) = self.slots.get_mut(slot) {
                *place = Some(call);
            }
            return;
        }
        self.slots.try_remove(slot);
        self.by_label.remove(&call.id.label);
        if let Some(slots) = self.by_key.get_mut(&call.key) {
            slots.retain(|other| *other != call.slot);
            if slots.is_empty() {
                self.by_key.remove(&call.key);
            }
        }
    }

    /// A request inside of a dialog arrived: whether it belongs to a call. Its sequence number
    /// counts as the last one of its sender.
    pub(crate) fn hear(&mut self, now: Time, view: View<'_>, hop: Option<&Hop>) -> Option<Inside> {
        let (from, to) = (view.from().ok()?.tag()?, view.to().ok()?.tag()?);
        let cseq = view.cseq().ok()?.number;
        let call_id = view.call_id()?;
        let readings = [(from, to, Side::Caller), (to, from, Side::Callee)];
        for (caller, callee, side) in readings {
            let key = self.keys.key(call_id, caller);
            let Some(slots) = self.by_key.get(&key) else {
                continue;
            };
            let tag = self.keys.tag(callee);
            for slot in slots {
                if let Some(Some(call)) = self.slots.get_mut(*slot as usize) {
                    call.hear(now, tag, side, cseq, hop);
                }
            }
            return Some(Inside {
                key,
                tag,
                from: side,
            });
        }
        None
    }

    /// Calls that were answered and are not over.
    pub(crate) fn live(&self) -> usize {
        self.each().filter(|call| call.stage == Stage::Live).count()
    }
}
