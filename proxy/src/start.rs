//! Puts a proxy together.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use routing_api_client as client;
use tidegate_engine::Engine;
use tokio::sync::{mpsc, watch};

use crate::config::{Config, ConfigError, Problem, RecordingSettings};
use crate::inbox::{Input, Switchboard};
use crate::shard::{Channels, Parts, Recording, Thread};
use crate::{bind, secret, stream};

/// Messages of applications that wait for one shard.
const ANSWERS: usize = 4096;

/// Why a proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address can't be listened on.
    #[error("can't listen on {what}: {error}; {}", advice(error))]
    Bind {
        /// Transport and address.
        what: String,
        /// What the system says.
        error: io::Error,
    },
    /// Something in the configuration can't be used.
    #[error("{key}: {message}")]
    Config {
        /// The key.
        key: String,
        /// What is wrong.
        message: String,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Unsound(#[from] ConfigError),
    /// The system does not let a thread or a socket work.
    #[error("can't start a shard: {0}")]
    Shard(io::Error),
    /// The system does not let the recorder work.
    #[error("can't record decisions: {0}")]
    Recorder(io::Error),
    /// The system does not let the thread work that asks shadows.
    #[error("can't start the thread that asks shadows: {0}")]
    Shadows(io::Error),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(io::Error),
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        Self::Config {
            key: problem.key,
            message: problem.message,
        }
    }
}

/// What all shards share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) streams: Arc<stream::Registry>,
    pub(crate) applications: Arc<client::Registry>,
    /// Set to tell the routing applications that nothing new comes.
    pub(crate) drain: watch::Sender<bool>,
    /// The certificates of the routing listeners.
    pub(crate) tls: Vec<client::TlsServer>,
    /// What takes the records of all shards, where they are kept.
    pub(crate) recorder: Option<client::Recorder>,
}

/// The receiving ends of one shard.
struct Inboxes {
    inbox: mpsc::Receiver<Input>,
    routing: mpsc::Receiver<client::Inbound>,
}

/// Starts the shards. Writes the ports that were taken into `config`.
pub(crate) fn start(config: &mut Config) -> Result<(Vec<Thread>, Shared), StartError> {
    let count = config.shard_count();
    let key = secret::key().map_err(StartError::Random)?;
    let instance = secret::instance().map_err(StartError::Random)?;
    let sip = bind::sip(&mut config.listen, count)?;
    let routing = bind::routing(config, count)?;
    let engine = Arc::new(config.engine()?);
    let accepts = routing.first().into_iter().flatten();
    let tls = accepts
        .filter_map(|(_, accept)| accept.tls.clone())
        .collect();
    let (shared, inboxes, answers) = share(config, count, key, instance, tls)?;
    let (recorder, spools) = record(&config.recording, count)?;
    let shared = Shared { recorder, ..shared };
    let mut shards = Vec::with_capacity(usize::from(count));
    let ends = sip.into_iter().zip(routing).zip(inboxes).zip(spools);
    for (id, (((listeners, listen), ends), recording)) in (0..).zip(ends) {
        let channels = Channels {
            inboxes: answers.clone(),
            shutdown: shared.drain.subscribe(),
            listen,
            shards: count,
        };
        shards.push(
            Thread::start(Parts {
                id,
                engine: Engine::new(Arc::clone(&engine), id, key, instance),
                limits: config.message_limits(),
                switchboard: Arc::clone(&shared.switchboard),
                streams: Arc::clone(&shared.streams),
                applications: Arc::clone(&shared.applications),
                inbox: ends.inbox,
                routing: ends.routing,
                listeners,
                channels,
                recording,
            })
            .map_err(StartError::Shard)?,
        );
    }
    Ok((shards, shared))
}

fn share(
    config: &Config,
    count: u8,
    key: [u8; 16],
    instance: u32,
    tls: Vec<client::TlsServer>,
) -> Result<(Shared, Vec<Inboxes>, client::Inboxes), StartError> {
    let limits = config.message_limits();
    let (switchboard, inputs) = Switchboard::new(count, key, limits);
    let switchboard = Arc::new(switchboard);
    let local: Vec<SocketAddr> = config.listen.iter().map(|listen| listen.address).collect();
    let bounds = stream::Limits::new(&config.streams, limits);
    let streams = stream::Registry::new(bounds, Arc::clone(&switchboard), local);
    let applications = client::Registry::new(config.client_settings(instance));
    applications.shadows().configure(config.shadow_settings()?);
    applications.reconfigure(Arc::new(config.policy()?));
    let (answers, answered): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::channel(ANSWERS)).unzip();
    let ends = inputs.into_iter().zip(answered);
    let ends = ends
        .map(|(inbox, routing)| Inboxes { inbox, routing })
        .collect();
    let drain = watch::Sender::new(false);
    let shared = Shared {
        switchboard,
        streams,
        applications,
        drain,
        tls,
        recorder: None,
    };
    Ok((shared, ends, client::Inboxes::new(answers)))
}

/// The recorder, and each shard's part in it.
fn record(
    config: &RecordingSettings,
    count: u8,
) -> Result<(Option<client::Recorder>, Vec<Option<Recording>>), StartError> {
    if !config.is_on() {
        return Ok((None, (0..count).map(|_| None).collect()));
    }
    let spools = (0..count).map(|_| Arc::new(client::Spool::new(config.queue_bytes)));
    let spools: Vec<_> = spools.collect();
    let recorder = client::Recorder::start(config.recorder()?, spools.clone());
    let recorder = recorder.map_err(StartError::Recorder)?;
    let part = |spool| Recording {
        settings: config.shard(),
        spool,
        durations: config.durations,
    };
    Ok((
        Some(recorder),
        spools.into_iter().map(part).map(Some).collect(),
    ))
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it: stop that one, or choose another port",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
        _ => "check the address",
    }
}
