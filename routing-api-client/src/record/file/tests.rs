//! What stands in which file, whatever happens to them.

mod faults;
mod rotation;

use std::cell::Cell;
use std::fs;

use tempfile::TempDir;

use super::super::sink::Queue;
use super::name::seconds;
use super::*;

/// 2026-11-23 08:15:00 UTC.
const MORNING: u64 = 1_795_421_700;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(MORNING) };
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.get())
}

/// A recording in a folder of its own, whose clock stands.
struct Place {
    folder: TempDir,
    files: Files,
    port: Port,
}

impl Place {
    fn new(change: impl FnOnce(&mut FileSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = FileSettings {
            path: folder.path().join("d.jsonl"),
            rotate_bytes: None,
            rotate: None,
            keep: None,
            keep_bytes: None,
            queue_bytes: 1 << 20,
        };
        change(&mut settings);
        Self {
            files: files(settings),
            folder,
            port: Port::new("file", Queue::new(1 << 20)),
        }
    }

    fn path(&self) -> PathBuf {
        self.files.settings.path.clone()
    }

    /// Writes all lines, or gives those that are left and why.
    fn try_write(&mut self, texts: &[&str]) -> Result<(), (Vec<String>, String)> {
        let mut lines = texts
            .iter()
            .map(|text| Bytes::from(text.to_string()))
            .collect();
        self.files.write(&mut lines, &self.port).map_err(|why| {
            let left = lines.iter().map(|line| text(line));
            (left.collect(), why)
        })
    }

    fn write(&mut self, texts: &[&str]) {
        assert_eq!(self.try_write(texts), Ok(()));
    }

    /// What a sink without lines does each second.
    fn idle(&mut self) {
        self.files.looked = Instant::now().checked_sub(LOOK).unwrap();
        self.write(&[]);
    }

    fn written(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// Names and texts of full files, as they sort.
    fn full(&self) -> Vec<(String, String)> {
        let all = self.files.rotated.all().unwrap().into_iter();
        let read = |path: PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            (name.to_owned(), fs::read_to_string(&path).unwrap())
        };
        all.map(read).collect()
    }
}

fn files(settings: FileSettings) -> Files {
    let mut files = Files::new(settings);
    files.clock = now;
    files
}

fn text(line: &[u8]) -> String {
    String::from_utf8(line.to_vec()).unwrap()
}

#[test]
fn each_line_is_a_line_of_the_file_in_its_order() {
    let mut place = Place::new(|_| {});
    place.write(&["{\"a\":1}", "{\"b\":2}"]);
    place.idle();
    place.write(&["{\"c\":3}"]);
    assert_eq!(place.written(), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
}

#[test]
fn a_file_that_is_there_is_gone_on_with() {
    let mut place = Place::new(|_| {});
    fs::write(place.path(), "{\"type\":1}\n").unwrap();
    place.write(&["b"]);
    assert_eq!(place.written(), "{\"type\":1}\nb\n");
}

#[test]
fn only_its_owner_and_group_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;

    let mut place = Place::new(|_| {});
    place.write(&["a"]);
    let mode = place.path().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
    assert_eq!(mode & 0o777 & !0o640, 0, "{mode:o}");
}
