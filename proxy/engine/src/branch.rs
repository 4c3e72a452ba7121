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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: BranchHandle = BranchHandle {
        shard: 3,
        slot: 0x00ab_cdef,
        generation: 0xdead_beef,
        branch: 0x7ffe,
    };

    fn codec() -> BranchCodec {
        BranchCodec::new(*b"0123456789abcdef")
    }

    fn encode(handle: &BranchHandle, loop_hash: u64) -> Vec<u8> {
        let mut out = Vec::new();
        codec().encode(handle, loop_hash, &mut out);
        out
    }

    /// RFC 3261 8.1.1.7.
    #[test]
    fn a_branch_is_a_token_behind_the_cookie() {
        let text = encode(&HERE, u64::MAX);
        assert!(text.starts_with(b"z9hG4bK"));
        assert!(text.iter().all(u8::is_ascii_alphanumeric));
        assert_eq!(text.len(), 47);
    }

    #[test]
    fn encoding_appends() {
        let mut out = b";branch=".to_vec();
        codec().encode(&HERE, 1, &mut out);
        assert_eq!(codec().decode(&out[8..]), Some((HERE, 1)));
    }

    #[test]
    fn the_limits_of_every_field_survive() {
        for handle in [
            BranchHandle {
                shard: 0,
                slot: 0,
                generation: 0,
                branch: 0,
            },
            BranchHandle {
                shard: u8::MAX,
                slot: BranchHandle::SLOTS - 1,
                generation: u32::MAX,
                branch: u16::MAX,
            },
        ] {
            for hash in [0, u64::MAX] {
                assert_eq!(codec().decode(&encode(&handle, hash)), Some((handle, hash)));
            }
        }
    }

    /// RFC 3261 7.3.1: tokens compare without regard to case.
    #[test]
    fn either_case_is_read() {
        let text = encode(&HERE, 42);
        assert_eq!(codec().decode(&text.to_ascii_uppercase()), Some((HERE, 42)));
        assert_eq!(codec().decode(&text.to_ascii_lowercase()), Some((HERE, 42)));
    }

    #[test]
    fn a_change_anywhere_is_found() {
        let text = encode(&HERE, 42);
        for at in 0..text.len() {
            for c in *b"a7z-\0\xff" {
                let mut forged = text.clone();
                forged[at] = c;
                let same = forged.eq_ignore_ascii_case(&text);
                assert_eq!(codec().decode(&forged).is_some(), same, "{c:#x} at {at}");
            }
        }
    }

    #[test]
    fn a_shorter_or_longer_branch_is_foreign() {
        let mut text = encode(&HERE, 42);
        for end in 0..text.len() {
            assert_eq!(codec().decode(&text[..end]), None);
        }
        text.push(b'a');
        assert_eq!(codec().decode(&text), None);
    }

    #[test]
    fn another_secret_reads_nothing() {
        let other = BranchCodec::new([7; 16]);
        assert_eq!(other.decode(&encode(&HERE, 42)), None);
        assert_eq!(other.shard_of(&encode(&HERE, 42)), None);
    }

    #[test]
    fn a_response_is_steered_by_its_branch() {
        assert_eq!(codec().shard_of(&encode(&HERE, 42)), Some(3));
        assert_eq!(codec().shard_of(b"z9hG4bK776asdhds"), None);
    }

    /// RFC 3261 16.11: the same request gets the same branch.
    #[test]
    fn a_stateless_branch_is_stable_and_leads_nowhere() {
        let stateless = |seed, hash| {
            let mut out = Vec::new();
            codec().encode_stateless(seed, hash, &mut out);
            out
        };
        let text = stateless(1, 2);
        assert_eq!(text, stateless(1, 2));
        assert_ne!(text, stateless(2, 2));
        assert_ne!(text, stateless(1, 3));
        assert_eq!(text.len(), encode(&HERE, 2).len());
        assert_eq!(codec().decode(&text), None);
    }

    /// RFC 5393 4.2: a spiral differs from a loop by what decides its route.
    #[test]
    fn the_loop_hash_tells_parts_and_their_bounds_apart() {
        let hash = |codec: &BranchCodec, parts: &[&[u8]]| {
            let mut hash = LoopHash::new(codec);
            parts.iter().for_each(|part| hash.part(part));
            hash.finish()
        };
        let seen = hash(&codec(), &[b"sip:a@x", b"call"]);
        assert!(LoopHash::same(seen, hash(&codec(), &[b"sip:a@x", b"call"])));
        let others: [&[&[u8]]; 4] = [
            &[b"sip:b@x", b"call"],
            &[b"sip:a@xc", b"all"],
            &[b"sip:a@x", b"call", b""],
            &[b"call", b"sip:a@x"],
        ];
        for other in others {
            assert!(!LoopHash::same(seen, hash(&codec(), other)));
        }
        assert_ne!(
            seen,
            hash(&BranchCodec::new([7; 16]), &[b"sip:a@x", b"call"])
        );
    }

    #[test]
    fn base32_is_that_of_rfc_4648_in_lower_case() {
        assert_eq!(&base32::encode::<5, 8>(b"fooba"), b"mzxw6ytb");
        assert_eq!(base32::decode::<8, 5>(b"MZXW6YTB"), Some(*b"fooba"));
        assert_eq!(base32::decode::<8, 5>(b"mzxw6yt1"), None);
    }

    proptest! {
        #[test]
        fn every_handle_survives(
            shard: u8,
            slot in 0..BranchHandle::SLOTS,
            generation: u32,
            branch: u16,
            hash: u64,
        ) {
            let handle = BranchHandle { shard, slot, generation, branch };
            prop_assert_eq!(codec().decode(&encode(&handle, hash)), Some((handle, hash)));
        }

        #[test]
        fn noise_is_never_ours(text in "(z9hG4bK)?[a-zA-Z2-7]{0,48}", raw: Vec<u8>) {
            prop_assert_eq!(codec().decode(text.as_bytes()), None);
            prop_assert_eq!(codec().decode(&raw), None);
        }
    }
}
