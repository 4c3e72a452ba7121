//! How a request finds the calls that it belongs to.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use crate::key::derive;

/// Hashes names of dialogs under one secret, so that nobody outside can make them collide.
#[derive(Debug, Clone)]
pub(crate) struct CallKeys {
    hasher: SipHasher13,
}

impl CallKeys {
    pub(crate) fn new(secret: &[u8; 16]) -> Self {
        Self {
            hasher: SipHasher13::new_with_key(&derive(secret, b"call key")),
        }
    }

    /// Of all dialogs that one INVITE began: its Call-ID and the caller's tag.
    pub(crate) fn key(&self, call_id: &[u8], caller_tag: &[u8]) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_u32(u32::try_from(call_id.len()).unwrap_or(u32::MAX));
        hasher.write(call_id);
        hasher.write(caller_tag);
        hasher.finish()
    }

    /// Of one dialog among them: the callee's tag.
    pub(crate) fn tag(&self, callee_tag: &[u8]) -> u64 {
        let mut hasher = self.hasher;
        hasher.write(callee_tag);
        hasher.finish()
    }
}
