//! The routing applications in `examples/`, made ready to run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::binary::root;

/// The language of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `examples/go`
    Go,
    /// `examples/node`
    Node,
    /// `examples/python`
    Python,
}

impl Language {
    /// Its folder in `examples/`, and the default `--name` of its application.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Node => "node",
            Self::Python => "python",
        }
    }

    /// Runs its application; what the README calls `npm ci`, `pip install` and `go build` is done.
    pub(crate) fn command(self) -> Command {
        match self {
            Self::Go => Command::new(go()),
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(node().join("router.js"));
                command
            }
            Self::Python => {
                let mut command = Command::new("python3");
                command.arg(example("python").join("router.py"));
                command.env("PYTHONPATH", python());
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
        }
    }
}

fn node() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = example("node");
        once("node", &folder.join("node_modules/ws"), || {
            let mut npm = Command::new("npm");
            npm.args(["ci", "--silent", "--no-audit", "--no-fund"]);
            npm.current_dir(&folder);
            npm
        });
        folder
    })
}

fn python() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let packages = kept().join("python");
        once("python", &packages.join("websockets"), || {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--target"]);
            pip.arg(&packages).arg("--requirement");
            pip.arg(example("python").join("requirements.txt"));
            pip
        });
        packages
    })
}

/// Go knows itself what has to be built again. A program that runs can't be written over, so each
/// process has its own.
fn go() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let programs = kept().join("go");
        std::fs::create_dir_all(&programs).unwrap();
        for old in std::fs::read_dir(&programs).unwrap().flatten() {
            if !Path::new("/proc").join(old.file_name()).exists() {
                let _ = std::fs::remove_file(old.path());
            }
        }
        let program = programs.join(std::process::id().to_string());
        let mut build = Command::new("go");
        build.arg("build").arg("-o").arg(&program);
        run(build.current_dir(example("go")));
        program
    })
}

/// Runs what `command` gives unless `result` is there, one process at a time.
fn once(name: &str, result: &Path, command: impl FnOnce() -> Command) {
    let lock = File::create(kept().join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if !result.exists() {
        run(&mut command());
    }
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let program = command.get_program().to_string_lossy().into_owned();
    let done = done.unwrap_or_else(|error| panic!("{program}: {error}; see tests/run tools"));
    assert!(done.success(), "{command:?} failed");
}

fn example(name: &str) -> PathBuf {
    root().join("examples").join(name)
}

/// Beside the test binaries, so that it is made once and goes with `cargo clean`.
fn kept() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap().join("examples-of-tests");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
