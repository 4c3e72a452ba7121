//! The file that is open.

use std::collections::vec_deque;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;

/// Others than owner and group do not read who called whom.
const MODE: u32 = 0o640;

/// How far back the beginning of a line that a crash cut off is looked for.
const TAIL: u64 = 16 << 20;

/// How lines begin.
const BEGINNING: &[u8] = b"{\"type\":";

/// A file that only ever holds whole lines.
#[derive(Debug)]
pub(super) struct Output {
    file: File,
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    size: u64,
    written: SystemTime,
    buffer: Vec<u8>,
}

impl Output {
    /// Opens the file to go on with it, or makes one.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if path.metadata().is_ok_and(|it| !it.is_file()) {
            return Err(io::Error::other("is no regular file"));
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(MODE);
        let mut file = options.open(path)?;
        lock(&file)?;
        mend(&mut file)?;
        let metadata = file.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino()),
            size: metadata.len(),
            written: metadata.modified()?,
            buffer: Vec::new(),
            file,
        })
    }

    /// Bytes in it.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// When its last line was written.
    pub(super) fn written(&self) -> SystemTime {
        self.written
    }

    /// The same, if its name still names it. Somebody may have emptied it.
    pub(super) fn in_place(mut self) -> Option<Self> {
        let found = self.path.metadata().ok()?;
        self.size = found.len();
        ((found.dev(), found.ino()) == self.identity).then_some(self)
    }

    /// Appends lines with as few system calls as the system allows; how many are written, also after
    /// a failure. After one, it is to be opened again.
    pub(super) fn append(
        &mut self,
        lines: vec_deque::Iter<'_, Bytes>,
        now: SystemTime,
    ) -> (usize, io::Result<()>) {
        self.buffer.clear();
        for line in lines.clone() {
            self.buffer.extend_from_slice(line);
            self.buffer.push(b'\n');
        }
        let (bytes, outcome) = write(&mut self.file, &self.buffer);
        self.size += bytes as u64;
        if bytes > 0 {
            self.written = now;
        }
        let Err(error) = outcome else {
            return (lines.len(), Ok(()));
        };
        let whole = self.buffer.get(..bytes).unwrap_or_default();
        let whole = memchr::memrchr(b'\n', whole).map_or(0, |end| end + 1);
        let outcome = self.cut(bytes - whole).and(Err(error));
        let mut end = 0;
        let is_whole = |line: &&Bytes| {
            end += line.len() + 1;
            end <= whole
        };
        (lines.take_while(is_whole).count(), outcome)
    }

    /// Takes the last bytes away again: the beginning of a line.
    fn cut(&self, bytes: usize) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let size = self.file.metadata()?.len();
        self.file.set_len(size.saturating_sub(bytes as u64))
    }
}

fn write(file: &mut File, mut bytes: &[u8]) -> (usize, io::Result<()>) {
    let all = bytes.len();
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return (all - bytes.len(), Err(io::ErrorKind::WriteZero.into())),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (all - bytes.len(), Err(error)),
        }
    }
    (all, Ok(()))
}

/// Two that write to one file would rotate it under each other.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process writes to it")),
        // Some file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Takes away the beginning of a line that a crash left, so that what follows can be read.
fn mend(file: &mut File) -> io::Result<()> {
    let size = file.metadata()?.len();
    let from = size.saturating_sub(1);
    if size == 0 || read(file, from)? == b"\n" {
        return Ok(());
    }
    let from = size.saturating_sub(TAIL);
    let tail = read(file, from)?;
    let start = memchr::memrchr(b'\n', &tail).map_or(0, |end| end + 1);
    let rest = tail.get(start..).unwrap_or_default();
    if (start > 0 || from == 0) && (rest.starts_with(BEGINNING) || BEGINNING.starts_with(rest)) {
        return file.set_len(from + start as u64);
    }
    file.write_all(b"\n")
}

fn read(file: &mut File, from: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Writes somewhere else than into a regular file.
    fn output(file: File) -> Output {
        Output {
            file,
            path: PathBuf::new(),
            identity: (0, 0),
            size: 0,
            written: SystemTime::UNIX_EPOCH,
            buffer: Vec::new(),
        }
    }

    #[test]
    fn a_full_disk_takes_no_line_and_says_so() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut output = output(full);
        let lines = VecDeque::from(["a", "b"].map(Bytes::from));
        let (written, outcome) = output.append(lines.range(..), SystemTime::now());
        assert_eq!((written, output.size()), (0, 0));
        assert_eq!(output.written(), SystemTime::UNIX_EPOCH);
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn lines_that_are_whole_before_a_failure_are_written() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        writer.set_nonblocking(true).unwrap();
        let mut output = output(File::from(OwnedFd::from(writer)));
        let line = Bytes::from(vec![b'x'; 4999]);
        let lines = VecDeque::from(vec![line; 1000]);
        let (written, outcome) = output.append(lines.range(..), SystemTime::now());
        assert!(outcome.is_err());
        drop(output);
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert!(written > 0 && written < 1000);
        assert_eq!(written, bytes.len() / 5000);
    }
}
