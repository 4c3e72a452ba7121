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
    Join,
    Lose(usize),
    Pass(u64),
    Refuse(usize, usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    let (place, at) = (0..PLACES, 0..3_usize);
    let both = (place.clone(), at.clone());
    prop_oneof![
        4 => both.clone().prop_map(|(p, a)| Happens::Answer(p, a)),
        1 => both.clone().prop_map(|(p, a)| Happens::AnswerBadly(p, a)),
        4 => place.clone().prop_map(Happens::Ask),
        1 => place.prop_map(Happens::Cancel),
        1 => Just(Happens::Join),
        1 => at.prop_map(Happens::Lose),
        2 => (0..600_u64).prop_map(Happens::Pass),
        1 => both.prop_map(|(p, a)| Happens::Refuse(p, a)),
    ]
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
        self.bench.dispatcher.cancel(id(*n));
    }

    fn ask(&mut self, place: usize) {
        let (n, Some(deadline)) = self.places[place] else {
            panic!("place {place} is empty, and was to be asked about");
        };
        let (now, deadline) = (self.bench.at(self.now), self.bench.at(deadline));
        let event = samples::event();
        let asked = self.bench.dispatcher.ask(id(n), now, deadline, 0, &event);
        if asked == Asked::Unavailable {
            self.places[place].1 = None;
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
    }
}
