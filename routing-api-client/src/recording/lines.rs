//! Lines of a file, each of a bounded length.

use std::io::{self, BufRead, Read};

/// No line is longer: events are bounded by the size of a SIP message.
const LONGEST: u64 = 16 * 1024 * 1024;

pub(super) struct Lines<R> {
    from: R,
    number: u64,
    bytes: u64,
}

pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    /// Without its end; or why it can't be read.
    pub(super) text: Result<String, String>,
    /// Whether the file ends without an end of this line.
    pub(super) is_cut_off: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            number: 0,
            bytes: 0,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes
    }

    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let read = self.take_until_newline(&mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let is_cut_off = bytes.last() != Some(&b'\n');
        let text = if is_cut_off && read >= LONGEST {
            self.skip_line()?;
            Err(format!("longer than {LONGEST} bytes"))
        } else if is_cut_off {
            Ok(String::from_utf8_lossy(&bytes).trim_ascii().to_owned())
        } else {
            let text = str::from_utf8(bytes.trim_ascii());
            text.map(str::to_owned).map_err(|error| error.to_string())
        };
        Ok(Some(Line {
            number: self.number,
            text,
            is_cut_off,
        }))
    }

    fn take_until_newline(&mut self, bytes: &mut Vec<u8>) -> io::Result<u64> {
        let mut part = Read::take(&mut self.from, LONGEST);
        let read = part.read_until(b'\n', bytes)? as u64;
        self.bytes += read;
        Ok(read)
    }

    fn skip_line(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        while self.take_until_newline(&mut bytes)? > 0 && bytes.last() != Some(&b'\n') {
            bytes.clear();
        }
        Ok(())
    }
}
