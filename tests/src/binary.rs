//! Where the binary under test is, and how children are spoken to.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The binary of package `name`: as the environment says (`TIDEGATE_BIN` for `tidegate`), else built
/// in the profile of this test.
pub(crate) fn binary(name: &str) -> PathBuf {
    let variable = format!("{}_BIN", name.to_uppercase().replace('-', "_"));
    std::env::var_os(variable).map_or_else(|| built().join(name), PathBuf::from)
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let done = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status();
    assert!(
        done.expect("the kill command").success(),
        "can't send SIG{name}"
    );
}

/// Waits for a child's end; `None` when it takes longer.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> Option<std::process::ExitStatus> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.ancestors().nth(2).unwrap();
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(other) => other,
        };
        let build = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--profile",
                profile,
                "-p",
                "tidegate",
                "-p",
                "reference-router",
            ])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(root())
            .status();
        assert!(build.expect("cargo").success(), "the binaries do not build");
        folder.to_owned()
    })
}
