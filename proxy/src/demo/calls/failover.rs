use serde_json::{Value, json};
use tidegate_sip::Method;

use super::{Call, DIALLED};
use crate::demo::cast::{Cast, Setting, counted};
use crate::demo::mailbox::Step;
use crate::demo::phone::{answers, hangs_up, rings};

pub(super) const CALL: Call = Call {
    name: "failover",
    title: "Serial failover",
    story: "Bob is busy, which the document takes for a reason to go on. Carol's port is closed: the\n\
            refusal is noticed at once, without a timer. Dave answers. Every target has headers of its own.",
    ending: "bob was busy, carol's port closed, dave answered",
    setting: Setting::USUAL,
    play: |cast| Box::pin(play(cast)),
};

async fn play(cast: &mut Cast) -> Step {
    let Cast {
        alice,
        bob,
        carol,
        dave,
        application,
        proxy,
        checks,
        trace,
    } = cast;
    carol.switch_off().await?;
    let invite = alice.call(DIALLED).await?;
    alice.response(100, Method::Invite).await?;
    let question = application.question().await?;
    let routes = [
        target(&bob.uri(), "X-Bob"),
        target(&carol.uri(), "X-Carol"),
        target(&dave.uri(), "X-Dave"),
    ];
    let document =
        json!({"routing": "serial", "continue_on": ["486", "transport"], "routes": routes});
    application.answer(&question, document).await?;

    let to_bob = bob.request(Method::Invite).await?;
    bob.decline(&to_bob, 486).await?;
    let to_dave = dave.request(Method::Invite).await?;
    counted(proxy, "engine", "branch_transport_errors").await?;
    trace.lost(carol.actor, "INVITE", dave.actor);
    checks.met("carol's INVITE was refused by ICMP, and counted so");
    for (message, name, own) in [(&to_bob, "bob", "X-Bob"), (&to_dave, "dave", "X-Dave")] {
        let names = ["X-Bob", "X-Carol", "X-Dave"];
        checks.that(
            names
                .iter()
                .all(|other| message.header(other).is_some() == (*other == own)),
            format!("{name} sees {own}, and no header of another target"),
        );
    }
    rings(dave, &to_dave, alice).await?;
    let mut talk = answers(dave, &to_dave, alice, &invite).await?;
    hangs_up(alice, &mut talk.caller, dave).await?;
    Ok(())
}

fn target(uri: &str, header: &str) -> Value {
    json!({"uri": uri, "headers": {"append": [[header, "1"]]}})
}
