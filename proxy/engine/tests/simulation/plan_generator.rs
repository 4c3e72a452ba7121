//! Route documents: nested groups, timers, policies, headers, every verb; and wrong ones.

use fastrand::Rng;
use tidegate_engine::Config;
use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::{
    Action, Group, Headers, Identity, OnRedirect, Outcome, RedirectContact, Reply, Route, Routing,
    Target,
};

use crate::rng::Choose;
use crate::scene::Scene;

/// The shortest timer that a document gives, in milliseconds.
pub(crate) const SHORTEST_TIMER: u32 = 1_000;

/// In every From and To that a document gives, and nowhere else.
pub(crate) const ALIAS: &str = "alias";

pub(crate) struct Author<'a> {
    rng: &'a mut Rng,
    scene: &'a Scene,
}

impl<'a> Author<'a> {
    pub(crate) fn new(rng: &'a mut Rng, scene: &'a Scene) -> Self {
        Self { rng, scene }
    }

    /// A document that this configuration takes for any request.
    pub(crate) fn usable(&mut self, config: &Config) -> RouteDocument {
        let drafts = std::iter::repeat_with(|| self.document());
        let mut usable = drafts.filter(|it| config.check_document(it).is_ok());
        usable.next().unwrap_or_default()
    }

    /// A document that most often can be honoured.
    pub(crate) fn document(&mut self) -> RouteDocument {
        self.verb(1)
    }

    fn verb(&mut self, round: u32) -> RouteDocument {
        match self.rng.u32(0..100) {
            0..8 => self.reply(),
            8..12 => self.redirect(),
            12..15 => RouteDocument {
                action: Some(Action::Drop),
                ..RouteDocument::default()
            },
            _ => self.route(round),
        }
    }

    fn route(&mut self, round: u32) -> RouteDocument {
        let count = self.rng.usize(1..4);
        let limit = self.rng.percent(12).then(|| self.rng.u32(1..100_000));
        let record_route = self.rng.pick(&[None, None, Some(true), Some(false)]);
        RouteDocument {
            routing: Some(self.routing()),
            routes: self.routes(count, 1),
            continue_on: self.outcomes(15),
            stop_on: self.outcomes(10),
            ask_on: self.outcomes(4),
            on_redirect: self.rng.pick(&[
                None,
                None,
                None,
                Some(OnRedirect::Ask),
                Some(OnRedirect::Follow),
                Some(OnRedirect::Stop),
            ]),
            on_exhausted: self.on_exhausted(round),
            context: self.rng.percent(30).then(|| "where we were".to_owned()),
            record_route: record_route.filter(|wanted| *wanted || limit.is_none()),
            max_call_ms: limit,
            notify: self.rng.percent(8).then(Vec::new),
            ..RouteDocument::default()
        }
    }

    fn on_exhausted(&mut self, round: u32) -> Option<Box<RouteDocument>> {
        if self.rng.percent(55) || round > 3 {
            return None;
        }
        if self.rng.percent(50) {
            return Some(Box::new(RouteDocument {
                action: Some(Action::Ask),
                ..RouteDocument::default()
            }));
        }
        Some(Box::new(self.verb(round + 1)))
    }

    fn routes(&mut self, count: usize, depth: u32) -> Vec<Route> {
        (0..count).map(|_| self.any_route(depth)).collect()
    }

    fn any_route(&mut self, depth: u32) -> Route {
        if depth > 3 || !self.rng.percent(20) {
            return Route::Target(Box::new(self.target()));
        }
        let count = self.rng.usize(1..4);
        Route::Group(Group {
            routing: Some(self.routing()),
            routes: self.routes(count, depth + 1),
            continue_on: self.outcomes(15),
            stop_on: self.outcomes(10),
            ask_on: self.outcomes(4),
        })
    }

    fn target(&mut self) -> Target {
        let uri = self.uri();
        let elsewhere = self.rng.percent(15).then(|| self.uri());
        let keeps = self.rng.percent(10);
        Target {
            uri: (!keeps).then_some(uri),
            path: self.rng.percent(5).then(|| format!("<{};lr>", self.uri())),
            socket: self.rng.percent(5).then(|| "udp:192.0.2.2:5062".to_owned()),
            headers: self.rng.percent(25).then(|| self.headers()),
            fr_timer: self.timer(),
            fr_inv_timer: self.timer(),
            continue_on: self.outcomes(5),
            stop_on: self.outcomes(5),
            ask_on: self.outcomes(2),
            dst_uri: elsewhere,
            ..Target::default()
        }
    }

    /// An address, a name, this proxy itself, or what can't be reached.
    fn uri(&mut self) -> String {
        let user = self.rng.u32(0..20);
        match self.rng.u32(0..100) {
            0..12 => format!("sip:{user}@{}", self.name()),
            12..15 => format!("sip:{user}@192.0.2.1"),
            15..17 => format!("sip:{user}@203.0.113.200"),
            17..19 => format!("sips:{user}@203.0.113.10"),
            19..21 => format!("sip:{user}@203.0.113.10;transport=sctp"),
            _ => self.callee(user),
        }
    }

    fn callee(&mut self, user: u32) -> String {
        let peer = self.scene.some_callee(self.rng);
        let addr = self.scene.peers[peer].addr;
        let tcp = self.rng.percent(20);
        format!(
            "sip:{user}@{addr}{}",
            if tcp { ";transport=tcp" } else { "" }
        )
    }

    fn name(&mut self) -> String {
        let port = self.rng.pick(&["", ":5060"]);
        format!("n{}.callee.example{port}", self.rng.u32(0..30))
    }

    fn headers(&mut self) -> Headers {
        let identity = |rng: &mut Rng| Identity {
            display: rng.bool().then(|| format!("An {ALIAS}")),
            uri: rng.bool().then(|| format!("sip:{ALIAS}@tidegate.example")),
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Headers {
            from: self.rng.percent(40).then(|| identity(self.rng)),
            to: self.rng.percent(40).then(|| identity(self.rng)),
            extra: self.rng.bool().then(|| "X-Extra: 1\r\n".to_owned()),
            set: vec![pair("X-Set", "<sip:a@b>;c=d")],
            append: vec![pair("X-Append", "e")],
            remove: vec!["X-Removed".to_owned()],
        }
    }

    fn reply(&mut self) -> RouteDocument {
        let code = self.rng.pick(&[200, 302, 404, 408, 486, 503, 603]);
        RouteDocument {
            action: Some(Action::Reply),
            reply: Some(Reply {
                code,
                reason: self.rng.bool().then(|| "Said So".to_owned()),
                headers: vec![("X-Reply".to_owned(), "yes".to_owned())],
                body: Some("why".to_owned()),
                content_type: Some("text/plain".to_owned()),
            }),
            ..RouteDocument::default()
        }
    }

    fn redirect(&mut self) -> RouteDocument {
        let contact = |uri| RedirectContact { uri, q: Some(0.5) };
        RouteDocument {
            action: Some(Action::Redirect),
            contacts: (0..self.rng.u32(1..3))
                .map(|_| contact(self.callee(7)))
                .collect(),
            ..RouteDocument::default()
        }
    }

    fn routing(&mut self) -> Routing {
        self.rng.pick(&[Routing::Serial, Routing::Parallel])
    }

    fn timer(&mut self) -> Option<u32> {
        let latest = self.rng.pick(&[2_000, 40_000]);
        self.rng
            .percent(20)
            .then(|| self.rng.u32(SHORTEST_TIMER..latest))
    }

    fn outcomes(&mut self, percent: u32) -> Option<Vec<Outcome>> {
        let all = [
            "408",
            "486",
            "3xx",
            "4xx",
            "5xx",
            "6xx",
            "503",
            "timeout",
            "transport",
        ];
        let count = self.rng.usize(1..4);
        let words = (0..count).map(|_| Outcome(self.rng.pick(&all).to_owned()));
        let words: Vec<Outcome> = words.collect();
        self.rng.percent(percent).then_some(words)
    }

    /// A document that can't be honoured.
    pub(crate) fn invalid(&mut self) -> RouteDocument {
        let mut document = self.route(1);
        let target = Target {
            uri: Some(self.callee(1)),
            ..Target::default()
        };
        let broken = match self.rng.u32(0..8) {
            0 => Target {
                socket: Some("udp:192.0.2.77:5060".to_owned()),
                ..target
            },
            1 => Target {
                uri: Some("sip:".to_owned()),
                ..target
            },
            2 => Target {
                uri: Some("sip:a@b\r\nX: y".to_owned()),
                ..target
            },
            3 => with_header(target, "X-A", "b\r\nX-C: d"),
            4 => with_header(target, "Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx"),
            5 => with_header(target, "Call-ID", "other"),
            6 => Target {
                path: Some("nowhere".to_owned()),
                ..target
            },
            _ => Target {
                dst_uri: Some("tel:+4930".to_owned()),
                ..target
            },
        };
        match self.rng.u32(0..6) {
            0 => document.action = Some(Action::Pass),
            1 => document.reply = self.reply().reply,
            2 => document.routes = vec![Route::Group(Group::default())],
            _ => document.routes.push(Route::Target(Box::new(broken))),
        }
        document
    }
}

fn with_header(target: Target, name: &str, value: &str) -> Target {
    let headers = Headers {
        append: vec![(name.to_owned(), value.to_owned())],
        ..Headers::default()
    };
    Target {
        headers: Some(headers),
        ..target
    }
}
