use std::fs;
use std::io::{Cursor, Read};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn consultation(call: &str, time_ms: u64) -> Value {
    json!({
        "type": "consultation", "version": "1.0", "time_ms": time_ms,
        "id": "5e1f9a02-00000007-000001c4", "call": call, "node": "edge-1",
        "event": {
            "type": "route", "version": "1.0", "id": "5e1f9a02-00000007-000001c4", "call": call,
            "node": "edge-1", "deadline_ms": 2000, "attempt": 1, "reason": "new",
            "source": {"transport": "udp", "ip": "198.51.100.7", "port": 5060, "listener": "udp:192.0.2.1:5060"},
            "request": {
                "method": "INVITE", "uri": "sip:bob@example.com", "from": {"uri": "sip:alice@example.com"},
                "to": {"uri": "sip:bob@example.com"}, "call_id": "c1", "cseq": 1, "headers": [["Subject", "\"ended\""]]
            }
        },
        "document": {"routes": [{"uri": "sip:bob@192.0.2.7", "headers": {"set": {"X-A": "1"}}}]},
        "application": {"name": "lcr-1", "release": "2.0"},
        "tier": "lcr-1", "cause": "answered", "latency_us": 900,
        "attempts": [{"application": "lcr-1", "at_us": 0, "took_us": 900, "result": "answered"}],
        "outcome": {"code": 200, "branches": 1, "pdd_ms": 20, "setup_ms": 900}
    })
}

fn ended(call: &str, duration_ms: u64) -> Value {
    json!({"type": "ended", "version": "1.0", "time_ms": 9, "call": call, "node": "edge-1",
        "duration_ms": duration_ms, "cause": "caller_hung_up"})
}

/// A folder with files of these lines.
fn folder(files: &[(&str, String)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

fn calls(recording: &mut Recording) -> Vec<String> {
    let entries = recording.map(|entry| entry.unwrap().record().unwrap().call.into_owned());
    entries.collect()
}

fn reading(text: impl Into<String>) -> Recording {
    Recording::read(Cursor::new(text.into()))
}

#[test]
fn a_line_is_read_with_all_that_it_says() {
    let mut recording = reading(lines(&[consultation("a", 5)]));
    let entry = recording.next().unwrap().unwrap();
    assert_eq!(entry.line(), 1);
    let record = entry.record().unwrap();
    assert_eq!(record.event.request.uri, "sip:bob@example.com");
    assert_eq!(record.application.unwrap().release.unwrap(), "2.0");
    assert_eq!(record.document.unwrap().routes.len(), 1);
    assert!(recording.next().is_none());
}

#[test]
fn the_end_of_a_call_is_joined_to_its_consultations() {
    let text = lines(&[
        consultation("a", 1),
        consultation("b", 2),
        ended("a", 61_034),
        consultation("a", 3),
    ]);
    let folder = folder(&[("a.jsonl", text)]);
    let recording = Recording::open(folder.path().join("a.jsonl")).unwrap();
    let duration = |entry: Result<Entry, LineError>| {
        entry
            .unwrap()
            .record()
            .unwrap()
            .outcome
            .unwrap()
            .duration_ms
    };
    let durations: Vec<Option<u64>> = recording.map(duration).collect();
    assert_eq!(durations, [Some(61_034), None, Some(61_034)]);
}

#[test]
fn the_end_of_a_call_may_stand_in_a_later_file() {
    let files = [
        ("1", lines(&[consultation("a", 1)])),
        ("2", lines(&[ended("a", 7)])),
    ];
    let folder = folder(&files);
    let mut recording = Recording::open(folder.path()).unwrap();
    let entry = recording.next().unwrap().unwrap();
    assert_eq!(
        entry.record().unwrap().outcome.unwrap().duration_ms,
        Some(7)
    );
}

#[test]
fn blank_lines_and_other_ends_of_lines_do_not_matter() {
    let text = format!(
        "\r\n{}\r\n\n  \n{}",
        consultation("a", 1),
        consultation("b", 2)
    );
    let mut recording = reading(text);
    assert_eq!(calls(&mut recording), ["a", "b"]);
    assert_eq!(recording.warnings(), [""; 0]);
}

#[test]
fn a_line_that_is_none_is_named_and_reading_goes_on() {
    let text = format!(
        "{}\njunk\n{{\"type\":\"consultaton\"}}\n[]\n{}\n",
        consultation("a", 1),
        consultation("b", 2)
    );
    let entries: Vec<_> = reading(text).collect();
    let wrong: Vec<String> = entries
        .iter()
        .filter_map(|it| Some(it.as_ref().err()?.to_string()))
        .collect();
    assert_eq!(entries.len(), 5);
    assert!(
        wrong[0].starts_with("recording, line 2: no line of a recording: expected value"),
        "{wrong:?}"
    );
    assert!(
        wrong[1]
            .starts_with("recording, line 3: no line of a recording: its type is \"consultaton\""),
        "{wrong:?}"
    );
    assert!(wrong[2].starts_with("recording, line 4: "), "{wrong:?}");
}

#[test]
fn a_last_line_that_is_cut_off_anywhere_is_passed_over_with_a_warning() {
    let mut last = consultation("b", 2);
    last["node"] = json!("zürich");
    let last = last.to_string();
    for end in 1..last.len() {
        let mut bytes = lines(&[consultation("a", 1)]).into_bytes();
        bytes.extend_from_slice(&last.as_bytes()[..end]);
        let mut recording = Recording::read(Cursor::new(bytes));
        assert_eq!(calls(&mut recording), ["a"], "{end}");
        assert_eq!(
            recording.warnings(),
            ["recording, line 2: cut off and passed over"]
        );
    }
}

#[test]
fn a_line_that_is_cut_off_before_others_is_an_error() {
    let text = format!("{{\"type\":\"consu\n{}\n", consultation("a", 1));
    let entries: Vec<_> = reading(text).collect();
    assert!(entries[0].is_err() && entries[1].is_ok());
}

#[test]
fn a_line_that_lacks_something_says_so_when_it_is_looked_at() {
    let mut line = consultation("a", 1);
    line.as_object_mut().unwrap().remove("tier");
    let entry = reading(lines(&[line])).next().unwrap().unwrap();
    let error = entry.record().unwrap_err().to_string();
    assert!(
        error.contains("line 1") && error.contains("tier"),
        "{error}"
    );
}

#[test]
fn files_are_read_in_order_of_time_whatever_they_are_called() {
    let folder = folder(&[
        ("decisions.jsonl", lines(&[consultation("c", 300)])),
        (
            "decisions.jsonl.1",
            lines(&[consultation("b", 200), consultation("b2", 201)]),
        ),
        ("decisions.jsonl.2", lines(&[consultation("a", 100)])),
        ("README", "not a recording\n".to_owned()),
        ("empty", String::new()),
    ]);
    let mut whole = Recording::open(folder.path()).unwrap();
    assert_eq!(calls(&mut whole), ["a", "b", "b2", "c"]);
    assert_eq!(whole.total_bytes(), Some(whole.bytes_read()));
    let some = ["decisions.jsonl", "decisions.jsonl.2"].map(|name| folder.path().join(name));
    let mut recording = Recording::open_all(&some).unwrap();
    assert_eq!(calls(&mut recording), ["a", "c"]);
}

#[test]
fn an_error_names_its_own_file_and_line() {
    let folder = folder(&[
        ("1", lines(&[consultation("a", 1)])),
        ("2", format!("{}\n?\n", consultation("b", 2))),
    ]);
    let error = Recording::open(folder.path())
        .unwrap()
        .find_map(Result::err)
        .unwrap();
    assert_eq!(error.line, 2);
    assert!(error.file.ends_with('2'), "{error}");
}

#[test]
fn what_can_not_be_opened_is_named() {
    let folder = folder(&[]);
    let missing = Recording::open(folder.path().join("no.jsonl")).unwrap_err();
    assert!(missing.to_string().contains("no.jsonl: "), "{missing}");
    let nothing = Recording::open(folder.path()).unwrap_err();
    assert!(
        nothing.to_string().contains("no file in this folder"),
        "{nothing}"
    );
}

/// Gives the same line again and again, and counts what was asked for.
struct Endless {
    line: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let part = &self.line[self.at..];
        let length = part.len().min(out.len());
        out[..length].copy_from_slice(&part[..length]);
        self.at = (self.at + length) % self.line.len();
        self.left -= u64::from(self.at == 0);
        Ok(length)
    }
}

#[test]
fn a_recording_is_read_as_it_is_asked_for() {
    let source = Endless {
        line: lines(&[consultation("a", 1)]).into_bytes(),
        at: 0,
        left: u64::MAX,
    };
    let mut recording = Recording::read(BufReader::new(source));
    assert_eq!(
        recording
            .by_ref()
            .take(10_000)
            .filter(Result::is_ok)
            .count(),
        10_000
    );
    let line = lines(&[consultation("a", 1)]).len() as u64;
    assert_eq!(recording.bytes_read(), 10_000 * line);
}

#[test]
fn a_line_without_end_is_refused_and_passed_over() {
    let source = Endless {
        line: vec![b'x'; 1 << 20],
        at: 0,
        left: 33,
    };
    let more = Cursor::new(format!("\n{}\n", consultation("a", 1)));
    let entries: Vec<_> = Recording::read(BufReader::new(source.chain(more))).collect();
    assert_eq!(entries.len(), 2);
    assert!(
        entries[0]
            .as_ref()
            .unwrap_err()
            .reason
            .contains("longer than")
    );
    assert_eq!(entries[1].as_ref().unwrap().line(), 2);
}
