use serde_json::json;
use tidegate_sip::Method;

use super::{Call, DIALLED};
use crate::demo::cast::{Cast, Setting};
use crate::demo::mailbox::Step;
use crate::demo::phone::{answers, hangs_up};

pub(super) const CALL: Call = Call {
    name: "ask",
    title: "Asked again",
    story: "The document ends with `on_exhausted: ask`. When bob does not come to the telephone, the\n\
            application is told what was tried, gets its context back, and sends the call to voicemail.",
    ending: "bob was away, the second document led to voicemail",
    setting: Setting::USUAL,
    play: |cast| Box::pin(play(cast)),
};

async fn play(cast: &mut Cast) -> Step {
    let Cast {
        alice,
        bob,
        dave,
        application,
        checks,
        ..
    } = cast;
    let invite = alice.call(DIALLED).await?;
    alice.response(100, Method::Invite).await?;
    let question = application.question().await?;
    let document = json!({
        "routes": [{"uri": bob.uri()}],
        "on_exhausted": {"action": "ask"},
        "context": "mailbox=7"
    });
    application.answer(&question, document).await?;
    let to_bob = bob.request(Method::Invite).await?;
    bob.decline(&to_bob, 480).await?;

    let again = application.question().await?;
    checks.that(
        again["id"] != question["id"] && again["call"] == question["call"],
        "the second event has an id of its own and the same call",
    );
    checks.that(
        again["attempt"] == 2 && again["reason"] == "exhausted",
        "it says: attempt 2, exhausted",
    );
    let tried = &again["attempts"][0];
    checks.that(
        tried["target"] == bob.uri() && tried["code"] == 480 && tried["cause"] == "response",
        "`attempts` says that bob answered 480",
    );
    checks.that(
        again["context"] == "mailbox=7",
        "`context` is what the application gave",
    );
    application
        .answer(&again, json!({"routes": [{"uri": dave.uri()}]}))
        .await?;
    let to_dave = dave.request(Method::Invite).await?;
    let mut talk = answers(dave, &to_dave, alice, &invite).await?;
    hangs_up(dave, &mut talk.callee, alice).await?;
    Ok(())
}
