//! Calls: dialogs that an INVITE began, followed from the INVITE to BYE, for those who bill them.
//!
//! A call is followed when somebody subscribes to what happens to calls and the document does not
//! rule it out, or when the document gives it a limit. Then its dialogs lead through this proxy, and
//! it is kept until it is over; what is not followed costs a branch.
//!
//! - `progress`, `failed` and `answered` come from the INVITE's transaction ([`follow`]). Every 2xx
//!   makes a dialog (RFC 3261 section 13.2.2.4): the first one is the answer, and the call lasts until
//!   the last of them is over.
//! - A dialog ends by a BYE that is answered, by what the peers say of it, by silence, by its session
//!   timer, by the call's limit or by an order ([`inside`], [`watch`], [`end`]). The last three, and
//!   what is left of a call whose other side is gone, are ended here: with BYE to both sides, each in
//!   the name of the other ([`request`], [`client`]).
//! - A call that has no dialog through here, since its document says `record_route: false`, is
//!   followed up to its answer, and has no `ended`.
//!
//! Requests of a dialog find their call by Call-ID and tags; all of them come to the shard of their
//! Call-ID ([`Steer`](crate::Steer)).

mod client;
mod end;
mod event;
mod follow;
mod inside;
mod key;
mod record;
mod request;
mod step;
mod table;
mod texts;
mod watch;

pub use event::{CallEvent, CallInfo, CallKinds, CallSettings, UnknownCall};
pub(crate) use step::is_call;
pub(crate) use table::{Calls, Link};
