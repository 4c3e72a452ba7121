use serde_json::json;
use tidegate_sip::Method;

use super::{Call, DIALLED};
use crate::demo::cast::{Cast, Setting, counted};
use crate::demo::mailbox::Step;
use crate::demo::trace::Actor;

pub(super) const CALL: Call = Call {
    name: "hangup",
    title: "The caller hangs up early",
    story: "Alice does not have to wait for a decision to be let go, and the application is told to stop\n\
            working on it. Its answer, on its way already, is harmless.",
    ending: "200 and 487 at once; the application was told",
    setting: Setting::USUAL,
    play: |cast| Box::pin(play(cast)),
};

async fn play(cast: &mut Cast) -> Step {
    let Cast {
        alice,
        bob,
        application,
        proxy,
        checks,
        trace,
        ..
    } = cast;
    let invite = alice.call(DIALLED).await?;
    alice.response(100, Method::Invite).await?;
    let question = application.question().await?;
    trace.note(Actor::Application, "thinks …");
    alice.cancel(&invite).await?;
    alice.response(200, Method::Cancel).await?;
    alice.fails_with(487, &invite).await?;
    application.is_cancelled(&question).await?;
    checks.met("`cancelled` names the event that nobody waits for");
    let document = json!({"routes": [{"uri": bob.uri()}]});
    application.answer_too_late(&question, document).await?;
    counted(proxy, "routing", "late").await?;
    checks.met("the late answer was counted, and bob heard nothing");
    Ok(())
}
