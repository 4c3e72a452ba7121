//! What the program's end tells a script, and its words to people.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Ended as told.
pub(super) const OK: u8 = 0;
/// The configuration is wrong.
pub(super) const CONFIG: u8 = 1;
/// A call of the demonstration did not end as it should.
pub(super) const UNLIKE: u8 = 1;
/// The command line is wrong in a way that only shows later.
pub(super) const USAGE: u8 = 2;
/// An application answers otherwise than it should.
pub(super) const DIFFERS: u8 = 1;
/// A file can't be read, or an application can't be reached.
pub(super) const UNREACHED: u8 = 3;
/// An address can't be listened on, or the system lacks something.
pub(super) const START: u8 = 3;
/// A part of the proxy failed while it ran.
pub(super) const FAILED: u8 = 4;
/// Stopped before all calls had ended.
pub(super) const CUT: u8 = 5;

/// Ends with a complaint.
pub(super) fn complain(code: u8, what: &impl Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "{what}");
    ExitCode::from(code)
}

/// Says something on the side.
pub(super) fn tell(what: &impl Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// Ends well, with an answer. A reader that has had enough, such as `head`, is no failure.
pub(super) fn answer(what: &impl Display) -> ExitCode {
    let _ = writeln!(io::stdout(), "{what}");
    ExitCode::from(OK)
}
