//! The thread of a shard: its runtime, its sockets and the tasks beside its loop.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use routing_api_client as client;
use tidegate_engine::{Engine, ListenerId};
use tidegate_sip::{Head, Limits};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep};

use super::calls::CallLog;
use super::clock::Clock;
use super::outbox::{Outbox, Tasks};
use super::timer::Timer;
use super::{Control, Handle, Report, Shard, ShardCounters};
use crate::inbox::{Input, Switchboard};
use crate::resolve::Resolver;
use crate::stream;
use crate::udp::{Arrivals, UdpListener, watch};

/// Datagrams taken with one system call.
const ARRIVALS: usize = 32;

/// How long streams get to write what is queued when the shard has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Threads for the system's resolver.
const BLOCKING_THREADS: usize = 16;

/// All that a shard is made of.
pub(crate) struct Parts {
    pub(crate) id: u8,
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) streams: Arc<stream::Registry>,
    pub(crate) applications: Arc<client::Registry>,
    pub(crate) inbox: mpsc::Receiver<Input>,
    pub(crate) routing: mpsc::Receiver<client::Inbound>,
    /// The bound SIP sockets, by listener id.
    pub(crate) listeners: Vec<Bound>,
    pub(crate) channels: Channels,
    pub(crate) recording: Option<Recording>,
}

/// The shard's part in the recording of decisions.
pub(crate) struct Recording {
    pub(crate) settings: client::RecordSettings,
    pub(crate) spool: Arc<client::Spool>,
    /// Whether calls are followed to their end for it.
    pub(crate) durations: bool,
}

/// A bound SIP socket.
#[derive(Debug)]
pub(crate) enum Bound {
    Udp(std::net::UdpSocket),
    Tcp(std::net::TcpListener),
}

/// The shard's part in the connections of routing applications.
pub(crate) struct Channels {
    pub(crate) inboxes: client::Inboxes,
    pub(crate) shutdown: client::Shutdown,
    pub(crate) listen: Vec<(std::net::TcpListener, client::Accept)>,
    /// How many shards share the applications that are dialled.
    pub(crate) shards: u8,
}

/// A running shard.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) shard: Handle,
    pub(crate) thread: thread::JoinHandle<()>,
}

impl Thread {
    /// Starts a shard, and returns when it works.
    pub(crate) fn start(parts: Parts) -> io::Result<Self> {
        let (control, orders) = mpsc::channel(16);
        let (ending, ended) = watch::channel(None);
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        let builder = thread::Builder::new().name(format!("shard-{}", parts.id));
        let thread = builder.spawn(move || {
            ending.send_replace(live(parts, orders, &ready));
        })?;
        started
            .recv()
            .map_err(|_| io::Error::other("the shard's thread ended"))??;
        let shard = Handle::new(control, ended);
        Ok(Self { shard, thread })
    }
}

type Ready = std::sync::mpsc::SyncSender<io::Result<()>>;

/// Gives the last report, unless the shard could not work.
fn live(parts: Parts, orders: mpsc::Receiver<Control>, ready: &Ready) -> Option<Report> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            report(ready, Err(error));
            return None;
        }
    };
    let last = runtime.block_on(work(parts, orders, ready));
    runtime.shutdown_background();
    last
}

/// The loop is a task like the others: waking a task costs less than waking what is blocked on.
async fn work(parts: Parts, orders: mpsc::Receiver<Control>, ready: &Ready) -> Option<Report> {
    let streams = Arc::clone(&parts.streams);
    let shard = match set_up(parts, orders) {
        Ok(shard) => shard,
        Err(error) => {
            report(ready, Err(error));
            return None;
        }
    };
    report(ready, Ok(()));
    let last = spawn_local(shard.run()).await;
    last_words(&streams).await;
    last.inspect_err(|error| tracing::error!(%error, "a shard failed"))
        .ok()
}

fn report(ready: &Ready, outcome: io::Result<()>) {
    let _ = ready.send(outcome);
}

fn set_up(parts: Parts, control: mpsc::Receiver<Control>) -> io::Result<Shard> {
    let udp = listen(
        parts.listeners,
        parts.id,
        &parts.switchboard,
        &parts.streams,
    )?;
    let shards = parts.channels.shards;
    open_channels(parts.id, parts.channels, &parts.applications)?;
    let clock = Clock::new();
    let calls = CallLog::new(Arc::clone(&parts.applications), clock, parts.id, shards);
    let mut dispatcher = client::Dispatcher::new(parts.applications);
    dispatcher.set_fallback(parts.engine.config().fallback.clone().map(Arc::new));
    let records = parts.recording.is_some();
    let durations = parts.recording.as_ref().is_some_and(|it| it.durations);
    if let Some(recording) = parts.recording {
        dispatcher.record(recording.settings, recording.spool);
    }
    Ok(Shard {
        id: parts.id,
        clock,
        engine: parts.engine,
        dispatcher,
        outbox: Outbox::new(parts.id, udp, parts.streams, calls, records),
        tasks: Tasks::default(),
        resolver: Resolver::new(parts.id, Arc::clone(&parts.switchboard)),
        switchboard: parts.switchboard,
        limits: parts.limits,
        head: Head::new(),
        arrivals: Arrivals::new(ARRIVALS),
        inbox: parts.inbox,
        routing: parts.routing,
        control,
        timer: Timer::new(clock.now().instant),
        asking: false,
        followed: None,
        durations,
        yielded: false,
        draining: false,
        stopped: false,
        counters: ShardCounters::default(),
    })
}

/// Begins to take SIP. UDP is the shard's own work, streams are tasks.
fn listen(
    listeners: Vec<Bound>,
    shard: u8,
    switchboard: &Arc<Switchboard>,
    streams: &Arc<stream::Registry>,
) -> io::Result<Vec<Option<UdpListener>>> {
    let mut udp = Vec::with_capacity(listeners.len());
    for (id, bound) in (0..).zip(listeners) {
        match bound {
            Bound::Udp(socket) => {
                let listener = UdpListener::new(socket)?;
                tokio::spawn(watch_errors(&listener, shard, Arc::clone(switchboard)));
                udp.push(Some(listener));
            }
            Bound::Tcp(listener) => {
                let listener = TcpListener::from_std(listener)?;
                tokio::spawn(stream::accept(
                    listener,
                    ListenerId(id),
                    Arc::clone(streams),
                ));
                udp.push(None);
            }
        }
    }
    Ok(udp)
}

/// What the network gives back comes to the socket, and so to the shard, that sent it.
fn watch_errors(
    listener: &UdpListener,
    shard: u8,
    switchboard: Arc<Switchboard>,
) -> impl Future<Output = ()> + use<> {
    let socket = listener.socket();
    async move {
        let hand_over = |lost| switchboard.offer(shard, Input::Undelivered(lost));
        if let Err(error) = watch(socket, hand_over).await {
            tracing::error!(%error, "ICMP errors can't be read any more");
        }
    }
}

fn open_channels(
    shard: u8,
    channels: Channels,
    applications: &Arc<client::Registry>,
) -> io::Result<()> {
    let Channels {
        inboxes,
        shutdown,
        listen,
        shards,
    } = channels;
    for (listener, accept) in listen {
        let listener = TcpListener::from_std(listener)?;
        let (registry, inboxes) = (Arc::clone(applications), inboxes.clone());
        tokio::spawn(client::serve(
            listener,
            accept,
            registry,
            inboxes,
            shutdown.clone(),
        ));
    }
    if shard == 0 {
        let registry = Arc::clone(applications);
        tokio::spawn(client::keep_notifying(registry, shutdown.clone()));
    }
    tokio::spawn(client::keep_connected(
        Arc::clone(applications),
        inboxes,
        shutdown,
        move |name| dialler_of(name, shards) == shard,
    ));
    Ok(())
}

/// The shard that dials an application: always the same one, and all take their part.
fn dialler_of(name: &str, shards: u8) -> u8 {
    let sum = name.bytes().fold(0_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    u8::try_from(sum % u32::from(shards.max(1))).unwrap_or_default()
}

async fn last_words(streams: &stream::Registry) {
    let deadline = Instant::now() + LAST_WORDS;
    while !streams.is_flushed() && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
    }
}
