//! What carries messages to and from one application.

use bytes::Bytes;
use tidegate_schemas::ConsultationId;
use tidegate_schemas::frame::Framing;

use super::Ended;
use crate::inbound::Failure;
use crate::outgoing::Batch;

/// A way to an application. All else about a connection (who may speak, signs of life, draining,
/// what is counted) is the same for each of them.
pub(crate) trait Channel: Send {
    /// The reading half.
    type Receiver: Receive;
    /// The writing half.
    type Sender: Transmit;

    /// How messages have to be rendered for it; nothing where any framing will do.
    const FRAMING: Option<Framing> = None;
    /// Whether it has to know what a message is about.
    const MARKED: bool = false;
    /// Most questions at once, where the application says nothing of it.
    const CREDIT: Option<u32> = None;

    /// Begins to work. Without a framing, the application's first byte tells it.
    fn open(self, framing: Option<Framing>, max_frame: usize) -> (Self::Receiver, Self::Sender);
}

/// Reads messages.
pub(crate) trait Receive: Send {
    /// Whether it can be seen that an application ended and began anew. Otherwise one that drained
    /// is left when it has answered, and greeted again.
    const CONNECTED: bool = true;

    /// Waits until something arrived. Nothing is lost when the future is dropped.
    fn fill(&mut self) -> impl Future<Output = Result<(), Ended>> + Send;

    /// Takes the next of what arrived.
    fn next(&mut self) -> Result<Option<Arrival>, Ended>;

    /// Whether there was a sign of life since this was asked last.
    fn heard(&mut self) -> bool;

    /// How the application tells its messages apart, as far as this is known.
    fn framing(&self) -> Option<Framing>;
}

/// Writes messages.
pub(crate) trait Transmit: Send {
    /// Writes some of what is left. Can be dropped and called again.
    fn send(&mut self, batch: &mut Batch) -> impl Future<Output = Result<(), Ended>> + Send;

    /// Lets nothing wait that was written.
    fn flush(&mut self) -> impl Future<Output = Result<(), Ended>> + Send;

    /// Says that nothing more comes.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// Something that came from an application.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A message.
    Message(Bytes),
    /// The answer to this question, which it need not name again.
    Answer(ConsultationId, Bytes),
    /// This question gets no answer.
    Failed(ConsultationId, Failure),
    /// An answer to this question that is past the limit.
    TooLarge(ConsultationId),
}
