//! The report on a screen.

use std::fmt::Write;

use routing_api_client::Difference;
use serde_json::Value;

use super::{Field, Latency, Problem, Question, Report, Stakes, count, micros};

/// Characters of a value.
const LONGEST: usize = 100;
/// Fields and problems that are shown; the other reports have all.
const MOST: usize = 40;

/// The whole report.
pub(crate) fn text(report: &Report) -> String {
    let mut text = String::new();
    head(&mut text, report);
    totals(&mut text, report);
    latencies(&mut text, report);
    if !report.fields.is_empty() {
        text.push_str("\nWhat differs, by field\n");
    }
    for field in report.fields.iter().take(MOST) {
        a_field(&mut text, report, field);
    }
    if !report.problems.is_empty() {
        text.push_str("\nWhat can't be used, or did not come\n");
    }
    for problem in report.problems.iter().take(MOST) {
        a_problem(&mut text, report, problem);
    }
    let hidden =
        report.fields.len().saturating_sub(MOST) + report.problems.len().saturating_sub(MOST);
    if hidden > 0 {
        let _ = writeln!(text, "\n{hidden} more: see --html or --json.");
    }
    foot(&mut text, report);
    text
}

fn head(text: &mut String, report: &Report) {
    let release = report.release.as_ref().map(|it| format!(", release {it}"));
    let name = clean(&report.application);
    let _ = writeln!(
        text,
        "{} asked of {name}{} in {}",
        count(report.asked, "question"),
        clean(&release.unwrap_or_default()),
        micros(report.took_ms.saturating_mul(1000)),
    );
    let decided = report.recorded_by.iter();
    let decided: Vec<String> = decided
        .map(|(name, n)| format!("{} ({n})", clean(name)))
        .collect();
    if !decided.is_empty() {
        let _ = writeln!(text, "decided then by {}", decided.join(", "));
    }
    text.push('\n');
}

fn totals(text: &mut String, report: &Report) {
    for (name, number) in [
        ("same", report.same),
        ("different", report.different),
        ("not usable", report.invalid),
        ("no answer", report.no_answer),
    ] {
        let percent = report.percent(number);
        let _ = writeln!(text, "  {name:<12}{number:>9}  {:>8} %", rounded(percent));
    }
    let skipped: u64 = report.skipped.values().sum();
    if skipped > 0 {
        let why = report.skipped.iter();
        let why: Vec<String> = why.map(|(why, n)| format!("{why} {n}")).collect();
        let _ = writeln!(
            text,
            "  {:<12}{skipped:>9}             {}",
            "not asked",
            why.join(", ")
        );
    }
}

/// Whatever is not quite all is not 100.
fn rounded(percent: f64) -> String {
    let text = format!("{percent:.2}");
    match text.as_str() {
        "100.00" if percent < 100.0 => "99.99".to_owned(),
        "0.00" if percent > 0.0 => "< 0.01".to_owned(),
        _ => text,
    }
}

fn latencies(text: &mut String, report: &Report) {
    let line = |text: &mut String, name: &str, it: Latency| {
        let (p50, p99, max) = (micros(it.p50_us), micros(it.p99_us), micros(it.max_us));
        let _ = writeln!(text, "  {name:<12}{p50:>9}{p99:>11}{max:>11}");
    };
    let _ = writeln!(
        text,
        "\n  {:<12}{:>9}{:>11}{:>11}",
        "latency", "p50", "p99", "most"
    );
    line(text, "then", report.latency.recorded);
    line(text, "now", report.latency.found);
}

fn a_field(text: &mut String, report: &Report, field: &Field) {
    let name = clean(&field.field);
    let _ = writeln!(
        text,
        "\n  {name}: {}",
        stakes(field.questions, field.stakes)
    );
    for sample in &field.samples {
        if let Some(question) = report.questions.get(sample.question) {
            a_question(text, question);
            let _ = writeln!(text, "        {}", change(&sample.difference));
        }
    }
}

fn a_problem(text: &mut String, report: &Report, problem: &Problem) {
    let at = problem.pointer.as_deref().map(|pointer| match pointer {
        "" => "the document: ".to_owned(),
        pointer => format!("{}: ", clean(pointer)),
    });
    let (at, what) = (at.unwrap_or_default(), clean(&problem.message));
    let how_many = stakes(problem.questions, problem.stakes);
    let _ = writeln!(text, "\n  {at}{what}: {how_many}");
    for question in problem
        .samples
        .iter()
        .filter_map(|&it| report.questions.get(it))
    {
        a_question(text, question);
    }
}

fn a_question(text: &mut String, question: &Question) {
    let code = question
        .code
        .map(|code| format!(" {code}"))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "    {} {} call {} ({}{code} then; {}:{})",
        clean(&question.method),
        clean(&question.uri),
        clean(&question.call),
        question.outcome.name(),
        clean(&question.file),
        question.line,
    );
}

fn change(difference: &Difference) -> String {
    let (expected, found) = (shown(&difference.expected), shown(&difference.found));
    format!("{expected} → {found}  at {}", clean(&difference.pointer))
}

fn shown(value: &Option<Value>) -> String {
    let text = value
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    clean(&short)
}

/// `12 calls, of which 10 were answered and 2 failed`
fn stakes(questions: u64, stakes: Stakes) -> String {
    let mut parts = Vec::new();
    for (number, word) in [
        (stakes.answered, "answered then"),
        (stakes.failed, "failed then"),
        (stakes.unknown, "of unknown outcome"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    format!("{} ({})", count(questions, "question"), parts.join(", "))
}

fn foot(text: &mut String, report: &Report) {
    if report.masked > 0 {
        let masked = count(report.masked, "question");
        let _ = writeln!(
            text,
            "\n{masked} had masked values and were asked with the masks."
        );
    }
    if report.unreadable > 0 {
        let _ = writeln!(
            text,
            "\n{} can't be read:",
            count(report.unreadable, "line")
        );
    }
    for warning in &report.warnings {
        let _ = writeln!(text, "  {}", clean(warning));
    }
    if let Some(why) = &report.stopped {
        let _ = writeln!(text, "\nEnded early: {}", clean(why));
    }
    let _ = match (report.asked, report.unlike()) {
        (0, _) => writeln!(text, "\nNothing was asked."),
        (_, 0) => writeln!(text, "\nNo difference."),
        (_, unlike) => writeln!(
            text,
            "\n{} differ from the recording.",
            count(unlike, "answer")
        ),
    };
}

/// What somebody else wrote has no control over a terminal.
fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}
