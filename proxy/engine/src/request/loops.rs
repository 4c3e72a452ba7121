//! Loop detection (RFC 3261 section 16.3 step 4 as replaced by RFC 5393 section 4.2).

use tidegate_sip::{Name, View};

use crate::branch::{BranchCodec, LoopHash};

/// What the proxy's decision about a request may depend on. The method is left out, so that a CANCEL
/// and an ACK have the hash of their INVITE.
pub(crate) fn hash(codec: &BranchCodec, view: View<'_>) -> u64 {
    let mut hash = LoopHash::new(codec);
    hash.part(view.request_uri());
    hash.part(view.call_id().unwrap_or_default());
    hash.part(&view.cseq().map_or(0, |cseq| cseq.number).to_be_bytes());
    hash.part(tag(view.from()));
    hash.part(tag(view.to()));
    for name in [Name::Route, Name::ProxyRequire, Name::ProxyAuthorization] {
        for field in view.fields(name) {
            hash.part(field.value);
        }
    }
    hash.finish()
}

/// Whether a Via of ours further down was written for a request that looked the same.
pub(crate) fn is_loop(codec: &BranchCodec, view: View<'_>, hash: u64) -> bool {
    view.vias().filter_map(Result::ok).any(|via| {
        via.branch()
            .and_then(|branch| codec.decode(branch))
            .is_some_and(|(_, seen)| LoopHash::same(seen, hash))
    })
}

fn tag<'a, E>(party: Result<tidegate_sip::NameAddr<'a>, E>) -> &'a [u8] {
    party.ok().and_then(|party| party.tag()).unwrap_or_default()
}
