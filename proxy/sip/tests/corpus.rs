//! The torture messages of RFC 4475 and RFC 5118, where `TIDEGATE_CORPUS` names a folder that has
//! them: `rfc4475/*.dat` and `rfc5118/wire/*.sip`, each with an `EXPECT.tsv` that says which
//! outcomes are accepted (F forward, F* forward repaired, D drop, a number an answer).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

use tidegate_sip::{Head, Limits, Name, Scheme, Uri, View, check_request, check_response};

/// One row of `EXPECT.tsv`.
struct Expectation {
    name: String,
    valid: bool,
    accept: Vec<String>,
}

/// What this crate makes of a message.
#[derive(Debug, PartialEq)]
enum Outcome {
    Unreadable,
    Answer(u16),
    Forward,
    Discard,
    Response,
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("TIDEGATE_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: TIDEGATE_CORPUS names no folder");
    }
    folder
}

fn expectations(folder: &Path) -> Vec<Expectation> {
    let table = fs::read_to_string(folder.join("EXPECT.tsv")).unwrap();
    table.lines().skip(1).map(expectation).collect()
}

fn expectation(row: &str) -> Expectation {
    let cells: Vec<_> = row.split('\t').collect();
    Expectation {
        name: cells[0].to_owned(),
        valid: !cells[2].starts_with("invalid"),
        accept: cells[5].split(',').map(str::to_owned).collect(),
    }
}

fn outcome(bytes: &[u8]) -> Outcome {
    let mut head = Head::new();
    if head.parse(bytes, &Limits::default()).is_err() {
        return Outcome::Unreadable;
    }
    let view = head.view(bytes);
    match view.is_request() {
        true => check_request(view)
            .map_or_else(|defect| Outcome::Answer(defect.status), |()| routed(view)),
        false => check_response(view).map_or(Outcome::Discard, |()| Outcome::Response),
    }
}

/// The refusals that follow from values this crate reads, but a proxy decides about.
fn routed(view: View<'_>) -> Outcome {
    if Uri::parse(view.request_uri()).unwrap().scheme == Scheme::Other {
        return Outcome::Answer(416);
    }
    if view.tokens(Name::ProxyRequire).next().is_some() {
        return Outcome::Answer(420);
    }
    match view.max_forwards() {
        Some(Ok(0)) => Outcome::Answer(483),
        _ => Outcome::Forward,
    }
}

fn accepted(expected: &Expectation, outcome: &Outcome) -> bool {
    let accepts = |what: &str| expected.accept.iter().any(|accept| accept == what);
    match outcome {
        _ if accepts("any") => true,
        Outcome::Answer(status) => accepts(&status.to_string()),
        Outcome::Forward => accepts("F"),
        Outcome::Discard => accepts("D") && !expected.valid,
        Outcome::Response => accepts("D") && expected.valid,
        Outcome::Unreadable => false,
    }
}

fn judge(expected: &Expectation, file: &Path, failures: &mut Vec<String>) {
    let outcome = outcome(&fs::read(file).unwrap());
    if !accepted(expected, &outcome) {
        failures.push(format!(
            "{}: {outcome:?}, accepted {:?}",
            file.display(),
            expected.accept
        ));
    }
}

#[test]
fn every_message_of_rfc_4475_is_judged_as_accepted() {
    let Some(folder) = corpus().map(|corpus| corpus.join("rfc4475")) else {
        return;
    };
    let mut failures = Vec::new();
    let expectations = expectations(&folder);
    for expected in &expectations {
        judge(expected, &folder.join(&expected.name), &mut failures);
    }
    assert!(expectations.len() >= 49);
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Where a file has a repaired twin, its own Content-Length is wrong and 400 is right as well.
#[test]
fn every_message_of_rfc_5118_is_judged_as_accepted() {
    let Some(folder) = corpus().map(|corpus| corpus.join("rfc5118")) else {
        return;
    };
    let mut failures = Vec::new();
    let mut expectations = expectations(&folder);
    for expected in &mut expectations {
        let wire = |suffix| {
            folder
                .join("wire")
                .join(format!("{}{suffix}", expected.name))
        };
        let (plain, repaired) = (wire(".sip"), wire(".clfixed.sip"));
        if repaired.exists() {
            judge(expected, &repaired, &mut failures);
            expected.accept.push("400".to_owned());
        }
        judge(expected, &plain, &mut failures);
    }
    assert!(expectations.len() >= 12);
    assert!(failures.is_empty(), "{failures:#?}");
}
