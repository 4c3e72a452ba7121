//! Dates and weekdays at a fixed distance from UTC.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;

/// A moment as a clock on the wall shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Local {
    /// Monday is 0.
    pub(crate) weekday: u8,
    /// Since midnight.
    pub(crate) minute: u16,
    pub(crate) year: i64,
    pub(crate) month: u8,
    pub(crate) day: u8,
}

/// Distance from UTC: `+01:00`, `-05:30` or `Z`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Offset {
    minutes: i64,
}

impl TryFrom<String> for Offset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no offset like \"+01:00\" or \"Z\"");
        if text == "Z" {
            return Ok(Self::default());
        }
        let (sign, clock) = match text.split_at_checked(1) {
            Some(("+", clock)) => (1, clock),
            Some(("-", clock)) => (-1, clock),
            _ => return Err(wrong()),
        };
        let minutes = minute_of_day(clock).filter(|minutes| *minutes <= 14 * 60);
        let minutes = minutes.ok_or_else(wrong)?;
        Ok(Self {
            minutes: sign * i64::from(minutes),
        })
    }
}

/// Minutes since midnight of `08:30`, up to `24:00`.
pub(crate) fn minute_of_day(clock: &str) -> Option<u16> {
    let (hour, minute) = clock.split_once(':')?;
    let number = |text: &str| {
        (text.len() == 2)
            .then(|| text.parse::<u16>().ok())
            .flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (hour <= 24 && minute < 60 && minutes <= 24 * 60).then_some(minutes)
}

impl Offset {
    /// What a clock there shows.
    pub(crate) fn at(self, time: SystemTime) -> Local {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or_default() + self.minutes * 60;
        let days = seconds.div_euclid(DAY);
        let (year, month, day) = date(days);
        Local {
            // 1970-01-01 was a Thursday.
            weekday: narrow((days + 3).rem_euclid(7)),
            minute: u16::try_from(seconds.rem_euclid(DAY) / 60).unwrap_or_default(),
            year,
            month,
            day,
        }
    }
}

/// The date of a day counted from 1970-01-01, by the cycle of 400 years that begins on a first of
/// March.
fn date(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + cycle * 400 + i64::from(month <= 2);
    (year, narrow(month), narrow(day))
}

fn narrow(number: i64) -> u8 {
    u8::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn local(seconds: u64, offset: &str) -> Local {
        let offset: Offset = offset.parse().unwrap();
        offset.at(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn a_moment_has_its_date_weekday_and_minute() {
        for (seconds, offset, weekday, minute, date) in [
            (0, "Z", 3, 0, (1970, 1, 1)),
            (951_825_600, "Z", 1, 12 * 60, (2000, 2, 29)),
            (1_798_761_599, "Z", 3, 23 * 60 + 59, (2026, 12, 31)),
            (1_798_761_599, "+01:00", 4, 59, (2027, 1, 1)),
            (1_798_761_600, "-05:30", 3, 18 * 60 + 30, (2026, 12, 31)),
        ] {
            let local = local(seconds, offset);
            assert_eq!(
                (local.weekday, local.minute),
                (weekday, minute),
                "{seconds}"
            );
            assert_eq!((local.year, local.month, local.day), date, "{seconds}");
        }
    }

    #[test]
    fn what_is_no_offset_or_time_is_refused() {
        for offset in ["", "1", "01:00", "+1:00", "+15:00", "+01:60", "é"] {
            assert!(offset.parse::<Offset>().is_err(), "{offset}");
        }
        assert_eq!(minute_of_day("24:00"), Some(1440));
        for time in ["24:01", "25:00", "8:00", "08", "08:60"] {
            assert_eq!(minute_of_day(time), None, "{time}");
        }
    }
}
