//! Why a connection is over.

use std::io;

use tidegate_schemas::frame::{FrameError, FrameFault};

use crate::stats::ChannelCounters;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// A first message that is not acceptable: a stable word, and what is wrong.
    #[error("its hello is refused: {message}")]
    BadHello {
        code: &'static str,
        message: &'static str,
    },
    #[error("it closed the connection")]
    Closed,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it said no hello in time")]
    NoHello,
    #[error("the proxy ends")]
    Shutdown,
    #[error("it gave no sign of life")]
    Silent,
    #[error("it does not read what is written to it")]
    Stalled,
}

impl Ended {
    pub(crate) fn count(&self, counters: &ChannelCounters) {
        counters.disconnected.add();
        match self {
            Self::BadHello { .. } | Self::NoHello => counters.turned_away.add(),
            Self::Closed | Self::Io(_) | Self::Shutdown => {}
            Self::Frame(error) if is_too_large(error) => counters.too_large.add(),
            Self::Frame(_) => counters.bad_frame.add(),
            Self::Silent => counters.silent.add(),
            Self::Stalled => counters.stalled.add(),
        }
    }

    /// The stable word for the application, where it can still be told.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::BadHello { code, .. } => Some(code),
            Self::Frame(error) if is_too_large(error) => Some("too_large"),
            Self::Frame(_) => Some("bad_frame"),
            Self::NoHello => Some("no_hello"),
            Self::Closed | Self::Io(_) | Self::Shutdown | Self::Silent | Self::Stalled => None,
        }
    }
}

fn is_too_large(error: &FrameError) -> bool {
    matches!(error.fault, FrameFault::TooLarge { .. })
}
