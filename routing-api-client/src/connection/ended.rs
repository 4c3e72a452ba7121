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
    #[error("it breaks the protocol: {0}")]
    Protocol(String),
    #[error("it answers the hello with HTTP {0}")]
    Refused(u16),
    #[error("the proxy closes it")]
    Shutdown,
    #[error("it gave no sign of life")]
    Silent,
    #[error("it does not read what is written to it")]
    Stalled,
    #[error("a message larger than {0} bytes")]
    TooLarge(usize),
    #[error("it can't be reached: {0}")]
    Unreachable(String),
}

impl Ended {
    /// `joined`: the application could be asked.
    pub(crate) fn count(&self, counters: &ChannelCounters, joined: bool) {
        if joined || !matches!(self, Self::Refused(_) | Self::Unreachable(_)) {
            counters.disconnected.add();
        }
        match self {
            Self::BadHello { .. } | Self::NoHello => counters.turned_away.add(),
            Self::Closed | Self::Io(_) | Self::Shutdown => {}
            Self::Frame(error) if is_too_large(error) => counters.too_large.add(),
            Self::TooLarge(_) => counters.too_large.add(),
            Self::Frame(_) | Self::Protocol(_) => counters.bad_frame.add(),
            Self::Refused(_) | Self::Unreachable(_) => counters.dial_failed.add(),
            Self::Silent => counters.silent.add(),
            Self::Stalled => counters.stalled.add(),
        }
    }

    /// The stable word for the application, where it can still be told.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::BadHello { code, .. } => Some(code),
            Self::Frame(error) if is_too_large(error) => Some("too_large"),
            Self::TooLarge(_) => Some("too_large"),
            Self::Frame(_) | Self::Protocol(_) => Some("bad_frame"),
            Self::NoHello => Some("no_hello"),
            Self::Closed
            | Self::Io(_)
            | Self::Refused(_)
            | Self::Shutdown
            | Self::Silent
            | Self::Stalled
            | Self::Unreachable(_) => None,
        }
    }
}

fn is_too_large(error: &FrameError) -> bool {
    matches!(error.fault, FrameFault::TooLarge { .. })
}
