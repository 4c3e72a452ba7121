//! A plan as a tree, for people.

use std::fmt::Write;

use tidegate_engine::plan::{
    Description, GroupDescription, HeaderChanges, OutcomeDescription, Part, Redirects,
    RouteDescription, Rule, TargetDescription, Then, Timer, TimerSource,
};
use tidegate_schemas::document::Routing;
use tidegate_schemas::event::AskReason;
use tidegate_sip::build::standard_reason;

use super::Asked;

/// All that is known, line by line.
pub(crate) fn draw(asked: &Asked) -> String {
    let mut text = String::new();
    if let Some(name) = &asked.application {
        let release = asked.release.as_ref().map(|it| format!(", release {it}"));
        let took = asked.took_us.map(|us| format!(" after {}", micros(us)));
        let (release, took) = (release.unwrap_or_default(), took.unwrap_or_default());
        let what = match asked.document.is_some() {
            true => "answers",
            false => "has no usable answer",
        };
        let _ = writeln!(text, "{}{release}, {what}{took}:\n", clean(name));
    }
    if let Some(document) = &asked.document {
        let pretty = serde_json::to_string_pretty(document).unwrap_or_default();
        let _ = writeln!(text, "{}\n", clean_lines(&pretty));
    }
    match &asked.problem {
        Some(problem) => {
            let _ = match &problem.pointer {
                Some(pointer) => {
                    let pointer = if pointer.is_empty() {
                        "the document"
                    } else {
                        pointer
                    };
                    writeln!(
                        text,
                        "Not usable: {}: {}",
                        clean(pointer),
                        clean(&problem.message)
                    )
                }
                None => writeln!(text, "{}", clean(&problem.message)),
            };
        }
        None => text.push_str("The answer can be used.\n"),
    }
    if let Some(differences) = &asked.differences {
        let _ = match differences.is_empty() {
            true => writeln!(text, "It means the same as the recorded decision."),
            false => writeln!(text, "It differs from the recorded decision:"),
        };
        for difference in differences {
            let _ = writeln!(text, "  {}", clean(&difference.to_string()));
        }
    }
    if let Some(plan) = &asked.plan {
        text.push('\n');
        let mut drawing = Drawing {
            text: &mut text,
            first: 1,
            has_next: false,
        };
        drawing.description(plan);
    }
    text
}

struct Drawing<'t> {
    text: &'t mut String,
    /// The number of the first target of the document at hand.
    first: u16,
    /// Whether something follows when its routes ran out.
    has_next: bool,
}

impl Drawing<'_> {
    fn description(&mut self, description: &Description) {
        match description {
            Description::Route(route) => self.route(route),
            Description::Reply {
                code,
                reason,
                headers,
                content_type,
                body_bytes,
            } => {
                let standard = || standard_reason(*code).to_owned();
                let reason = reason.clone().unwrap_or_else(standard);
                self.line("", &format!("The caller gets {code} {reason}."));
                for (name, value) in headers {
                    self.line("  ", &format!("+ {name}: {value}"));
                }
                if let Some(content_type) = content_type {
                    self.line(
                        "  ",
                        &format!("a body of {body_bytes} bytes, {content_type}"),
                    );
                }
            }
            Description::Redirect { contact } => {
                self.line("", &format!("The caller gets 302 with Contact: {contact}"));
            }
            Description::Ask { .. } => {
                self.line(
                    "",
                    "The application is asked again, with all attempts (exhausted).",
                );
            }
            Description::Drop => self.line("", "The caller gets nothing at all."),
            Description::Pass => {
                self.line(
                    "",
                    "The next application of the chain decides; without one, 503.",
                );
            }
        }
    }

    fn route(&mut self, route: &RouteDescription) {
        self.has_next = route.on_exhausted.is_some();
        let stays = match route.record_route {
            true => "stays on the path of the dialog (Record-Route)",
            false => "leaves the path of the dialog after the answer",
        };
        let one = self.first == 1;
        if one {
            self.line("", "The plan");
        }
        self.members(&route.tree, "");
        if one {
            self.line(
                "",
                "2xx of any target: the call is answered, all others are cancelled.",
            );
        }
        match route.on_redirect {
            Redirects::Follow => self.line("", "3xx: the Contacts are tried in the place of the target, by q; what stands above is for a 3xx without a new one."),
            Redirects::FollowOwn => self.line("", "3xx: where the Request-URI is one of the proxy's own, the Contacts are tried in the place of the target, by q."),
            Redirects::Ask | Redirects::Stop => {}
        }
        let ends = seconds(route.silence.ends_ms);
        let then = self.then(&route.silence.then);
        self.line(
            "",
            &format!("Nobody says anything: {then}, {ends} after the start."),
        );
        if one {
            let _ = writeln!(self.text, "The proxy {stays}.");
        }
        if let Some(limit) = route.max_call_ms {
            let limit = seconds(limit.into());
            self.line("", &format!("The call is ended {limit} after the answer."));
        }
        if let Some(next) = &route.on_exhausted {
            self.text.push('\n');
            self.line("", "When the routes ran out (on_exhausted):");
            let count = u16::try_from(route.tree.targets().count()).unwrap_or(u16::MAX);
            self.first = self.first.saturating_add(count);
            self.description(next);
        }
    }

    fn members(&mut self, group: &GroupDescription, indent: &str) {
        // One member is tried in any way.
        let how = match (group.members.len(), group.routing) {
            (1, _) => None,
            (_, Routing::Serial) => Some("one after the other"),
            (_, Routing::Parallel) => Some("all at once"),
        };
        if let (Some(how), true) = (how, indent.is_empty()) {
            self.line(indent, how);
        }
        let has_end = group.routing == Routing::Parallel && group.members.len() > 1;
        let last = group.members.len() - usize::from(!group.members.is_empty());
        for (index, member) in group.members.iter().enumerate() {
            let is_last = index == last && !has_end;
            let (branch, below) = match is_last {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            let below = format!("{indent}{below}");
            match member {
                Part::Target(target) => {
                    self.target(target, &format!("{indent}{branch}"), &below);
                }
                Part::Group(inner) => {
                    let how = match inner.routing {
                        Routing::Serial => "one after the other",
                        Routing::Parallel => "all at once",
                    };
                    self.line(&format!("{indent}{branch}"), how);
                    self.members(inner, &below);
                }
            }
        }
        if has_end {
            self.end(group, indent);
        }
    }

    fn end(&mut self, group: &GroupDescription, indent: &str) {
        self.line(
            &format!("{indent}└─ "),
            "when all have ended, the best of their responses decides:",
        );
        for end in &group.ended {
            let rule = match end.rule {
                Rule::GoesOn => "one that goes on",
                Rule::Asks => "one that asks",
                Rule::AsksRedirected => "a 3xx",
                Rule::Stops => "one that stops",
            };
            let then = self.then(&end.then);
            self.line(&format!("{indent}     "), &format!("{rule:<18}→ {then}"));
        }
    }

    fn target(&mut self, target: &TargetDescription, branch: &str, below: &str) {
        let number = self.first.saturating_add(target.target);
        let uri = target
            .uri
            .as_deref()
            .unwrap_or("the Request-URI as it came");
        let at = match target.starts_ms {
            Some(0) => "at once".to_owned(),
            Some(ms) => format!("after {} of silence", seconds(ms)),
            None => "not by silence alone".to_owned(),
        };
        self.line(branch, &format!("{number}. {uri}  ({at})"));
        let below = format!("{below}   ");
        let places = [
            ("by way of", &target.dst_uri),
            ("Route", &target.path),
            ("sent from", &target.socket),
        ];
        for (name, place) in places {
            if let Some(place) = place {
                self.line(&below, &format!("{name} {place}"));
            }
        }
        if let Some(changes) = &target.headers {
            self.headers(changes, &below);
        }
        let (silent, ringing) = (timer(target.no_response), timer(target.no_final));
        let waits = format!("waits {silent} for any response, then {ringing} for a final one");
        self.line(&below, &waits);
        for outcome in &target.outcomes {
            self.outcome(outcome, &below);
        }
    }

    fn outcome(&mut self, outcome: &OutcomeDescription, below: &str) {
        let words = outcome.outcomes.to_string();
        let mut then = self.then(&outcome.then);
        if matches!(outcome.then, Then::Waits { .. }) {
            then.push_str(match outcome.rule {
                Rule::GoesOn => " (goes on)",
                Rule::Asks | Rule::AsksRedirected => " (asks)",
                Rule::Stops => " (stops)",
            });
        }
        self.line(below, &format!("{words:<34} → {then}"));
    }

    fn headers(&mut self, changes: &HeaderChanges, below: &str) {
        for (name, party) in [("From", &changes.from), ("To", &changes.to)] {
            let Some(party) = party else { continue };
            let parts = [
                party.display.clone(),
                party.uri.as_ref().map(|uri| format!("<{uri}>")),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            self.line(below, &format!("= {name}: {}", parts.join(" ")));
        }
        for name in &changes.remove {
            self.line(below, &format!("- {name}"));
        }
        for (name, value) in &changes.set {
            self.line(below, &format!("= {name}: {value}"));
        }
        for (name, value) in &changes.append {
            self.line(below, &format!("+ {name}: {value}"));
        }
        for line in changes.extra.lines() {
            self.line(below, &format!("+ {line}"));
        }
    }

    fn then(&self, then: &Then) -> String {
        match then {
            Then::Starts { targets } => {
                let number = |it: &u16| self.first.saturating_add(*it).to_string();
                let numbers: Vec<String> = targets.iter().map(number).collect();
                format!("next: {}", numbers.join(" and "))
            }
            Then::Waits { .. } => "waits for the others".to_owned(),
            Then::Exhausted if self.has_next => "the routes ran out, see below".to_owned(),
            Then::Exhausted | Then::Stopped => {
                "the end: the caller gets the best response".to_owned()
            }
            Then::Asked { reason } => {
                format!("the application is asked again ({})", word(*reason))
            }
        }
    }

    fn line(&mut self, indent: &str, text: &str) {
        let _ = writeln!(self.text, "{indent}{}", clean(text));
    }
}

fn word(reason: AskReason) -> &'static str {
    match reason {
        AskReason::BranchFailed => "branch_failed",
        AskReason::Exhausted => "exhausted",
        AskReason::New => "new",
        AskReason::Redirected => "redirected",
    }
}

fn timer(timer: Timer) -> String {
    let from = match timer.from {
        TimerSource::Document => "",
        TimerSource::Configuration => " (configured)",
        TimerSource::TimerB => " (Timer B)",
        TimerSource::TimerC => " (Timer C)",
        TimerSource::TimerF => " (Timer F)",
    };
    format!("{}{from}", seconds(timer.ms.into()))
}

fn seconds(ms: u64) -> String {
    let (whole, rest) = (ms / 1000, ms % 1000);
    match rest {
        0 => format!("{whole} s"),
        _ => format!("{whole}.{} s", format!("{rest:03}").trim_end_matches('0')),
    }
}

fn micros(us: u64) -> String {
    match us {
        0..1000 => format!("{us} µs"),
        1000.. => format!("{}.{} ms", us / 1000, us % 1000 / 100),
    }
}

/// What an application wrote has no control over a terminal.
fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

fn clean_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(clean).collect();
    lines.join("\n")
}
