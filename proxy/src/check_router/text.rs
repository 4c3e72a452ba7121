//! The report, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::catalogue::{ALL, Check, Group, Severity};
use super::report::{Finding, Report, Tally};

/// Longest text of one JSON value in the report for people, in characters.
const LINE: usize = 700;

/// Longest string inside a JSON value of a report, in characters.
const STRING: usize = 300;

/// Colours, or none.
struct Paint(bool);

impl Paint {
    fn paint(&self, colour: &str, text: &str) -> String {
        match self.0 {
            true => format!("\x1b[{colour}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// All checks, as `--list` prints them.
pub(crate) fn list(as_json: bool) -> String {
    if as_json {
        let checks: Value = ALL.iter().map(|check| described(check)).collect();
        return format!("{checks:#}");
    }
    let lines = ALL.iter().map(|check| {
        let severity = check.severity.to_string();
        format!("{:<22} {severity:<8} {}", check.name, check.rule)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn described(check: &Check) -> Value {
    json!({
        "name": check.name,
        "group": check.group,
        "severity": check.severity,
        "rule": check.rule,
        "place": place(check),
        "remedy": check.remedy,
    })
}

/// The report for people.
pub(crate) fn text(report: &Report, coloured: bool) -> String {
    let paint = Paint(coloured);
    let mut out = String::new();
    let who = report.application.as_deref().unwrap_or("the application");
    let _ = writeln!(out, "{} at {}", paint.paint("1", who), report.address);
    for group in Group::ALL {
        let ran: Vec<_> = group
            .checks()
            .filter_map(|check| Some((check, report.of(check)?)))
            .collect();
        if ran.is_empty() {
            continue;
        }
        let passed = ran
            .iter()
            .filter(|(_, it)| it.findings.is_empty() && it.passed > 0)
            .count();
        let skipped = ran.iter().filter(|(_, it)| it.is_skipped()).count();
        let title = paint.paint("1", group.name());
        let _ = writeln!(
            out,
            "\n{title}  {passed} kept, {} broken, {skipped} skipped",
            ran.len() - passed - skipped
        );
        for (check, tally) in ran {
            write_check(&mut out, &paint, check, tally);
        }
    }
    for (name, figure) in &report.figures {
        let _ = write!(out, "\n{name}: {figure}");
    }
    let _ = write!(out, "\n{}", summary(report, &paint));
    out
}

fn summary(report: &Report, paint: &Paint) -> String {
    let [errors, warnings, advice] =
        [Severity::Error, Severity::Warning, Severity::Advice].map(|it| report.count(it));
    match errors + warnings + advice {
        0 => paint.paint("32", "No finding."),
        _ => {
            let text =
                format!("Rules broken: {errors} error, {warnings} warning, {advice} advice.");
            paint.paint(if errors > 0 { "31" } else { "33" }, &text)
        }
    }
}

fn write_check(out: &mut String, paint: &Paint, check: &Check, tally: &Tally) {
    let (mark, colour) = match (tally.findings.is_empty(), check.severity) {
        (true, _) if tally.is_skipped() => ("-", "2"),
        (true, _) => ("✓", "32"),
        (false, Severity::Error) => ("✗", "31"),
        (false, Severity::Warning) => ("!", "33"),
        (false, Severity::Advice) => ("i", "36"),
    };
    let _ = write!(out, "  {} {:<22}", paint.paint(colour, mark), check.name);
    match &tally.skipped {
        Some(reason) if tally.is_skipped() => {
            let _ = writeln!(out, " {}", paint.paint("2", &format!("skipped: {reason}")));
        }
        _ if tally.findings.is_empty() => {
            let _ = writeln!(out, " {}", times(tally.passed));
        }
        _ => write_findings(out, check, tally),
    }
}

fn write_findings(out: &mut String, check: &Check, tally: &Tally) {
    let broken = u32::try_from(tally.findings.len()).unwrap_or(u32::MAX);
    let broken = times(broken.saturating_add(tally.more));
    let _ = writeln!(out, " broken {broken}, kept {}", times(tally.passed));
    let _ = writeln!(out, "      rule  {} ({})", check.rule, place(check));
    let _ = writeln!(out, "      do    {}", check.remedy);
    for finding in &tally.findings {
        let _ = writeln!(out, "      why   {}", finding.why);
        if let Some(pointer) = finding.pointer.as_ref().filter(|it| !it.is_empty()) {
            let _ = writeln!(out, "      at    {pointer}");
        }
        for (name, value) in [("sent", &finding.sent), ("came", &finding.came)] {
            if let Some(value) = value {
                let _ = writeln!(
                    out,
                    "      {name}  {}",
                    cut(&shortened(value).to_string(), LINE)
                );
            }
        }
    }
    if tally.more > 0 {
        let _ = writeln!(out, "      and {} more like these", tally.more);
    }
}

fn times(count: u32) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn place(check: &Check) -> String {
    match check.place.starts_with("RFC ") {
        true => check.place.to_owned(),
        false => format!("docs/routing-api.md, {}", check.place),
    }
}

impl Tally {
    fn is_skipped(&self) -> bool {
        self.findings.is_empty() && self.passed == 0
    }

    fn outcome(&self) -> &'static str {
        match self.findings.is_empty() {
            false => "broken",
            true if self.is_skipped() => "skipped",
            true => "kept",
        }
    }
}

/// The report for programs.
pub(crate) fn json(report: &Report) -> Value {
    let checks: Vec<_> = ALL
        .iter()
        .filter_map(|check| Some((check, report.of(check)?)))
        .map(|(check, tally)| check_as_json(check, tally))
        .collect();
    let figures = report
        .figures
        .iter()
        .map(|(name, figure)| ((*name).to_owned(), figure.as_str().into()));
    json!({
        "address": report.address,
        "application": report.application,
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "advice": report.count(Severity::Advice),
        "figures": Value::Object(figures.collect()),
        "checks": checks,
    })
}

fn check_as_json(check: &Check, tally: &Tally) -> Value {
    let findings: Vec<_> = tally.findings.iter().map(finding_as_json).collect();
    let mut value = described(check);
    value["outcome"] = tally.outcome().into();
    value["kept"] = tally.passed.into();
    value["findings"] = findings.into();
    if tally.more > 0 {
        value["more"] = tally.more.into();
    }
    if let Some(reason) = tally.skipped.as_ref().filter(|_| tally.is_skipped()) {
        value["skipped"] = reason.as_str().into();
    }
    value
}

fn finding_as_json(finding: &Finding) -> Value {
    let mut value = json!({"why": finding.why});
    if let Some(pointer) = &finding.pointer {
        value["pointer"] = pointer.as_str().into();
    }
    for (name, part) in [("sent", &finding.sent), ("came", &finding.came)] {
        if let Some(part) = part {
            value[name] = shortened(part);
        }
    }
    value
}

/// The same with long strings cut.
fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) => cut(text, STRING).into(),
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| (key.clone(), shortened(value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((at, _)) => {
            let left = text.get(at..).unwrap_or_default().chars().count();
            format!("{}… ({left} more)", text.get(..at).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_router::catalogue::{ANSWERS_HONOURED, ANSWERS_LOOP, PING_PONG};

    fn report() -> Report {
        let mut report = Report::default();
        report.pass(&ANSWERS_HONOURED);
        let finding = Finding::new("Via is the proxy's own").at("/routes/0/headers/set/Via");
        let document = json!({"routes": [{"uri": "x".repeat(1000)}]});
        report.find(
            &ANSWERS_HONOURED,
            finding.came(document.to_string().as_bytes()),
        );
        report.skip(&PING_PONG, "it is asleep");
        report.pass(&ANSWERS_LOOP);
        report
    }

    #[test]
    fn people_see_the_place_the_rule_and_the_remedy() {
        let text = text(&report(), false);
        for part in [
            "✗ answers.honoured",
            "at    /routes/0/headers/set/Via",
            "docs/routing-api.md, What is refused",
            ANSWERS_HONOURED.remedy,
            "(700 more)",
            "- ping.pong              skipped: it is asleep",
            "✓ answers.loop           once",
            "1 error",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn programs_see_the_same() {
        let json = json(&report());
        assert_eq!(json["errors"], 1);
        let outcomes: Vec<_> = json["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["outcome"])
            .collect();
        assert_eq!(outcomes, ["broken", "kept", "skipped"]);
        assert_eq!(
            json["checks"][0]["findings"][0]["pointer"],
            "/routes/0/headers/set/Via"
        );
    }
}
