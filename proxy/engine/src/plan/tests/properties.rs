//! What holds for every document and every course of events.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{BranchOutcome, Decision, Plan, Progress, TargetId, compile};
use super::{config, invite};

fn words() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "404",
        "486",
        "603",
        "3xx",
        "5xx",
        "6xx",
        "timeout",
        "transport",
    ]);
    prop::collection::vec(word, 0..3).prop_map(|words| json!(words))
}

fn route() -> impl Strategy<Value = Value> {
    let target = (0..12_u8, words(), words()).prop_map(|(user, go, stop)| {
        json!({ "uri": format!("sip:{user}@h"), "continue_on": go, "stop_on": stop })
    });
    target.prop_recursive(4, 24, 4, |inner| {
        (
            any::<bool>(),
            prop::collection::vec(inner, 1..4),
            words(),
            words(),
        )
            .prop_map(|(parallel, routes, go, stop)| {
                let routing = if parallel { "parallel" } else { "serial" };
                json!({ "routing": routing, "routes": routes, "continue_on": go, "stop_on": stop })
            })
    })
}

fn outcome() -> impl Strategy<Value = BranchOutcome> {
    let code = prop::sample::select(vec![302, 404, 407, 408, 480, 486, 487, 500, 503, 603]);
    prop_oneof![
        6 => code.prop_map(BranchOutcome::Status),
        1 => Just(BranchOutcome::Timeout),
        1 => Just(BranchOutcome::Transport),
    ]
}

#[derive(Debug, Clone)]
enum Event {
    /// The running target at this place, counted round, ends.
    Ends(usize, BranchOutcome),
    /// It is redirected.
    Redirects(usize, Vec<(u8, u16)>),
    /// Any target is said to have ended.
    Strays(u16, BranchOutcome),
}

fn event() -> impl Strategy<Value = Event> {
    let contacts = prop::collection::vec((0..40_u8, 0..3_u16), 0..4);
    prop_oneof![
        6 => (any::<usize>(), outcome()).prop_map(|(place, outcome)| Event::Ends(place, outcome)),
        2 => (any::<usize>(), contacts).prop_map(|(place, list)| Event::Redirects(place, list)),
        1 => (0..40_u16, outcome()).prop_map(|(id, outcome)| Event::Strays(id, outcome)),
    ]
}

/// Runs a plan as the core would and checks every step.
struct Model {
    plan: Plan,
    running: Vec<TargetId>,
    started: BTreeSet<TargetId>,
    progress: Progress,
}

impl Model {
    fn new(mut plan: Plan) -> Self {
        let mut launch = Vec::new();
        let progress = plan.start(&mut launch);
        let mut model = Self {
            plan,
            running: Vec::new(),
            started: BTreeSet::new(),
            progress,
        };
        model.take(&launch, progress);
        model
    }

    fn take(&mut self, launch: &[TargetId], progress: Progress) {
        if self.progress != Progress::Running {
            assert!(launch.is_empty(), "something started after the end");
            assert_eq!(progress, self.progress, "an end was taken back");
        }
        for &id in launch {
            assert!(self.started.insert(id), "{id:?} started twice");
            self.running.push(id);
        }
        self.progress = progress;
        assert!(
            progress != Progress::Running || !self.running.is_empty(),
            "it waits for nothing"
        );
    }

    fn end(&mut self, id: TargetId, outcome: BranchOutcome) {
        self.running.retain(|&running| running != id);
        let mut launch = Vec::new();
        let progress = self.plan.finished(id, outcome, &mut launch);
        if progress == Progress::Exhausted {
            assert!(self.running.is_empty(), "exhausted while targets run");
        }
        self.take(&launch, progress);
    }

    fn step(&mut self, event: &Event) {
        match event {
            Event::Ends(place, outcome) => {
                if let Some(id) = self.pick(*place) {
                    self.end(id, *outcome);
                }
            }
            Event::Redirects(place, contacts) => {
                if let Some(id) = self.pick(*place) {
                    self.redirect(id, contacts);
                }
            }
            Event::Strays(id, outcome) => {
                let id = TargetId(*id);
                if !self.running.contains(&id) {
                    let progress = self.plan.finished(id, *outcome, &mut Vec::new());
                    assert_eq!(progress, self.progress);
                }
            }
        }
    }

    fn pick(&self, place: usize) -> Option<TargetId> {
        self.running.get(place % self.running.len().max(1)).copied()
    }

    fn redirect(&mut self, id: TargetId, contacts: &[(u8, u16)]) {
        let contacts: Vec<(String, u16)> = contacts
            .iter()
            .map(|(user, q)| (format!("sip:{user}@h"), *q))
            .collect();
        let contacts = contacts.iter().map(|(uri, q)| (uri.as_bytes(), *q));
        let mut launch = Vec::new();
        if self.plan.redirect(id, b"sip:own@h", contacts, &mut launch) {
            assert!(!launch.is_empty());
            self.running.retain(|&running| running != id);
            self.take(&launch, self.progress);
        } else {
            assert!(launch.is_empty());
            self.end(id, BranchOutcome::Status(302));
        }
    }
}

/// Strings that mean something somewhere, and any others.
fn text() -> impl Strategy<Value = Value> {
    const TEXTS: [&str; 24] = [
        "",
        "sip:a@h",
        "sip:b@h;method=BYE?x=y",
        "sips:h;transport=tcp",
        "sip:[::1]:0",
        "tel:+49",
        "urn:service:sos",
        "<sip:a;lr>",
        "<sip:a;lr>, \"<\" <sips:b;lr>",
        "<sip:a;lr>,\"<",
        "<",
        "\"",
        "udp:192.0.2.1:5060",
        "tcp:192.0.2.1",
        "udp:[",
        "X: y\r\n",
        "X: y\r\nZ",
        "X: y\r\n\r\n",
        "\\",
        "X-A",
        "Via",
        "text/plain",
        "é",
        "a b",
    ];
    prop_oneof![
        9 => prop::sample::select(TEXTS.to_vec()).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
    ]
}

/// An object that has each of its members now and then.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(key, value)| prop::option::weighted(0.2, value.prop_map(move |value| (key, value))))
        .collect();
    members
        .prop_map(|members| {
            members
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()
        })
        .boxed()
}

fn list(value: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(value, 0..3)
        .prop_map(Value::from)
        .boxed()
}

fn any_headers() -> BoxedStrategy<Value> {
    let text = || text().boxed();
    let pair = || {
        list(
            (text(), text())
                .prop_map(|(name, value)| json!([name, value]))
                .boxed(),
        )
    };
    let identity = || object(vec![("display", text()), ("uri", text())]);
    let set = object(vec![("X-B", text()), ("s", text()), ("Subject", text())]);
    object(vec![
        ("from", identity()),
        ("to", identity()),
        ("extra", text()),
        ("set", set),
        ("append", pair()),
        ("remove", list(text())),
    ])
}

fn any_route() -> BoxedStrategy<Value> {
    let text = || text().boxed();
    let timer = || (1..100_000_000_u32).prop_map(Value::from).boxed();
    let target = object(vec![
        ("uri", text()),
        ("dst_uri", text()),
        ("path", text()),
        ("socket", text()),
        ("headers", any_headers()),
        ("fr_timer", timer()),
        ("stop_on", words().boxed()),
    ]);
    let group =
        |inner| prop::collection::vec(inner, 1..4).prop_map(|routes| json!({ "routes": routes }));
    target.prop_recursive(3, 8, 3, group).boxed()
}

fn any_reply() -> BoxedStrategy<Value> {
    let pair = (text(), text())
        .prop_map(|(name, value)| json!([name, value]))
        .boxed();
    let texts = (text(), text(), text());
    (200..700_u16, texts, list(pair))
        .prop_map(|(code, (reason, body, kind), headers)| {
            json!({ "code": code, "reason": reason, "body": body, "content_type": kind, "headers": headers })
        })
        .boxed()
}

fn any_document() -> BoxedStrategy<Value> {
    let contact = (text(), 0.0..=1.0_f32).prop_map(|(uri, q)| json!({ "uri": uri, "q": q }));
    let contacts = list(contact.boxed());
    let reply = any_reply();
    let answers = prop_oneof![
        Just(json!({ "action": "ask" })),
        reply
            .clone()
            .prop_map(|reply| json!({ "action": "reply", "reply": reply })),
        contacts
            .clone()
            .prop_map(|list| json!({ "action": "redirect", "contacts": list })),
    ];
    answers
        .prop_recursive(3, 8, 1, move |next| {
            let routes = prop::collection::vec(any_route(), 1..3).prop_map(Value::from);
            let routed = (routes, prop::option::of(next))
                .prop_map(|(routes, next)| json!({ "routes": routes, "on_exhausted": next }));
            let stray = object(vec![
                (
                    "action",
                    prop::sample::select(vec!["route", "drop", "pass"])
                        .prop_map(Value::from)
                        .boxed(),
                ),
                ("reply", reply.clone()),
                ("contacts", contacts.clone()),
                ("context", text().boxed()),
                ("continue_on", words().boxed()),
            ]);
            (routed, prop::option::weighted(0.2, stray)).prop_map(|(mut routed, stray)| {
                for (key, value) in stray.iter().filter_map(Value::as_object).flatten() {
                    routed[key] = value.clone();
                }
                routed
            })
        })
        .boxed()
}

proptest! {
    #[test]
    fn every_plan_ends_and_starts_each_target_once(
        routes in prop::collection::vec(route(), 0..4),
        parallel: bool,
        events in prop::collection::vec(event(), 0..200),
    ) {
        let routing = if parallel { "parallel" } else { "serial" };
        let document = super::document(json!({ "routing": routing, "routes": routes }));
        if let Ok(Decision::Route(plan)) = compile(&document, &invite(&config())) {
            let mut model = Model::new(plan);
            for event in &events {
                model.step(event);
            }
            while let Some(&id) = model.running.first() {
                model.end(id, BranchOutcome::Timeout);
            }
            prop_assert_ne!(model.progress, Progress::Running);
        }
    }

    #[test]
    fn any_document_is_compiled_or_refused_where_it_is_at_fault(value in any_document()) {
        let document = super::document(value.clone());
        if let Err(error) = compile(&document, &invite(&config())) {
            let (around, _) = error.pointer.rsplit_once('/').unwrap_or_default();
            prop_assert!(value.pointer(around).is_some(), "{error} in {value}");
        }
    }

    #[test]
    fn no_string_makes_a_line_break(text in any::<String>(), kind in 0..6_usize) {
        let target = match kind {
            0 => json!({ "uri": text }),
            1 => json!({ "uri": "sip:a@h", "path": text }),
            2 => json!({ "headers": { "from": { "display": text } } }),
            3 => json!({ "headers": { "to": { "uri": text } } }),
            4 => json!({ "headers": { "append": [["X", text]] } }),
            _ => json!({ "dst_uri": text }),
        };
        let document = super::document(json!({ "routes": [target] }));
        if let Ok(Decision::Route(plan)) = compile(&document, &invite(&config())) {
            prop_assert!(!text_of(&plan).contains(['\r', '\n', '\0']));
        }
    }
}

/// All bytes of a plan's first target that go into messages.
fn text_of(plan: &Plan) -> String {
    let target = plan.target(TargetId(0));
    let headers = target.headers.as_ref();
    let identities = headers
        .map(|headers| [&headers.from, &headers.to])
        .into_iter()
        .flatten()
        .flatten();
    let bytes = [&target.uri, &target.dst_uri, &target.path]
        .into_iter()
        .flatten();
    let bytes = bytes.chain(
        identities
            .flat_map(|identity| [&identity.display, &identity.uri])
            .flatten(),
    );
    let mut text: String = bytes
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .collect();
    for (name, value) in headers.iter().flat_map(|headers| &headers.append) {
        text.extend([&**name, &**value]);
    }
    text
}
