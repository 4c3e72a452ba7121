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

#[cfg(test)]
mod tests {
    use hashbrown::HashMap;

    use super::*;

    const INVITE: KeyParts<'_> = KeyParts {
        branch: Some(b"z9hG4bK776asdhds"),
        sent_by: b"pc33.atlanta.example.com:5060",
        method: KeyMethod::Invite,
        request_uri: b"sip:bob@biloxi.example.com",
        from_tag: b"1928301774",
        call_id: b"a84b4c76e66710",
        cseq: 314_159,
        top_via: b"SIP/2.0/UDP pc33.atlanta.example.com:5060;branch=z9hG4bK776asdhds",
    };

    const OLD_INVITE: KeyParts<'_> = KeyParts {
        branch: Some(b"390skdjuw"),
        top_via: b"SIP/2.0/UDP pc33.atlanta.example.com;branch=390skdjuw",
        ..INVITE
    };

    fn keys() -> KeyMaker {
        KeyMaker::new(b"0123456789abcdef")
    }

    fn same(a: &KeyParts<'_>, b: &KeyParts<'_>) -> bool {
        keys().key(a) == keys().key(b)
    }

    /// RFC 3261 17.2.3: branch, sent-by and method, and nothing else.
    #[test]
    fn a_unique_branch_identifies_the_transaction_alone() {
        let otherwise = KeyParts {
            request_uri: b"sip:carol@x",
            from_tag: b"",
            call_id: b"other",
            cseq: 1,
            top_via: b"SIP/2.0/TCP y",
            ..INVITE
        };
        assert!(same(&INVITE, &otherwise));
    }

    /// RFC 3261 17.2.3: branches of different clients may collide.
    #[test]
    fn another_sent_by_is_another_transaction() {
        for sent_by in [
            &b"pc34.atlanta.example.com:5060"[..],
            b"pc33.atlanta.example.com:5062",
        ] {
            assert!(!same(&INVITE, &KeyParts { sent_by, ..INVITE }));
        }
        let branch = Some(&b"z9hG4bK776asdhdt"[..]);
        assert!(!same(&INVITE, &KeyParts { branch, ..INVITE }));
    }

    /// RFC 3261 7.3.1, 8.1.1.7.
    #[test]
    fn branch_and_host_compare_without_regard_to_case() {
        let shouting = KeyParts {
            branch: Some(b"Z9HG4BK776ASDHDS"),
            sent_by: b"PC33.Atlanta.Example.com:5060",
            ..INVITE
        };
        assert!(same(&INVITE, &shouting));
    }

    /// RFC 3261 17.2.3, 9.2.
    #[test]
    fn an_ack_has_the_key_of_its_invite_and_a_cancel_its_own() {
        for invite in [INVITE, OLD_INVITE] {
            let with = |method: &'static [u8]| KeyParts {
                method: KeyMethod::of(method),
                ..invite
            };
            assert!(same(&invite, &with(b"ACK")));
            let cancel = with(b"CANCEL");
            assert!(!same(&invite, &cancel));
            assert_eq!(keys().cancelled(&cancel), keys().key(&invite));
            assert_ne!(keys().cancelled(&cancel), keys().key(&with(b"BYE")));
        }
    }

    /// RFC 3261 7.1: methods are case-sensitive.
    #[test]
    fn methods_tell_transactions_apart() {
        let names: [&[u8]; 7] = [
            b"INVITE", b"CANCEL", b"BYE", b"MESSAGE", b"invite", b"ack", b"I",
        ];
        for (i, a) in names.iter().enumerate() {
            for (j, b) in names.iter().enumerate() {
                let with = |name| KeyParts {
                    method: KeyMethod::of(name),
                    ..INVITE
                };
                assert_eq!(same(&with(a), &with(b)), i == j);
            }
        }
    }

    /// RFC 3261 17.2.3, the rule for RFC 2543 clients.
    #[test]
    fn without_the_cookie_everything_counts() {
        let others = [
            KeyParts {
                request_uri: b"sip:carol@biloxi.example.com",
                ..OLD_INVITE
            },
            KeyParts {
                from_tag: b"1928301775",
                ..OLD_INVITE
            },
            KeyParts {
                call_id: b"A84b4c76e66710",
                ..OLD_INVITE
            },
            KeyParts {
                cseq: 314_160,
                ..OLD_INVITE
            },
            KeyParts {
                top_via: b"SIP/2.0/UDP other;branch=390skdjuw",
                ..OLD_INVITE
            },
        ];
        assert!(same(&OLD_INVITE, &OLD_INVITE.clone()));
        for other in others {
            assert!(!same(&OLD_INVITE, &other), "{other:?}");
        }
    }

    /// RFC 4475 3.2.1: the cookie with nothing behind it.
    #[test]
    fn a_missing_or_bare_branch_falls_back_to_the_rule_of_rfc_2543() {
        for branch in [None, Some(&b""[..]), Some(b"z9hG4bK"), Some(b"Z9hg4Bk")] {
            let bare = KeyParts {
                branch,
                ..OLD_INVITE
            };
            assert!(same(&bare, &bare.clone()));
            assert!(!same(
                &bare,
                &KeyParts {
                    call_id: b"other",
                    ..bare
                }
            ));
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        let a = KeyParts {
            from_tag: b"ab",
            call_id: b"c",
            ..OLD_INVITE
        };
        let b = KeyParts {
            from_tag: b"a",
            call_id: b"bc",
            ..OLD_INVITE
        };
        assert!(!same(&a, &b));
        let a = KeyParts {
            branch: Some(b"z9hG4bKab"),
            sent_by: b"c",
            ..INVITE
        };
        let b = KeyParts {
            branch: Some(b"z9hG4bKa"),
            sent_by: b"bc",
            ..INVITE
        };
        assert!(!same(&a, &b));
    }

    #[test]
    fn long_branches_count_to_their_end() {
        let long = |last| [&b"z9hG4bK"[..], &[b'x'; 300], &[last]].concat();
        let (a, b) = (long(b'a'), long(b'b'));
        let with = |branch| KeyParts {
            branch: Some(branch),
            ..INVITE
        };
        assert!(!same(&with(&a), &with(&b)));
        assert!(same(&with(&a), &with(&a.to_ascii_uppercase())));
    }

    #[test]
    fn another_secret_makes_other_keys() {
        assert_ne!(KeyMaker::new(&[7; 16]).key(&INVITE), keys().key(&INVITE));
    }

    #[test]
    fn purposes_have_keys_of_their_own() {
        let secret = [7; 16];
        assert_ne!(derive(&secret, b"a"), derive(&secret, b"b"));
        assert_ne!(derive(&secret, b"a"), secret);
        assert_eq!(derive(&secret, b"a"), derive(&secret, b"a"));
    }

    #[test]
    fn a_map_finds_its_keys() {
        let mut map: HashMap<TransactionKey, u32, BuildKeyHasher> = HashMap::default();
        let key = |cseq| keys().key(&KeyParts { cseq, ..OLD_INVITE });
        for cseq in 0..1000 {
            assert_eq!(map.insert(key(cseq), cseq), None);
        }
        assert!((0..1000).all(|cseq| map.get(&key(cseq)) == Some(&cseq)));
        assert_eq!(map.get(&key(1000)), None);
    }
}
