//! `tidegate check-router`: it finds what is wrong with an application, and nothing else.
//!
//! `TIDEGATE_BLESS=1` writes the table of checks to `docs/check-router.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_tests::scripted::{Defect, Scripted, Verdict, tidegate};
use tidegate_tests::{Language, Router, free_port};

/// Long enough for machines under load, and too short for [`Defect::AnswersLate`].
fn deadline(defect: Option<Defect>) -> &'static str {
    match defect {
        Some(Defect::AnswersLate) => "500",
        _ => "2000",
    }
}

fn check(defect: Option<Defect>, more: &[&str]) -> Verdict {
    let scripted = Scripted::start(defect);
    let url = scripted.url();
    let mut arguments = vec![
        &*url,
        "--framing",
        "lines",
        "--timeout-ms",
        deadline(defect),
    ];
    arguments.extend(more);
    Verdict::of(&arguments)
}

#[test]
fn an_application_without_a_defect_has_no_finding() {
    let began = Instant::now();
    let verdict = check(None, &["--strict"]);
    assert_eq!(verdict.names("broken"), [""; 0], "{:#?}", verdict.broken());
    assert_eq!(verdict.code, Some(0), "{}", verdict.complaint);
    assert!(verdict.names("kept").len() > 20, "{:#}", verdict.report);
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// The check that finds it, and where in the document.
fn found_by(defect: Defect) -> (&'static str, Option<&'static str>) {
    match defect {
        Defect::WrongId => ("answers.id", Some("/id")),
        Defect::AnswersTwice => ("answers.once", None),
        Defect::AnswersLate => ("answers.answered", None),
        Defect::SetsVia => ("answers.honoured", Some("/routes/0/headers/set/Via")),
        Defect::BreaksHeader => ("answers.honoured", Some("/routes/0/headers/set/X-Note")),
        Defect::BadUri => ("answers.honoured", Some("/routes/0/uri")),
        Defect::ClosesOnUnknownKey => ("unknown.keys", None),
        Defect::ClosesOnUnknownType => ("unknown.type", None),
        Defect::NeverPongs => ("ping.pong", None),
        Defect::MixesUp => ("bursts.mixed", None),
        Defect::StopsAfterCancelled => ("cancelled.open", None),
        Defect::ChokesOnLarge => ("large.event", None),
        Defect::ChokesOnPieces => ("large.pieces", None),
        Defect::DropsOnDrain => ("drain.in-flight", None),
        Defect::IgnoresRepeats => ("calls.repeat", None),
        Defect::ClosesOnError => ("noise.error", None),
    }
}

/// Whether the finding can show a document.
fn has_document(defect: Defect) -> bool {
    matches!(
        defect,
        Defect::WrongId
            | Defect::AnswersTwice
            | Defect::AnswersLate
            | Defect::SetsVia
            | Defect::BreaksHeader
            | Defect::BadUri
            | Defect::MixesUp
    )
}

#[test]
fn each_planted_defect_is_found_by_its_check_and_by_no_other() {
    let complaints: Vec<_> = Defect::ALL.chunks(4).flat_map(complaints).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Some at once, as most of the time is spent waiting.
fn complaints(defects: &[Defect]) -> Vec<String> {
    std::thread::scope(|scope| {
        let tries = defects
            .iter()
            .map(|defect| scope.spawn(|| complaint(*defect)));
        let tries: Vec<_> = tries.collect();
        let ended = tries.into_iter().map(|it| it.join().unwrap());
        ended.flatten().collect()
    })
}

fn complaint(defect: Defect) -> Option<String> {
    let verdict = check(Some(defect), &[]);
    let (name, pointer) = found_by(defect);
    let broken = verdict.broken();
    let [only] = broken.as_slice() else {
        return Some(format!(
            "{defect:?}: {:?}\n{:#}",
            verdict.names("broken"),
            Value::from_iter(broken.into_iter().cloned())
        ));
    };
    let finding = &only["findings"][0];
    let says_all = only["rule"].as_str().is_some_and(|it| !it.is_empty())
        && only["place"]
            .as_str()
            .is_some_and(|it| it.starts_with("docs/") || it.starts_with("RFC"))
        && finding["sent"].is_object()
        && finding["came"]["routes"].is_array() == has_document(defect)
        && pointer.is_none_or(|pointer| finding["pointer"] == pointer);
    let fine = only["name"] == name && verdict.code == Some(1) && says_all;
    (!fine).then(|| format!("{defect:?}, code {:?}: {only:#}", verdict.code))
}

#[test]
fn whoever_says_nothing_or_never_ends_is_found_out_soon() {
    let silent = server(|_| {});
    let flood = server(|stream| while stream.write_all(&[b'x'; 65536]).is_ok() {});
    let endless = server(|stream| while stream.write_all(b"{\"type\":\"ping\"}\n").is_ok() {});
    for address in [silent, flood, endless] {
        let began = Instant::now();
        let url = format!("tcp://{address}");
        let verdict = Verdict::of(&[&url, "--framing", "lines", "--timeout-ms", "300"]);
        assert_eq!(
            verdict.names("broken"),
            ["hello.first"],
            "{:#}",
            verdict.report
        );
        assert_eq!(verdict.code, Some(1));
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

/// Does `deed` with each connection, and keeps it open.
fn server(deed: fn(&mut std::net::TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            deed(&mut stream);
            kept.push(stream);
        }
    });
    address
}

#[test]
fn an_application_that_is_not_there_is_no_finding() {
    let url = format!("tcp://127.0.0.1:{}", free_port());
    let verdict = Verdict::of(&[&url]);
    assert_eq!(verdict.code, Some(3), "{}", verdict.complaint);
    assert!(
        verdict.complaint.contains("refused"),
        "{}",
        verdict.complaint
    );
}

/// How an example and the kit find each other.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The example dials in.
    Awaited(&'static str),
    /// The kit dials, or posts.
    Dialled(&'static str),
}

const TOKEN: &str = "not-for-strangers";

/// Runs the kit while `start` starts an application for this address.
fn tried(way: Way, start: impl FnOnce(&str) -> Router) -> Verdict {
    let place = format!("127.0.0.1:{}", free_port());
    let (scheme, listens) = match way {
        Way::Awaited(scheme) => (scheme, true),
        Way::Dialled(scheme) => (scheme, false),
    };
    let url = format!("{scheme}://{place}");
    let mut arguments = vec![&*url, "--token", TOKEN, "--strict", "--timeout-ms", "8000"];
    if listens {
        arguments.insert(0, "--listen");
    }
    std::thread::scope(|scope| {
        let kit = scope.spawn(|| until_it_is_reached(&arguments));
        let _application = start(&place);
        kit.join().unwrap()
    })
}

/// Building an example takes its time.
fn until_it_is_reached(arguments: &[&str]) -> Verdict {
    for _ in 0..5 {
        let verdict = Verdict::of(arguments);
        if verdict.code != Some(3) {
            return verdict;
        }
    }
    Verdict::of(arguments)
}

fn assert_good(verdict: &Verdict) {
    assert_eq!(verdict.names("broken"), [""; 0], "{:#?}", verdict.broken());
    assert_eq!(verdict.code, Some(0), "{}", verdict.complaint);
    assert!(
        verdict.names("kept").contains(&"bursts.answered"),
        "{:#}",
        verdict.report
    );
}

macro_rules! examples {
    ($($name:ident: $language:ident, $way:expr, $arguments:expr;)*) => { $(
        #[test]
        fn $name() {
            let verdict = tried($way, |place| {
                let [channel, option, scheme] = $arguments;
                let place = format!("{scheme}{place}");
                Router::example_in(Language::$language, &[channel, option, &place], TOKEN)
            });
            assert_good(&verdict);
        }
    )* };
}

examples! {
    node_over_tcp_has_no_finding: Node, Way::Awaited("tcp"), ["tcp", "--proxy", ""];
    node_over_websocket_has_no_finding: Node, Way::Awaited("ws"), ["websocket", "--proxy", "ws://"];
    node_over_websocket_dialled_has_no_finding: Node, Way::Dialled("ws"), ["websocket", "--listen", ""];
    node_over_http_has_no_finding: Node, Way::Dialled("http"), ["http", "--listen", ""];
    python_over_tcp_has_no_finding: Python, Way::Awaited("tcp"), ["tcp", "--proxy", ""];
    python_over_websocket_has_no_finding: Python, Way::Awaited("ws"), ["websocket", "--proxy", "ws://"];
    python_over_http_has_no_finding: Python, Way::Dialled("http"), ["http", "--listen", ""];
    go_over_tcp_has_no_finding: Go, Way::Awaited("tcp"), ["tcp", "--proxy", ""];
    go_over_http_has_no_finding: Go, Way::Dialled("http"), ["http", "--listen", ""];
}

#[test]
fn the_reference_router_has_no_finding_on_any_channel() {
    for (way, option, scheme) in [
        (Way::Awaited("tcp"), "--proxy", ""),
        (Way::Awaited("ws"), "--proxy", "ws://"),
        (Way::Dialled("tcp"), "--listen-tcp", ""),
        (Way::Dialled("ws"), "--listen", ""),
        (Way::Dialled("http"), "--listen", ""),
    ] {
        let verdict = tried(way, |place| {
            Router::reference_at(option, &format!("{scheme}{place}"), TOKEN)
        });
        assert_good(&verdict);
    }
}

#[test]
fn the_documentation_lists_every_check() {
    let list = tidegate(&["check-router", "--list", "--json"]);
    let checks: Vec<Value> = serde_json::from_str(&list).unwrap();
    let mut table =
        String::from("| check | | the rule | stated in | what to do |\n|---|---|---|---|---|\n");
    for check in &checks {
        let cell = |key: &str| check[key].as_str().unwrap().replace('|', "\\|");
        let cells = ["severity", "rule", "place", "remedy"].map(cell);
        table += &format!("| `{}` | {} |\n", cell("name"), cells.join(" | "));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/check-router.md");
    let documented = std::fs::read_to_string(&file).expect("docs/check-router.md");
    let start = documented.find("| check |").unwrap();
    let end = documented[start..]
        .find("\n\n")
        .map_or(documented.len(), |end| start + end + 1);
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        let (before, after) = (&documented[..start], &documented[end..]);
        std::fs::write(&file, format!("{before}{table}{after}")).unwrap();
        return;
    }
    assert_eq!(&documented[start..end], table, "run with TIDEGATE_BLESS=1");
}
