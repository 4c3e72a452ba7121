use serde_json::json;
use tidegate_sip::Method;

use super::{Call, DIALLED};
use crate::config::SipTransport;
use crate::demo::cast::{Cast, Setting};
use crate::demo::mailbox::Step;
use crate::demo::phone::{answers, hangs_up, rings};

pub(super) const CALL: Call = Call {
    name: "tcp",
    title: "From TCP to UDP",
    story: "Alice calls over TCP, bob listens on UDP. Tidegate stands on both sides, and says so with two\n\
            Record-Routes, so that each end sends its requests where it can reach it.",
    ending: "two Record-Routes, and ACK and BYE went through tidegate",
    setting: Setting {
        caller: SipTransport::Tcp,
        ..Setting::USUAL
    },
    play: |cast| Box::pin(play(cast)),
};

async fn play(cast: &mut Cast) -> Step {
    let Cast {
        alice,
        bob,
        application,
        checks,
        ..
    } = cast;
    let invite = alice.call(DIALLED).await?;
    alice.response(100, Method::Invite).await?;
    let question = application.question().await?;
    checks.that(
        question["source"]["transport"] == "tcp",
        "the event says that alice came over tcp",
    );
    application
        .answer(&question, json!({"routes": [{"uri": bob.uri()}]}))
        .await?;

    let arrived = bob.request(Method::Invite).await?;
    let routes = arrived.record_routes();
    let sides = match &routes[..] {
        [udp, tcp] => !udp.contains("transport=") && tcp.contains(";transport=tcp"),
        _ => false,
    };
    checks.that(
        sides,
        format!("bob sees Record-Route: {}", routes.join(", ")),
    );
    rings(bob, &arrived, alice).await?;
    let mut talk = answers(bob, &arrived, alice, &invite).await?;
    let bye = hangs_up(alice, &mut talk.caller, bob).await?;
    checks.that(
        bye.header("Route").is_none(),
        "tidegate took both of its Routes off the BYE",
    );
    Ok(())
}
