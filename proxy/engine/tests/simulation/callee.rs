//! The server side of the peers: callees that answer, ring for ever, stay silent, answer twice,
//! repeat their 2xx until the ACK, heed CANCEL or not, and forge responses.

use bytes::Bytes;
use tidegate_engine::{Hop, Source};
use tidegate_sip::build::{self, Response, ViaStamp};
use tidegate_sip::{Message, View};

use crate::caller::{Clients, contact};
use crate::dialog::Dialog;
use crate::draft::{branch_of, method_of, text};
use crate::event::Event;
use crate::rng::Choose;
use crate::scene::PeerId;
use crate::stage::Stage;

const T1: u64 = 500;
const T2: u64 = 4_000;
const LIFE: u64 = 64 * T1;

/// All server transactions there ever were.
#[derive(Debug, Default)]
pub(crate) struct Servers(Vec<Server>);

#[derive(Debug)]
struct Server {
    peer: PeerId,
    source: Source,
    request: Message,
    /// The last response.
    last: Option<Bytes>,
    answered: bool,
    acknowledged: bool,
    on_cancel: OnCancel,
    hangs_up: bool,
}

#[derive(Debug, Clone, Copy)]
enum OnCancel {
    /// 200 to the CANCEL, 487 to the INVITE.
    Obey,
    /// 200 to the CANCEL and nothing else.
    Promise,
    Ignore,
    /// 481 to the CANCEL.
    Deny,
    /// The answer crosses the CANCEL.
    AnswerAllTheSame,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum ServerAct {
    /// A response with this status; the number tells the tags of several answers apart.
    Respond(u16, u8),
    /// Timer G, and the repeats of a 2xx (RFC 3261 section 13.3.1.4).
    Repeat {
        interval: u64,
        since: u64,
    },
    Forge(Forgery),
    HangUp(u8),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Forgery {
    /// Another branch than the one that was sent.
    Branch,
    /// The method of another transaction.
    Method,
    /// Only the proxy's Via.
    OneVia,
    /// A Via of somebody else in front.
    ForeignVia,
}

const FAILURES: [u16; 16] = [
    300, 302, 302, 401, 404, 407, 408, 415, 480, 486, 486, 500, 503, 504, 600, 603,
];

impl Servers {
    pub(crate) fn on_request(
        &mut self,
        stage: &mut Stage,
        peer: PeerId,
        hop: Hop,
        request: &Message,
    ) {
        match request.view().method_raw() {
            b"ACK" => self.on_ack(peer, request.view()),
            b"CANCEL" => self.on_cancel(stage, peer, hop, request.view()),
            _ => self.on_other(stage, peer, hop, request),
        }
    }

    pub(crate) fn on_event(
        &mut self,
        stage: &mut Stage,
        clients: &mut Clients,
        index: usize,
        act: ServerAct,
    ) {
        let server = &mut self.0[index];
        match act {
            ServerAct::Respond(status, number) => server.respond(stage, index, status, number),
            ServerAct::Repeat { interval, since } => server.repeat(stage, index, interval, since),
            ServerAct::Forge(forgery) => server.forge(stage, forgery),
            ServerAct::HangUp(number) => {
                let dialog = Dialog::of_callee(server.request.view(), &server.tag(number));
                if let Some(dialog) = dialog {
                    clients.go_on(stage, server.peer, dialog);
                }
            }
        }
    }

    fn on_other(&mut self, stage: &mut Stage, peer: PeerId, hop: Hop, request: &Message) {
        let view = request.view();
        if let Some(server) = self.find(peer, branch_of(view), view.method_raw()) {
            return self.0[server].say_again(stage);
        }
        let index = self.0.len();
        let script = script(stage, view.method_raw() == b"INVITE");
        for (delay, act) in script {
            stage.plan(delay, Event::Server { index, act });
        }
        self.0.push(Server {
            peer,
            source: stage.scene.source(peer, hop.transport, hop.listener),
            request: request.clone(),
            last: None,
            answered: false,
            acknowledged: false,
            on_cancel: stage.rng.weighed(&[
                (60, OnCancel::Obey),
                (10, OnCancel::Promise),
                (10, OnCancel::Ignore),
                (10, OnCancel::Deny),
                (10, OnCancel::AnswerAllTheSame),
            ]),
            hangs_up: stage.rng.percent(30),
        });
    }

    /// Of the transaction, or of the dialog.
    fn on_ack(&mut self, peer: PeerId, ack: View<'_>) {
        let number = ack.cseq().map_or(0, |cseq| cseq.number);
        for server in self.0.iter_mut().filter(|server| server.peer == peer) {
            let invite = server.request.view();
            let same_number = invite.cseq().is_ok_and(|cseq| cseq.number == number);
            if same_number && invite.call_id() == ack.call_id() {
                server.acknowledged = true;
            }
        }
    }

    fn on_cancel(&mut self, stage: &mut Stage, peer: PeerId, hop: Hop, cancel: View<'_>) {
        let found = self.find(peer, branch_of(cancel), b"INVITE");
        let source = stage.scene.source(peer, hop.transport, hop.listener);
        let Some(index) = found else {
            return stage.send_to_proxy(peer, source, &response(cancel, 481, "none", &[]));
        };
        let server = &mut self.0[index];
        let (status, answer) = match server.on_cancel {
            OnCancel::Obey => (Some(200), Some(487)),
            OnCancel::Promise => (Some(200), None),
            OnCancel::Ignore => (None, None),
            OnCancel::Deny => (Some(481), None),
            OnCancel::AnswerAllTheSame => (Some(200), Some(200)),
        };
        if let Some(status) = status {
            stage.send_to_proxy(peer, source, &response(cancel, status, "cancelled", &[]));
        }
        if let Some(status) = answer.filter(|_| !server.answered) {
            server.respond(stage, index, status, 0);
        }
    }

    fn find(&self, peer: PeerId, branch: Option<&[u8]>, method: &[u8]) -> Option<usize> {
        self.0.iter().position(|server| {
            let view = server.request.view();
            server.peer == peer && branch_of(view) == branch && view.method_raw() == method
        })
    }
}

impl Server {
    fn is_invite(&self) -> bool {
        self.request.view().method_raw() == b"INVITE"
    }

    fn tag(&self, number: u8) -> String {
        let branch = branch_of(self.request.view()).map(text);
        let branch = branch.unwrap_or_default();
        let end = branch.get(branch.len().saturating_sub(12)..).unwrap_or("x");
        format!("t{number}{end}")
    }

    fn say_again(&self, stage: &mut Stage) {
        if let Some(last) = &self.last {
            stage.send_to_proxy(self.peer, self.source, last);
        }
    }

    fn respond(&mut self, stage: &mut Stage, index: usize, status: u16, number: u8) {
        if self.answered && status < 200 {
            return;
        }
        let bytes = self.make(stage, status, number);
        stage.send_to_proxy(self.peer, self.source, &bytes);
        self.last = Some(bytes);
        if status < 200 {
            return;
        }
        self.answered = true;
        if self.is_invite() {
            let (interval, since) = (T1, stage.now);
            let act = ServerAct::Repeat { interval, since };
            stage.plan(T1, Event::Server { index, act });
        }
        if self.is_invite() && status < 300 && self.hangs_up {
            let delay = stage.rng.u64(0..30_000);
            let act = ServerAct::HangUp(number);
            stage.plan(delay, Event::Server { index, act });
        }
    }

    fn repeat(&self, stage: &mut Stage, index: usize, interval: u64, since: u64) {
        if self.acknowledged || stage.now - since > LIFE {
            return;
        }
        self.say_again(stage);
        let interval = (interval * 2).min(T2);
        let act = ServerAct::Repeat { interval, since };
        stage.plan(interval, Event::Server { index, act });
    }

    fn make(&self, stage: &mut Stage, status: u16, number: u8) -> Bytes {
        let view = self.request.view();
        let answer = stage.number();
        let mut headers = vec![("X-Answer", answer.to_string())];
        if self.is_invite() && status < 300 {
            headers.push(("Contact", format!("<{}>", contact(stage, self.peer))));
            for route in view.record_routes().filter_map(Result::ok) {
                headers.push(("Record-Route", text(route.span.of(view.bytes()))));
            }
        }
        if status < 300 && stage.rng.percent(10) {
            headers.push(("Session-Expires", "90".to_owned()));
        }
        match status {
            300..=399 => headers.push(("Contact", contacts(stage))),
            401 => headers.push(("WWW-Authenticate", format!("Digest realm=\"{answer}\""))),
            407 => headers.push(("Proxy-Authenticate", format!("Digest realm=\"{answer}\""))),
            _ => {}
        }
        response(view, status, &self.tag(number), &headers)
    }

    fn forge(&self, stage: &mut Stage, forgery: Forgery) {
        let status = stage.rng.pick(&[180, 200, 200, 486, 603]);
        let number = stage.rng.u8(0..3);
        let honest = text(&self.make(stage, status, number));
        let method = text(method_of(self.request.view()));
        let forged = match forgery {
            Forgery::Branch => with_other_branch(stage, &honest),
            Forgery::Method => {
                let other = stage.rng.pick(&["BYE", "CANCEL", "ACK", "INVITE"]);
                honest.replacen(&format!(" {method}\r\n"), &format!(" {other}\r\n"), 1)
            }
            Forgery::OneVia => without_second_via(&honest),
            Forgery::ForeignVia => {
                honest.replacen("Via: SIP/2.0/UDP 192", "Via: SIP/2.0/UDP 193", 1)
            }
        };
        stage.send_to_proxy(self.peer, self.source, &forged.into_bytes().into());
    }
}

/// What a callee is going to do about a request, and when.
fn script(stage: &mut Stage, is_invite: bool) -> Vec<(u64, ServerAct)> {
    let rng = &mut stage.rng;
    let mut script = Vec::new();
    let mut at = rng.u64(0..50);
    if is_invite {
        for status in [100, 180, 183] {
            if rng.percent(45) {
                script.push((at, ServerAct::Respond(status, 0)));
                at += rng.u64(0..1_500);
            }
        }
    } else if rng.percent(10) {
        script.push((at, ServerAct::Respond(rng.pick(&[100, 180]), 0)));
    }
    at += rng.weighed(&[(6, 0), (4, 500), (2, 5_000), (1, 40_000), (1, 200_000)]);
    let failure = ServerAct::Respond(rng.pick(&FAILURES), 0);
    let success = ServerAct::Respond(rng.pick(&[200, 200, 202]), 0);
    match rng.u32(0..100) {
        0..35 => script.push((at, success)),
        35..75 => script.push((at, failure)),
        75..80 => script.extend([(at, success), (at + rng.u64(0..900), failure)]),
        80..85 => script.extend([(at, failure), (at + rng.u64(0..900), success)]),
        85..90 => {
            let second = ServerAct::Respond(200, 1);
            script.extend([(at, success), (at + rng.u64(0..900), second)]);
        }
        _ => {}
    }
    if rng.percent(12) {
        let forgery = rng.pick(&[
            Forgery::Branch,
            Forgery::Method,
            Forgery::OneVia,
            Forgery::ForeignVia,
        ]);
        script.push((rng.u64(0..3_000), ServerAct::Forge(forgery)));
    }
    script
}

fn contacts(stage: &mut Stage) -> String {
    let count = stage.rng.usize(1..4);
    let contacts = (0..count).map(|_| {
        let peer = stage.scene.some_callee(&mut stage.rng);
        let addr = stage.scene.peers[peer].addr;
        let q = stage.rng.pick(&["", ";q=0.5", ";q=0.9"]);
        format!("<sip:moved{}@{addr}>{q}", stage.rng.u32(0..3))
    });
    contacts.collect::<Vec<_>>().join(", ")
}

fn response(request: View<'_>, status: u16, tag: &str, headers: &[(&str, String)]) -> Bytes {
    let headers: Vec<(&[u8], &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let mut bytes = Vec::new();
    let response = Response {
        status,
        to_tag: Some(tag.as_bytes()),
        headers: &headers,
        ..Response::default()
    };
    build::response(request, ViaStamp::default(), &response, &mut bytes);
    bytes.into()
}

/// One character of the top branch is another one.
fn with_other_branch(stage: &mut Stage, honest: &str) -> String {
    let Some(start) = honest.find("branch=z9hG4bK").map(|at| at + 14) else {
        return honest.to_owned();
    };
    let end = honest[start..]
        .find(['\r', ';'])
        .map_or(start, |at| start + at);
    let mut forged = honest.as_bytes().to_vec();
    let at = stage.rng.usize(start..end.max(start + 1));
    forged[at] = if forged[at] == b'a' { b'b' } else { b'a' };
    String::from_utf8(forged).unwrap_or_default()
}

fn without_second_via(honest: &str) -> String {
    let mut vias = 0;
    let lines = honest.split_inclusive("\r\n").filter(|line| {
        vias += u32::from(line.starts_with("Via:"));
        !line.starts_with("Via:") || vias < 2
    });
    lines.collect()
}
