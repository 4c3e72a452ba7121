//! Names of full files: `decisions.jsonl` becomes `decisions-20261123T081500Z.jsonl`, by the time of
//! its last line, so that names sort as their lines do.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `20261123T081500Z`.
const STAMP: usize = 16;

/// The full files beside one that is written.
#[derive(Debug)]
pub(super) struct Rotated {
    folder: PathBuf,
    /// `decisions-`
    before: OsString,
    /// `.jsonl`
    after: OsString,
    /// The time in the last name that was given.
    last: Option<SystemTime>,
}

impl Rotated {
    pub(super) fn of(path: &Path) -> Self {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let mut before = path.file_stem().unwrap_or_default().to_owned();
        before.push("-");
        let mut after = OsString::new();
        if let Some(extension) = path.extension() {
            after.push(".");
            after.push(extension);
        }
        Self {
            folder: folder.unwrap_or_else(|| Path::new(".")).to_owned(),
            before,
            after,
            last: None,
        }
    }

    /// Gives the file the name of its time, or of the next second that is free. No name sorts before
    /// one that was given earlier, whatever becomes of the files and the clock.
    pub(super) fn move_away(&mut self, path: &Path, time: SystemTime) -> io::Result<()> {
        let second = Duration::from_secs(1);
        let mut time = self.last.map_or(time, |last| time.max(last + second));
        while self.at(time).try_exists()? {
            time += second;
        }
        fs::rename(path, self.at(time))?;
        self.last = Some(time);
        Ok(())
    }

    /// Removes the oldest; tells about one that can't be.
    pub(super) fn clean(&self, keep: Option<usize>, keep_bytes: Option<u64>) -> io::Result<()> {
        if keep.is_none() && keep_bytes.is_none() {
            return Ok(());
        }
        let mut bytes = 0_u64;
        let mut outcome = Ok(());
        for (i, path) in self.all()?.into_iter().rev().enumerate() {
            bytes = bytes.saturating_add(path.metadata().map_or(0, |it| it.len()));
            let is_too_many = keep.is_some_and(|keep| i >= keep);
            if is_too_many || keep_bytes.is_some_and(|most| bytes > most) {
                let removed = remove(&path);
                outcome = outcome.and(removed);
            }
        }
        outcome
    }

    /// In the order of their times.
    pub(super) fn all(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in self.folder.read_dir()? {
            let name = entry?.file_name();
            if self.is_one(&name) {
                found.push(self.folder.join(name));
            }
        }
        found.sort();
        Ok(found)
    }

    fn at(&self, time: SystemTime) -> PathBuf {
        let mut name = self.before.clone();
        name.push(stamp(time));
        name.push(&self.after);
        self.folder.join(name)
    }

    fn is_one(&self, name: &OsStr) -> bool {
        let name = name.as_encoded_bytes();
        let rest = name.strip_prefix(self.before.as_encoded_bytes());
        let rest = rest.and_then(|rest| rest.strip_suffix(self.after.as_encoded_bytes()));
        rest.is_some_and(is_stamp)
    }
}

/// Somebody else may have done so before.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Since 1970.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs())
}

fn is_stamp(text: &[u8]) -> bool {
    let fits = |(i, byte): (usize, &u8)| match i {
        8 => *byte == b'T',
        15 => *byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    text.len() == STAMP && text.iter().enumerate().all(fits)
}

/// ISO 8601, basic format, in UTC.
fn stamp(time: SystemTime) -> String {
    let seconds = seconds(time);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The Gregorian date of a day since 1970-01-01. Years begin in March here, so that a leap day is
/// the last day of one.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn names_say_the_time() {
        assert_eq!(stamp(at(0)), "19700101T000000Z");
        assert_eq!(stamp(at(951_782_399)), "20000228T235959Z");
        assert_eq!(stamp(at(951_782_400)), "20000229T000000Z");
        assert_eq!(stamp(at(1_795_421_700)), "20261123T081500Z");
        assert_eq!(stamp(at(4_107_542_399)), "21000228T235959Z");
        assert_eq!(stamp(at(4_107_542_400)), "21000301T000000Z");
    }

    #[test]
    fn only_names_of_this_form_are_taken_for_rotated_files() {
        let rotated = Rotated::of(Path::new("decisions.jsonl"));
        let is_one = |name: &str| rotated.is_one(OsStr::new(name));
        assert!(is_one("decisions-20261123T081500Z.jsonl"));
        for other in [
            "decisions.jsonl",
            "decisions-.jsonl",
            "decisions-20261123T081500Z.jsonl.gz",
            "decisions-20261123T08150aZ.jsonl",
            "decisions-20261123T081500Z",
            "other-20261123T081500Z.jsonl",
        ] {
            assert!(!is_one(other), "{other}");
        }
    }

    #[test]
    fn a_name_that_is_taken_yields_the_next_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.jsonl");
        let mut rotated = Rotated::of(&path);
        for _ in 0..3 {
            fs::write(&path, "x").unwrap();
            rotated.move_away(&path, at(1_795_421_700)).unwrap();
        }
        let names = rotated.all().unwrap();
        let names = names.iter().map(|it| it.file_name().unwrap().to_str());
        let wanted = ["00", "01", "02"].map(|s| format!("d-20261123T0815{s}Z.jsonl"));
        assert!(names.eq(wanted.iter().map(|it| Some(it.as_str()))));
    }
}
