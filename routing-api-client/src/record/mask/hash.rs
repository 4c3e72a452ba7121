//! Words in the place of numbers: the same for the same number and key.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher13};

/// 16 letters without digits, so that no number comes into being.
const LETTERS: [char; 16] = [
    'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't',
];

/// Makes hashes differ from those of others.
#[derive(Clone, Default)]
pub(super) struct Key([u8; 16]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Of a secret of any length.
    pub(super) fn new(secret: &str) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(secret.as_bytes());
        Self(hasher.finish128().as_bytes())
    }

    /// Appends 16 letters.
    pub(super) fn write(&self, bytes: impl IntoIterator<Item = u8>, out: &mut String) {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        for byte in bytes {
            hasher.write_u8(byte);
        }
        let hash = hasher.finish();
        let letters = (0..16).map(|i| (hash >> (60 - 4 * i)) & 15);
        out.extend(letters.filter_map(|i| LETTERS.get(usize::try_from(i).ok()?)));
    }
}
