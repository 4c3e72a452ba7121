//! What can be wrong with an application that is good otherwise.

/// A defect that is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Its answers have an id of its own making.
    WrongId,
    /// It sends each answer twice.
    AnswersTwice,
    /// Each answer comes after the deadline.
    AnswersLate,
    /// It sets Via, which is the proxy's own.
    SetsVia,
    /// The value of a header has CRLF in it.
    BreaksHeader,
    /// Its target is no URI.
    BadUri,
    /// It closes the connection when an event has a key that it does not know.
    ClosesOnUnknownKey,
    /// It closes the connection on a message of a type that it does not know.
    ClosesOnUnknownType,
    /// It has never heard of ping.
    NeverPongs,
    /// Of several questions at once, each gets the document of the next one.
    MixesUp,
    /// When one question is cancelled, it answers no other on this connection.
    StopsAfterCancelled,
    /// It has no room for a body of 60 KiB.
    ChokesOnLarge,
    /// It takes what one read brings for whole lines.
    ChokesOnPieces,
    /// On drain it forgets what it was asked.
    DropsOnDrain,
    /// It acknowledges no notification that it knows already.
    IgnoresRepeats,
    /// It closes the connection when a document of its own is refused.
    ClosesOnError,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::WrongId,
        Self::AnswersTwice,
        Self::AnswersLate,
        Self::SetsVia,
        Self::BreaksHeader,
        Self::BadUri,
        Self::ClosesOnUnknownKey,
        Self::ClosesOnUnknownType,
        Self::NeverPongs,
        Self::MixesUp,
        Self::StopsAfterCancelled,
        Self::ChokesOnLarge,
        Self::ChokesOnPieces,
        Self::DropsOnDrain,
        Self::IgnoresRepeats,
        Self::ClosesOnError,
    ];
}
