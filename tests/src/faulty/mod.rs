//! Applications that fail in one chosen way, on any channel: what each fault is, and a server that has it.

mod deed;
mod http;
mod server;
mod wire;

use std::fmt;

pub use deed::LATE;
pub use server::Faulty;

/// How the proxy and an application talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A message a line on TCP.
    Tcp,
    /// A message a text frame.
    WebSocket,
    /// A message a request.
    Http,
}

/// What is wrong with an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens on its port.
    Refused,
    /// What is sent there is lost: not even a SYN is answered.
    BlackHoled,
    /// The kernel takes the connection, the application never does.
    NeverAccepts,
    /// It is there, and has nothing to say to a question.
    Silent,
    /// It answers with bytes that are no message of the channel.
    Garbage,
    /// It answers with a message that is no JSON.
    NotJson,
    /// It sends the first half of its answer.
    HalfFrame,
    /// It answers another question than the one asked.
    WrongId,
    /// Its document names a listener that the proxy has not.
    UnknownSocket,
    /// Its document would break a header in two.
    CrlfInHeader,
    /// A good document, a little shorter than `routing.max_frame`.
    JustSmallEnough,
    /// A good document, a little longer than `routing.max_frame`.
    TooLarge,
    /// It closes the connection when it was asked.
    Closes,
    /// It answers well, after the deadline.
    Late,
    /// It says hello and reads nothing more.
    SlowReader,
    /// It takes `deadline_ms` for a point in time that is hours ago, and says that it is too late.
    ClockAhead,
    /// It takes `deadline_ms` for a point in time that is hours away, and has all the time in the world.
    ClockBehind,
    /// It answers at once, with a `deadline_ms` of its own that means nothing.
    NonsenseDeadline,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::WebSocket, Self::Http];

    /// The scheme of a URL.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::WebSocket => "ws",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::WebSocket => "WebSocket",
            Self::Http => "HTTP",
        })
    }
}

impl Fault {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 18] = [
        Self::Refused,
        Self::BlackHoled,
        Self::NeverAccepts,
        Self::Silent,
        Self::Garbage,
        Self::NotJson,
        Self::HalfFrame,
        Self::WrongId,
        Self::UnknownSocket,
        Self::CrlfInHeader,
        Self::JustSmallEnough,
        Self::TooLarge,
        Self::Closes,
        Self::Late,
        Self::SlowReader,
        Self::ClockAhead,
        Self::ClockBehind,
        Self::NonsenseDeadline,
    ];

    /// Whether an application with this fault gets as far as being asked.
    #[must_use]
    pub fn gets_up(self) -> bool {
        !matches!(self, Self::Refused | Self::BlackHoled | Self::NeverAccepts)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused: nobody listens",
            Self::BlackHoled => "black-holed: not even a SYN is answered",
            Self::NeverAccepts => "black-holed behind the TCP handshake",
            Self::Silent => "accepts and stays silent",
            Self::Garbage => "garbage on the connection",
            Self::NotJson => "a message that is no JSON",
            Self::HalfFrame => "half a frame, then silence",
            Self::WrongId => "the id of another question",
            Self::UnknownSocket => "document for an unknown socket",
            Self::CrlfInHeader => "CRLF in a header",
            Self::JustSmallEnough => "document a little below 1 MiB",
            Self::TooLarge => "document a little above 1 MiB",
            Self::Closes => "closes between question and answer",
            Self::Late => "answers after the deadline",
            Self::SlowReader => "slow reader: 120 questions of 50 KB, none read",
            Self::ClockAhead => "clock hours ahead: takes the deadline for past",
            Self::ClockBehind => "clock hours behind: takes its time",
            Self::NonsenseDeadline => "nonsense in its own `deadline_ms`",
        })
    }
}
