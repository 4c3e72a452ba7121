//! What is printed about a call.

use super::calls::Call;
use super::ladder::{self, WIDTH};
use super::outcome::Outcome;
use super::panel;
use super::style::{Style, Tone};

/// Title, story, events and documents, ladder, expectations.
pub(super) fn call(call: &Call, place: (usize, usize), outcome: &Outcome, style: Style) -> String {
    let mut lines = vec![heading(call, place, style)];
    lines.extend(call.story.lines().map(str::to_owned));
    lines.push(String::new());
    lines.extend(panel::draw(&outcome.entries, style));
    lines.extend(ladder::draw(&outcome.entries, &outcome.addresses, style));
    lines.push(String::new());
    let met = outcome.checks.iter().filter(|check| check.holds);
    lines.extend(met.map(|check| mark(true, &check.text, style)));
    let faults = outcome.faults.iter();
    lines.extend(faults.map(|fault| mark(false, fault, style)));
    lines.push("\n".to_owned());
    lines.join("\n")
}

/// One line, and one more for each fault.
pub(super) fn summary(call: &Call, outcome: &Outcome, style: Style) -> String {
    let title = call.title;
    if outcome.is_good() {
        return mark(true, &format!("{title}: {}", call.ending), style);
    }
    let faults = outcome.faults.iter().map(|fault| format!("      {fault}"));
    let line = mark(false, &format!("{title} ({})", call.name), style);
    [line]
        .into_iter()
        .chain(faults)
        .collect::<Vec<_>>()
        .join("\n")
}

fn heading(call: &Call, (number, count): (usize, usize), style: Style) -> String {
    let text = format!("── {number}/{count}  {}  ", call.title);
    let rule = "─".repeat(WIDTH.saturating_sub(text.chars().count()));
    style.paint(Tone::Title, &format!("{text}{rule}"))
}

fn mark(good: bool, text: &str, style: Style) -> String {
    let (sign, tone) = if good {
        ("✓", Tone::Success)
    } else {
        ("✗", Tone::Failure)
    };
    format!("  {} {text}", style.paint(tone, sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::calls::CALLS;

    fn outcome(faults: &[&str]) -> Outcome {
        Outcome {
            entries: Vec::new(),
            addresses: Vec::new(),
            checks: Vec::new(),
            faults: faults.iter().map(|&fault| fault.to_owned()).collect(),
        }
    }

    #[test]
    fn stories_and_summaries_fit_into_a_line() {
        let style = Style { coloured: false };
        for call in &CALLS {
            let summary = summary(call, &outcome(&[]), style);
            for line in call.story.lines().chain([summary.as_str()]) {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
        }
    }

    #[test]
    fn what_was_missing_stands_under_the_summary() {
        let outcome = outcome(&["bob did not get INVITE"]);
        let text = summary(&CALLS[0], &outcome, Style { coloured: false });
        assert!(text.contains("✗ A plain call (plain)"), "{text}");
        assert!(text.ends_with("      bob did not get INVITE"), "{text}");
    }
}
