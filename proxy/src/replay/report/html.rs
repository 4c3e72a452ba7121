//! The report as one page that needs nothing else. Recordings and answers are written by strangers:
//! every text goes through [`Text`].

use std::fmt::{self, Display, Write};

use routing_api_client::Difference;
use serde_json::Value;

use super::page::{SCRIPT, STYLE, document};
use super::{Field, Latency, Problem, Question, Report, Stakes, micros};

/// The whole page.
pub(crate) fn html(report: &Report) -> String {
    let mut page = String::new();
    let _ = writeln!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" \
         content=\"light dark\"><title>Replay</title><style>{STYLE}</style></head><body>"
    );
    head(&mut page, report);
    latencies(&mut page, report);
    let has_rows = !report.fields.is_empty() || !report.problems.is_empty();
    if has_rows {
        page.push_str(
            "<input id=\"filter\" type=\"search\" autocomplete=\"off\" \
             placeholder=\"Filter: field, call, address, value\">\n",
        );
    }
    if !report.fields.is_empty() {
        table(&mut page, "What differs, by field", "Field");
        report
            .fields
            .iter()
            .for_each(|it| a_field(&mut page, report, it));
        page.push_str("</tbody></table>\n");
    }
    if !report.problems.is_empty() {
        table(&mut page, "What can't be used, or did not come", "Problem");
        report
            .problems
            .iter()
            .for_each(|it| a_problem(&mut page, report, it));
        page.push_str("</tbody></table>\n");
    }
    foot(&mut page, report);
    let _ = writeln!(page, "<script>{SCRIPT}</script></body></html>");
    page
}

fn head(page: &mut String, report: &Report) {
    let application = Text(&report.application);
    let _ = write!(page, "<h1>Replay against {application}");
    if let Some(release) = &report.release {
        let _ = write!(page, " <small>release {}</small>", Text(release));
    }
    let recordings = report.recordings.join(", ");
    let took = micros(report.took_ms.saturating_mul(1000));
    let asked = report.asked;
    let _ = write!(
        page,
        "</h1>\n<p>{asked} questions of {} in {took}",
        Text(&recordings)
    );
    for (index, (name, number)) in report.recorded_by.iter().enumerate() {
        let before = if index == 0 {
            "; decided then by "
        } else {
            ", "
        };
        let _ = write!(page, "{before}{} ({number})", Text(name));
    }
    page.push_str(".</p>\n<ul class=\"totals\">");
    for (class, name, number) in [
        ("same", "same", report.same),
        ("different", "different", report.different),
        ("invalid", "not usable", report.invalid),
        ("silent", "no answer", report.no_answer),
    ] {
        let percent = report.percent(number);
        let class = if number == 0 { "none" } else { class };
        let _ = write!(
            page,
            "<li class=\"{class}\"><b>{number}</b><span>{name}, {percent:.2} %</span></li>"
        );
    }
    page.push_str("</ul>\n");
}

fn latencies(page: &mut String, report: &Report) {
    let row = |page: &mut String, name: &str, it: Latency| {
        let (p50, p99, max) = (micros(it.p50_us), micros(it.p99_us), micros(it.max_us));
        let _ = write!(
            page,
            "<tr><th>{name}</th><td>{p50}</td><td>{p99}</td><td>{max}</td></tr>"
        );
    };
    page.push_str(
        "<table class=\"small\"><thead><tr><th>Latency</th><th>p50</th><th>p99</th><th>most</th>\
         </tr></thead><tbody>",
    );
    row(page, "then", report.latency.recorded);
    row(page, "now", report.latency.found);
    page.push_str("</tbody></table>\n");
}

fn table(page: &mut String, title: &str, first: &str) {
    let _ = writeln!(
        page,
        "<h2>{title}</h2>\n<table class=\"fields\"><thead><tr><th>{first}</th><th>Questions</th>\
         <th>answered then</th><th>failed then</th><th>unknown</th></tr></thead><tbody>"
    );
}

fn numbers(page: &mut String, questions: u64, stakes: Stakes) {
    for number in [questions, stakes.answered, stakes.failed, stakes.unknown] {
        let class = if number == 0 { " class=\"none\"" } else { "" };
        let _ = write!(page, "<td{class}>{number}</td>");
    }
}

fn a_field(page: &mut String, report: &Report, field: &Field) {
    let _ = write!(
        page,
        "<tr class=\"row\"><th><code>{}</code></th>",
        Text(&field.field)
    );
    numbers(page, field.questions, field.stakes);
    page.push_str("</tr>\n<tr class=\"samples\"><td colspan=\"5\">");
    for sample in &field.samples {
        if let Some(question) = report.questions.get(sample.question) {
            a_question(page, question, Some(&sample.difference));
        }
    }
    page.push_str("</td></tr>\n");
}

fn a_problem(page: &mut String, report: &Report, problem: &Problem) {
    page.push_str("<tr class=\"row\"><th>");
    if let Some(pointer) = &problem.pointer {
        let _ = write!(page, "<code>{}</code> ", Text(pointer));
    }
    let _ = write!(page, "{}</th>", Text(&problem.message));
    numbers(page, problem.questions, problem.stakes);
    page.push_str("</tr>\n<tr class=\"samples\"><td colspan=\"5\">");
    for question in problem
        .samples
        .iter()
        .filter_map(|&it| report.questions.get(it))
    {
        a_question(page, question, None);
    }
    page.push_str("</td></tr>\n");
}

fn a_question(page: &mut String, question: &Question, difference: Option<&Difference>) {
    let _ = write!(
        page,
        "<details class=\"sample\"><summary><span>{} {}</span> <small>call {}, {}",
        Text(&question.method),
        Text(&question.uri),
        Text(&question.call),
        question.outcome.name(),
    );
    if let Some(code) = question.code {
        let _ = write!(page, " {code}");
    }
    page.push_str(" then</small>");
    if let Some(difference) = difference {
        let (expected, found) = (value(&difference.expected), value(&difference.found));
        let _ = write!(
            page,
            "<br><del>{}</del> → <ins>{}</ins> <small>{}</small>",
            Text(&expected),
            Text(&found),
            Text(&difference.pointer),
        );
    }
    let _ = write!(
        page,
        "</summary><p><small>from {}, consultation {}, {} line {}</small></p><div class=\"both\">",
        Text(&question.from),
        Text(&question.id),
        Text(&question.file),
        question.line,
    );
    let _ = write!(
        page,
        "<figure><figcaption>recorded</figcaption><pre>{}</pre></figure>",
        document(&question.expected, &question.differences, true)
    );
    if let Some(found) = &question.found {
        let _ = write!(
            page,
            "<figure><figcaption>found</figcaption><pre>{}</pre></figure>",
            document(found, &question.differences, false)
        );
    }
    page.push_str("</div></details>\n");
}

fn value(value: &Option<Value>) -> String {
    value
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn foot(page: &mut String, report: &Report) {
    for (why, number) in &report.skipped {
        let _ = writeln!(page, "<p>{number} not asked: {}.</p>", Text(why));
    }
    if report.masked > 0 {
        let masked = report.masked;
        let _ = writeln!(
            page,
            "<p>{masked} had masked values and were asked with the masks.</p>"
        );
    }
    if report.unreadable > 0 {
        let _ = writeln!(page, "<p>{} lines can't be read.</p>", report.unreadable);
    }
    for warning in &report.warnings {
        let _ = writeln!(page, "<p>{}</p>", Text(warning));
    }
    if let Some(why) = &report.stopped {
        let _ = writeln!(page, "<p class=\"stopped\">Ended early: {}</p>", Text(why));
    }
    if report.unlike() == 0 && report.asked > 0 {
        page.push_str("<p>No difference.</p>\n");
    }
}

/// A text that stays one, whoever wrote it.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Text that runs backwards could pretend to be other text.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char('\u{fffd}')?,
                c if c.is_control() && c != '\n' => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
