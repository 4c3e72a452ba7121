//! Any sequence of inputs to an engine in virtual time. Nothing panics, and when the world has gone
//! silent for long enough, nothing is left.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_engine::{CallEvent, 
    Config, ConnectionId, Engine, Finished, Forget, Hop, Listener, ListenerId, Output, ResolveId,
    Source, Time, Transport,
};
use tidegate_schemas::{ConsultationId, RouteDocument};
use tidegate_sip::build::{self, Response, ViaStamp};
use tidegate_sip::{Head, Limits};

const DOCUMENTS: [&str; 10] = [
    r#"{"routes":[{"uri":"sip:a@127.0.0.1:5070"}]}"#,
    r#"{"routing":"parallel","routes":[{"uri":"sip:a@127.0.0.1:5070"},{"uri":"sip:b@127.0.0.1:5071;transport=tcp"}]}"#,
    r#"{"routes":[{"uri":"sip:a@127.0.0.1:5070","fr_timer":200},{"routing":"parallel","routes":[{"uri":"sip:b@127.0.0.1"},{"uri":"sip:c@127.0.0.1"}]}],"continue_on":["4xx","5xx","timeout"]}"#,
    r#"{"routes":[{"uri":"sip:a@127.0.0.1","fr_inv_timer":500}],"on_exhausted":{"action":"ask"},"context":"c"}"#,
    r#"{"action":"reply","reply":{"code":486,"headers":[["X-A","b"]]}}"#,
    r#"{"action":"redirect","contacts":[{"uri":"sip:x@192.0.2.1","q":0.5}]}"#,
    r#"{"action":"drop"}"#,
    r#"{"routes":[{"uri":"sip:a@name.example"}]}"#,
    r#"{"routes":[{"uri":"sip:a@127.0.0.1","headers":{"from":{"uri":"sip:new@example.com"},"set":{"X":"1"},"remove":["Subject"]}}],"record_route":false}"#,
    r#"{"routes":[{"uri":"sip:a@127.0.0.1:5060"}],"on_exhausted":{"routes":[{"uri":"sip:z@[::1]:5070"}]}}"#,
];

const STATUSES: [u16; 12] = [100, 180, 183, 200, 202, 302, 401, 408, 486, 487, 503, 603];

fuzz_target!(|script: &[u8]| {
    let mut world = World::new();
    let mut script = Script { rest: script };
    for _ in 0..64 {
        let Some(op) = script.byte() else { break };
        world.act(op, &mut script);
        assert!(world.engine.live() <= 64);
    }
    world.fall_silent();
});

struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self) -> usize {
        usize::from(self.byte().unwrap_or(0))
    }

    fn bytes(&mut self) -> &'a [u8] {
        let (piece, rest) = self.rest.split_at(self.rest.len().min(self.number() * 4));
        self.rest = rest;
        piece
    }
}

#[derive(Default)]
struct Produced {
    sent: Vec<Bytes>,
    asked: Vec<ConsultationId>,
    resolving: Vec<ResolveId>,
}

impl Output for Produced {
    fn send(&mut self, _: &Hop, bytes: Bytes) {
        Head::new()
            .parse(&bytes, &limits())
            .expect("what the engine sends can be read");
        self.sent.push(bytes);
    }

    fn consult(&mut self, id: ConsultationId, _: Time) {
        self.asked.push(id);
    }

    fn forget(&mut self, _: ConsultationId, _: Forget) {}

    fn resolve(&mut self, id: ResolveId, _: &str) {
        self.resolving.push(id);
    }

    fn call(&mut self, _: &CallEvent<'_>) {}

    fn finished(&mut self, _: &Finished<'_>) {}
}

struct World {
    engine: Engine,
    produced: Produced,
    now: Time,
}

impl World {
    fn new() -> Self {
        let listeners = [Transport::Udp, Transport::Tcp].map(|transport| {
            Listener::new(transport, SocketAddr::from((Ipv4Addr::LOCALHOST, 5060)))
        });
        let engine = Engine::new(Arc::new(Config::new(listeners.to_vec())), 0, [7; 16], 1);
        Self {
            engine,
            produced: Produced::default(),
            now: Time(0),
        }
    }

    fn act(&mut self, op: u8, script: &mut Script<'_>) {
        match op % 10 {
            0 => self.request("INVITE", script),
            1 => {
                let method = ["OPTIONS", "BYE", "MESSAGE", "REGISTER", "FOO"][script.number() % 5];
                self.request(method, script);
            }
            2 => self.request("CANCEL", script),
            3 => self.request("ACK", script),
            4 => self.document(script),
            5 => self.response(script),
            6 => self.pass(script.number() as u64 * 50),
            7 => self.receive(script.bytes(), Transport::Udp),
            8 => self.fail(script),
            _ => self.rest(script),
        }
    }

    /// A few calls only, so that requests meet the transactions of others.
    fn request(&mut self, method: &str, script: &mut Script<'_>) {
        let (call, flags) = (script.number() % 4, script.number());
        let transport = if flags & 1 == 0 {
            Transport::Udp
        } else {
            Transport::Tcp
        };
        let cookie = if flags & 2 == 0 { "z9hG4bK" } else { "" };
        let tag = if flags & 4 == 0 { "" } else { ";tag=t" };
        let route = [
            "",
            "Route: <sip:127.0.0.1;lr>\r\n",
            "Route: <sip:127.0.0.1:5070>\r\n",
            "Max-Breadth: 1\r\n",
        ][flags >> 3 & 3];
        let more = if flags & 32 == 0 {
            b"".as_slice()
        } else {
            script.bytes()
        };
        let head = format!(
            "{method} sip:b@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/{} 127.0.0.1:5080;branch={cookie}b{call}\r\n\
             {route}From: <sip:a@x>;tag=f{call}\r\nTo: <sip:b@x>{tag}\r\nCall-ID: c{call}\r\nCSeq: {} {method}\r\n",
            transport.via_name(),
            1 + (flags >> 6),
        );
        self.receive(&[head.as_bytes(), more, b"\r\n"].concat(), transport);
    }

    fn receive(&mut self, bytes: &[u8], transport: Transport) {
        let mut head = Head::new();
        if head.parse(bytes, &limits()).is_err() {
            return;
        }
        let stream = transport == Transport::Tcp;
        let source = Source {
            transport,
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 5080)),
            listener: ListenerId(stream.into()),
            connection: stream.then_some(ConnectionId(1)),
        };
        self.engine
            .handle_message(self.now, &source, head.view(bytes), &mut self.produced);
    }

    fn document(&mut self, script: &mut Script<'_>) {
        let Some(id) = pick(&self.produced.asked, script.number()) else {
            return;
        };
        let _ = self.engine.question(self.now, id, |event| {
            serde_json::to_vec(event).expect("an event can be written")
        });
        let choice = script.number();
        let document = match DOCUMENTS.get(choice % 12) {
            Some(text) => RouteDocument::from_json(text.as_bytes()),
            None => RouteDocument::from_json(script.bytes()),
        };
        if let Ok(document) = document {
            let _ =
                self.engine
                    .handle_document(self.now, id, &document, "fuzz", &mut self.produced);
        }
    }

    /// Somebody answers a request that was sent.
    fn response(&mut self, script: &mut Script<'_>) {
        let Some(sent) = pick(&self.produced.sent, script.number()) else {
            return;
        };
        let status = STATUSES[script.number() % STATUSES.len()];
        let more = script.number();
        let mut head = Head::new();
        head.parse(&sent, &limits()).expect("what was sent");
        let view = head.view(&sent);
        if !view.is_request() {
            return;
        }
        let contact: [(&[u8], &[u8]); 1] = [(b"Contact", b"<sip:moved@127.0.0.1:5090>")];
        let response = Response {
            status,
            to_tag: Some(if more & 1 == 0 { b"x" } else { b"y" }),
            headers: if more & 2 == 0 { &contact } else { &[] },
            ..Response::default()
        };
        let mut bytes = Vec::new();
        build::response(view, ViaStamp::default(), &response, &mut bytes);
        self.receive(
            &bytes,
            if more & 4 == 0 {
                Transport::Udp
            } else {
                Transport::Tcp
            },
        );
    }

    fn fail(&mut self, script: &mut Script<'_>) {
        if let Some(sent) = pick(&self.produced.sent, script.number()) {
            let kept = sent.len().min(script.number() * 8);
            self.engine
                .handle_send_failure(self.now, &sent[..kept], &mut self.produced);
        }
    }

    fn rest(&mut self, script: &mut Script<'_>) {
        let which = script.number();
        match which % 4 {
            0 => {
                if let Some(id) = pick(&self.produced.asked, which / 4) {
                    self.engine
                        .handle_unavailable(self.now, id, &mut self.produced);
                }
            }
            1 => {
                if let Some(id) = pick(&self.produced.resolving, which / 4) {
                    let found: [IpAddr; 1] = [Ipv4Addr::LOCALHOST.into()];
                    let addresses = if which & 64 == 0 { &found[..] } else { &[] };
                    self.engine
                        .handle_resolved(self.now, id, addresses, &mut self.produced);
                }
            }
            2 => self.pass(which as u64 * 1000),
            _ if which == 255 => self.engine.drain(),
            _ => self.pass(1),
        }
    }

    fn pass(&mut self, ms: u64) {
        let end = Time(self.now.0 + ms);
        for _ in 0..10_000 {
            match self.engine.next_timeout() {
                Some(due) if due <= end => {
                    self.now = self.now.max(due);
                    self.engine.handle_timeout(self.now, &mut self.produced);
                }
                _ => break,
            }
        }
        self.now = end;
        self.engine.handle_timeout(self.now, &mut self.produced);
    }

    /// Nobody says anything any more: longer than every timer together.
    fn fall_silent(&mut self) {
        for _ in 0..60 {
            self.pass(60_000);
            if self.engine.live() == 0 {
                return;
            }
        }
        panic!("{} transactions never end", self.engine.live());
    }
}

/// Counted from the latest, which is the most interesting.
fn pick<T: Clone>(from: &[T], back: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[from.len() - 1 - back % from.len()].clone())
}

fn limits() -> Limits {
    Limits::default()
}
