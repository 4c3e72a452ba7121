//! Random numbers for one start of the proxy.

use std::fs::File;
use std::io::{self, Read};

/// What keys branches and tags.
pub(crate) fn key() -> io::Result<[u8; 16]> {
    bytes()
}

/// What makes consultation ids differ from those of the last start.
pub(crate) fn instance() -> io::Result<u32> {
    bytes().map(u32::from_ne_bytes)
}

fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
