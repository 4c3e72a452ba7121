//! Which shard owns a message.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;
use tidegate_sip::View;

use crate::branch::BranchCodec;

/// Finds the owner of a message: a response by the branch that its shard wrote, a request by its
/// Call-ID, so that everything about one call meets in one place and in order.
#[derive(Debug)]
pub struct Steer {
    codec: BranchCodec,
    secret: [u8; 16],
    shards: u8,
}

impl Steer {
    /// For this many shards, which share `secret`.
    #[must_use]
    pub fn new(secret: [u8; 16], shards: u8) -> Self {
        Self {
            codec: BranchCodec::new(secret),
            secret,
            shards: shards.max(1),
        }
    }

    /// The shard that owns the message. Stray responses belong to the first.
    #[must_use]
    pub fn owner(&self, view: View<'_>) -> u8 {
        if self.shards == 1 {
            return 0;
        }
        if view.is_request() {
            let mut hasher = SipHasher13::new_with_key(&self.secret);
            hasher.write(view.call_id().unwrap_or_default());
            return (hasher.finish() % u64::from(self.shards)) as u8;
        }
        let branch = view.top_via().ok().and_then(|via| via.branch());
        let owner = branch.and_then(|branch| self.codec.shard_of(branch));
        owner.filter(|shard| *shard < self.shards).unwrap_or(0)
    }

    /// The shard whose message this was the beginning of; used for what could not be delivered.
    #[must_use]
    pub fn owner_of_sent(&self, payload: &[u8]) -> u8 {
        let branch = crate::failure::top_branch(payload);
        let owner = branch.and_then(|branch| self.codec.shard_of(branch));
        owner.filter(|shard| *shard < self.shards).unwrap_or(0)
    }
}
