use serde_json::json;
use tidegate_sip::Method;

use super::{Call, DIALLED};
use crate::demo::cast::{Cast, Setting};
use crate::demo::mailbox::Step;

pub(super) const CALL: Call = Call {
    name: "refusal",
    title: "A document that can't be honoured",
    story: "A line break in a header value would let the application write headers that only the proxy\n\
            may write. The document is refused with the place of the fault. No other application is\n\
            connected and no static document configured, so alice gets 503 with Retry-After.",
    ending: "refused with its place; 503 with Retry-After",
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
    let headers = json!({"set": {"X-Account": "7\r\nVia: SIP/2.0/UDP x"}});
    let document = json!({"routes": [{"uri": bob.uri(), "headers": headers}]});
    application.answer(&question, document).await?;
    let error = application.is_refused(&question).await?;
    checks.that(
        error["code"] == "invalid_document"
            && error["pointer"] == "/routes/0/headers/set/X-Account",
        "the refusal points at /routes/0/headers/set/X-Account",
    );
    let failure = alice.fails_with(503, &invite).await?;
    checks.that(
        failure.header("Retry-After").is_some(),
        "alice is told when to try again (Retry-After)",
    );
    Ok(())
}
