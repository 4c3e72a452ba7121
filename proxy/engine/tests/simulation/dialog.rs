//! One side of a dialog (RFC 3261 section 12).

use tidegate_sip::{NameAddr, View};

use crate::draft::text;

#[derive(Debug, Clone)]
pub(crate) struct Dialog {
    call_id: String,
    /// From and To of this side's requests.
    pub(crate) local: String,
    pub(crate) remote: String,
    /// The remote target.
    pub(crate) target: String,
    pub(crate) routes: Vec<String>,
    pub(crate) cseq: u32,
}

impl Dialog {
    /// The caller's side, from a 2xx (RFC 3261 section 12.1.2).
    pub(crate) fn of_caller(success: View<'_>) -> Option<Self> {
        let mut routes = record_routes(success);
        routes.reverse();
        Some(Self {
            call_id: text(success.call_id()?),
            local: whole(success.from().ok()?, success),
            remote: whole(success.to().ok()?, success),
            target: text(success.contacts().next()?.ok()?.uri),
            routes,
            cseq: success.cseq().ok()?.number,
        })
    }

    /// The callee's side, from the INVITE (RFC 3261 section 12.1.1).
    pub(crate) fn of_callee(invite: View<'_>, tag: &str) -> Option<Self> {
        Some(Self {
            call_id: text(invite.call_id()?),
            local: format!("{};tag={tag}", whole(invite.to().ok()?, invite)),
            remote: whole(invite.from().ok()?, invite),
            target: text(invite.contacts().next()?.ok()?.uri),
            routes: record_routes(invite),
            cseq: 1,
        })
    }

    pub(crate) fn call_id(&self) -> String {
        self.call_id.clone()
    }
}

fn whole(address: NameAddr<'_>, view: View<'_>) -> String {
    text(address.span.of(view.bytes()))
}

fn record_routes(view: View<'_>) -> Vec<String> {
    let values = view.record_routes().filter_map(Result::ok);
    values.map(|value| whole(value, view)).collect()
}
