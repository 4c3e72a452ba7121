//! A shard: one thread with transactions of its own, and the loop that feeds its engine.
//!
//! Everything that happens reaches the engine here, on this thread, one input after the other: a
//! batch of datagrams, an inbox of stream messages and results, answers of applications, the timer.
//! When a batch is done its outputs leave together.

mod calls;
mod clock;
mod consult;
mod control;
mod handle;
mod outbox;
mod thread;
mod timer;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use routing_api_client::{Dispatcher, Inbound, Wanted};
use tidegate_engine::{Engine, ListenerId, Source, Transport};
use tidegate_sip::{Head, Limits};
use tokio::sync::mpsc;

use crate::inbox::{Input, Switchboard};
use crate::resolve::Resolver;
use crate::udp::{Arrivals, is_keepalive};
use clock::{Clock, Moment};
use outbox::{Outbox, Tasks};
use timer::Timer;

pub(crate) use clock::unix_ms;
pub(crate) use control::{Control, Report, ShardCounters};
pub(crate) use handle::Handle;
pub(crate) use thread::{Bound, Channels, Parts, Recording, Thread};

/// Inputs of one kind in one turn; then the others have theirs.
const BUDGET: usize = 64;

/// Turns before the other tasks of the thread have theirs.
const TURNS: usize = 8;

/// What a turn of the loop leads to.
enum Step {
    /// Nothing waits.
    Idle,
    /// There may be more.
    Busy,
    /// The other tasks come first: questions have to be written. An application thinks while the
    /// 100 (Trying) and the rest are sent, not after that.
    Yield,
}

/// One shard.
pub(crate) struct Shard {
    id: u8,
    clock: Clock,
    engine: Engine,
    dispatcher: Dispatcher,
    outbox: Outbox,
    /// Scratch space of [`Shard::settle`].
    tasks: Tasks,
    resolver: Resolver,
    switchboard: Arc<Switchboard>,
    limits: Limits,
    head: Head,
    arrivals: Arrivals,
    inbox: mpsc::Receiver<Input>,
    routing: mpsc::Receiver<Inbound>,
    control: mpsc::Receiver<Control>,
    timer: Timer,
    /// Questions wait for the tasks that write them.
    asking: bool,
    /// What the engine tells about calls.
    followed: Option<Wanted>,
    /// Calls are followed to their end for the recording.
    durations: bool,
    /// Those tasks have had their turn.
    yielded: bool,
    draining: bool,
    stopped: bool,
    counters: ShardCounters,
}

impl Shard {
    /// Works until it is told to stop, or until it is told to drain and nothing is alive. Gives its
    /// last report.
    pub(crate) async fn run(mut self) -> Report {
        poll_fn(|cx| self.poll(cx)).await;
        self.dispatcher.close_records();
        self.report()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURNS {
            let step = self.turn(cx);
            if self.stopped || (self.draining && self.engine.live() == 0) {
                return Poll::Ready(());
            }
            match step {
                Step::Idle => return Poll::Pending,
                Step::Busy => {}
                Step::Yield => break,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes some of everything that waits.
    fn turn(&mut self, cx: &mut Context<'_>) -> Step {
        self.counters.turns += 1;
        let now = self.clock.now();
        self.follow_calls();
        let mut busy = self.poll_routing(cx, now);
        busy |= self.poll_inbox(cx, now);
        busy |= self.poll_datagrams(cx, now);
        busy |= self.poll_control(cx, now);
        self.fire(now);
        self.settle(now);
        self.arm(cx, now);
        if self.asking && !self.yielded {
            self.yielded = true;
            return Step::Yield;
        }
        (self.asking, self.yielded) = (false, false);
        self.outbox.poll_flush(cx);
        match busy || !self.outbox.tasks.is_empty() {
            true => Step::Busy,
            false => Step::Idle,
        }
    }

    fn poll_inbox(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        for taken in 0..BUDGET {
            let Poll::Ready(Some(input)) = self.inbox.poll_recv(cx) else {
                return taken > 0;
            };
            self.on_input(now, input);
        }
        true
    }

    fn on_input(&mut self, now: Moment, input: Input) {
        match input {
            Input::Message { source, bytes } => self.on_message(now, &source, &bytes),
            Input::Undelivered(payload) => self.on_undelivered(now, &payload),
            Input::Resolved { host, addresses } => {
                for id in self.resolver.finish(now.instant, host, addresses.clone()) {
                    self.engine
                        .handle_resolved(now.time, id, &addresses, &mut self.outbox);
                }
            }
        }
    }

    fn on_message(&mut self, now: Moment, source: &Source, bytes: &Bytes) {
        match self.head.parse(bytes, &self.limits) {
            Ok(()) => {
                let view = self.head.view(bytes);
                self.engine
                    .handle_message(now.time, source, view, &mut self.outbox);
            }
            Err(error) => {
                self.counters.unparsable += 1;
                tracing::debug!(source = %source.addr, %error, "not a SIP message");
            }
        }
    }

    fn on_undelivered(&mut self, now: Moment, payload: &[u8]) {
        self.counters.undelivered += 1;
        self.engine
            .handle_send_failure(now.time, payload, &mut self.outbox);
    }

    fn poll_datagrams(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let mut busy = false;
        for index in 0..self.outbox.udp.len() {
            let Some(Some(socket)) = self.outbox.udp.get_mut(index) else {
                continue;
            };
            if let Poll::Ready(Ok(())) = socket.poll_receive(cx, &mut self.arrivals) {
                busy = true;
                self.on_arrivals(now, ListenerId(u16::try_from(index).unwrap_or(u16::MAX)));
            }
        }
        busy
    }

    fn on_arrivals(&mut self, now: Moment, listener: ListenerId) {
        for index in 0..self.arrivals.len() {
            let Some((addr, datagram)) = self.arrivals.datagram(index) else {
                continue;
            };
            if is_keepalive(datagram) {
                self.counters.keepalives += 1;
                continue;
            }
            if let Err(error) = self.head.parse(datagram, &self.limits) {
                self.counters.unparsable += 1;
                tracing::debug!(source = %addr, %error, "not a SIP message");
                continue;
            }
            let source = Source {
                transport: Transport::Udp,
                addr,
                listener,
                connection: None,
            };
            let view = self.head.view(datagram);
            match self.switchboard.owner(view) {
                owner if owner == self.id => {
                    self.engine
                        .handle_message(now.time, &source, view, &mut self.outbox);
                }
                owner => self
                    .switchboard
                    .pass_on(owner, source, Bytes::copy_from_slice(datagram)),
            }
        }
    }

    fn poll_control(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        match self.control.poll_recv(cx) {
            Poll::Ready(Some(Control::Drain)) => {
                self.engine.drain();
                self.draining = true;
            }
            Poll::Ready(Some(Control::Report(to))) => {
                let _ = to.send(self.report());
            }
            Poll::Ready(Some(Control::Reconfigure { engine, done })) => {
                self.reconfigure(engine);
                let _ = done.send(());
            }
            Poll::Ready(Some(Control::Calls(to))) => {
                let _ = to.send(self.list_calls(now, None));
            }
            Poll::Ready(Some(Control::Terminate {
                call,
                reason,
                known,
            })) => {
                let _ = known.send(self.terminate(now, call, reason.as_deref()));
            }
            Poll::Ready(Some(Control::Stop) | None) => self.stopped = true,
            Poll::Pending => return false,
        }
        true
    }

    fn reconfigure(&mut self, engine: Arc<tidegate_engine::Config>) {
        let fallback = engine.fallback.clone().map(Arc::new);
        self.dispatcher.set_fallback(fallback);
        if let Err(error) = self.engine.reconfigure(engine) {
            tracing::error!(%error, "a shard keeps its configuration");
        }
    }

    fn report(&self) -> Report {
        Report {
            engine: self.engine.stats(),
            routing: *self.dispatcher.stats(),
            udp: self.outbox.udp_counters(),
            resolve: self.resolver.counters,
            shard: self.counters,
        }
    }
}
