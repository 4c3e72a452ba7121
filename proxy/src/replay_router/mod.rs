//! Recorded decisions served in the place of an application.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use routing_api_client::{LineError, Recording, RecordingError};
use routing_application::args::{Channels, OpenError};
use routing_application::replay::{Key, Player, Recorded, Repeat, Summary};
use routing_application::{Host, Identity};

/// What is to be served, where and how long.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    pub(crate) files: &'a [PathBuf],
    pub(crate) key: Key,
    pub(crate) repeat: Repeat,
    pub(crate) identity: Identity,
    pub(crate) channels: &'a Channels,
    /// Ends when no question has come for so long.
    pub(crate) idle: Option<Duration>,
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayRouterError {
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("there is no consultation in the recording")]
    Empty,
    #[error(
        "--key {}: no record has a value there; is it misspelt?",
        .0.join(" and ")
    )]
    LeadingNowhere(Vec<String>),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("signals: {0}")]
    Signals(#[from] io::Error),
}

/// Serves recorded decisions until `told`, or until no question comes any more.
pub(crate) async fn serve(
    options: Options<'_>,
    told: impl Future<Output = ()>,
) -> Result<Summary, ReplayRouterError> {
    let recorded = load(options.files, options.key, options.repeat)?;
    tracing::info!(records = recorded.len(), "recording read");
    let player = Arc::new(Player::new(options.identity, recorded));
    let host = Host::new(Arc::clone(&player));
    let open = options.channels.open(&host).await?;
    match options.idle {
        None => told.await,
        Some(patience) => tokio::select! {
            () = told => {}
            () = player.idle(patience) => tracing::info!("no question came any more"),
        },
    }
    open.leave().await;
    Ok(player.summary())
}

fn load(files: &[PathBuf], key: Key, repeat: Repeat) -> Result<Recorded, ReplayRouterError> {
    let mut recorded = Recorded::new(key, repeat);
    let mut recording = Recording::open_all(files)?;
    for entry in &mut recording {
        let entry = entry?;
        let place = format!("{}, line {}", entry.file(), entry.line());
        recorded.add(&entry.record()?, &place);
    }
    for warning in recording.warnings() {
        tracing::warn!("{warning}");
    }
    if recorded.is_empty() {
        return Err(ReplayRouterError::Empty);
    }
    match recorded.leading_nowhere() {
        nowhere if nowhere.is_empty() => Ok(recorded),
        nowhere => Err(ReplayRouterError::LeadingNowhere(nowhere)),
    }
}
