//! The engine with everybody around it, event by event.

use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use tidegate_engine::{AnswerError, CallKinds, Engine, Hop, Source, Stats, Time};
use tidegate_schemas::ConsultationId;

use crate::callee::Servers;
use crate::caller::Clients;
use crate::draft::read;
use crate::event::Event;
use crate::invariants::{Input, Ledger, Violation};
use crate::plan_generator::Author;
use crate::recorder::{Command, Recorder};
use crate::rng::Choose;
use crate::router::Answer;
use crate::scene::PeerId;
use crate::stage::Stage;
use crate::trace::Trace;
use crate::{resolver, router, settings};

/// In the worst case everything is over by then, in virtual milliseconds.
const AT_REST: u64 = 24 * 60 * 60 * 1000;
/// More steps than any seed takes.
const MOST_STEPS: u64 = 400_000;

pub(crate) struct World {
    stage: Stage,
    engine: Engine,
    clients: Clients,
    servers: Servers,
    ledger: Ledger,
    recorder: Recorder,
    trace: Trace,
    pub(crate) steps: u64,
    /// The shell calls `handle_timeout` up to this late.
    tardiness: u64,
    /// Everything the engine said, where it is wanted.
    pub(crate) transcript: Option<Vec<u8>>,
}

impl World {
    pub(crate) fn new(seed: u64, trace: Trace, with_transcript: bool) -> Self {
        let mut stage = Stage::new(Rng::with_seed(seed));
        let config = Arc::new(settings::config(&mut stage.rng, &stage.scene));
        trace.note(|| format!("{config:?}"));
        let secret = [stage.rng.u8(..); 16];
        let shard = stage.rng.u8(0..4);
        let mut world = Self {
            engine: Engine::new(config.clone(), shard, secret, stage.rng.u32(..)),
            ledger: Ledger::new(config),
            tardiness: stage.rng.pick(&[0, 0, 60]),
            stage,
            clients: Clients::default(),
            servers: Servers::default(),
            recorder: Recorder::default(),
            trace,
            steps: 0,
            transcript: with_transcript.then(Vec::new),
        };
        world.plan_the_day();
        world
    }

    fn plan_the_day(&mut self) {
        let stage = &mut self.stage;
        let span = stage.rng.pick(&[100, 10_000, 120_000]);
        for _ in 0..stage.rng.u32(10..40) {
            let delay = stage.rng.u64(0..span);
            stage.plan(delay, Event::Call);
        }
        for _ in 0..stage.rng.u32(0..20) {
            let delay = stage.rng.u64(0..span * 2);
            stage.plan(delay, Event::Wake);
        }
        if stage.rng.percent(75) {
            stage.plan(0, Event::Follow(true));
            for _ in 0..stage.rng.u32(0..6) {
                let delay = stage.rng.u64(0..span * 2);
                stage.plan(delay, Event::Terminate);
            }
            if stage.rng.percent(20) {
                let delay = stage.rng.u64(0..span);
                stage.plan(delay, Event::Follow(false));
            }
        }
        if stage.rng.percent(15) {
            let delay = stage.rng.u64(0..span);
            stage.plan(delay, Event::Drain);
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Until nothing happens any more.
    pub(crate) fn run(&mut self) -> Result<(), Violation> {
        while self.step()? {
            self.steps += 1;
            if self.steps > MOST_STEPS || self.stage.now > AT_REST {
                return Err(Violation::new("it does not come to rest"));
            }
        }
        self.ledger.at_the_end(&self.engine)
    }

    /// The next event, or the engine's timers; `false` when there is neither.
    fn step(&mut self) -> Result<bool, Violation> {
        let event_at = self.stage.queue.next_time();
        let wake_at = self.engine.next_timeout().map(|at| at.0);
        let (event_at, wake_at) = match (event_at, wake_at) {
            (None, None) => return Ok(false),
            (event, wake) => (event.unwrap_or(u64::MAX), wake.unwrap_or(u64::MAX)),
        };
        let late = if self.tardiness == 0 {
            0
        } else {
            self.stage.rng.u64(0..self.tardiness)
        };
        if wake_at.saturating_add(late) < event_at {
            self.stage.now = self.stage.now.max(wake_at.saturating_add(late));
            self.trace.timers(self.stage.now);
            self.wake()?;
        } else if let Some(event) = self.stage.queue.pop() {
            self.stage.now = event_at.max(self.stage.now);
            self.trace.event(self.stage.now, &event);
            self.happen(event)?;
        }
        Ok(true)
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        let stage = &mut self.stage;
        match event {
            Event::Call => self.clients.call(stage),
            Event::Client { index, act } => self.clients.on_event(stage, index, act),
            Event::Server { index, act } => {
                self.servers.on_event(stage, &mut self.clients, index, act);
            }
            Event::Reaches { peer, hop, bytes } => self.reach(peer, hop, &bytes),
            Event::Arrives { source, bytes } => return self.arrive(source, &bytes),
            Event::Undelivered { payload } => return self.undelivered(&payload),
            Event::Router { id, answer } => return self.answer(id, answer),
            Event::Resolved { id, host } => {
                let addresses = resolver::addresses(stage);
                let now = Time(stage.now);
                return self.observed(
                    Input::Resolved {
                        host: &host,
                        addresses: &addresses,
                    },
                    |engine, out| {
                        engine.handle_resolved(now, id, &addresses, out);
                    },
                );
            }
            Event::Wake => return self.wake(),
            Event::Follow(wanted) => {
                let kinds = if wanted {
                    CallKinds::ALL
                } else {
                    CallKinds::default()
                };
                self.engine.follow_calls(kinds);
            }
            Event::Terminate => return self.terminate(),
            Event::Drain => {
                self.engine.drain();
                self.ledger.drained();
            }
        }
        Ok(())
    }

    fn terminate(&mut self) -> Result<(), Violation> {
        let now = Time(self.stage.now);
        let mut calls = Vec::new();
        self.engine.calls(now, |call| calls.push(call.call));
        if calls.is_empty() {
            return Ok(());
        }
        let call = self.stage.rng.pick(&calls);
        let mut result = Ok(());
        self.observed(Input::Order, |engine, out| {
            result = engine.terminate(now, call, Some("enough"), out);
        })?;
        match result {
            Ok(()) => Ok(()),
            Err(_) => Err(Violation::new("a live call can't be ended")),
        }
    }

    fn wake(&mut self) -> Result<(), Violation> {
        let now = Time(self.stage.now);
        self.observed(Input::Timers, |engine, out| engine.handle_timeout(now, out))
    }

    fn arrive(&mut self, source: Source, bytes: &Bytes) -> Result<(), Violation> {
        let Some(message) = read(bytes) else {
            return Ok(());
        };
        let now = Time(self.stage.now);
        let view = message.view();
        self.observed(Input::Message { source, view }, |engine, out| {
            engine.handle_message(now, &source, view, out);
        })
    }

    fn undelivered(&mut self, payload: &Bytes) -> Result<(), Violation> {
        let now = Time(self.stage.now);
        self.observed(Input::Undelivered { payload }, |engine, out| {
            engine.handle_send_failure(now, payload, out);
        })
    }

    fn answer(&mut self, id: ConsultationId, answer: Answer) -> Result<(), Violation> {
        let now = Time(self.stage.now);
        let asked = self.engine.question(now, id, |event| event.id);
        self.ledger.question(id, asked)?;
        if answer == Answer::Unavailable {
            return self.observed(Input::Unavailable { id }, |engine, out| {
                engine.handle_unavailable(now, id, out);
            });
        }
        let mut author = Author::new(&mut self.stage.rng, &self.stage.scene);
        let document = match answer {
            Answer::Invalid => author.invalid(),
            _ => author.document(),
        };
        let (trace, mut result) = (self.trace.clone(), Ok(()));
        self.observed(
            Input::Document {
                id,
                document: &document,
            },
            |engine, out| {
                result = engine.handle_document(now, id, &document, "application", out);
                trace.note(|| format!("{document:?}: {result:?}"));
            },
        )?;
        self.ledger.answered(id, &document, &result)?;
        let gives_up = matches!(result, Err(AnswerError::Invalid(_)));
        if gives_up && answer == Answer::Document && self.stage.rng.bool() {
            let answer = Answer::Unavailable;
            self.stage.plan(0, Event::Router { id, answer });
        }
        Ok(())
    }

    fn reach(&mut self, peer: PeerId, hop: Hop, bytes: &Bytes) {
        let Some(message) = read(bytes) else { return };
        if message.view().is_request() {
            self.servers
                .on_request(&mut self.stage, peer, hop, &message);
        } else {
            self.clients.on_response(&mut self.stage, message.view());
        }
    }

    /// One input for the engine: the invariants are checked, then its output takes its way.
    fn observed(
        &mut self,
        input: Input<'_>,
        act: impl FnOnce(&mut Engine, &mut Recorder),
    ) -> Result<(), Violation> {
        let before = self.engine.stats();
        act(&mut self.engine, &mut self.recorder);
        let commands = std::mem::take(&mut self.recorder.commands);
        for command in &commands {
            self.trace.command(command);
            if let Some(transcript) = &mut self.transcript {
                write_down(self.stage.now, command, transcript);
            }
        }
        self.ledger
            .observe(self.stage.now, &input, &commands, &before, &self.engine)?;
        for command in commands {
            self.carry_out(command)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, command: Command) -> Result<(), Violation> {
        match command {
            Command::Send { hop, bytes } => self.stage.carry_from_proxy(hop, bytes),
            Command::Consult { id, deadline } => {
                let now = Time(self.stage.now);
                let described = self.engine.question(now, id, |event| {
                    let top_via = event
                        .request
                        .headers
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case("Via"));
                    let via = top_via.map(|(_, via)| via.to_string()).unwrap_or_default();
                    (
                        via,
                        event.request.method.to_string(),
                        event.call.to_string(),
                    )
                });
                self.ledger.consulted(id, described)?;
                router::on_consult(&mut self.stage, id, deadline);
            }
            Command::Resolve { id, host } => resolver::on_resolve(&mut self.stage, id, &host),
            Command::Forget { .. } | Command::Finished { .. } | Command::Call(_) => {}
        }
        Ok(())
    }
}

fn write_down(now: u64, command: &Command, transcript: &mut Vec<u8>) {
    transcript.extend_from_slice(format!("{now} ").as_bytes());
    match command {
        Command::Send { hop, bytes } => {
            transcript.extend_from_slice(format!("{hop:?}\n").as_bytes());
            transcript.extend_from_slice(bytes);
        }
        other => transcript.extend_from_slice(format!("{other:?}\n").as_bytes()),
    }
}
