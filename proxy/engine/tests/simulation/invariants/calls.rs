//! What the engine tells about calls, and the requests that it makes itself to end or probe them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use tidegate_engine::{Engine, Hop, Time};
use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::{CallEventKind, EndCause};
use tidegate_sip::{Method, View};

use super::{Ledger, Violation, ensure};
use crate::draft::{branch_of, text};
use crate::recorder::Notice;

/// Everything about calls.
#[derive(Debug, Default)]
pub(super) struct Book {
    calls: BTreeMap<ConsultationId, Call>,
    /// Our own requests, by branch.
    own: BTreeMap<Vec<u8>, (Hop, Bytes)>,
    /// The highest number of a request with this Call-ID and these From and To tags.
    numbers: BTreeMap<Way, u32>,
    /// Those that got a BYE of ours.
    byes: BTreeSet<(Way, SocketAddr)>,
}

/// Call-ID, From tag and To tag.
type Way = (Vec<u8>, Vec<u8>, Vec<u8>);

#[derive(Debug, Default)]
struct Call {
    seq: u32,
    call_id: Vec<u8>,
    progress: bool,
    answered: bool,
    /// It was seen among the live ones.
    lived: bool,
    over: Option<CallEventKind>,
    cause: Option<EndCause>,
}

impl Ledger {
    /// Events come in their order, without a gap, and nothing after the last.
    pub(super) fn check_notice(&mut self, notice: &Notice) -> Result<(), Violation> {
        let call = self.book.calls.entry(notice.call).or_default();
        let kind = notice.kind;
        call.seq += 1;
        ensure!(
            notice.seq == call.seq,
            "{kind:?} has number {}, not {}",
            notice.seq,
            call.seq
        );
        ensure!(call.over.is_none(), "{kind:?} after {:?}", call.over);
        ensure!(
            notice.at == self.now,
            "{kind:?} is told at another time than it happens"
        );
        let fits = match kind {
            CallEventKind::Progress => !call.progress && !call.answered,
            CallEventKind::Answered | CallEventKind::Failed => !call.answered,
            CallEventKind::Ended => call.answered,
        };
        ensure!(fits, "{kind:?} out of its turn");
        let code = notice.code;
        let fits = match kind {
            CallEventKind::Progress => (101..200).contains(&code),
            CallEventKind::Answered | CallEventKind::Ended => (200..300).contains(&code),
            CallEventKind::Failed => code == 0 || code >= 300,
        };
        ensure!(fits, "{kind:?} with {code}");
        call.progress |= kind == CallEventKind::Progress;
        call.answered |= kind == CallEventKind::Answered;
        call.call_id.clone_from(&notice.call_id);
        if matches!(kind, CallEventKind::Failed | CallEventKind::Ended) {
            call.over = Some(kind);
        }
        call.cause = notice.cause;
        ensure!(
            notice.cause.is_some() == (kind == CallEventKind::Ended),
            "{kind:?} because of {:?}",
            notice.cause
        );
        Ok(())
    }

    /// A request that began a transaction has used up its number.
    pub(super) fn note_number(&mut self, view: View<'_>) {
        let Ok(cseq) = view.cseq() else { return };
        let known = self.book.numbers.entry(way(view)).or_default();
        *known = (*known).max(cseq.number);
    }

    /// RFC 3261 section 12.2.1.1: a BYE has a number beyond all that went the same way, a probe none
    /// below.
    pub(super) fn check_own_request(
        &mut self,
        hop: &Hop,
        view: View<'_>,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        let name = branch_of(view).unwrap_or_default().to_ascii_lowercase();
        if let Some((known_hop, known)) = self.book.own.get(&name) {
            ensure!(
                known == bytes && known_hop == hop && !hop.transport.is_reliable(),
                "a request of ours is sent again differently"
            );
            return Ok(());
        }
        let way = way(view);
        let is_bye = view.method() == Method::Bye;
        ensure!(
            is_bye || view.method() == Method::Options,
            "it makes a {:?} of its own",
            view.method()
        );
        let last = self.book.numbers.get(&way).copied().unwrap_or_default();
        let number = view.cseq().map_or(0, |cseq| cseq.number);
        let fits = if is_bye {
            number > last
        } else {
            number >= last
        };
        ensure!(fits, "{} goes on with {number} after {last}", text(&way.0));
        if is_bye {
            // On a spiral the dialog passes more than once, and each pass is a call of its own.
            let first = self.book.byes.insert((way.clone(), hop.addr));
            let listeners = &self.config.listeners;
            let spirals = listeners.iter().any(|own| own.addr == hop.addr);
            ensure!(
                first || spirals,
                "{} gets BYE twice at {}",
                text(&way.0),
                hop.addr
            );
        }
        self.book.own.insert(name, (*hop, bytes.clone()));
        Ok(())
    }

    /// Which calls live.
    pub(super) fn look_at_calls(&mut self, engine: &Engine) -> Result<(), Violation> {
        let mut wrong = None;
        engine.calls(Time(self.now), |info| {
            let call = self.book.calls.entry(info.call).or_default();
            call.lived = true;
            if call.over.is_some() {
                wrong = Some(info.call);
            }
        });
        ensure!(wrong.is_none(), "{wrong:?} lives after its end");
        Ok(())
    }

    /// Every call that was answered and led through here has ended, the ones that were ended here
    /// with BYE to both sides.
    pub(super) fn check_calls_at_the_end(&self, engine: &Engine) -> Result<(), Violation> {
        let left = engine.followed_calls();
        ensure!(left == 0, "{left} calls are left");
        for (name, call) in &self.book.calls {
            ensure!(
                !call.answered || !call.lived || call.over == Some(CallEventKind::Ended),
                "{name} has no end"
            );
            let here = matches!(
                call.cause,
                Some(EndCause::MaxDuration | EndCause::Terminated)
            );
            let byes = self.book.byes.iter().map(|(way, _)| way);
            let byes = byes.filter(|way| way.0 == call.call_id);
            let byes: Vec<&Way> = byes.collect();
            let both = byes.iter().any(|one| {
                byes.iter()
                    .any(|other| one.1 == other.2 && one.2 == other.1)
            });
            ensure!(
                !here || both,
                "{name} got no BYE to both sides, but {} of them",
                byes.len()
            );
        }
        Ok(())
    }
}

fn way(view: View<'_>) -> Way {
    let tag = |tag: Option<&[u8]>| tag.unwrap_or_default().to_vec();
    let from = view.from().ok();
    let to = view.to().ok();
    (
        view.call_id().unwrap_or_default().to_vec(),
        tag(from.as_ref().and_then(|it| it.tag())),
        tag(to.as_ref().and_then(|it| it.tag())),
    )
}
