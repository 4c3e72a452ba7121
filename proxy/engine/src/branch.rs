//! The branch of the Via that this proxy writes: a handle to the client transaction, a hash for
//! loop detection and a keyed check, so that a response finds its transaction without a lookup
//! and a forged one finds nothing. RFC 3261 16.6(8), RFC 5393 4.2.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::key::derive;

/// Where a branch of a client transaction lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BranchHandle {
    pub(crate) shard: u8,
    /// Below [`BranchHandle::SLOTS`].
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) branch: u16,
}

/// Writes and reads branches under one secret.
#[derive(Clone, Debug)]
pub(crate) struct BranchCodec {
    check: SipHasher24,
    loops: SipHasher24,
}

/// Hash over what decides where a request goes, to recognise one that has come round.
#[derive(Clone, Debug)]
pub(crate) struct LoopHash(SipHasher24);

impl BranchHandle {
    /// How many slots a handle can tell apart.
    pub(crate) const SLOTS: u32 = 1 << 24;

    fn to_bytes(self) -> [u8; HANDLE] {
        debug_assert!(self.slot < Self::SLOTS);
        let mut bytes = [0; HANDLE];
        bytes[..4].copy_from_slice(&self.slot.to_be_bytes());
        bytes[0] = self.shard;
        bytes[4..8].copy_from_slice(&self.generation.to_be_bytes());
        bytes[8..].copy_from_slice(&self.branch.to_be_bytes());
        bytes
    }

    fn from_bytes(b: &[u8; HANDLE]) -> Self {
        Self {
            shard: b[0],
            slot: u32::from_be_bytes([0, b[1], b[2], b[3]]),
            generation: u32::from_be_bytes([b[4], b[5], b[6], b[7]]),
            branch: u16::from_be_bytes([b[8], b[9]]),
        }
    }
}

impl BranchCodec {
    pub(crate) fn new(secret: [u8; 16]) -> Self {
        let keyed = |purpose| SipHasher24::new_with_key(&derive(&secret, purpose));
        Self {
            check: keyed(b"branch check"),
            loops: keyed(b"loop hash"),
        }
    }

    /// Appends the branch of a request that is forwarded with state.
    pub(crate) fn encode(&self, handle: &BranchHandle, loop_hash: u64, out: &mut Vec<u8>) {
        self.write(Kind::Stateful, handle.to_bytes(), loop_hash, out);
    }

    /// Appends the branch of a request that is forwarded without state, such as the ACK to a 2xx:
    /// the same for the same seed, and no response finds anything by it. RFC 3261 16.11.
    pub(crate) fn encode_stateless(&self, seed_hash: u64, loop_hash: u64, out: &mut Vec<u8>) {
        let mut seed = [0; HANDLE];
        seed[..8].copy_from_slice(&seed_hash.to_be_bytes());
        self.write(Kind::Stateless, seed, loop_hash, out);
    }

    /// The handle and the loop hash, if this codec wrote the branch for a stateful request.
    pub(crate) fn decode(&self, branch: &[u8]) -> Option<(BranchHandle, u64)> {
        let (cookie, text) = branch.split_at_checked(COOKIE.len())?;
        if !cookie.eq_ignore_ascii_case(COOKIE) {
            return None;
        }
        let bytes = base32::decode::<TEXT, BYTES>(text.try_into().ok()?)?;
        let (signed, check) = bytes.split_first_chunk::<SIGNED>()?;
        if *check != self.check(Kind::Stateful, signed) {
            return None;
        }
        let (handle, loop_hash) = signed.split_first_chunk::<HANDLE>()?;
        let loop_hash = u64::from_be_bytes(loop_hash.try_into().ok()?);
        Some((BranchHandle::from_bytes(handle), loop_hash))
    }

    /// The shard that a response with this branch belongs to.
    pub(crate) fn shard_of(&self, branch: &[u8]) -> Option<u8> {
        self.decode(branch).map(|(handle, _)| handle.shard)
    }

    fn write(&self, kind: Kind, handle: [u8; HANDLE], loop_hash: u64, out: &mut Vec<u8>) {
        let mut bytes = [0; BYTES];
        bytes[..HANDLE].copy_from_slice(&handle);
        bytes[HANDLE..SIGNED].copy_from_slice(&loop_hash.to_be_bytes());
        let check = self.check(kind, &bytes[..SIGNED]);
        bytes[SIGNED..].copy_from_slice(&check);
        out.extend_from_slice(COOKIE);
        out.extend_from_slice(&base32::encode::<BYTES, TEXT>(&bytes));
    }

    fn check(&self, kind: Kind, signed: &[u8]) -> [u8; CHECK] {
        let mut hasher = self.check;
        hasher.write_u8(kind as u8);
        hasher.write(signed);
        let [_, check @ ..] = hasher.finish().to_be_bytes();
        check
    }
}

impl LoopHash {
    pub(crate) fn new(codec: &BranchCodec) -> Self {
        Self(codec.loops)
    }

    /// Whether the hash read from a branch is the one computed for a request.
    pub(crate) fn same(read: u64, computed: u64) -> bool {
        read == computed
    }

    /// Adds one part; where parts begin and end counts.
    pub(crate) fn part(&mut self, part: &[u8]) {
        self.0.write_u32(part.len() as u32);
        self.0.write(part);
    }

    pub(crate) fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Stateful = 1,
    Stateless = 2,
}

/// Base32 in lower case, of whole groups of five bytes.
pub(crate) mod base32 {
    pub(crate) fn encode<const BYTES: usize, const TEXT: usize>(bytes: &[u8; BYTES]) -> [u8; TEXT] {
        const { assert!(BYTES.is_multiple_of(5) && TEXT == BYTES / 5 * 8) };
        let mut text = [0; TEXT];
        for (group, chars) in bytes.chunks_exact(5).zip(text.chunks_exact_mut(8)) {
            let bits = group.iter().fold(0u64, |bits, &b| bits << 8 | u64::from(b));
            for (i, c) in chars.iter_mut().enumerate() {
                *c = ALPHABET[(bits >> (35 - 5 * i)) as usize & 31];
            }
        }
        text
    }

    /// Either case is read; `None` for any other character.
    pub(crate) fn decode<const TEXT: usize, const BYTES: usize>(
        text: &[u8; TEXT],
    ) -> Option<[u8; BYTES]> {
        const { assert!(BYTES.is_multiple_of(5) && TEXT == BYTES / 5 * 8) };
        let mut bytes = [0; BYTES];
        for (chars, group) in text.chunks_exact(8).zip(bytes.chunks_exact_mut(5)) {
            let mut bits = 0u64;
            for &c in chars {
                bits = bits << 5 | u64::from(value(c)?);
            }
            group.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Some(bytes)
    }

    fn value(c: u8) -> Option<u8> {
        match c {
            b'a'..=b'z' => Some(c - b'a'),
            b'A'..=b'Z' => Some(c - b'A'),
            b'2'..=b'7' => Some(c - b'2' + 26),
            _ => None,
        }
    }

    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
}

const COOKIE: &[u8] = b"z9hG4bK";
const HANDLE: usize = 10;
const SIGNED: usize = HANDLE + 8;
const CHECK: usize = 7;
const BYTES: usize = SIGNED + CHECK;
const TEXT: usize = BYTES / 5 * 8;
