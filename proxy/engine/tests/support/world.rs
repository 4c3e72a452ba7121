//! The world: an engine, a clock, and what is on its way.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;
use tidegate_engine::{
    AnswerError, CallKinds, Config, Engine, Forget, Listener, ListenerId, Time, Transport,
    UnknownCall,
};
use tidegate_schemas::{ConsultationId, RouteDocument};
use tidegate_sip::{Head, Limits};

use super::draft::Draft;
use super::peer::Peer;
use super::recorder::{Done, Recorder};
use super::seen::Seen;
use super::told::Told;

/// `udp:192.0.2.1:5060`
pub(crate) const UDP: ListenerId = ListenerId(0);
/// `tcp:192.0.2.1:5060`
pub(crate) const TCP: ListenerId = ListenerId(1);
/// `udp:[2001:db8::1]:5060`
pub(crate) const UDP6: ListenerId = ListenerId(2);
/// `udp:192.0.2.1:5062`
pub(crate) const OTHER_UDP: ListenerId = ListenerId(3);

/// Longer than any timer of the engine may keep a transaction.
const LIFETIME_MS: u64 = 900_000;

/// One engine with its surroundings.
pub(crate) struct World {
    pub(crate) engine: Engine,
    now: Time,
    out: Recorder,
    unseen: VecDeque<Seen>,
    open: Vec<(ConsultationId, Time)>,
    numbers: u32,
    /// What is sent beyond the expectations of the test is none of its business.
    indifferent: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// The configuration of [`World::new`]: four listeners, `tide.example` as own domain.
    pub(crate) fn config() -> Config {
        let listener = |transport, addr: &str| Listener::new(transport, addr.parse().unwrap());
        let listeners = vec![
            listener(Transport::Udp, "192.0.2.1:5060"),
            listener(Transport::Tcp, "192.0.2.1:5060"),
            listener(Transport::Udp, "[2001:db8::1]:5060"),
            listener(Transport::Udp, "192.0.2.1:5062"),
        ];
        Config {
            domains: vec!["tide.example".to_owned()],
            ..Config::new(listeners)
        }
    }

    /// A world in which something is configured differently.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Self::config();
        change(&mut config);
        Self {
            engine: Engine::new(Arc::new(config), 0, *b"secret of a tide", 0x0a11_ce00),
            now: Time(0),
            out: Recorder::default(),
            unseen: VecDeque::new(),
            open: Vec::new(),
            numbers: 0,
            indifferent: false,
        }
    }

    /// From here on, messages may be left unexpected.
    pub(crate) fn ignore_the_rest(&mut self) {
        self.indifferent = true;
        self.unseen.clear();
    }
}

/// Messages in.
impl World {
    /// A request outside of a dialog, with a branch and a Call-ID of its own.
    pub(crate) fn request(&mut self, method: &str, from: &Peer, uri: &str) -> Draft {
        let number = self.number();
        Draft::new(format!("{method} {uri} SIP/2.0"))
            .with("Via", from.via(&format!("z9hG4bK-{}-{number}", from.name)))
            .with("Max-Forwards", "70")
            .with(
                "From",
                format!("<sip:{}@client.example>;tag=f{number}", from.name),
            )
            .with("To", format!("<{uri}>"))
            .with("Call-ID", format!("{number}@{}", from.addr.ip()))
            .with("CSeq", format!("1 {method}"))
            .with("Contact", format!("<{}>", from.uri()))
    }

    pub(crate) fn invite(&mut self, from: &Peer) -> Draft {
        self.request("INVITE", from, "sip:bob@tide.example")
    }

    /// An INVITE is sent and its 100 received.
    pub(crate) fn call(&mut self, from: &Peer) -> Draft {
        let invite = self.invite(from);
        self.receive(from, &invite);
        self.expect_to(from).response(100);
        invite
    }

    /// An INVITE is sent, its 100 received, and the application decides.
    pub(crate) fn call_routed(&mut self, from: &Peer, document: Value) -> Draft {
        let invite = self.call(from);
        self.answer(document);
        invite
    }

    /// A request of the caller inside the dialog that `ok`, a 2xx to `invite`, made; an ACK for it
    /// where `method` says so.
    pub(crate) fn in_dialog(&mut self, method: &str, invite: &Draft, ok: &Seen) -> Draft {
        let number = self.number();
        let cseq = if method == "ACK" { 1 } else { 2 };
        let via = invite.get("Via");
        let bare = via.split(";branch=").next().unwrap_or_default();
        let mut draft = Draft::new(format!("{method} {} SIP/2.0", ok.contact()))
            .with("Via", format!("{bare};branch=z9hG4bK-d{number}"))
            .with("Max-Forwards", "70");
        for route in ok.record_routes().iter().rev() {
            draft = draft.with("Route", route);
        }
        draft
            .with("From", invite.get("From"))
            .with("To", ok.get("To"))
            .with("Call-ID", invite.get("Call-ID"))
            .with("CSeq", format!("{cseq} {method}"))
    }

    /// A request of the callee inside the dialog that it confirmed with `ok`, its own 2xx to
    /// `invite`.
    pub(crate) fn callee_request(
        &mut self,
        method: &str,
        peer: &Peer,
        invite: &Seen,
        ok: &Draft,
    ) -> Draft {
        let number = self.number();
        let mut draft = Draft::new(format!("{method} {} SIP/2.0", invite.contact()))
            .with("Via", peer.via(&format!("z9hG4bK-c{number}")))
            .with("Max-Forwards", "70");
        for route in invite.record_routes() {
            draft = draft.with("Route", route);
        }
        draft
            .with("From", ok.get("To"))
            .with("To", ok.get("From"))
            .with("Call-ID", ok.get("Call-ID"))
            .with("CSeq", format!("7 {method}"))
    }

    /// The proxy receives a message.
    pub(crate) fn receive(&mut self, from: &Peer, draft: &Draft) {
        self.receive_bytes(from, &draft.bytes());
    }

    /// The proxy receives a datagram. What can't be indexed does not get as far as the engine.
    pub(crate) fn receive_bytes(&mut self, from: &Peer, bytes: &[u8]) {
        let mut head = Head::new();
        if head.parse(bytes, &Limits::default()).is_ok() {
            let view = head.view(bytes);
            self.engine
                .handle_message(self.now, &from.source(), view, &mut self.out);
            self.collect();
        }
    }

    /// The transport tells that this message, or its beginning, was not delivered.
    pub(crate) fn undeliverable(&mut self, payload: &[u8]) {
        self.engine
            .handle_send_failure(self.now, payload, &mut self.out);
        self.collect();
    }

    /// The oldest look-up, which has to be for this name, gets its answer.
    pub(crate) fn resolve(&mut self, name: &str, addresses: &[IpAddr]) {
        let (id, host) = self.out.lookups.remove(0);
        assert_eq!(host, name);
        self.engine
            .handle_resolved(self.now, id, addresses, &mut self.out);
        self.collect();
    }

    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }
}

/// The application.
impl World {
    /// The consultation that waits; there has to be just one.
    pub(crate) fn asked(&self) -> ConsultationId {
        match self.open.as_slice() {
            [(id, _)] => *id,
            other => panic!("expected one consultation, found {other:?}"),
        }
    }

    /// Of several consultations that wait, the one that began first.
    pub(crate) fn oldest(&self) -> ConsultationId {
        let (id, _) = self.open.first().expect("a consultation that waits");
        *id
    }

    /// How many consultations wait.
    pub(crate) fn waiting(&self) -> usize {
        self.open.len()
    }

    /// How many consultations have begun.
    pub(crate) fn consultations(&self) -> u64 {
        self.engine.stats().consultations
    }

    /// The event of the consultation that waits.
    pub(crate) fn question(&self) -> Value {
        let id = self.asked();
        let event = self
            .engine
            .question(self.now, id, |event| serde_json::to_value(event).unwrap());
        event.expect("the question of an open consultation")
    }

    /// The application answers the one consultation that waits, with a document that is used.
    pub(crate) fn answer(&mut self, document: Value) {
        let id = self.asked();
        self.answer_to(id, document)
            .expect("a document that is used");
    }

    /// The application answers this consultation.
    pub(crate) fn answer_to(
        &mut self,
        id: ConsultationId,
        document: Value,
    ) -> Result<(), AnswerError> {
        let document: RouteDocument = serde_json::from_value(document).expect("a route document");
        let result = self
            .engine
            .handle_document(self.now, id, &document, "router", &mut self.out);
        if result.is_ok() {
            self.open.retain(|(open, _)| *open != id);
        }
        self.collect();
        result
    }

    /// No application can answer the one consultation that waits.
    pub(crate) fn unavailable(&mut self) {
        let id = self.asked();
        self.open.clear();
        self.engine.handle_unavailable(self.now, id, &mut self.out);
        self.collect();
    }

    /// Consultations that were taken back, and why.
    pub(crate) fn forgotten(&self) -> Vec<Forget> {
        self.out.forgotten.iter().map(|(_, why)| *why).collect()
    }
}

/// Calls.
impl World {
    /// Somebody wants to know everything about calls.
    pub(crate) fn following() -> Self {
        let mut world = Self::new();
        world.engine.follow_calls(CallKinds::ALL);
        world
    }

    /// The next thing that was told about a call.
    pub(crate) fn told(&mut self) -> Told {
        assert!(!self.out.calls.is_empty(), "nothing more was told");
        self.out.calls.remove(0)
    }

    /// Nothing more was told about calls.
    pub(crate) fn expect_untold(&self) {
        assert_eq!(self.out.calls, [], "told as well");
    }

    /// An order to end this call.
    pub(crate) fn terminate(
        &mut self,
        call: ConsultationId,
        detail: &str,
    ) -> Result<(), UnknownCall> {
        let result = self
            .engine
            .terminate(self.now, call, Some(detail), &mut self.out);
        self.collect();
        result
    }

    /// The calls that live, by their names.
    pub(crate) fn calls(&self) -> Vec<ConsultationId> {
        let mut calls = Vec::new();
        self.engine.calls(self.now, |call| calls.push(call.call));
        calls
    }
}

/// Time.
impl World {
    pub(crate) fn now(&self) -> u64 {
        self.now.0
    }

    /// Moves the clock to this time, and lets timers fire on the way.
    pub(crate) fn at(&mut self, ms: u64) {
        assert!(ms >= self.now.0, "the clock stands at {} ms", self.now.0);
        while let Some(next) = self.engine.next_timeout().filter(|next| next.0 <= ms) {
            let before = self.engine.timers();
            self.now = self.now.max(next);
            self.out.now = self.now;
            self.engine.handle_timeout(self.now, &mut self.out);
            let idle = self.engine.next_timeout() == Some(next) && self.engine.timers() == before;
            assert!(!idle, "a timer that is due does not fire");
        }
        self.now = Time(ms);
        self.out.now = self.now;
        self.collect();
    }

    /// Moves the clock on.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.at(self.now.0 + ms);
    }

    /// Moves the clock to this time, and nothing is sent to anybody.
    pub(crate) fn expect_nothing_until(&mut self, ms: u64) {
        self.expect_nothing();
        self.at(ms);
        self.expect_nothing();
    }
}

/// Messages out.
impl World {
    /// The next message to this peer.
    pub(crate) fn expect_to(&mut self, peer: &Peer) -> Seen {
        let found = self
            .unseen
            .iter()
            .position(|seen| peer.is_reached_by(&seen.hop));
        match found.and_then(|at| self.unseen.remove(at)) {
            Some(seen) => seen,
            None => panic!("nothing sent to {}, but{}", peer.name, self.listing()),
        }
    }

    /// All messages to this peer that the test has not looked at.
    pub(crate) fn all_to(&mut self, peer: &Peer) -> Vec<Seen> {
        let (these, others) = std::mem::take(&mut self.unseen)
            .into_iter()
            .partition(|seen| peer.is_reached_by(&seen.hop));
        self.unseen = others;
        Vec::from(these)
    }

    /// Nothing was sent that the test has not looked at.
    pub(crate) fn expect_nothing(&self) {
        assert!(self.unseen.is_empty(), "sent as well:{}", self.listing());
    }

    /// Records of transactions that have got their final response.
    pub(crate) fn finished(&self) -> &[Done] {
        &self.out.finished
    }

    fn listing(&self) -> String {
        let lines = self
            .unseen
            .iter()
            .map(|seen| format!("\n  {}", seen.summary()));
        lines.collect()
    }

    fn collect(&mut self) {
        self.unseen.extend(self.out.sent.drain(..));
        self.open.append(&mut self.out.consultations);
        for (id, _) in &self.out.forgotten {
            self.open.retain(|(open, _)| open != id);
        }
    }

    fn expect_no_remains(&mut self) {
        self.at(self.now.0 + LIFETIME_MS);
        assert_eq!(self.engine.live(), 0, "transactions live for ever");
        assert_eq!(self.engine.followed_calls(), 0, "calls live for ever");
        assert_eq!(self.engine.timers(), 0, "timers are armed for ever");
        assert_eq!(self.open, [], "consultations wait for ever");
        let requests = self.engine.stats().requests;
        assert_eq!(self.out.finished.len() as u64, requests, "records");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            if !self.indifferent {
                self.expect_nothing();
            }
            self.expect_no_remains();
        }
    }
}
