//! Events and documents, side by side.

use std::time::Duration;

use serde_json::{Value, json};

use super::ladder::{WIDTH, cut};
use super::pretty;
use super::style::{Style, Tone};
use super::trace::{Content, Entry, Event};

/// Columns in front of everything.
const MARGIN: usize = 2;
/// Columns of the left one of two.
const COLUMN: usize = (WIDTH - MARGIN) / 2;

/// Every exchange with the application.
pub(super) fn draw(entries: &[Entry], style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, content) in contents(entries) {
        match content {
            Content::Question(event) => {
                let asked = Panel::new("tidegate asks", at, &brief(event));
                let answer = contents(entries).find_map(|(at, content)| match content {
                    Content::Document(document) if document["id"] == event["id"] => {
                        Some(Panel::new("the application answers", at, document))
                    }
                    _ => None,
                });
                lines.extend(asked.beside(answer, style));
            }
            Content::Notice(notice) => {
                lines.extend(Panel::new("tidegate says", at, notice).alone(style));
            }
            Content::Nothing | Content::Sip(_) | Content::Document(_) => continue,
        }
        lines.push(String::new());
    }
    lines
}

struct Panel {
    title: String,
    value: Value,
}

impl Panel {
    fn new(title: &str, at: Duration, value: &Value) -> Self {
        Self {
            title: format!("{title} at {:.1} ms", at.as_secs_f64() * 1000.0),
            value: value.clone(),
        }
    }

    fn alone(&self, style: Style) -> Vec<String> {
        let title = format!(
            "{}{}",
            margin(),
            style.paint(Tone::Application, &self.title)
        );
        let room = WIDTH - MARGIN;
        let body = pretty::lines(&self.value, room).into_iter();
        let body = body.map(|line| format!("{}{}", margin(), cut(&line, room)));
        [title].into_iter().chain(body).collect()
    }

    /// Side by side where both are narrow enough, else one above the other.
    fn beside(&self, other: Option<Self>, style: Style) -> Vec<String> {
        let Some(other) = other else {
            return self.alone(style);
        };
        let (left, right) = (self.column(), other.column());
        let fits = |lines: &[String]| lines.iter().all(|line| line.chars().count() < COLUMN);
        if !fits(&left) || !fits(&right) {
            return [self.alone(style), other.alone(style)].concat();
        }
        let rows = left.len().max(right.len());
        let cell = |lines: &[String], row: usize| lines.get(row).cloned().unwrap_or_default();
        let line = |row: usize| {
            let tone = if row == 0 {
                Tone::Application
            } else {
                Tone::Plain
            };
            let (left, right) = (cell(&left, row), cell(&right, row));
            let left = style.paint(tone, &format!("{left:COLUMN$}"));
            let right = style.paint(tone, &right);
            format!("{}{left}{right}", margin()).trim_end().to_owned()
        };
        (0..rows).map(line).collect()
    }

    fn column(&self) -> Vec<String> {
        let body = pretty::lines(&self.value, COLUMN - 1);
        [self.title.clone()].into_iter().chain(body).collect()
    }
}

fn contents(entries: &[Entry]) -> impl Iterator<Item = (Duration, &Content)> {
    entries.iter().filter_map(|entry| match &entry.event {
        Event::Sent { content, .. } => Some((entry.at, content)),
        Event::Note { .. } => None,
    })
}

/// The event without what nobody needs for following the call.
fn brief(event: &Value) -> Value {
    let mut brief = event.clone();
    keep(
        &mut brief,
        &[
            "type",
            "id",
            "attempt",
            "reason",
            "deadline_ms",
            "source",
            "request",
            "attempts",
            "context",
        ],
    );
    keep(&mut brief["source"], &["transport", "port"]);
    keep(&mut brief["request"], &["method", "uri", "from", "headers"]);
    keep(&mut brief["request"]["from"], &["display", "uri"]);
    let headers = event["request"]["headers"].as_array().map_or(0, Vec::len);
    brief["request"]["headers"] = json!([format!("… all {headers} of them")]);
    brief
}

fn keep(value: &mut Value, names: &[&str]) {
    if let Value::Object(members) = value {
        members.retain(|name, _| names.contains(&name.as_str()));
    }
}

fn margin() -> String {
    " ".repeat(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::trace::{Actor, Fate};

    fn sent(content: Content) -> Entry {
        Entry {
            number: 0,
            at: Duration::from_millis(3),
            event: Event::Sent {
                from: Actor::Tidegate,
                to: Actor::Application,
                label: String::new(),
                tone: Tone::Plain,
                fate: Fate::Expected,
                content,
            },
        }
    }

    fn question() -> Value {
        json!({
            "type": "route", "version": "1.0", "id": "1", "call": "c", "node": "n", "attempt": 1,
            "source": {"transport": "udp", "ip": "127.0.0.1", "port": 1, "listener": "udp:x"},
            "request": {"method": "INVITE", "uri": "sip:a", "from": {"uri": "sip:b", "tag": "t"},
                        "headers": [["Via", "x"], ["To", "y"]], "call_id": "i", "cseq": 1}
        })
    }

    #[test]
    fn an_event_and_its_document_stand_side_by_side() {
        let entries = [
            sent(Content::Question(question())),
            sent(Content::Document(json!({"id": "other"}))),
            sent(Content::Document(json!({"id": "1", "routes": []}))),
        ];
        let lines = draw(&entries, Style { coloured: false });
        assert!(lines[0].contains("tidegate asks at 3.0 ms"), "{lines:?}");
        assert!(lines[0].contains("the application answers at 3.0 ms"));
        assert!(
            lines[1].ends_with(r#"{"id": "1", "routes": []}"#),
            "{lines:?}"
        );
        assert!(!lines.join("").contains("other"));
    }

    #[test]
    fn the_event_is_shortened_to_what_matters() {
        let text = brief(&question()).to_string();
        assert!(
            text.contains("all 2 of them") && text.contains("sip:a"),
            "{text}"
        );
        for noise in ["listener", "call_id", "tag", "node", "version"] {
            assert!(!text.contains(noise), "{noise} in {text}");
        }
    }

    #[test]
    fn what_is_too_wide_for_a_column_stands_below() {
        let document = json!({"id": "1", "context": "x".repeat(70)});
        let entries = [
            sent(Content::Question(question())),
            sent(Content::Document(document)),
        ];
        let lines = draw(&entries, Style { coloured: false });
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("  the application answers"))
        );
    }
}
