//! The routing application: right, late, silent, twice, wrong, dead.

use tidegate_engine::Time;
use tidegate_schemas::ConsultationId;

use crate::event::Event;
use crate::rng::Choose;
use crate::stage::Stage;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Document,
    /// A document that can't be honoured.
    Invalid,
    /// Nobody is there to answer.
    Unavailable,
}

/// Decides how a consultation is answered.
pub(crate) fn on_consult(stage: &mut Stage, id: ConsultationId, deadline: Time) {
    let allowed = deadline.0.saturating_sub(stage.now);
    let rng = &mut stage.rng;
    let soon = if rng.percent(40) {
        rng.u64(0..10)
    } else {
        rng.u64(0..allowed.max(1))
    };
    let answers: &[(u64, Answer)] = match rng.u32(0..100) {
        0..60 => &[(soon, Answer::Document)],
        60..65 => &[(allowed + rng.u64(0..3_000), Answer::Document)],
        65..70 => &[],
        70..78 => &[
            (soon, Answer::Document),
            (soon + rng.u64(0..500), Answer::Document),
        ],
        78..83 => &[(soon, Answer::Invalid), (soon, Answer::Unavailable)],
        83..87 => &[
            (soon, Answer::Invalid),
            (soon + rng.u64(0..500), Answer::Document),
        ],
        87..90 => &[(soon, Answer::Invalid)],
        90..94 => &[(soon, Answer::Unavailable)],
        94..97 => &[(soon, Answer::Unavailable), (soon + 1, Answer::Document)],
        _ => &[
            (soon, Answer::Document),
            (allowed + 20, Answer::Unavailable),
        ],
    };
    for &(delay, answer) in answers {
        stage.plan(delay, Event::Router { id, answer });
    }
    if stage.rng.percent(15) {
        let id = another(stage, id);
        let delay = stage.rng.u64(0..allowed.max(1));
        let answer = stage.rng.pick(&[Answer::Document, Answer::Unavailable]);
        stage.plan(delay, Event::Router { id, answer });
    }
}

/// An id that this consultation does not have.
fn another(stage: &mut Stage, id: ConsultationId) -> ConsultationId {
    let rng = &mut stage.rng;
    let by = rng.u32(1..3);
    match rng.u32(0..5) {
        0 => ConsultationId {
            instance: id.instance ^ by,
            ..id
        },
        1 => ConsultationId {
            label: id.label.wrapping_add(by),
            ..id
        },
        2 => ConsultationId {
            label: id.label.wrapping_sub(by),
            ..id
        },
        3 => ConsultationId {
            index: id.index ^ by,
            ..id
        },
        _ => ConsultationId {
            index: id.index ^ (by << ConsultationId::SLOT_BITS),
            ..id
        },
    }
}
