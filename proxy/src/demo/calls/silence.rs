use serde_json::json;
use tidegate_sip::Method;

use super::{Call, DIALLED};
use crate::demo::cast::{Cast, Setting, counted};
use crate::demo::mailbox::Step;
use crate::demo::phone::{answers, hangs_up};
use crate::demo::trace::Actor;

pub(super) const CALL: Call = Call {
    name: "silence",
    title: "The application does not answer",
    story: "Here a decision may take 400 ms. Then the static document of the configuration decides: dave,\n\
            the night desk. What the application says afterwards is harmless.",
    ending: "the static document decided at the deadline",
    setting: Setting {
        deadline_ms: 400,
        fallback: Some(|dave| json!({"routes": [{"uri": dave}]})),
        ..Setting::USUAL
    },
    play: |cast| Box::pin(play(cast)),
};

async fn play(cast: &mut Cast) -> Step {
    let Cast {
        alice,
        bob,
        dave,
        application,
        proxy,
        checks,
        trace,
        ..
    } = cast;
    let invite = alice.call(DIALLED).await?;
    alice.response(100, Method::Invite).await?;
    let question = application.question().await?;
    let budget = question["deadline_ms"].as_u64().unwrap_or_default();
    checks.that(
        (1..=400).contains(&budget),
        "the event says how long an answer is of use",
    );
    trace.note(Actor::Application, "thinks …");
    let to_dave = dave.request(Method::Invite).await?;
    trace.note_before(dave.actor, Actor::Tidegate, "time is up");
    counted(proxy, "engine", "fallbacks").await?;
    checks.met("the static document decided");
    let document = json!({"routes": [{"uri": bob.uri()}]});
    application.answer_too_late(&question, document).await?;
    counted(proxy, "routing", "late").await?;
    checks.met("the late answer was counted, and nothing else");
    let mut talk = answers(dave, &to_dave, alice, &invite).await?;
    hangs_up(alice, &mut talk.caller, dave).await?;
    Ok(())
}
