//! What is done outside opening hours.

use serde::Deserialize;
use tidegate_schemas::document::{Outcome, Routing};

use super::Step;
use crate::action::{Action, Reply};
use crate::ask::Ask;
use crate::clock::{Local, Offset, minute_of_day};
use crate::error::SetupError;
use crate::list::List;
use crate::pattern::Pattern;
use crate::target::Target;
use crate::template::UriTemplate;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// One `[[hours]]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    name: String,
    #[serde(default)]
    callee: List<Pattern>,
    #[serde(default)]
    domain: List<String>,
    open: List<Window>,
    #[serde(default)]
    closed_on: List<Date>,
    #[serde(default)]
    offset: Offset,
    targets: Option<Vec<Target>>,
    order: Option<Routing>,
    continue_on: Option<Vec<Outcome>>,
    stop_on: Option<Vec<Outcome>>,
    reply: Option<Reply>,
    redirect: Option<List<UriTemplate>>,
}

/// Opening hours of some callees, and what is done outside them.
#[derive(Debug)]
pub(crate) struct Hours {
    name: String,
    callees: Vec<Pattern>,
    domains: Vec<String>,
    open: Vec<Window>,
    closed_on: Vec<Date>,
    offset: Offset,
    outside: Action,
}

/// `mon-fri 08:00-18:00`; one that ends before it begins ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Window {
    days: [bool; 7],
    from: u16,
    to: u16,
}

/// `12-25` or `2026-12-25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Date {
    year: Option<i64>,
    month: u8,
    day: u8,
}

impl Hours {
    pub(crate) fn load(settings: Settings) -> Result<Self, SetupError> {
        let policy = (settings.order, settings.continue_on, settings.stop_on);
        let outside = Action::new(settings.targets, settings.reply, settings.redirect, policy);
        let outside = outside.and_then(|action| {
            let needs_rest = action
                .templates()
                .iter()
                .any(|template| template.needs_rest());
            match needs_rest {
                true => Err("{rest} belongs to rules with `prefix`"),
                false => Ok(action),
            }
        });
        let outside = outside
            .map_err(|why| SetupError::table("hours", format!("{}: {why}", settings.name)))?;
        let lower = |name: String| name.to_ascii_lowercase();
        Ok(Self {
            name: settings.name,
            callees: settings.callee.0,
            domains: settings.domain.0.into_iter().map(lower).collect(),
            open: settings.open.0,
            closed_on: settings.closed_on.0,
            offset: settings.offset,
            outside,
        })
    }

    pub(crate) fn decide(&self, ask: &mut Ask<'_>) -> Step {
        if !self.concerns(ask) || self.is_open(self.offset.at(ask.now)) || !self.outside.fits(ask) {
            return Step::Next;
        }
        ask.tags
            .insert("closed".to_owned(), self.name.as_str().into());
        Step::done(self.outside.document(ask, ""))
    }

    fn concerns(&self, ask: &Ask<'_>) -> bool {
        let number = ask.number();
        let callee =
            self.callees.is_empty() || self.callees.iter().any(|pattern| pattern.matches(number));
        callee && (self.domains.is_empty() || self.domains.contains(&ask.callee.domain))
    }

    fn is_open(&self, local: Local) -> bool {
        let closed = self.closed_on.iter().any(|date| date.is(local));
        !closed && self.open.iter().any(|window| window.contains(local))
    }
}

impl Window {
    fn contains(&self, local: Local) -> bool {
        let today = usize::from(local.weekday);
        let on = |day: usize| self.days.get(day % 7).copied().unwrap_or_default();
        if self.from < self.to {
            return on(today) && (self.from..self.to).contains(&local.minute);
        }
        (on(today) && local.minute >= self.from) || (on(today + 6) && local.minute < self.to)
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no window like \"mon-fri 08:00-18:00\"");
        let (days, clock) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let (from, to) = clock.trim().split_once('-').ok_or_else(wrong)?;
        let (from, to) = (minute_of_day(from), minute_of_day(to));
        let (from, to) = from
            .zip(to)
            .filter(|(from, to)| from != to)
            .ok_or_else(wrong)?;
        let days = days_of(days).ok_or_else(wrong)?;
        Ok(Self { days, from, to })
    }
}

/// `mon`, `mon-fri`, `sat,sun` or `daily`.
fn days_of(text: &str) -> Option<[bool; 7]> {
    if text == "daily" {
        return Some([true; 7]);
    }
    let place = |name: &str| DAYS.iter().position(|day| *day == name);
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        let length = (last + 7 - first) % 7;
        for day in first..=first + length {
            *days.get_mut(day % 7)? = true;
        }
    }
    Some(days)
}

impl Date {
    fn is(self, local: Local) -> bool {
        self.year.is_none_or(|year| year == local.year)
            && (self.month, self.day) == (local.month, local.day)
    }
}

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let (year, month, day) = match parts.as_slice() {
            [month, day] => (None, *month, *day),
            [year, month, day] => (year.parse().ok(), *month, *day),
            _ => (None, "", ""),
        };
        let month = month.parse().ok().filter(|month| (1..=12).contains(month));
        let day = day.parse().ok().filter(|day| (1..=31).contains(day));
        match (month, day) {
            (Some(month), Some(day)) if (parts.len() == 3) == year.is_some() => {
                Ok(Self { year, month, day })
            }
            _ => Err(format!(
                "{text:?} is no date like \"12-25\" or \"2026-12-25\""
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, Question};

    const HOURS: &str = r#"
        [[hours]]
        name = "support"
        callee = ["+49800*"]
        open = ["mon-fri 08:00-18:00", "sat 22:00-02:00"]
        closed_on = ["12-25", "2026-11-24"]
        offset = "+01:00"
        reply = { code = 480, reason = "Closed" }
    "#;

    /// Monday 2026-11-23 00:00 at +01:00.
    const MONDAY: u64 = 1_795_388_400;

    async fn is_open(day: u64, hour: u64, uri: &str) -> bool {
        let time = MONDAY + day * 86_400 + hour * 3600;
        let question = Question {
            uri,
            time,
            ..Question::default()
        };
        let answer = Fixture::new(HOURS).ask(&question).await;
        match answer["action"].as_str() {
            Some("pass") => true,
            _ => {
                assert_eq!(answer["tags"]["closed"], "support");
                false
            }
        }
    }

    #[tokio::test]
    async fn the_clock_and_the_day_decide() {
        for (day, hour, open) in [
            (0, 7, false),
            (0, 8, true),
            (0, 17, true),
            (0, 18, false),
            (1, 9, false), // a closed date
            (2, 9, true),
            (5, 9, false),
            (5, 23, true),
            (6, 1, true), // the night from Saturday
            (6, 2, false),
            (32, 9, false), // 25 December
        ] {
            assert_eq!(
                is_open(day, hour, "sip:+498001@h").await,
                open,
                "{day} {hour}"
            );
        }
        assert!(is_open(6, 12, "sip:+49301@h").await, "another callee");
    }

    #[test]
    fn what_is_no_window_or_date_is_shown_where_it_stands() {
        for (key, value, line) in [
            (
                "open = [\"mon-fri 08:00-18:00\", \"sat 22:00-02:00\"]",
                "open = \"mon 8-18\"",
                5,
            ),
            (
                "open = [\"mon-fri 08:00-18:00\", \"sat 22:00-02:00\"]",
                "open = \"xyz 08:00-09:00\"",
                5,
            ),
            (
                "closed_on = [\"12-25\", \"2026-11-24\"]",
                "closed_on = \"13-01\"",
                6,
            ),
            ("offset = \"+01:00\"", "offset = \"CET\"", 7),
        ] {
            let error = Fixture::new(&HOURS.replace(key, value)).refused();
            assert!(error.contains(&format!("line {line}")), "{error}");
        }
        let error = Fixture::new(&HOURS.replace("reply =", "# reply =")).refused();
        assert!(error.contains("[hours]: support: one of"), "{error}");
    }
}
