//! Calls that are followed: what is told about them, how they end, and how they are ended here.

mod dialogs;
mod ended_here;
mod forks;
mod notified;
mod vanished;

use serde_json::Value;
use tidegate_engine::{CallKinds, Config};
use tidegate_schemas::call::CallEventKind;

use crate::support::{Draft, Peer, Seen, World, serial};

/// A call that the callee answered.
struct Talk {
    caller: Peer,
    callee: Peer,
    invite: Draft,
    at_callee: Seen,
    ok: Draft,
    answered: Seen,
}

impl Talk {
    /// The caller calls, the callee answers, nothing is acknowledged.
    fn answered(world: &mut World, caller: Peer, callee: Peer, document: Value) -> Self {
        let invite = world.invite(&caller);
        Self::of(world, (caller, callee), invite, document, &[])
    }

    /// The same with this INVITE, and with these headers in the 200.
    fn of(
        world: &mut World,
        (caller, callee): (Peer, Peer),
        invite: Draft,
        document: Value,
        headers: &[(&str, &str)],
    ) -> Self {
        world.receive(&caller, &invite);
        world.expect_to(&caller).response(100);
        world.answer(document);
        let at_callee = world.expect_to(&callee).request("INVITE");
        let contact = format!("<{}>", callee.uri());
        let mut ok = at_callee.reply(200).set("Contact", contact);
        for (name, value) in headers {
            ok = ok.with(name, *value);
        }
        world.receive(&callee, &ok);
        let answered = world.expect_to(&caller).response(200);
        Self {
            caller,
            callee,
            invite,
            at_callee,
            ok,
            answered,
        }
    }

    /// Caller and callee talk.
    fn begin(world: &mut World, caller: Peer, callee: Peer) -> Self {
        let talk = Self::answered(world, caller, callee, serial(&[&callee]));
        talk.ack(world);
        talk
    }

    fn ack(&self, world: &mut World) {
        let ack = world.in_dialog("ACK", &self.invite, &self.answered);
        world.receive(&self.caller, &ack);
        world.expect_to(&self.callee).request("ACK");
    }

    /// A request of the caller in the dialog.
    fn by_caller(&self, world: &mut World, method: &str) -> Draft {
        world.in_dialog(method, &self.invite, &self.answered)
    }

    /// A request of the callee in the dialog.
    fn by_callee(&self, world: &mut World, method: &str) -> Draft {
        world.callee_request(method, &self.callee, &self.at_callee, &self.ok)
    }

    /// The caller hangs up, and the callee answers with this status.
    fn caller_hangs_up(&self, world: &mut World, status: u16) {
        let bye = self.by_caller(world, "BYE");
        world.receive(&self.caller, &bye);
        let copy = world.expect_to(&self.callee).request("BYE");
        world.receive(&self.callee, &copy.reply(status));
        // RFC 4320 section 4.2: a 408 is of no use to the sender of a BYE.
        if status != 408 {
            world.expect_to(&self.caller).response(status);
        }
    }
}

/// A world that is told of everything, configured differently.
fn following_with(change: impl FnOnce(&mut Config)) -> World {
    let mut world = World::with(change);
    world.engine.follow_calls(CallKinds::ALL);
    world
}

/// A call is told as answered, and nothing else.
fn told_answered(world: &mut World) {
    world.told().is(CallEventKind::Answered, 1);
}
