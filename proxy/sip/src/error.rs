use nom::error::{ContextError, ErrorKind};

/// Why bytes are not a SIP message that could be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The first line is neither a request line nor a status line.
    #[error("the first line is neither a SIP request line nor a SIP status line")]
    NotSip,
    /// Nothing follows the first line.
    #[error("the message ends in its first line")]
    NoHeaderSection,
    /// The message is longer than the limit.
    #[error("the message has more than {limit} bytes")]
    MessageTooLong {
        /// The limit in force.
        limit: u32,
    },
    /// A line with its folds is longer than the limit.
    #[error("the line at offset {at} has more than {limit} bytes")]
    LineTooLong {
        /// Where the line starts.
        at: u32,
        /// The limit in force.
        limit: u32,
    },
    /// There are more header fields than the limit.
    #[error("the message has more than {limit} header fields")]
    TooManyHeaders {
        /// The limit in force.
        limit: u16,
    },
}

/// Why a header value or a URI cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at offset {at}")]
pub struct ValueError {
    /// What should have stood there.
    pub expected: &'static str,
    /// The offset in the message, or in the slice for a value parsed on its own.
    pub at: u32,
}

impl ValueError {
    pub(crate) const fn missing(expected: &'static str) -> Self {
        Self { expected, at: 0 }
    }
}

/// A nom error that remembers how much input was left where it arose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fail {
    pub(crate) rest: usize,
    pub(crate) expected: &'static str,
}

impl Fail {
    pub(crate) fn at<T>(input: &[u8], expected: &'static str) -> Result<T, nom::Err<Self>> {
        Err(nom::Err::Error(Self {
            rest: input.len(),
            expected,
        }))
    }

    /// Gives the place as an offset, when the parsed slice ended at offset `end`.
    pub(crate) fn locate(error: &nom::Err<Self>, end: u32) -> ValueError {
        match error {
            nom::Err::Error(fail) | nom::Err::Failure(fail) => ValueError {
                expected: fail.expected,
                at: end.saturating_sub(u32::try_from(fail.rest).unwrap_or(u32::MAX)),
            },
            nom::Err::Incomplete(_) => ValueError {
                expected: "more bytes",
                at: end,
            },
        }
    }
}

impl nom::error::ParseError<&[u8]> for Fail {
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self {
            rest: input.len(),
            expected: "other bytes",
        }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl ContextError<&[u8]> for Fail {
    fn add_context(_: &[u8], expected: &'static str, mut other: Self) -> Self {
        if other.expected == "other bytes" {
            other.expected = expected;
        }
        other
    }
}
