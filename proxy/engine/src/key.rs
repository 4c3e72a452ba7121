//! Identity of a server transaction. RFC 3261 17.2.3.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher24};

/// Keyed hash of what identifies a server transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransactionKey(pub(crate) u128);

/// What a key is made of, as it stands in the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyParts<'a> {
    /// Branch of the top Via.
    pub(crate) branch: Option<&'a [u8]>,
    /// Host and port of the top Via.
    pub(crate) sent_by: &'a [u8],
    pub(crate) method: KeyMethod<'a>,
    pub(crate) request_uri: &'a [u8],
    pub(crate) from_tag: &'a [u8],
    pub(crate) call_id: &'a [u8],
    /// Number of the CSeq.
    pub(crate) cseq: u32,
    /// The whole top Via value.
    pub(crate) top_via: &'a [u8],
}

/// The method as far as it tells transactions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyMethod<'a> {
    /// INVITE, and the ACK that belongs to it.
    Invite,
    Cancel,
    Other(&'a [u8]),
}

/// Makes keys under one secret.
#[derive(Clone, Debug)]
pub(crate) struct KeyMaker {
    secret: [u8; 16],
}

/// A hasher for keys, which are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

pub(crate) type BuildKeyHasher = BuildHasherDefault<KeyHasher>;

impl<'a> KeyMethod<'a> {
    pub(crate) fn of(method: &'a [u8]) -> Self {
        match method {
            b"INVITE" | b"ACK" => Self::Invite,
            b"CANCEL" => Self::Cancel,
            other => Self::Other(other),
        }
    }

    fn feed(self, hasher: &mut SipHasher24) {
        match self {
            Self::Invite => hasher.write_u8(b'I'),
            Self::Cancel => hasher.write_u8(b'C'),
            Self::Other(name) => feed(hasher, name),
        }
    }
}

impl KeyMaker {
    pub(crate) fn new(secret: &[u8; 16]) -> Self {
        Self {
            secret: derive(secret, b"transaction key"),
        }
    }

    /// The key of the transaction that a request belongs to.
    pub(crate) fn key(&self, parts: &KeyParts<'_>) -> TransactionKey {
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        parts.method.feed(&mut hasher);
        match parts.branch.filter(|branch| is_unique(branch)) {
            Some(branch) => feed_rfc3261(&mut hasher, branch, parts.sent_by),
            None => feed_rfc2543(&mut hasher, parts),
        }
        TransactionKey(hasher.finish128().as_u128())
    }

    /// The key of the INVITE that a CANCEL is about. RFC 3261 9.2.
    pub(crate) fn cancelled(&self, cancel: &KeyParts<'_>) -> TransactionKey {
        self.key(&KeyParts {
            method: KeyMethod::Invite,
            ..*cancel
        })
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A key for one purpose out of the secret of the installation.
pub(crate) fn derive(secret: &[u8; 16], purpose: &[u8]) -> [u8; 16] {
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(purpose);
    hasher.finish128().as_bytes()
}

/// Whether a branch identifies its transaction alone. The bare cookie does not, whatever it
/// promises. RFC 3261 8.1.1.7, RFC 4475 3.2.1.
fn is_unique(branch: &[u8]) -> bool {
    branch.len() > COOKIE.len() && branch[..COOKIE.len()].eq_ignore_ascii_case(COOKIE)
}

fn feed_rfc3261(hasher: &mut SipHasher24, branch: &[u8], sent_by: &[u8]) {
    hasher.write_u8(b'b');
    feed_folded(hasher, branch);
    feed_folded(hasher, sent_by);
}

fn feed_rfc2543(hasher: &mut SipHasher24, parts: &KeyParts<'_>) {
    hasher.write_u8(b'v');
    feed(hasher, parts.request_uri);
    feed_folded(hasher, parts.from_tag);
    feed(hasher, parts.call_id);
    hasher.write_u32(parts.cseq);
    feed(hasher, parts.top_via);
}

/// Length and bytes, so that no two lists of parts run together to the same bytes.
fn feed(hasher: &mut SipHasher24, part: &[u8]) {
    hasher.write_u32(part.len() as u32);
    hasher.write(part);
}

/// As `feed`, for what compares without regard to case. RFC 3261 7.3.1.
fn feed_folded(hasher: &mut SipHasher24, part: &[u8]) {
    hasher.write_u32(part.len() as u32);
    for chunk in part.chunks(64) {
        let mut folded = [0; 64];
        let folded = &mut folded[..chunk.len()];
        folded.copy_from_slice(chunk);
        folded.make_ascii_lowercase();
        hasher.write(folded);
    }
}

const COOKIE: &[u8] = b"z9hG4bK";
