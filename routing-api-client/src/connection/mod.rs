//! One connection to an application, from its first byte to its end.

mod calls;
mod cgrates;
mod channel;
mod ended;
mod evapi;
mod heartbeat;
mod http;
mod native;
mod onlooker;
mod request_only;
mod stream;
mod websocket;
mod write;

use std::sync::Arc;

use tidegate_schemas::ConsultationId;
use tidegate_schemas::document::DocumentError;
use tidegate_schemas::frame::Framing;
use tidegate_schemas::message::FromProxy;
use tokio::time::{self, Duration, Instant};
use tracing::{debug, info, warn};

use crate::application::Application;
use crate::dialect::Dialect;
use crate::inbound::{Inbound, Inboxes};
use crate::registry::Registry;
use crate::settings::Token;
use crate::{Shutdown, serve};

pub(crate) use calls::unknown_call;
use cgrates::CgratesSession;
pub(crate) use channel::{Arrival, Channel, Receive};
pub(crate) use ended::Ended;
use evapi::EvapiSession;
use heartbeat::{Heartbeat, Pulse};
pub(crate) use http::{Exchange, Http, innermost, watched};
use native::NativeSession;
use onlooker::wait;
use request_only::RequestSession;
pub(crate) use stream::Stream;
pub(crate) use websocket::{SUBPROTOCOL, WebSocket};
use write::Writer;

/// What all connections of one listener or dialler share.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) registry: Arc<Registry>,
    pub(crate) inboxes: Inboxes,
    pub(crate) dialect: Dialect,
    pub(crate) shutdown: Shutdown,
    pub(crate) pool: Arc<str>,
    /// Its configured name, when it is dialled.
    pub(crate) member: Option<Arc<str>>,
    /// The secret that the side that dials has to show.
    pub(crate) token: Option<Token>,
}

/// Who opened the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The application did.
    Accepted,
    /// The proxy did.
    Dialled,
}

/// How often a connection that is being closed looks whether questions are in flight.
const DRAIN_CHECK: Duration = Duration::from_millis(20);

/// Speaks with an application until one side ends it. Whether it ever could be asked.
pub(crate) async fn run<C: Channel>(context: &Context, channel: C, peer: &str, side: Side) -> bool {
    let link = Link::new::<C>(context, peer, side);
    let settings = context.registry.settings();
    let (receiver, sender) = channel.open(link.framing::<C>(), settings.max_frame);
    let application = Arc::clone(&link.application);
    let mut writer = Writer::new(sender, application, settings.write_timeout);
    let mut conversation = Conversation::new(&link, receiver);
    let ended = tokio::select! {
        ended = conversation.run(context.shutdown.clone()) => ended,
        ended = writer.run() => ended,
    };
    let joined = conversation.session.joined();
    ended.count(&context.registry.counters, joined);
    conversation.session.explain(&ended);
    context.registry.trouble(peer, &ended);
    let application = link.leave();
    if joined {
        info!(peer, name = ?application.name(), reason = %ended, "routing application left");
        let application = application.id;
        context.inboxes.deliver(Inbound::Lost { application }).await;
    } else if side == Side::Accepted {
        info!(peer, reason = %ended, "routing application turned away");
    } else {
        warn!(peer, reason = %ended, "connecting to a routing application failed");
    }
    writer.finish().await;
    joined
}

/// A connection's place among the applications; given up when it is dropped.
struct Link<'a> {
    context: &'a Context,
    application: Arc<Application>,
    peer: &'a str,
    side: Side,
    credit: Option<u32>,
}

impl<'a> Link<'a> {
    fn new<C: Channel>(context: &'a Context, peer: &'a str, side: Side) -> Self {
        let application = context
            .registry
            .prepare(context.dialect.clone(), Arc::clone(&context.pool));
        if C::MARKED {
            application.outgoing.mark();
        }
        let link = Self {
            context,
            application,
            peer,
            side,
            credit: C::CREDIT,
        };
        if let Some(framing) = link.framing::<C>() {
            link.application.set_framing(framing);
        }
        link
    }

    /// Nothing where the application's first byte decides.
    fn framing<C: Channel>(&self) -> Option<Framing> {
        let dialled = (self.side == Side::Dialled).then_some(Framing::Netstring);
        C::FRAMING
            .or_else(|| self.context.dialect.framing())
            .or(dialled)
    }

    /// From here on the application can be asked.
    fn join(&self, name: &str, max_in_flight: Option<u32>) -> Inbound {
        let name = self.context.member.as_deref().unwrap_or(name);
        self.application
            .introduce(name, max_in_flight.or(self.credit));
        self.context.registry.join(Arc::clone(&self.application));
        self.context.registry.counters.connected.add();
        info!(peer = self.peer, ?name, "routing application connected");
        Inbound::Up {
            application: self.application.id,
        }
    }

    /// By then no answer can be of use any more.
    fn drain_until(&self) -> Instant {
        Instant::now() + self.context.registry.settings().deadline
    }

    /// From here on it can't, and every question that it took is known to its shard.
    fn leave(self) -> Arc<Application> {
        Arc::clone(&self.application)
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        self.application.outgoing.close();
        self.context.registry.leave(self.application.id);
    }
}

/// What the application says, understood in its dialect.
enum Session<'a> {
    Cgrates(CgratesSession<'a>),
    Evapi(EvapiSession<'a>),
    Native(NativeSession<'a>),
    Request(RequestSession<'a>),
}

impl<'a> Session<'a> {
    fn new(link: &'a Link<'a>) -> Self {
        match link.application.dialect() {
            Dialect::Cgrates(dialect) => Self::Cgrates(CgratesSession::new(link, dialect)),
            Dialect::Drachtio(dialect) => Self::Request(RequestSession::new(link, dialect)),
            Dialect::Evapi(dialect) => Self::Evapi(EvapiSession::new(link, dialect)),
            Dialect::Native(_) => Self::Native(NativeSession::new(link)),
            Dialect::Wazo(dialect) => Self::Request(RequestSession::new(link, dialect)),
        }
    }

    fn begin(&mut self) -> Option<Inbound> {
        match self {
            Self::Cgrates(session) => Some(session.begin()),
            Self::Evapi(session) => Some(session.begin()),
            Self::Native(session) => {
                session.begin();
                None
            }
            Self::Request(session) => Some(session.begin()),
        }
    }

    fn on_message(&mut self, json: &[u8]) -> Result<Option<Inbound>, Ended> {
        match self {
            Self::Cgrates(session) => Ok(session.on_message(json)),
            Self::Evapi(session) => Ok(session.on_message(json)),
            Self::Native(session) => session.on_message(json),
            Self::Request(session) => {
                session.on_message();
                Ok(None)
            }
        }
    }

    fn on_answer(&self, id: ConsultationId, json: &[u8]) -> Inbound {
        match self {
            Self::Cgrates(session) => session.on_answer(id, json),
            Self::Evapi(session) => session.on_answer(id, json),
            Self::Native(session) => session.on_answer(id, json),
            Self::Request(session) => session.on_answer(id, json),
        }
    }

    fn joined(&self) -> bool {
        match self {
            Self::Cgrates(_) | Self::Evapi(_) | Self::Request(_) => true,
            Self::Native(session) => session.joined(),
        }
    }

    /// Not every dialect can ask for a sign of life.
    fn has_heartbeat(&self) -> bool {
        match self {
            Self::Cgrates(session) => session.pings(),
            Self::Evapi(_) | Self::Request(_) => false,
            Self::Native(session) => session.joined(),
        }
    }

    /// Tells the application why the connection ends.
    fn explain(&self, ended: &Ended) {
        if let Self::Native(session) = self {
            session.explain(ended);
        }
    }
}

/// The reading side of a connection.
struct Conversation<'a, R> {
    link: &'a Link<'a>,
    session: Session<'a>,
    receiver: R,
    heartbeat: Heartbeat,
    hello_until: Instant,
    drain_until: Option<Instant>,
    /// Nothing more is read until then.
    quiet_until: Option<Instant>,
}

impl<'a, R: Receive> Conversation<'a, R> {
    fn new(link: &'a Link<'a>, receiver: R) -> Self {
        let settings = link.context.registry.settings();
        Self {
            link,
            session: Session::new(link),
            receiver,
            heartbeat: Heartbeat::new(settings.heartbeat, settings.heartbeat_timeout),
            hello_until: Instant::now() + settings.hello_timeout,
            drain_until: None,
            quiet_until: None,
        }
    }

    async fn run(&mut self, mut shutdown: Shutdown) -> Ended {
        match self.converse(&mut shutdown).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn converse(
        &mut self,
        shutdown: &mut Shutdown,
    ) -> Result<std::convert::Infallible, Ended> {
        if let Some(inbound) = self.session.begin() {
            self.deliver(inbound).await;
        }
        loop {
            tokio::select! {
                biased;
                () = time::sleep_until(self.hello_until), if !self.session.joined() => {
                    return Err(Ended::NoHello);
                }
                () = serve::stopped(shutdown), if self.drain_until.is_none() => {
                    self.drain().await?;
                }
                () = time::sleep(DRAIN_CHECK), if self.drain_until.is_some() => {
                    self.check_drained()?;
                }
                () = wait(self.quiet_until), if self.quiet_until.is_some() => {
                    self.quiet_until = None;
                    self.take_arrivals().await?;
                    self.check_drained()?;
                }
                filled = self.receiver.fill(), if self.quiet_until.is_none() => {
                    filled?;
                    self.take_arrivals().await?;
                    self.check_drained()?;
                }
                () = self.heartbeat.tick(), if self.session.has_heartbeat() => self.on_tick()?,
            }
        }
    }

    async fn take_arrivals(&mut self) -> Result<(), Ended> {
        while self.quiet_until.is_none()
            && let Some(arrival) = self.receiver.next()?
        {
            if let Some(framing) = self.receiver.framing() {
                self.link.application.set_framing(framing);
            }
            let understood = self.understand(arrival)?;
            let sifted = understood.and_then(|inbound| self.link.sift(inbound));
            self.quiet_until = self.link.quiet_until();
            let Some(inbound) = sifted else {
                continue;
            };
            if !R::CONNECTED && matches!(inbound, Inbound::Draining { .. }) {
                self.drain_until
                    .get_or_insert_with(|| self.link.drain_until());
            }
            self.deliver(inbound).await;
        }
        if self.receiver.heard() {
            self.heartbeat.heard();
        }
        Ok(())
    }

    fn understand(&mut self, arrival: Arrival) -> Result<Option<Inbound>, Ended> {
        let application = self.link.application.id;
        Ok(match arrival {
            Arrival::Message(message) => self.session.on_message(&message)?,
            Arrival::Answer(id, body) => Some(self.session.on_answer(id, &body)),
            Arrival::Failed(id, failure) => Some(Inbound::Failed {
                application,
                id,
                failure,
            }),
            Arrival::TooLarge(id) => Some(Inbound::Answer {
                application,
                id,
                document: Err(DocumentError::new("", "the answer is past the limit")),
            }),
        })
    }

    async fn deliver(&self, inbound: Inbound) {
        self.link.context.inboxes.deliver(inbound).await;
    }

    fn on_tick(&mut self) -> Result<(), Ended> {
        self.link.application.allow_complaints();
        match self.heartbeat.pulse() {
            Pulse::Alive => Ok(()),
            Pulse::Quiet => {
                let _ = self.link.application.notify(&FromProxy::Ping);
                Ok(())
            }
            Pulse::Silent => Err(Ended::Silent),
        }
    }

    /// Answers are still taken, for as long as one can be of use.
    async fn drain(&mut self) -> Result<(), Ended> {
        if !self.session.joined() {
            return Err(Ended::Shutdown);
        }
        debug!(peer = self.link.peer, "draining routing application");
        let application = &self.link.application;
        application.drain();
        let _ = application.notify(&FromProxy::Drain);
        self.drain_until = Some(self.link.drain_until());
        let application = application.id;
        self.deliver(Inbound::Draining { application }).await;
        Ok(())
    }

    fn check_drained(&self) -> Result<(), Ended> {
        match self.drain_until {
            Some(until) if until <= Instant::now() => Err(Ended::Shutdown),
            Some(_) if self.link.application.in_flight() == 0 => Err(Ended::Shutdown),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
