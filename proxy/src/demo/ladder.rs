//! A call as a ladder: a lifeline for each who takes part, an arrow for each message.

use super::canvas::Canvas;
use super::style::{Style, Tone};
use super::trace::{Actor, Entry, Event, Fate};

/// Columns of a whole line.
pub(super) const WIDTH: usize = 100;
/// Columns of the time in front.
const TIME: usize = 8;
/// What an arrow has beside its label: `├─ ` and ` ─►│` but for the end of it.
const SHAFT: usize = 6;
/// The least between two lifelines.
const NARROWEST: usize = 9;

/// Draws the ladder. `addresses` stand under the names.
pub(super) fn draw(entries: &[Entry], addresses: &[(Actor, String)], style: Style) -> Vec<String> {
    let lines = Lifelines::place(entries, addresses);
    let mut canvas = Canvas::default();
    lines.heads(&mut canvas, |actor| (actor.name().to_owned(), Tone::Title));
    lines.heads(&mut canvas, |actor| {
        (address_of(addresses, actor).to_owned(), Tone::Faint)
    });
    lines.row(&mut canvas);
    for entry in entries {
        lines.row(&mut canvas);
        let time = format!("{:>6.1}", entry.at.as_secs_f64() * 1000.0);
        canvas.put(0, &time, Tone::Faint);
        lines.event(&mut canvas, &entry.event);
    }
    lines.row(&mut canvas);
    canvas.lines(style)
}

/// Who stands where.
struct Lifelines(Vec<(Actor, usize)>);

impl Lifelines {
    fn place(entries: &[Entry], addresses: &[(Actor, String)]) -> Self {
        let mut actors = Actor::ALL.to_vec();
        actors.retain(|actor| entries.iter().any(|entry| entry.event.involves(*actor)));
        let heads: Vec<usize> = actors
            .iter()
            .map(|actor| width(actor.name()).max(width(address_of(addresses, *actor))))
            .collect();
        let mut gaps: Vec<usize> = heads
            .windows(2)
            .map(|pair| NARROWEST.max(pair.iter().sum::<usize>().div_ceil(2) + 2))
            .collect();
        for (from, to, label) in arrows(entries, &actors) {
            widen(&mut gaps, from, to, width(label) + SHAFT);
        }
        let first = TIME + half(heads.first());
        shrink(
            &mut gaps,
            WIDTH.saturating_sub(first + half(heads.last()) + 1),
        );
        let mut column = first;
        let mut placed = Vec::with_capacity(actors.len());
        for (index, actor) in actors.into_iter().enumerate() {
            placed.push((actor, column));
            column += gaps.get(index).copied().unwrap_or_default();
        }
        Self(placed)
    }

    fn heads(&self, canvas: &mut Canvas, text: impl Fn(Actor) -> (String, Tone)) {
        canvas.row();
        for (actor, column) in &self.0 {
            let (text, tone) = text(*actor);
            canvas.put(column.saturating_sub(width(&text) / 2), &text, tone);
        }
    }

    /// A row with nothing but the lifelines.
    fn row(&self, canvas: &mut Canvas) {
        canvas.row();
        for (_, column) in &self.0 {
            canvas.set(*column, '│', Tone::Faint);
        }
    }

    fn event(&self, canvas: &mut Canvas, event: &Event) {
        match event {
            Event::Sent {
                from,
                to,
                label,
                tone,
                fate,
                ..
            } => {
                let (from, to) = (self.column(*from), self.column(*to));
                self.shaft(canvas, from, to, *tone, *fate);
                write_label(canvas, from, to, label, *tone);
            }
            Event::Note { actor, text } => self.note(canvas, *actor, text),
        }
    }

    fn shaft(&self, canvas: &mut Canvas, from: usize, to: usize, tone: Tone, fate: Fate) {
        let lost = fate == Fate::Lost;
        for column in from.min(to) + 1..from.max(to) {
            let crossing = self.0.iter().any(|(_, lifeline)| *lifeline == column);
            let stroke = match (lost, crossing) {
                (true, _) => '╌',
                (false, true) => '┼',
                (false, false) => '─',
            };
            canvas.set(column, stroke, tone);
        }
        let rightwards = from < to;
        let head = match (lost, rightwards) {
            (true, _) => '✗',
            (false, true) => '►',
            (false, false) => '◄',
        };
        canvas.set(if rightwards { to - 1 } else { to + 1 }, head, tone);
        canvas.set(from, if rightwards { '├' } else { '┤' }, tone);
    }

    /// To the right of the lifeline, or to the left where there is no room.
    fn note(&self, canvas: &mut Canvas, actor: Actor, text: &str) {
        let column = self.column(actor);
        let text = format!(" {} ", cut(text, WIDTH - TIME));
        let start = if column + width(&text) < WIDTH {
            column + 1
        } else {
            column.saturating_sub(width(&text))
        };
        canvas.put(start, &text, Tone::Title);
    }

    fn column(&self, actor: Actor) -> usize {
        let found = self.0.iter().find(|(known, _)| *known == actor);
        found.map_or(TIME, |(_, column)| *column)
    }
}

impl Event {
    fn involves(&self, actor: Actor) -> bool {
        match self {
            Self::Sent { from, to, .. } => *from == actor || *to == actor,
            Self::Note { actor: noted, .. } => *noted == actor,
        }
    }
}

/// The arrows with the places of their ends among `actors`, the left one first.
fn arrows<'a>(
    entries: &'a [Entry],
    actors: &'a [Actor],
) -> impl Iterator<Item = (usize, usize, &'a str)> {
    let place = |actor: &Actor| actors.iter().position(|known| known == actor);
    entries.iter().filter_map(move |entry| match &entry.event {
        Event::Sent {
            from, to, label, ..
        } => {
            let (from, to) = (place(from)?, place(to)?);
            Some((from.min(to), from.max(to), label.as_str()))
        }
        Event::Note { .. } => None,
    })
}

/// Makes room for `needed` columns between two lifelines; what lacks is added at the right end.
fn widen(gaps: &mut [usize], from: usize, to: usize, needed: usize) {
    let between = gaps.get_mut(from..to).unwrap_or_default();
    let lack = needed.saturating_sub(between.iter().sum());
    if let Some(last) = between.last_mut() {
        *last += lack;
    }
}

/// Takes from the widest gaps until all fit.
fn shrink(gaps: &mut [usize], limit: usize) {
    while gaps.iter().sum::<usize>() > limit {
        match gaps.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

/// Near the end where the arrow begins.
fn write_label(canvas: &mut Canvas, from: usize, to: usize, label: &str, tone: Tone) {
    let room = from.abs_diff(to).saturating_sub(SHAFT);
    let text = format!(" {} ", cut(label, room));
    let column = if from < to {
        from + 2
    } else {
        from.saturating_sub(width(&text) + 1)
    };
    canvas.put(column, &text, tone);
}

/// `text` in at most `room` columns.
pub(super) fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let kept = text.chars().take(room.saturating_sub(1));
    kept.chain(['…']).collect()
}

fn address_of(addresses: &[(Actor, String)], actor: Actor) -> &str {
    let found = addresses.iter().find(|(known, _)| *known == actor);
    found.map_or("", |(_, address)| address)
}

fn half(head: Option<&usize>) -> usize {
    head.map_or(0, |width| width / 2)
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::demo::trace::Content;

    const PLAIN: Style = Style { coloured: false };

    const CALL: &str = r"        alice         tidegate     application   bob
        :5062                                   :5071
          │               │             │         │
   0.0    ├─ INVITE ─────►│             │         │
   1.0    │◄─ 100 Trying ─┤             │         │
   1.0    │               ├─ event ────►│         │
   2.0    │               │◄─ document ─┤         │
   3.0    │               ├─ INVITE ────┼────────►│
1250.0    │               │◄────── 486 Busy Here ─┤
          │               │             │         │";

    fn sent(ms: u64, from: Actor, to: Actor, label: &str) -> Entry {
        fated(ms, from, to, label, Fate::Expected)
    }

    fn fated(ms: u64, from: Actor, to: Actor, label: &str, fate: Fate) -> Entry {
        Entry {
            number: 0,
            at: Duration::from_millis(ms),
            event: Event::Sent {
                from,
                to,
                label: label.to_owned(),
                tone: Tone::Plain,
                fate,
                content: Content::Nothing,
            },
        }
    }

    fn note(ms: u64, actor: Actor, text: &str) -> Entry {
        Entry {
            number: 0,
            at: Duration::from_millis(ms),
            event: Event::Note {
                actor,
                text: text.to_owned(),
            },
        }
    }

    #[test]
    fn a_call_is_drawn_as_a_ladder() {
        use Actor::{Alice, Application, Bob, Tidegate};
        let entries = [
            sent(0, Alice, Tidegate, "INVITE"),
            sent(1, Tidegate, Alice, "100 Trying"),
            sent(1, Tidegate, Application, "event"),
            sent(2, Application, Tidegate, "document"),
            sent(3, Tidegate, Bob, "INVITE"),
            sent(1250, Bob, Tidegate, "486 Busy Here"),
        ];
        let addresses = [(Alice, ":5062".to_owned()), (Bob, ":5071".to_owned())];
        let drawn = draw(&entries, &addresses, PLAIN).join("\n");
        assert_eq!(drawn, CALL, "\n{drawn}");
    }

    #[test]
    fn an_arrow_that_is_lost_and_a_note_look_different() {
        use Actor::{Alice, Carol, Tidegate};
        let entries = [
            fated(0, Tidegate, Carol, "INVITE", Fate::Lost),
            note(1, Alice, "hangs up"),
        ];
        let drawn = draw(&entries, &[], PLAIN);
        assert!(
            drawn.iter().any(|line| line.contains("├╌ INVITE ╌")),
            "{drawn:?}"
        );
        assert!(drawn.iter().any(|line| line.contains("╌✗│")), "{drawn:?}");
        assert!(
            drawn.iter().any(|line| line.contains("│ hangs up ")),
            "{drawn:?}"
        );
    }

    #[test]
    fn who_takes_no_part_has_no_lifeline() {
        let entries = [sent(0, Actor::Alice, Actor::Tidegate, "INVITE")];
        let drawn = draw(&entries, &[], PLAIN).join("\n");
        assert!(drawn.contains("alice") && drawn.contains("tidegate"));
        assert!(!drawn.contains("bob") && !drawn.contains("application"));
    }

    #[test]
    fn no_line_is_longer_than_it_may_be_whatever_is_in_it() {
        let long = "480 Temporarily Unavailable, and much more than anybody would write there";
        let entries: Vec<Entry> = Actor::ALL
            .windows(2)
            .flat_map(|pair| {
                [
                    sent(1, pair[0], pair[1], long),
                    sent(2, pair[1], pair[0], long),
                ]
            })
            .chain([
                note(3, Actor::Dave, "the port is closed"),
                note(4, Actor::Alice, long),
            ])
            .collect();
        let addresses: Vec<_> = Actor::ALL.map(|actor| (actor, ":12345".to_owned())).into();
        let drawn = draw(&entries, &addresses, PLAIN);
        let longest = drawn.iter().map(|line| width(line)).max().unwrap();
        assert!(longest <= WIDTH, "{longest}\n{}", drawn.join("\n"));
        assert!(drawn.iter().any(|line| line.contains('…')));
    }

    #[test]
    fn colours_change_nothing_else() {
        let entries = [sent(0, Actor::Alice, Actor::Tidegate, "INVITE")];
        let coloured = draw(&entries, &[], Style { coloured: true }).join("\n");
        let mut bare = coloured.replace("\x1b[0m", "");
        for code in ["1", "2"] {
            bare = bare.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(bare, draw(&entries, &[], PLAIN).join("\n"));
    }
}
