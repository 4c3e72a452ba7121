use serde_json::json;
use tidegate_sip::Method;

use super::{Call, DIALLED};
use crate::demo::cast::{Cast, Setting};
use crate::demo::mailbox::Step;
use crate::demo::phone::{answers, hangs_up, rings};

pub(super) const CALL: Call = Call {
    name: "plain",
    title: "A plain call",
    story: "The application answers with one target and a header for it. The rest of the call goes\n\
            through tidegate without a question.",
    ending: "bob answered, with the header that the application set; alice hung up",
    setting: Setting::USUAL,
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
        question["request"]["uri"] == DIALLED,
        "the event names what alice dialled",
    );
    let headers = json!({"set": {"X-Account": "4711"}});
    let document = json!({"routes": [{"uri": bob.uri(), "headers": headers}]});
    application.answer(&question, document).await?;

    let arrived = bob.request(Method::Invite).await?;
    checks.that(
        arrived.uri() == bob.uri(),
        "bob is called by the URI in the document",
    );
    checks.that(
        arrived.has("X-Account", "4711"),
        "bob sees the header that the application set",
    );
    checks.that(
        arrived.view().body() == invite.view().body(),
        "the body is what alice sent, byte for byte",
    );
    rings(bob, &arrived, alice).await?;
    let mut talk = answers(bob, &arrived, alice, &invite).await?;
    let bye = hangs_up(alice, &mut talk.caller, bob).await?;
    checks.that(
        bye.header("Route").is_none(),
        "the BYE came through tidegate, which took its Route off",
    );
    Ok(())
}
