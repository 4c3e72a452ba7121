//! Calls: dialogs that an INVITE began, from the first answer to BYE.

mod event;

pub use event::{CallEvent, CallInfo, CallKinds, CallSettings, UnknownCall};
