//! SIP messages, bytes in and bytes out.
//!
//! [`Head`] indexes a received buffer in one pass and keeps offsets only. [`View`] reads single
//! values out of it, when they are asked for. [`Edits`] changes a message by splices, so that what
//! nobody touched leaves byte for byte. [`build`] makes the messages that a proxy makes itself,
//! and [`stream`] finds messages in a byte stream.
//!
//! Nothing here knows what a proxy is. Every reader is total: any bytes give a value or an error.

pub mod build;
mod check;
mod cseq;
mod edits;
mod error;
mod escape;
mod field;
mod head;
mod host;
mod lex;
mod limits;
mod lines;
mod list;
mod message;
mod method;
mod name;
mod name_addr;
mod params;
mod remove_values;
mod span;
mod start_line;
pub mod stream;
#[cfg(test)]
mod testing;
mod uri;
mod uri_compare;
mod via;
mod view;

pub use check::{Defect, check_request, check_response};
pub use cseq::CSeq;
pub use edits::{Edits, Overlap};
pub use error::{ParseError, ValueError};
pub use field::{Field, Fields};
pub use head::Head;
pub use host::Host;
pub use limits::Limits;
pub use list::Values;
pub use message::Message;
pub use method::Method;
pub use name::Name;
pub use name_addr::NameAddr;
pub use params::{Param, Params, ParamsIter};
pub use remove_values::{remove_value, remove_values};
pub use span::Span;
pub use uri::{Scheme, Uri};
pub use via::Via;
pub use view::View;
