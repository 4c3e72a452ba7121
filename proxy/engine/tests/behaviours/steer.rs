//! Several shards: who owns a message.

use std::sync::Arc;

use tidegate_engine::{Engine, Steer};
use tidegate_sip::{Head, Limits, Message};

use crate::support::{ALICE, BOB, World, serial};

fn owner(steer: &Steer, bytes: &[u8]) -> u8 {
    let mut head = Head::new();
    head.parse(bytes, &Limits::default()).unwrap();
    steer.owner(head.view(bytes))
}

#[test]
fn an_invite_its_ack_and_its_cancel_belong_to_one_shard() {
    let steer = Steer::new(*b"secret of a tide", 8);
    let mut world = World::new();
    let mut owners = [0; 8];
    for _ in 0..200 {
        let invite = world.invite(&ALICE);
        let shard = owner(&steer, &invite.bytes());
        assert_eq!(owner(&steer, &invite.cancel().bytes()), shard);
        owners[usize::from(shard)] += 1;
    }
    assert!(owners.iter().all(|calls| *calls > 5), "{owners:?}");
}

#[test]
fn a_response_and_an_error_belong_to_the_shard_that_sent_the_request() {
    for shard in [0, 3, 7] {
        let mut world = World::new();
        world.engine = Engine::new(
            Arc::new(World::config()),
            shard,
            *b"secret of a tide",
            0x0a11_ce00,
        );
        world.call(&ALICE);
        assert_eq!(world.asked().shard(), shard);
        world.answer(serial(&[&BOB]));
        let at_bob = world.expect_to(&BOB).request("INVITE");
        let steer = Steer::new(*b"secret of a tide", 8);
        let ok = at_bob.reply(200);
        assert_eq!(owner(&steer, &ok.bytes()), shard);
        assert_eq!(steer.owner_of_sent(&at_bob.bytes), shard);
        let other = Steer::new(*b"another's secret", 8);
        assert_eq!(owner(&other, &ok.bytes()), 0);
        let message = Message::parse(ok.bytes().into(), &Limits::default()).unwrap();
        assert_eq!(Steer::new(*b"secret of a tide", 1).owner(message.view()), 0);
        world.receive(&BOB, &ok);
        world.expect_to(&ALICE).response(200);
    }
}
