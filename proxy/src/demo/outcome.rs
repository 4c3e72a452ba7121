//! How a call went.

use std::io;

use super::calls::Call;
use super::cast::Cast;
use super::checks::Check;
use super::trace::{Actor, Entry, Event, Fate};

#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) entries: Vec<Entry>,
    /// What stands under the names in the ladder.
    pub(super) addresses: Vec<(Actor, String)>,
    pub(super) checks: Vec<Check>,
    /// All that is wrong: what did not arrive, what should not have, what does not hold.
    pub(super) faults: Vec<String>,
}

impl Outcome {
    pub(super) fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Places one call.
pub(super) async fn place(call: &Call) -> io::Result<Outcome> {
    let mut cast = Cast::assemble(call).await?;
    let ended = (call.play)(&mut cast).await;
    let checks = cast.checks.take();
    let addresses = cast.addresses();
    let trace = cast.trace.clone();
    cast.disperse().await;
    let entries = trace.entries();
    let missing = ended.err().map(|missing| missing.to_string());
    let broken = checks.iter().filter(|check| !check.holds);
    let broken = broken.map(|check| format!("does not hold: {}", check.text));
    let faults = missing
        .into_iter()
        .chain(broken)
        .chain(unexpected(&entries))
        .collect();
    Ok(Outcome {
        entries,
        addresses,
        checks,
        faults,
    })
}

/// What arrived although nobody was to send it.
fn unexpected(entries: &[Entry]) -> impl Iterator<Item = String> {
    entries.iter().filter_map(|entry| match &entry.event {
        Event::Sent {
            to,
            label,
            fate: Fate::Unexpected,
            ..
        } => Some(format!("{to} got {label}, which should not have come")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use tidegate_sip::Method;

    use super::*;
    use crate::demo::cast::Setting;
    use crate::demo::mailbox::{Missing, Step};

    const LIMPING: Call = Call {
        name: "limping",
        title: "",
        story: "",
        ending: "",
        setting: Setting::USUAL,
        play: |cast| Box::pin(limp(cast)),
    };

    async fn limp(cast: &mut Cast) -> Step {
        cast.alice.call("sip:support@demo.example").await?;
        cast.alice.response(100, Method::Invite).await?;
        cast.checks.that(true, "one thing");
        cast.checks.that(false, "another");
        Err(Missing("bob did not get INVITE".to_owned()))
    }

    #[tokio::test]
    async fn what_is_missing_what_does_not_hold_and_what_nobody_expected_are_faults() {
        let outcome = place(&LIMPING).await.unwrap();
        let expected = [
            "bob did not get INVITE",
            "does not hold: another",
            "application got event 1 new, which should not have come",
        ];
        assert!(!outcome.is_good());
        assert_eq!(outcome.faults, expected);
    }
}
