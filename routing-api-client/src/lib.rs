//! Asks routing applications, and copes with all that they may do: answer late, twice, wrongly or
//! not at all.
//!
//! Two halves meet here. A [`Dispatcher`] belongs to one shard and lives on its thread: it picks an
//! application for a consultation, renders the question straight into that application's outgoing
//! buffer, and remembers what it asked. It does no I/O and has no clock. The connections are tokio
//! tasks, started by [`serve`] (applications dial in) and [`keep_connected`] (the proxy dials out);
//! they read and write, and deliver what arrives to the shards as [`Inbound`]. Between them stands the
//! [`Registry`] of connected applications, one for the whole process.
//!
//! ```text
//! shard ── ask ──► Dispatcher ── bytes ──► outgoing buffer ──► connection ──► application
//!   ▲                  ▲                                          │
//!   └──── Verdict ─────┴────────── Inbound (bounded) ◄────────────┘
//! ```
//!
//! A shard's loop does this:
//!
//! - the engine consults: [`Dispatcher::ask`] inside `engine.question(…)`; what is
//!   [decided](Asked::Decided) or [unavailable](Asked::Unavailable) goes back to the engine at once;
//! - an [`Inbound`] arrives: [`Dispatcher::on_inbound`], and the [`Verdict`] is carried out:
//!   `Answered` goes to the engine ([`Dispatcher::remember`] before that, if it may be used again),
//!   every id of `AskAgain` to `ask`;
//! - the engine takes a document: [`Dispatcher::accepted`];
//! - it refuses one: [`Dispatcher::reject`] or [`Dispatcher::reject_tier`], then `ask` with the same
//!   id;
//! - the engine needs no answer any more: [`Dispatcher::cancel`];
//! - [`Dispatcher::next_timeout`] passed: [`Dispatcher::on_timeout`], and `ask` for what it yields.

mod application;
mod asker;
mod cache;
mod compare;
mod connection;
mod dial;
mod dialect;
mod dispatcher;
mod endpoint;
mod finished;
mod inbound;
mod keep;
mod member;
mod notify;
mod outgoing;
mod pending;
mod policy;
mod pool;
mod question;
mod record;
mod recording;
mod registry;
#[cfg(test)]
mod samples;
mod serve;
mod settings;
mod shadow;
mod stats;
mod tls;
mod upgrade;
pub mod wire;

pub use application::ApplicationId;
pub use asker::{AskedApplication, Asker, AskerError, AskerSettings, Reach};
pub use compare::{Difference, InvalidTolerance, Tolerances, compare};
pub use dialect::Dialect;
pub use dialect::cgrates::{Cgrates, CgratesDialect};
pub use dialect::drachtio::{DrachtioDialect, DrachtioMethod};
pub use dialect::evapi::{EvapiDialect, Path};
pub use dialect::native::NativeDialect;
pub use dialect::template::{Template, TemplateError};
pub use dialect::wazo::WazoDialect;
pub use dispatcher::{Asked, Dispatcher, Verdict};
pub use endpoint::{Endpoint, InvalidEndpoint, Scheme};
pub use inbound::{Failure, Inbound, Inboxes, Order};
pub use keep::keep_connected;
pub use notify::{Notifier, NotifyStats, SubscriberState, Wanted, keep_notifying};
pub use policy::{
    Chain, Choose, Dial, Eject, FailureTable, Member, OnFailure, Otherwise, Policy, Pool, Step,
    TlsClient,
};
pub use record::{
    CREDENTIALS, CallOutcome, FileSettings, How, InvalidMask, MaskRule, Masks, RecordSettings,
    Recorder, RecorderSettings, RecorderStats, RedisSettings, Rotate, SinkState, Spool, SpoolStats,
    header_places, number_places,
};
pub use recording::{Entry, LineError, Recording, RecordingError};
pub use registry::{
    ApplicationState, ChangeError, Latency, MemberReport, MemberStatus, Registry, SampleAnswer,
    SampleError,
};
pub use serve::{Accept, AcceptTransport, serve};
pub use settings::{Settings, Token};
pub use shadow::{
    Judge, ShadowCounts, ShadowLatency, ShadowReport, ShadowSample, ShadowSettings, Shadows,
    ask_shadows,
};
pub use stats::{ChannelStats, Stats};
pub use tidegate_schemas::frame::Framing;
pub use tls::{TlsError, TlsServer};

/// Tells every listener, dialler and connection to end: set it to `true`, or drop the sender.
pub type Shutdown = tokio::sync::watch::Receiver<bool>;
