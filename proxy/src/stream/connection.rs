//! The life of one connection: a reader and a writer in one task.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidegate_engine::Source;
use tidegate_sip::Head;
use tidegate_sip::stream::{Frame, Framer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep, timeout};

use super::queue::{Outgoing, Receiver};
use super::refusal;
use super::registry::{Place, Registry};
use super::writer::Writer;
use crate::inbox::Input;

/// What is read at once, at least.
const CHUNK: usize = 4096;

/// How long a peer is listened to after it was told that it can't be understood.
const LINGER: Duration = Duration::from_millis(500);

/// Answer to a keep-alive (RFC 5626 section 4.4.1).
const PONG: Bytes = Bytes::from_static(b"\r\n");

/// Why a connection ended.
#[derive(Debug)]
enum End {
    /// The peer closed it.
    Closed,
    /// It broke.
    Failed(io::Error),
    /// Nothing came or went for long.
    Idle,
    /// The peer does not read.
    Stalled,
    /// Where the next message begins is not known. With the answer to the present one.
    Unframeable(Option<Bytes>),
}

/// When a connection was last used, for both halves of its task.
#[derive(Debug)]
pub(super) struct Activity {
    start: Instant,
    /// Microseconds from `start`.
    used: AtomicU64,
    heard: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        let (used, heard) = Default::default();
        Self {
            start: Instant::now(),
            used,
            heard,
        }
    }

    pub(super) fn wrote(&self, now: Instant) {
        self.used.store(self.micros(now), Ordering::Relaxed);
    }

    fn heard(&self, now: Instant) {
        self.wrote(now);
        self.heard.store(self.micros(now), Ordering::Relaxed);
    }

    fn last_used(&self) -> Instant {
        self.start + Duration::from_micros(self.used.load(Ordering::Relaxed))
    }

    fn last_heard(&self) -> Instant {
        self.start + Duration::from_micros(self.heard.load(Ordering::Relaxed))
    }

    fn micros(&self, now: Instant) -> u64 {
        u64::try_from((now - self.start).as_micros()).unwrap_or(u64::MAX)
    }
}

/// Carries messages both ways until the connection ends, then gives back what was not delivered.
pub(super) async fn run(mut stream: TcpStream, place: Place, mut receiver: Receiver) {
    let registry = Arc::clone(place.registry());
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let mut writer = Writer::new(registry.limits.write);
    let (mut reading, mut writing) = stream.split();
    let overflow = receiver.overflow();
    let end = tokio::select! {
        end = read(&mut reading, &place, &activity) => end,
        end = write(&writing, &mut writer, &mut receiver, &activity, &registry) => end,
        () = overflow => End::Stalled,
    };
    log(&end, &place);
    count(&end, &registry);
    if let End::Unframeable(Some(answer)) = &end {
        part(&mut reading, &mut writing, answer).await;
    }
    drop(place);
    let mut lost = writer.take_unsent();
    lost.extend(receiver.close());
    lost.extend(match end {
        End::Failed(_) => writer.unanswered(None),
        End::Closed => writer.unanswered(Some(activity.last_heard())),
        End::Idle | End::Stalled | End::Unframeable(_) => Vec::new(),
    });
    give_back(&registry, lost).await;
}

/// Tells the shards what could not be delivered.
pub(super) async fn give_back(registry: &Registry, lost: Vec<Outgoing>) {
    for message in lost {
        if let Some(shard) = message.shard {
            registry.counters.undelivered.add(1);
            registry
                .switchboard
                .deliver(shard, Input::Undelivered(message.bytes))
                .await;
        }
    }
}

async fn read(stream: &mut ReadHalf<'_>, place: &Place, activity: &Activity) -> End {
    let registry = place.registry();
    let mut framer = Framer::new(registry.limits.message);
    let mut head = Head::new();
    let mut buffer = BytesMut::new();
    let idle = sleep(registry.limits.idle);
    tokio::pin!(idle);
    loop {
        if let Err(end) = deliver(&mut framer, &mut head, &mut buffer, place).await {
            return end;
        }
        buffer.reserve(CHUNK);
        tokio::select! {
            biased;
            read = stream.read_buf(&mut buffer) => match read {
                Ok(0) => return End::Closed,
                Ok(_) => activity.heard(Instant::now()),
                Err(error) => return End::Failed(error),
            },
            () = &mut idle => {
                let until = activity.last_used() + registry.limits.idle;
                if until <= Instant::now() {
                    return End::Idle;
                }
                idle.as_mut().reset(until);
            }
        }
    }
}

/// Hands over every whole message in `buffer`.
async fn deliver(
    framer: &mut Framer,
    head: &mut Head,
    buffer: &mut BytesMut,
    place: &Place,
) -> Result<(), End> {
    let registry = place.registry();
    let source = Source {
        transport: place.transport,
        addr: place.remote,
        listener: place.listener,
        connection: Some(place.id),
    };
    loop {
        match framer.next(buffer) {
            Ok(None) => return Ok(()),
            Ok(Some(Frame::Message(bytes))) => {
                registry.counters.received.add(1);
                registry
                    .switchboard
                    .deliver_message(head, source, bytes)
                    .await;
            }
            Ok(Some(Frame::Ping)) => {
                registry.counters.pings.add(1);
                let _ = place.queue.push(Outgoing {
                    shard: None,
                    bytes: PONG,
                });
            }
            Err(error) => {
                tracing::debug!(remote = %place.remote, %error, "unreadable stream");
                return Err(End::Unframeable(refusal::answer(
                    head, buffer, &source, registry,
                )));
            }
        }
    }
}

async fn write(
    stream: &WriteHalf<'_>,
    writer: &mut Writer,
    receiver: &mut Receiver,
    activity: &Activity,
    registry: &Registry,
) -> End {
    let mut batch = Vec::new();
    while receiver.receive(&mut batch).await {
        writer.extend(&mut batch);
        match writer
            .write(stream, receiver, activity, &registry.counters)
            .await
        {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return End::Stalled,
            Err(error) => return End::Failed(error),
        }
    }
    End::Closed
}

/// Says why the connection ends. Closing at once could take the answer away from the peer again, if
/// it is still sending.
async fn part(reading: &mut ReadHalf<'_>, writing: &mut WriteHalf<'_>, answer: &[u8]) {
    let farewell = async {
        writing.write_all(answer).await?;
        writing.shutdown().await?;
        let mut rest = [0; CHUNK];
        while reading.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(LINGER, farewell).await;
}

fn log(end: &End, place: &Place) {
    let (remote, id) = (place.remote, place.id.0);
    match end {
        End::Failed(error) => tracing::debug!(%remote, id, %error, "SIP connection broke"),
        End::Closed => tracing::debug!(%remote, id, "SIP connection closed by the peer"),
        End::Idle => tracing::debug!(%remote, id, "idle SIP connection closed"),
        End::Stalled => {
            tracing::info!(%remote, id, "SIP connection closed: its peer does not read")
        }
        End::Unframeable(_) => {
            tracing::info!(%remote, id, "SIP connection closed: not a stream of messages");
        }
    }
}

fn count(end: &End, registry: &Registry) {
    let counters = &registry.counters;
    match end {
        End::Closed | End::Failed(_) => {}
        End::Idle => counters.idle.add(1),
        End::Stalled => counters.stalled.add(1),
        End::Unframeable(_) => counters.unframeable.add(1),
    }
}
