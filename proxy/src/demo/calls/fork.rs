use serde_json::json;
use tidegate_sip::Method;

use super::{Call, DIALLED};
use crate::demo::cast::{Cast, Setting};
use crate::demo::mailbox::Step;
use crate::demo::phone::{answers, hangs_up, rings};

pub(super) const CALL: Call = Call {
    name: "fork",
    title: "Parallel fork",
    story: "Two telephones ring at once. Bob answers first; carol's stops ringing and learns why.",
    ending: "bob answered, carol was told \"Call completed elsewhere\"; bob hung up",
    setting: Setting::USUAL,
    play: |cast| Box::pin(play(cast)),
};

async fn play(cast: &mut Cast) -> Step {
    let Cast {
        alice,
        bob,
        carol,
        application,
        checks,
        ..
    } = cast;
    let invite = alice.call(DIALLED).await?;
    alice.response(100, Method::Invite).await?;
    let question = application.question().await?;
    let routes = json!([{"uri": bob.uri()}, {"uri": carol.uri()}]);
    let document = json!({"routing": "parallel", "routes": routes});
    application.answer(&question, document).await?;

    let to_bob = bob.request(Method::Invite).await?;
    let to_carol = carol.request(Method::Invite).await?;
    checks.that(
        to_bob.branch() != to_carol.branch(),
        "each branch has a Via branch of its own",
    );
    rings(carol, &to_carol, alice).await?;
    rings(bob, &to_bob, alice).await?;
    let mut talk = answers(bob, &to_bob, alice, &invite).await?;
    let cancel = carol.is_cancelled(&to_carol).await?;
    checks.that(
        cancel.has("Reason", "SIP;cause=200;text=\"Call completed elsewhere\""),
        "carol's CANCEL says: Reason: SIP;cause=200;text=\"Call completed elsewhere\"",
    );
    checks.that(
        cancel.branch() == to_carol.branch() && cancel.uri() == to_carol.uri(),
        "it has the branch and the Request-URI of carol's INVITE",
    );
    hangs_up(bob, &mut talk.callee, alice).await?;
    Ok(())
}
