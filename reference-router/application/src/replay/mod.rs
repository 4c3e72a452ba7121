//! Recorded decisions in the place of an application: the same question always gets the same answer.
//!
//! [`Recorded`] finds the decision for a question, [`Player`] is the application that answers with
//! it, [`ReplayRouter`] is all of it inside a test.

mod key;
mod miss;
mod player;
mod recorded;
mod router;
mod summary;

pub use key::{InvalidPointer, Key, Pointer};
pub use miss::Miss;
pub use player::Player;
pub use recorded::{BadLine, Decision, Recorded, Repeat};
pub use router::{ReplayError, ReplayRouter};
pub use summary::Summary;
