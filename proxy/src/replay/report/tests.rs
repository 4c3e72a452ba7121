use std::io::Cursor;
use std::time::Duration;

use routing_api_client::{Entry, Recording, SampleAnswer, SampleError, Tolerances};
use serde_json::json;
use tidegate_schemas::RouteDocument;

use super::super::verdict::{judge, samples::record};
use super::super::{Options, Pace};
use super::html::html;
use super::text::text;
use super::*;
use crate::config::Config;

fn options() -> Options {
    Options {
        pace: Pace::Free,
        concurrency: 1,
        limit: None,
        only: Vec::new(),
        deadline: None,
        all: false,
        tolerances: Tolerances::default(),
        config: Config::default(),
        is_configured: false,
    }
}

fn entries(lines: &[String]) -> Vec<Entry> {
    let recording = Recording::read(Cursor::new(lines.join("\n")));
    recording.collect::<Result<_, _>>().unwrap()
}

fn answer(document: Value) -> Result<SampleAnswer, SampleError> {
    Ok(SampleAnswer {
        document: serde_json::from_value(document).unwrap(),
        took: Duration::from_micros(700),
    })
}

/// The report on these answers to these questions.
fn report(asked: Vec<(String, Result<SampleAnswer, SampleError>)>) -> Report {
    let (lines, answers): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let begun = Report {
        application: "tcp://127.0.0.1:8448".to_owned(),
        ..Report::default()
    };
    let mut collector = Collector::new(begun, 2, None);
    for (entry, answer) in entries(&lines).iter().zip(answers) {
        let record = entry.record().unwrap();
        let expected: &RouteDocument = record.document.as_deref().unwrap();
        let took = answer.as_ref().ok().map(|it| it.took);
        let verdict = judge(&record, expected, answer, &options());
        collector.take(entry, &record, expected, verdict, took);
    }
    collector.finish()
}

fn to(uri: &str, fr_timer: u32) -> Value {
    json!({ "routes": [{ "uri": uri, "fr_timer": fr_timer }] })
}

#[test]
fn each_field_is_counted_once_a_question_and_has_a_few_samples() {
    let changed = |n: u32| {
        let uri = format!("sip:{n}@h");
        (record(&format!("c{n}"), &uri, 2000), answer(to(&uri, 3000)))
    };
    let mut asked: Vec<_> = (0..5).map(changed).collect();
    asked.push((record("same", "sip:s@h", 2000), answer(to("sip:s@h", 2000))));
    let report = report(asked);
    assert_eq!((report.asked, report.same, report.different), (6, 1, 5));
    let [field] = &*report.fields else {
        panic!("{:?}", report.fields);
    };
    assert_eq!((&*field.field, field.questions), ("fr_timer", 5));
    assert_eq!((field.samples.len(), report.questions.len()), (2, 2));
    assert_eq!(field.stakes.answered, 5);
    let text = text(&report);
    for part in [
        "same                1     16.67 %",
        "fr_timer: 5 questions (5 answered then)",
        "INVITE sip:0@h call c0 (answered 200 then; ",
        "2000 → 3000  at /routes/0/fr_timer",
        "decided then by core 7 (6)",
        "5 answers differ",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn what_can_not_be_used_stands_with_its_place() {
    let report = report(vec![
        (
            record("1", "sip:1@h", 2000),
            answer(json!({ "routes": [{ "uri": "nonsense" }] })),
        ),
        (record("2", "sip:2@h", 2000), Err(SampleError::TimedOut)),
    ]);
    assert_eq!((report.invalid, report.no_answer), (1, 1));
    let text = text(&report);
    assert!(text.contains("/routes/*/uri: "), "{text}");
    assert!(
        text.contains("did not answer in time: 1 question"),
        "{text}"
    );
}

#[test]
fn nothing_of_a_recording_is_markup() {
    let hostile = "<script>alert('1')</script>\"&\u{202e}";
    let uri = "sip:<img src=x onerror=y>@h";
    let found = json!({ "routes": [{ "uri": "sip:1@h" }], "context": hostile,
                        "tags": { hostile: hostile } });
    let mut report = report(vec![(record(hostile, uri, 2000), answer(found))]);
    report.stopped = Some(hostile.to_owned());
    report.warnings.push(hostile.to_owned());
    let page = html(&report);
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    assert!(!page.contains("<img"), "{page}");
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)"));
    assert!(!page.contains("http://") && !page.contains("https://"));
}

#[test]
fn the_differing_places_are_marked_on_both_sides() {
    let report = report(vec![(
        record("1", "sip:1@h", 2000),
        answer(to("sip:1@h", 3000)),
    )]);
    let page = html(&report);
    assert!(page.contains("<mark class=\"was\">2000</mark>"), "{page}");
    assert!(page.contains("<mark class=\"is\">3000</mark>"), "{page}");
}

#[test]
fn a_report_does_not_grow_with_what_is_asked() {
    let many = |n: u32| {
        let uri = format!("sip:{n}@h");
        let mut found = to(&uri, 2000);
        found["routes"][0]["headers"] = json!({ "set": { format!("X-{n}"): "x".repeat(5000) } });
        (record(&format!("c{n}"), &uri, 2000), answer(found))
    };
    let report = report((0..2000).map(many).collect());
    assert_eq!(report.different, 2000);
    assert!(report.fields.len() <= 501, "{}", report.fields.len());
    let largest = report.fields.iter().map(|it| it.questions).max();
    assert_eq!(report.fields[0].questions, largest.unwrap());
    let size = html(&report).len();
    assert!(size < 40 << 20, "{size}");
}

#[test]
fn what_is_written_has_no_control_over_the_terminal() {
    let asked = record("1", "sip:1@h", 2000);
    let mut report = report(vec![(asked, Err(SampleError::Lost))]);
    report.questions[0].uri = "\u{1b}[2J".to_owned();
    report.problems[0].message = "\u{1b}[2J".to_owned();
    assert!(!text(&report).contains('\u{1b}'));
}
