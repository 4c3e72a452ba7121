//! The examples' own tests, in node.js and Python: their routing functions on recorded decisions, and
//! the comparison of documents on the same vectors as `tidegate replay`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;

/// Runs it in the folder of an example; gives what it said.
fn run(example: &str, program: &str, arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(program);
    command.args(arguments);
    command.current_dir(root.join("examples").join(example));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    // Set by a test runner around this one, it would make this one report to it.
    command.env_remove("NODE_TEST_CONTEXT");
    let done = command.output().expect("see tests/run tools");
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let said = said.concat();
    assert!(done.status.success(), "{said}");
    said
}

#[test]
fn a_routing_function_in_node_decides_as_recorded() {
    let said = run("node", "node", &["--test"]);
    assert!(said.contains("it decides as recorded"), "{said}");
    assert!(
        said.contains("a difference says what was expected"),
        "{said}"
    );
}

#[test]
fn a_routing_function_in_python_decides_as_recorded() {
    let said = run("python", "python3", &["-m", "unittest", "--verbose"]);
    assert!(said.contains("test_it_decides_as_recorded"), "{said}");
    assert!(
        said.contains("test_each_gives_the_differences_that_it_names"),
        "{said}"
    );
}
