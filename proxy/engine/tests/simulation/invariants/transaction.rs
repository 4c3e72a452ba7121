//! The account of one server transaction and of the branches sent for it.

use bytes::Bytes;
use tidegate_engine::{Hop, Source};
use tidegate_sip::{Message, Method, Via, View};

use super::told::Told;
use super::{Violation, ensure};
use crate::plan_generator::SHORTEST_TIMER;

/// 64*T1, in milliseconds.
pub(super) const LIFE: u64 = 32_000;
/// The longest that a seed configures.
const TIMER_C: u64 = 185_000;
/// The longest `fr_timer` of a document.
const LONGEST_TIMER: u64 = 40_000;
/// How late a shell wakes the engine, with a tick of the wheel.
pub(super) const LATE: u64 = 100;

/// What names a server transaction (RFC 3261 section 17.2.3).
pub(super) type Key = Vec<u8>;

#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) method: Method,
    pub(super) request: Message,
    pub(super) began: u64,
    /// Where its responses go.
    pub(super) hop: Hop,
    /// Where its branches may go.
    pub(super) told: Told,
    /// Its name in events.
    pub(super) call: Option<String>,
    pub(super) cancelled: Option<u64>,
    /// When something was last done about it, or heard.
    pub(super) progress: u64,
    /// The caller acknowledged a failure.
    pub(super) acknowledged: bool,
    /// Why no branch may leave any more.
    pub(super) closed: Option<&'static str>,
    /// A 6xx came that ends everything.
    pub(super) global_failure: bool,
    /// Some document let 6xx go on.
    pub(super) six_goes_on: bool,
    /// Some document has redirects followed.
    pub(super) follows: bool,
    /// Some document changed From or To, now or when the dialog began.
    pub(super) rewrites: bool,
    /// Some document said `drop`.
    pub(super) may_drop: bool,
    /// A 408 came of a branch or a document: it never answers a non-INVITE (RFC 4320).
    pub(super) timed_out_below: bool,
    /// Responses that came for it, without the proxy's Via.
    pub(super) heard: Vec<Vec<u8>>,
    pub(super) provisional: bool,
    pub(super) last: Option<Bytes>,
    pub(super) success: bool,
    /// The first final response that was sent.
    pub(super) final_status: Option<u16>,
    pub(super) failure: Option<Bytes>,
    /// When the engine called it finished, and with what.
    pub(super) finished: Option<(u64, Option<u16>)>,
}

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) transaction: usize,
    pub(super) hop: Hop,
    pub(super) sent: Bytes,
    pub(super) at: u64,
    pub(super) undelivered: bool,
    /// A 1xx came.
    pub(super) provisional: bool,
    /// A 1xx came while the branch was alive for sure.
    pub(super) proceeding: bool,
    pub(super) final_status: Option<u16>,
    /// When the final response came, if the branch was alive for sure, and which.
    pub(super) answered: Option<(u64, u16)>,
    pub(super) cancel: Option<Bytes>,
    pub(super) ack: Option<Bytes>,
}

/// The From and To of its dialog were changed.
fn names_aliases(view: View<'_>) -> bool {
    let names = |part: &[u8]| part.windows(5).any(|it| it == b";tga=");
    let mut routes = view.routes().filter_map(Result::ok);
    names(view.request_uri()) || routes.any(|route| names(route.uri))
}

impl Transaction {
    pub(super) fn new(source: &Source, view: View<'_>, now: u64) -> Option<Self> {
        Some(Self {
            method: view.method(),
            request: Message::from_view(view),
            began: now,
            hop: way_back(source, &view.top_via().ok()?),
            told: Told::default(),
            call: None,
            cancelled: None,
            progress: now,
            acknowledged: false,
            closed: None,
            global_failure: false,
            six_goes_on: false,
            follows: false,
            rewrites: names_aliases(view),
            may_drop: false,
            timed_out_below: false,
            heard: Vec::new(),
            provisional: false,
            last: None,
            success: false,
            final_status: None,
            failure: None,
            finished: None,
        })
    }

    pub(super) fn is_invite(&self) -> bool {
        self.method == Method::Invite
    }

    /// How long the end may take: Timer C after the last sign of life; after a CANCEL a target's own
    /// timer and 64*T1 (RFC 3261 section 9.1).
    pub(super) fn check_patience(&self, now: u64) -> Result<(), Violation> {
        let idle = now - self.progress;
        ensure!(idle <= TIMER_C + LATE, "nothing was done for {idle} ms");
        let since = self.cancelled.map_or(0, |at| now - at);
        ensure!(
            since <= LONGEST_TIMER + LIFE + LATE,
            "a CANCEL took {since} ms"
        );
        Ok(())
    }

    /// Every request is answered, unless an application wanted otherwise.
    pub(super) fn check_end(&self) -> Result<(), Violation> {
        let uri = String::from_utf8_lossy(self.request.view().call_id().unwrap_or_default());
        ensure!(
            self.finished.is_some(),
            "{:?} {uri} was never finished",
            self.method
        );
        let silent = self.may_drop || (!self.is_invite() && self.timed_out_below);
        ensure!(
            self.final_status.is_some() || silent,
            "{:?} {uri} never got a final response",
            self.method
        );
        if self.global_failure && self.cancelled.is_none() && !self.success {
            let status = self.final_status.unwrap_or_default();
            ensure!(
                status >= 600 || status / 100 == 2,
                "a 6xx came, the caller got {status} (16.7 step 6)"
            );
        }
        Ok(())
    }
}

impl Branch {
    pub(super) fn new(transaction: usize, hop: &Hop, sent: &Bytes, now: u64) -> Self {
        Self {
            transaction,
            hop: *hop,
            sent: sent.clone(),
            at: now,
            undelivered: false,
            provisional: false,
            proceeding: false,
            final_status: None,
            answered: None,
            cancel: None,
            ack: None,
        }
    }

    /// Whether no timer can have ended the branch yet.
    pub(super) fn is_alive_for_sure(&self, now: u64) -> bool {
        let young = now - self.at < u64::from(SHORTEST_TIMER) - 100;
        !self.undelivered && (young || (self.proceeding && self.cancel.is_none()))
    }
}

/// The key of the transaction that a message with this Via belongs to.
pub(super) fn key(via: &Via<'_>, method: &[u8]) -> Key {
    let mut key = via.branch().unwrap_or_default().to_ascii_lowercase();
    key.push(b'|');
    key.extend(via.sent_by.to_ascii_lowercase());
    key.push(b'|');
    key.extend_from_slice(method);
    key
}

/// RFC 3261 section 18.2.2, RFC 3581 section 4.
pub(super) fn way_back(source: &Source, via: &Via<'_>) -> Hop {
    let mut addr = source.addr;
    if source.transport.is_reliable() || via.rport().is_none() {
        addr.set_port(via.port.unwrap_or_else(|| source.transport.default_port()));
    }
    Hop {
        transport: source.transport,
        addr,
        listener: source.listener,
        connection: source.connection,
    }
}
