//! Any order of events.

use proptest::prelude::*;

use super::*;

/// Consultations that are open at a time.
const PLACES: usize = 4;

/// One thing that can happen to the consultation at some place, or to some application.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Answer(usize, usize),
    AnswerBadly(usize, usize),
    Ask(usize),
    Cancel(usize),
    Eject(usize),
    Expire(usize),
    Fail(usize, usize, Failure),
    Join,
    Lose(usize),
    Pass(u64),
    PassOn(usize, usize),
    Reconfigure(usize),
    Reject(usize, usize),
    Refuse(usize, usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    let (place, at) = (0..PLACES, 0..3_usize);
    let both = (place.clone(), at.clone());
    prop_oneof![
        4 => both.clone().prop_map(|(p, a)| Happens::Answer(p, a)),
        1 => both.clone().prop_map(|(p, a)| Happens::AnswerBadly(p, a)),
        4 => place.clone().prop_map(Happens::Ask),
        1 => place.clone().prop_map(Happens::Cancel),
        1 => at.clone().prop_map(Happens::Eject),
        1 => place.prop_map(Happens::Expire),
        2 => (both.clone(), failure()).prop_map(|((p, a), f)| Happens::Fail(p, a, f)),
        1 => Just(Happens::Join),
        1 => at.prop_map(Happens::Lose),
        2 => (0..600_u64).prop_map(Happens::Pass),
        3 => both.clone().prop_map(|(p, a)| Happens::PassOn(p, a)),
        1 => (0..POLICIES).prop_map(Happens::Reconfigure),
        1 => both.clone().prop_map(|(p, a)| Happens::Reject(p, a)),
        1 => both.prop_map(|(p, a)| Happens::Refuse(p, a)),
    ]
}

fn failure() -> impl Strategy<Value = Failure> {
    prop::sample::select(vec![
        Failure::Error,
        Failure::Refused,
        Failure::ClientError(404),
        Failure::ServerError(500),
    ])
}

const POLICIES: usize = 4;

/// Policies that are exchanged for each other in the middle of everything.
fn some_policy(n: usize) -> Policy {
    let hedging = policy::Pool {
        hedge: true,
        share: 0.3,
        max_in_flight: Some(3),
        eject: Eject {
            failures: 2,
            slower_than: Some(Duration::from_millis(100)),
            pause: Duration::from_millis(300),
            max_pause: Duration::from_secs(1),
        },
        ..pool()
    };
    let retrying = policy::Pool {
        choose: Choose::StickyByCall,
        on_failure: policy::FailureTable {
            timeout: OnFailure::Retry,
            http_5xx: OnFailure::Retry,
            http_4xx: OnFailure::Otherwise,
            error: OnFailure::Refuse,
            ..policy::FailureTable::default()
        },
        ..hedging.clone()
    };
    let short = |name, otherwise: &[Otherwise]| Step {
        deadline: Some(Duration::from_millis(400)),
        ..step(name, &[0, 1], otherwise)
    };
    let second = policy::Pool::named("second");
    let limited = Member {
        max_in_flight: Some(1),
        ..member("x")
    };
    match n {
        0 => Policy::simple(),
        1 => policy([hedging, second], only_step(&[])),
        2 => policy(
            [retrying, second],
            vec![
                short("one", &[Otherwise::Pass]),
                step("two", &[0], &[Otherwise::Cached, a_document()]),
            ],
        ),
        _ => Policy {
            applications: vec![limited],
            ..policy(
                [second, hedging],
                vec![
                    short("one", &[]),
                    short("two", &[]),
                    step("three", &[0, 1], &[a_document()]),
                ],
            )
        },
    }
}

/// A shard that does as it is told.
struct Shard {
    bench: Bench,
    applications: Vec<Arc<Application>>,
    now: u64,
    /// The number of the consultation at each place, and its deadline while it is open.
    places: [(u32, Option<u64>); PLACES],
}

impl Shard {
    fn new() -> Self {
        Self {
            bench: Bench::new(),
            applications: Vec::new(),
            now: 0,
            places: [0, 1, 2, 3].map(|n| (n, None)),
        }
    }

    fn step(&mut self, what: Happens) {
        match what {
            Happens::Answer(place, at) => self.hear(place, at, Bench::answer),
            Happens::AnswerBadly(place, at) => self.hear(place, at, Bench::answer_badly),
            Happens::Ask(place) => self.begin(place),
            Happens::Cancel(place) => self.cancel(place),
            Happens::Join if self.applications.len() < 3 => {
                self.applications.push(self.bench.join("x", 2));
            }
            Happens::Lose(at) if at < self.applications.len() => {
                let lost = self.applications.remove(at);
                let verdict = self.bench.lose(&lost);
                self.obey(verdict);
            }
            Happens::Join | Happens::Lose(_) => {}
            Happens::Eject(at) => self.eject(at),
            Happens::Expire(place) => self.expire(place),
            Happens::Fail(place, at, failure) => {
                self.hear(place, at, |bench, n, from| bench.fail(n, from, failure));
            }
            Happens::PassOn(place, at) => self.hear(place, at, |bench, n, from| {
                let attributes = json!({"n": n});
                let pass = json!({"action": "pass", "attributes": attributes});
                bench.answer_with(n, from, pass)
            }),
            Happens::Reconfigure(n) => self.bench.registry.reconfigure(Arc::new(some_policy(n))),
            Happens::Reject(place, at) => self.reject(place, at),
            Happens::Pass(millis) => self.pass(millis),
            Happens::Refuse(place, at) => self.hear(place, at, Bench::refuse),
        }
    }

    fn hear(
        &mut self,
        place: usize,
        at: usize,
        say: impl FnOnce(&mut Bench, u32, &Application) -> Verdict,
    ) {
        if let Some(application) = self.applications.get(at) {
            let verdict = say(&mut self.bench, self.places[place].0, application);
            self.obey(verdict);
        }
    }

    fn begin(&mut self, place: usize) {
        let (n, deadline) = &mut self.places[place];
        if deadline.is_none() {
            *n += u32::try_from(PLACES).unwrap();
            *deadline = Some(self.now + 1000);
            self.ask(place);
        }
    }

    fn cancel(&mut self, place: usize) {
        let (n, deadline) = &mut self.places[place];
        *deadline = None;
        self.bench.dispatcher.cancel(id(*n), self.bench.now);
    }

    fn ask(&mut self, place: usize) {
        let (n, Some(deadline)) = self.places[place] else {
            panic!("place {place} is empty, and was to be asked about");
        };
        let (now, deadline) = (self.bench.at(self.now), self.bench.at(deadline));
        let event = samples::event();
        match self.bench.dispatcher.ask(id(n), now, deadline, 0, &event) {
            Asked::Waiting(_) => {}
            Asked::Decided { .. } if n % 3 == 0 => {
                self.bench.dispatcher.reject_tier(id(n));
                self.ask(place);
            }
            Asked::Decided { .. } | Asked::Unavailable => self.places[place].1 = None,
        }
    }

    fn expire(&mut self, place: usize) {
        let (n, deadline) = &mut self.places[place];
        *deadline = None;
        let now = self.bench.at(self.now);
        self.bench.dispatcher.expire(id(*n), now);
    }

    /// Enough failures to be left out.
    fn eject(&self, at: usize) {
        if let Some(application) = self.applications.get(at) {
            let now = self.bench.at(self.now);
            let clock = self.bench.registry.clock(now);
            let roster = self.bench.registry.roster();
            let mut entries = roster.entries.iter();
            let entry = entries
                .find(|e| e.application.id == application.id)
                .unwrap();
            let eject = Eject {
                failures: 1,
                ..Eject::default()
            };
            entry.member.health.failed(clock, &eject, false);
        }
    }

    /// The engine can't honour the answer.
    fn reject(&mut self, place: usize, at: usize) {
        let Some(application) = self.applications.get(at) else {
            return;
        };
        let n = self.places[place].0;
        let deadline = self.places[place].1;
        if let Verdict::Answered { application, .. } = self.bench.answer(n, application) {
            let error = DocumentError::new("", "no");
            self.bench.dispatcher.reject(id(n), application, &error);
            assert!(deadline.is_some(), "{n} is answered, but was over");
            self.ask(place);
        }
    }

    fn ask_again(&mut self, ids: &[ConsultationId]) {
        for id in ids {
            self.ask(id.label as usize % PLACES);
        }
    }

    fn obey(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Answered { id, .. } => {
                let (n, deadline) = &mut self.places[id.label as usize % PLACES];
                assert_eq!(id.label, *n);
                assert!(deadline.take().is_some(), "{id} is answered, but was over");
            }
            Verdict::AskAgain(ids) => self.ask_again(&ids),
            Verdict::Order { .. } | Verdict::Nothing => {}
        }
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.bench.now = self.bench.at(self.now);
        let again = self.bench.time_out_at(self.now);
        for (_, deadline) in &mut self.places {
            *deadline = deadline.filter(|d| *d > self.now);
        }
        self.ask_again(&again);
    }

    fn check(&self) {
        let open = self.places.iter().filter(|p| p.1.is_some()).count();
        assert_eq!(self.bench.dispatcher.open(), open);
        assert_eq!(self.bench.dispatcher.next_timeout().is_some(), open > 0);
        let mut all = self.applications.iter();
        assert!(all.all(|a| a.in_flight() <= a.credit()));
    }
}

proptest! {
    #[test]
    fn whatever_happens_every_consultation_ends_once_and_no_place_is_lost(
        events in prop::collection::vec(happens(), 0..120)
    ) {
        let mut shard = Shard::new();
        shard.step(Happens::Join);
        for event in events {
            shard.step(event);
            shard.check();
        }
        shard.pass(1000);
        shard.check();
        prop_assert_eq!(shard.bench.dispatcher.open(), 0);
        prop_assert!(shard.applications.iter().all(|a| a.in_flight() == 0));
        for limit in shard.bench.registry.roster().limits {
            prop_assert_eq!(limit.taken(), 0);
        }
        for entry in shard.bench.registry.roster().entries {
            prop_assert_eq!(entry.member.limit.taken(), 0);
        }
    }
}
