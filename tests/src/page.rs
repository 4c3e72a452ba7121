//! Pages of the documentation, run as they are printed.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::binary::{binary, root};

/// Runs `tests/page` on this page, which finds the binaries under test; fails where the page is wrong.
pub fn run_page(page: &str) {
    let programs = tempfile::tempdir().unwrap();
    for name in ["tidegate", "reference-router"] {
        symlink(binary(name), programs.path().join(name)).unwrap();
    }
    let done = Command::new("python3")
        .arg(root().join("tests/page"))
        .arg(root().join(page))
        .env("TIDEGATE_PROGRAMS", programs.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .expect("python3");
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complained}");
}
