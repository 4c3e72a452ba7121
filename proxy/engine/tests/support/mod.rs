//! A world in virtual time around one engine: peers that send and receive, an application that
//! answers, a clock that is moved by hand. It uses the public face of the engine alone.
//!
//! ```text
//! let mut world = World::new();
//! let invite = world.call(&ALICE);                        // INVITE sent, 100 received
//! world.answer(serial(&[&BOB]));                          // the application decides
//! let at_bob = world.expect_to(&BOB).request("INVITE");   // the copy
//! world.receive(&BOB, &at_bob.reply(486));
//! world.expect_to(&BOB).request("ACK");
//! let busy = world.expect_to(&ALICE).response(486);
//! world.receive(&ALICE, &invite.ack(&busy));
//! ```
//!
//! When a world is dropped, nothing may have been sent that the test did not expect; and once all
//! timers have run out, no transaction, timer or consultation may be left.

mod draft;
mod peer;
mod recorder;
mod routes;
mod seen;
mod told;
mod world;

pub(crate) use draft::Draft;
pub(crate) use peer::{ALICE, BOB, CAROL, DAVE, Peer};
pub(crate) use routes::{parallel, reply, serial};
pub(crate) use seen::Seen;
pub(crate) use world::{OTHER_UDP, UDP6, World};
