//! Which files a recording consists of, and in which order.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::lines::Lines;
use super::{RecordingError, unreadable};

/// Lines at the beginning of a file that are looked at for a time.
const MOST_LOOKS: usize = 16;

/// All files, in the order in which they were written.
pub(super) fn in_order_of_time<P: AsRef<Path>>(
    paths: &[P],
) -> Result<Vec<PathBuf>, RecordingError> {
    let mut files = Vec::new();
    for path in paths {
        add(path.as_ref(), &mut files)?;
    }
    files.sort();
    files.dedup();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn add(path: &Path, files: &mut Vec<(u64, PathBuf)>) -> Result<(), RecordingError> {
    let wrong = |error| unreadable(path, error);
    if !fs::metadata(path).map_err(wrong)?.is_dir() {
        let begun = begins(path).map_err(wrong)?;
        files.push((begun.unwrap_or(0), path.to_path_buf()));
        return Ok(());
    }
    let before = files.len();
    for file in fs::read_dir(path).map_err(wrong)? {
        let file = file.map_err(wrong)?.path();
        if file.is_file()
            && let Some(begun) = begins(&file).map_err(|error| unreadable(&file, error))?
        {
            files.push((begun, file));
        }
    }
    if files.len() == before {
        let nothing = "no file in this folder has lines of a recording";
        return Err(wrong(io::Error::new(io::ErrorKind::NotFound, nothing)));
    }
    Ok(())
}

/// The time of the first line that has one; nothing where this is no recording.
fn begins(path: &Path) -> io::Result<Option<u64>> {
    #[derive(Deserialize)]
    struct Time {
        time_ms: u64,
    }
    let mut lines = Lines::new(BufReader::new(File::open(path)?));
    for _ in 0..MOST_LOOKS {
        let Some(line) = lines.next_line()? else {
            return Ok(None);
        };
        let text = line.text.unwrap_or_default();
        if let Ok(Time { time_ms }) = serde_json::from_str(&text) {
            return Ok(Some(time_ms));
        }
    }
    Ok(None)
}
