//! The client side of the peers: client transactions of RFC 3261 section 17.1 with Timers A, B, E
//! and F, CANCEL at any moment, ACK to every final response, requests inside dialogs.

use bytes::Bytes;
use tidegate_engine::Source;
use tidegate_sip::{View, build};

use crate::dialog::Dialog;
use crate::draft::{Draft, branch_of, method_of, read};
use crate::event::Event;
use crate::rng::Choose;
use crate::scene::PeerId;
use crate::stage::Stage;

const T1: u64 = 500;
const T2: u64 = 4_000;
const LIFE: u64 = 64 * T1;

/// All client transactions there ever were.
#[derive(Debug, Default)]
pub(crate) struct Clients(Vec<Client>);

#[derive(Debug)]
struct Client {
    peer: PeerId,
    source: Source,
    method: &'static str,
    branch: String,
    request: Bytes,
    state: State,
    interval: u64,
    cancel: Option<Bytes>,
    /// A caller that never acknowledges.
    rude: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calling,
    Proceeding,
    /// A final response came.
    Answered,
    GivenUp,
}

#[derive(Debug, Clone)]
pub(crate) enum ClientAct {
    /// Timer A or E.
    Repeat,
    /// Timer B or F.
    GiveUp,
    Cancel,
    RepeatCancel(u64),
    /// A request of the dialog that this transaction began.
    Go(Box<Dialog>),
}

impl Clients {
    /// A new request outside of dialogs.
    pub(crate) fn call(&mut self, stage: &mut Stage) {
        let peer = stage.scene.some_caller(&mut stage.rng);
        let method = stage.rng.weighed(&[
            (60, "INVITE"),
            (12, "MESSAGE"),
            (10, "OPTIONS"),
            (4, "SUBSCRIBE"),
            (4, "REGISTER"),
            (3, "BYE"),
            (3, "TIDE"),
        ]);
        let draft = new_request(stage, peer, method);
        let index = self.send(stage, peer, &draft);
        if method == "INVITE" || stage.rng.percent(5) {
            self.plan_cancel(stage, index);
        }
    }

    /// A request of the callee's side of a dialog, or of the caller's.
    pub(crate) fn go_on(&mut self, stage: &mut Stage, peer: PeerId, mut dialog: Dialog) {
        let method = stage.rng.weighed(&[(5, "BYE"), (3, "INVITE"), (2, "INFO")]);
        dialog.cseq += 1;
        let mut draft = in_dialog(stage, peer, method, &dialog);
        if method == "INVITE" {
            draft.body = b"v=0\r\nagain".to_vec();
        }
        let index = self.send(stage, peer, &draft);
        if method == "INVITE" && stage.rng.percent(20) {
            self.plan_cancel(stage, index);
        }
    }

    pub(crate) fn on_event(&mut self, stage: &mut Stage, index: usize, act: ClientAct) {
        let client = &mut self.0[index];
        match act {
            ClientAct::Repeat => client.repeat(stage, index),
            ClientAct::GiveUp if client.is_open() => client.state = State::GivenUp,
            ClientAct::GiveUp => {}
            ClientAct::Cancel => client.send_cancel(stage, index),
            ClientAct::RepeatCancel(interval) => client.repeat_cancel(stage, index, interval),
            ClientAct::Go(dialog) => {
                let peer = client.peer;
                self.go_on(stage, peer, *dialog);
            }
        }
    }

    /// A response reaches a peer. The transaction is found by branch and method.
    pub(crate) fn on_response(&mut self, stage: &mut Stage, view: View<'_>) {
        let Some(branch) = branch_of(view) else {
            return;
        };
        let found = self.0.iter().position(|it| it.branch.as_bytes() == branch);
        let Some(index) = found else { return };
        let client = &mut self.0[index];
        if method_of(view) == b"CANCEL" {
            client.cancel = None;
        } else if method_of(view) == client.method.as_bytes() {
            client.on_response(stage, index, view);
        }
    }

    fn send(&mut self, stage: &mut Stage, peer: PeerId, draft: &Draft) -> usize {
        let source = stage.scene.usual_source(peer);
        let branch = draft.via.split("branch=").nth(1).unwrap();
        let request = draft.bytes();
        stage.send_to_proxy(peer, source, &request);
        let index = self.0.len();
        if !source.transport.is_reliable() {
            let act = ClientAct::Repeat;
            stage.plan(T1, Event::Client { index, act });
        }
        let act = ClientAct::GiveUp;
        stage.plan(LIFE, Event::Client { index, act });
        self.0.push(Client {
            peer,
            source,
            method: draft.method,
            branch: branch.split(';').next().unwrap().to_owned(),
            request,
            state: State::Calling,
            interval: T1,
            cancel: None,
            rude: stage.rng.percent(5),
        });
        index
    }

    /// Some hang up: at once, while it rings, long after the answer, twice.
    fn plan_cancel(&self, stage: &mut Stage, index: usize) {
        if !stage.rng.percent(35) {
            return;
        }
        for _ in 0..stage.rng.weighed(&[(9, 1), (1, 2)]) {
            let latest = stage.rng.pick(&[1, 300, 3_000, 20_000, 120_000]);
            let delay = stage.rng.u64(0..latest);
            let act = ClientAct::Cancel;
            stage.plan(delay, Event::Client { index, act });
        }
    }
}

impl Client {
    fn is_open(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }

    fn is_invite(&self) -> bool {
        self.method == "INVITE"
    }

    fn repeat(&mut self, stage: &mut Stage, index: usize) {
        let stops = self.is_invite() && self.state == State::Proceeding;
        if !self.is_open() || stops {
            return;
        }
        stage.send_to_proxy(self.peer, self.source, &self.request);
        self.interval *= 2;
        if !self.is_invite() {
            let slow = self.state == State::Proceeding;
            self.interval = if slow { T2 } else { self.interval.min(T2) };
        }
        let act = ClientAct::Repeat;
        stage.plan(self.interval, Event::Client { index, act });
    }

    /// As hostile as a caller can be: also before a provisional and after a final response.
    fn send_cancel(&mut self, stage: &mut Stage, index: usize) {
        let Some(request) = read(&self.request) else {
            return;
        };
        let reason: (&[u8], &[u8]) = (b"Reason", b"SIP;cause=200");
        let extra = if stage.rng.bool() { &[reason][..] } else { &[] };
        let mut bytes = Vec::new();
        build::cancel(request.view(), extra, &mut bytes);
        self.cancel = Some(bytes.into());
        self.repeat_cancel(stage, index, T1);
    }

    fn repeat_cancel(&self, stage: &mut Stage, index: usize, interval: u64) {
        let Some(cancel) = &self.cancel else { return };
        stage.send_to_proxy(self.peer, self.source, cancel);
        if !self.source.transport.is_reliable() && interval < LIFE / 2 {
            let act = ClientAct::RepeatCancel(interval * 2);
            stage.plan(interval, Event::Client { index, act });
        }
    }

    fn on_response(&mut self, stage: &mut Stage, index: usize, view: View<'_>) {
        match view.status() {
            100..=199 if self.is_open() => self.state = State::Proceeding,
            200..=299 => self.on_success(stage, index, view),
            300..=699 => self.on_failure(stage, view),
            _ => {}
        }
    }

    fn on_success(&mut self, stage: &mut Stage, index: usize, view: View<'_>) {
        let is_first = self.is_open();
        self.state = State::Answered;
        if !self.is_invite() || self.rude {
            return;
        }
        let Some(dialog) = Dialog::of_caller(view) else {
            return;
        };
        let mut ack = in_dialog(stage, self.peer, "ACK", &dialog);
        ack.cseq = dialog.cseq;
        stage.send_to_proxy(self.peer, self.source, &ack.bytes());
        if is_first && stage.rng.percent(50) {
            let act = ClientAct::Go(Box::new(dialog));
            let delay = stage.rng.u64(0..20_000);
            stage.plan(delay, Event::Client { index, act });
        }
    }

    /// RFC 3261 section 17.1.1.3: the ACK of the transaction, for every copy.
    fn on_failure(&mut self, stage: &mut Stage, view: View<'_>) {
        self.state = State::Answered;
        let Some(request) = read(&self.request).filter(|_| self.is_invite() && !self.rude) else {
            return;
        };
        let mut ack = Vec::new();
        build::ack(request.view(), view, &mut ack);
        stage.send_to_proxy(self.peer, self.source, &ack.into());
    }
}

fn new_request(stage: &mut Stage, peer: PeerId, method: &'static str) -> Draft {
    let number = stage.number();
    let mut draft = Draft {
        method,
        uri: format!("sip:callee{}@tidegate.example", number % 5),
        via: via(stage, peer),
        from: format!("\"Caller {number}\" <sip:caller{peer}@caller.example>;tag=f{number}"),
        to: "<sip:callee@tidegate.example>".to_owned(),
        call_id: format!("{number}@caller{peer}"),
        cseq: stage.rng.u32(1..1000),
        max_forwards: Some(70),
        contact: contact(stage, peer),
        ..Draft::default()
    };
    draft
        .extra
        .push(format!("X-Opaque: \"{number}\"; kept=yes"));
    draft.body = body(stage, number);
    make_odd(stage, &mut draft);
    draft
}

/// What not every request has.
fn make_odd(stage: &mut Stage, draft: &mut Draft) {
    let rng = &mut stage.rng;
    match rng.u32(0..60) {
        0 => draft.max_forwards = Some(0),
        1 => draft.max_forwards = Some(1),
        2 | 3 => draft.max_forwards = None,
        4 => draft.extra.push("Proxy-Require: tides".to_owned()),
        5 => "mailto:a@b.example".clone_into(&mut draft.uri),
        6 => "sip:a@b.example?Subject=x".clone_into(&mut draft.uri),
        7 => draft.call_id.clear(),
        8 | 9 => draft.extra.push(format!("Max-Breadth: {}", rng.u32(0..4))),
        10 => draft.extra.push("Session-Expires: 90".to_owned()),
        11 => draft.to.push_str(";tag=from-before"),
        12 => "sip:callee@203.0.113.11".clone_into(&mut draft.uri),
        13 => draft.routes.push("<sip:192.0.2.1;lr>".to_owned()),
        14 => draft.routes.push("<sip:203.0.113.12;lr>".to_owned()),
        16 | 17 => {
            let below = "Via: SIP/2.0/UDP 192.168.0.9;branch=z9hG4bKbelow;received=198.51.100.77";
            draft.extra.push(below.to_owned());
        }
        15 => draft.routes.push("<sip:203.0.113.13>".to_owned()),
        _ => {}
    }
}

fn body(stage: &mut Stage, number: u64) -> Vec<u8> {
    let length = stage.rng.pick(&[0, 0, 120, 700, 1_400]);
    let line = format!("body of {number}\r\n\u{0}\u{ff}");
    line.bytes().cycle().take(length).collect()
}

fn in_dialog(stage: &mut Stage, peer: PeerId, method: &'static str, dialog: &Dialog) -> Draft {
    Draft {
        method,
        uri: dialog.target.clone(),
        via: via(stage, peer),
        routes: dialog.routes.clone(),
        from: dialog.local.clone(),
        to: dialog.remote.clone(),
        call_id: dialog.call_id(),
        cseq: dialog.cseq,
        max_forwards: Some(stage.rng.u32(10..71)),
        contact: contact(stage, peer),
        ..Draft::default()
    }
}

pub(crate) fn contact(stage: &Stage, peer: PeerId) -> String {
    let peer = &stage.scene.peers[peer];
    let transport = peer.transport.name();
    format!("sip:{};transport={transport}", peer.addr)
}

fn via(stage: &mut Stage, peer: PeerId) -> String {
    let number = stage.number();
    let peer = &stage.scene.peers[peer];
    let transport = peer.transport.via_name();
    let (addr, rport) = if peer.behind_nat {
        ("10.0.0.5:5070".to_owned(), ";rport")
    } else {
        (
            peer.addr.to_string(),
            if number.is_multiple_of(2) {
                ";rport"
            } else {
                ""
            },
        )
    };
    format!("SIP/2.0/{transport} {addr};branch=z9hG4bKu{number}{rport}")
}
