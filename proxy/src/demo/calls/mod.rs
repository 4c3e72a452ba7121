//! The calls that are placed, in their order. One file each: what is asked, what is answered, and
//! what all who take part must see.

mod ask;
mod failover;
mod fork;
mod hangup;
mod plain;
mod refusal;
mod silence;
mod tcp;

use std::pin::Pin;

use super::cast::{Cast, Setting};
use super::mailbox::Step;

/// What alice dials.
const DIALLED: &str = "sip:support@demo.example";

/// One call.
pub(super) struct Call {
    /// For the command line.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What happens and why it matters.
    pub(super) story: &'static str,
    /// How it ends when all is well.
    pub(super) ending: &'static str,
    pub(super) setting: Setting,
    pub(super) play: for<'a> fn(&'a mut Cast) -> Play<'a>,
}

pub(super) type Play<'a> = Pin<Box<dyn Future<Output = Step> + 'a>>;

pub(super) const CALLS: [Call; 8] = [
    plain::CALL,
    fork::CALL,
    failover::CALL,
    ask::CALL,
    silence::CALL,
    hangup::CALL,
    refusal::CALL,
    tcp::CALL,
];
