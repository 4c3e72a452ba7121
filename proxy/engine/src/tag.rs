//! To tags of the responses that this proxy makes itself. RFC 3261 8.2.6.2, 8.2.7, 16.11.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

use crate::branch::base32;
use crate::key::derive;

/// Makes and recognises tags under one secret.
#[derive(Clone, Debug)]
pub(crate) struct TagMaker {
    secret: [u8; 16],
}

/// What a request and the ACK to its non-2xx final have in common. RFC 3261 17.1.1.3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TagParts<'a> {
    pub(crate) call_id: &'a [u8],
    pub(crate) from_tag: &'a [u8],
    /// Number of the CSeq.
    pub(crate) cseq: u32,
    /// Branch of the top Via, empty if there is none.
    pub(crate) branch: &'a [u8],
}

/// The text of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag([u8; TEXT]);

impl TagMaker {
    pub(crate) fn new(secret: &[u8; 16]) -> Self {
        Self {
            secret: derive(secret, b"to tag"),
        }
    }

    /// The tag of every response that is made here for this request.
    pub(crate) fn tag(&self, parts: &TagParts<'_>) -> Tag {
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        for part in [parts.call_id, parts.from_tag, parts.branch] {
            hasher.write_u32(part.len() as u32);
            hasher.write(part);
        }
        hasher.write_u32(parts.cseq);
        let hash = hasher.finish128().as_bytes();
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&hash[..BYTES]);
        Tag(base32::encode(&bytes))
    }

    /// Whether the To tag of an ACK is the one of a response made here.
    pub(crate) fn is_ours(&self, tag: &[u8], parts: &TagParts<'_>) -> bool {
        self.tag(parts).as_bytes().eq_ignore_ascii_case(tag)
    }
}

impl Tag {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

const BYTES: usize = 10;
const TEXT: usize = BYTES / 5 * 8;

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: TagParts<'_> = TagParts {
        call_id: b"a84b4c76e66710",
        from_tag: b"1928301774",
        cseq: 314_159,
        branch: b"z9hG4bK776asdhds",
    };

    fn tags() -> TagMaker {
        TagMaker::new(b"0123456789abcdef")
    }

    /// RFC 3261 8.2.6.2: the same tag for every response; 19.3: at least 32 random bits.
    #[test]
    fn a_request_gets_one_tag_of_80_bits() {
        let tag = tags().tag(&PARTS);
        assert_eq!(tag, tags().tag(&PARTS));
        assert_eq!(tag.as_bytes().len(), 16);
        assert!(tag.as_bytes().iter().all(u8::is_ascii_alphanumeric));
    }

    #[test]
    fn every_part_counts() {
        let others = [
            TagParts {
                call_id: b"a84b4c76e66711",
                ..PARTS
            },
            TagParts {
                from_tag: b"",
                ..PARTS
            },
            TagParts {
                cseq: 314_160,
                ..PARTS
            },
            TagParts {
                branch: b"z9hG4bK776asdhdt",
                ..PARTS
            },
            TagParts {
                call_id: b"a84b4c76e667",
                from_tag: b"101928301774",
                ..PARTS
            },
        ];
        for other in others {
            assert_ne!(tags().tag(&other), tags().tag(&PARTS), "{other:?}");
        }
    }

    /// RFC 3261 8.2.7: an ACK to what was answered without a transaction.
    #[test]
    fn the_ack_to_a_local_response_is_recognised() {
        let tag = tags().tag(&PARTS);
        assert!(tags().is_ours(tag.as_bytes(), &PARTS));
        assert!(tags().is_ours(&tag.as_bytes().to_ascii_uppercase(), &PARTS));
    }

    #[test]
    fn the_ack_to_anything_else_is_not() {
        let tag = tags().tag(&PARTS);
        for foreign in [&b""[..], b"8321234356", &tag.as_bytes()[1..]] {
            assert!(!tags().is_ours(foreign, &PARTS));
        }
        assert!(!tags().is_ours(tag.as_bytes(), &TagParts { cseq: 1, ..PARTS }));
        assert!(!TagMaker::new(&[7; 16]).is_ours(tag.as_bytes(), &PARTS));
    }
}
