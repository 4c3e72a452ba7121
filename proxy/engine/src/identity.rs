//! What names a request: the key of its server transaction, and the To tag of the proxy's own
//! responses to it.

use tidegate_sip::{Via, View};

use crate::core::Core;
use crate::key::{KeyMethod, KeyParts, TransactionKey};
use crate::tag::{Tag, TagParts};

impl Core {
    /// RFC 3261 section 17.2.3.
    pub(crate) fn key_of(&self, view: View<'_>, via: &Via<'_>) -> TransactionKey {
        self.keys.key(&key_parts(view, via))
    }

    /// The key of the INVITE that a CANCEL is about (RFC 3261 section 9.2).
    pub(crate) fn cancelled_key_of(&self, view: View<'_>, via: &Via<'_>) -> TransactionKey {
        self.keys.cancelled(&key_parts(view, via))
    }

    /// The To tag of every response made here for this request.
    pub(crate) fn tag_of(&self, view: View<'_>) -> Tag {
        self.tags.tag(&tag_parts(view))
    }

    /// Whether an ACK is for a response made here without a transaction.
    pub(crate) fn acknowledges_us(&self, ack: View<'_>) -> bool {
        let to_tag = ack.to().ok().and_then(|to| to.tag());
        to_tag.is_some_and(|tag| self.tags.is_ours(tag, &tag_parts(ack)))
    }
}

fn key_parts<'a>(view: View<'a>, via: &Via<'a>) -> KeyParts<'a> {
    KeyParts {
        branch: via.branch(),
        sent_by: via.sent_by,
        method: KeyMethod::of(view.method_raw()),
        request_uri: view.request_uri(),
        from_tag: from_tag(view),
        call_id: view.call_id().unwrap_or_default(),
        cseq: view.cseq().map_or(0, |cseq| cseq.number),
        top_via: via.span.of(view.bytes()),
    }
}

fn tag_parts(view: View<'_>) -> TagParts<'_> {
    TagParts {
        call_id: view.call_id().unwrap_or_default(),
        from_tag: from_tag(view),
        cseq: view.cseq().map_or(0, |cseq| cseq.number),
        branch: view
            .top_via()
            .ok()
            .and_then(|via| via.branch())
            .unwrap_or_default(),
    }
}

fn from_tag(view: View<'_>) -> &[u8] {
    view.from()
        .ok()
        .and_then(|from| from.tag())
        .unwrap_or_default()
}
