//! Each way in which an application can fail, on each channel: what the caller hears, after how long,
//! and which counter tells the operator.
//!
//! `TIDEGATE_BLESS=1` writes what was seen to `docs/faults.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_tests::faulty::{Channel, Fault, Faulty};
use tidegate_tests::{Agent, PATIENCE, Proxy, Settings};

const DEADLINE: Duration = Duration::from_millis(500);

/// How much later than the deadline a final answer may be.
const SLACK: Duration = Duration::from_millis(100);

#[test]
fn whatever_an_application_does_the_caller_has_a_final_answer_by_the_deadline() {
    let rows = Fault::ALL.map(|fault| (fault, Channel::ALL.map(|channel| seen(channel, fault))));
    let table = table(&rows);
    println!("{table}");
    let wrong: Vec<_> = rows
        .iter()
        .flat_map(|(_, row)| row)
        .filter_map(Seen::complaint)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    compare_with_the_documentation(&table);
}

/// What is to be seen.
struct Expected {
    code: u16,
    when: When,
    /// Counters that move, as `group.name`.
    counters: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    AtOnce,
    AtTheDeadline,
}

fn expected(channel: Channel, fault: Fault) -> Expected {
    use Channel::{Http, Tcp, WebSocket};
    use When::{AtOnce, AtTheDeadline};
    let (code, when, counters): (_, _, &[_]) = match (fault, channel) {
        (Fault::Refused, _) => (
            503,
            AtOnce,
            &["routing.unavailable", "channels.dial_failed"],
        ),
        (Fault::BlackHoled | Fault::NeverAccepts, _) => (503, AtOnce, &["routing.unavailable"]),
        (Fault::Silent | Fault::ClockBehind, _) => (503, AtTheDeadline, &["routing.timed_out"]),
        (Fault::Garbage, Tcp) | (Fault::NotJson, Tcp | WebSocket) => (
            503,
            AtTheDeadline,
            &["routing.timed_out", "channels.bad_message"],
        ),
        (Fault::Garbage, WebSocket) => (503, AtOnce, &["routing.lost", "channels.bad_frame"]),
        (Fault::Garbage, Http) => (503, AtOnce, &["routing.refused"]),
        (Fault::NotJson, Http) => (503, AtOnce, &["routing.invalid"]),
        (Fault::HalfFrame, _) => (503, AtTheDeadline, &["routing.timed_out"]),
        (Fault::WrongId, Tcp | WebSocket) => (
            503,
            AtTheDeadline,
            &["routing.timed_out", "routing.unknown"],
        ),
        (Fault::WrongId, Http) => (503, AtOnce, &["routing.invalid"]),
        (Fault::UnknownSocket | Fault::CrlfInHeader, _) => (503, AtOnce, &["routing.invalid"]),
        (Fault::JustSmallEnough, _) => (200, AtOnce, &["routing.answered"]),
        (Fault::TooLarge, Tcp | WebSocket) => {
            (503, AtOnce, &["routing.lost", "channels.too_large"])
        }
        (Fault::TooLarge, Http) => (503, AtOnce, &["routing.invalid", "channels.too_large"]),
        (Fault::Closes, Tcp | WebSocket) => (503, AtOnce, &["routing.lost"]),
        (Fault::Closes, Http) => (503, AtOnce, &["routing.refused"]),
        (Fault::Late, Tcp | WebSocket) => {
            (503, AtTheDeadline, &["routing.timed_out", "routing.late"])
        }
        (Fault::Late, Http) => (503, AtTheDeadline, &["routing.timed_out"]),
        (Fault::SlowReader, Tcp | WebSocket) => (
            503,
            AtTheDeadline,
            &["routing.timed_out", "channels.stalled"],
        ),
        (Fault::SlowReader, Http) => (503, AtTheDeadline, &["routing.timed_out"]),
        (Fault::ClockAhead, _) => (503, AtOnce, &["routing.error"]),
        (Fault::NonsenseDeadline, _) => (200, AtOnce, &["routing.answered"]),
    };
    Expected {
        code,
        when,
        counters,
    }
}

/// What was seen.
struct Seen {
    channel: Channel,
    fault: Fault,
    code: u16,
    after: Duration,
    /// How late this machine was with other work meanwhile.
    lateness: Duration,
    counters: BTreeMap<String, u64>,
}

impl Seen {
    fn complaint(&self) -> Option<String> {
        let expected = expected(self.channel, self.fault);
        let time_fits = match expected.when {
            When::AtOnce => self.after < DEADLINE - SLACK + self.lateness,
            When::AtTheDeadline => self.after + SLACK > DEADLINE,
        };
        let in_time = self.after <= DEADLINE + SLACK + self.lateness;
        let moved = |name: &&str| self.counters.contains_key(*name);
        let counted = expected.counters.iter().all(moved);
        let wrong = !(self.code == expected.code && time_fits && in_time && counted);
        wrong.then(|| {
            format!(
                "{} over {}: {} after {:?} ({:?} late by itself), where {} was to come {:?} and {:?} to move: {:?}",
                self.fault, self.channel, self.code, self.after, self.lateness, expected.code,
                expected.when, expected.counters, self.counters
            )
        })
    }

    fn cell(&self) -> String {
        let counters = expected(self.channel, self.fault).counters;
        let counters: Vec<_> = counters.iter().map(|name| format!("`{name}`")).collect();
        format!(
            "{}, {} ms, {}",
            self.code,
            self.after.as_micros().div_ceil(1000),
            counters.join(" ")
        )
    }
}

/// One call, or many at once where that is the point, through a proxy that has only this application.
fn seen(channel: Channel, fault: Fault) -> Seen {
    let mut callee = Agent::udp();
    let faulty = Faulty::start(channel, fault, &callee.uri("bob"));
    let proxy = Proxy::with(&Settings {
        deadline_ms: u32::try_from(DEADLINE.as_millis()).unwrap(),
        more: faulty.configuration(),
        ..Settings::default()
    });
    if fault.gets_up() {
        wait_for_counter(&proxy, "channels.connected");
    }
    let over = AtomicBool::new(false);
    let lateness = AtomicU64::new(0);
    let (code, after) = std::thread::scope(|scope| {
        scope.spawn(|| answer_calls(&mut callee, &over));
        scope.spawn(|| measure_lateness(&lateness, &over));
        let flood = (fault == Fault::SlowReader).then(|| Flood::start(&proxy));
        let seen = call(&mut Agent::udp(), &proxy);
        if let Some(flood) = flood {
            flood.finish();
        }
        over.store(true, Ordering::Relaxed);
        seen
    });
    for counter in expected(channel, fault).counters {
        wait_for_counter(&proxy, counter);
    }
    Seen {
        channel,
        fault,
        code,
        after,
        lateness: Duration::from_nanos(lateness.load(Ordering::Relaxed)),
        counters: proxy.counters(),
    }
}

/// The final answer to one call and how long it took.
fn call(caller: &mut Agent, proxy: &Proxy) -> (u16, Duration) {
    let invite = caller.request("INVITE", &proxy.uri("bob"));
    let began = Instant::now();
    caller.send(&invite, proxy.sip());
    let answer = caller.expect_final();
    let after = began.elapsed();
    let ack = match answer.status() {
        Some(503) => {
            assert!(answer.one("Retry-After").parse::<u32>().unwrap() > 0);
            invite.ack(&answer)
        }
        _ => invite.in_dialog("ACK", 1, &answer),
    };
    caller.send(&ack, proxy.sip());
    (answer.status().unwrap(), after)
}

/// More questions than the kernel keeps for a connection that nobody reads.
struct Flood {
    caller: Agent,
    finals: usize,
}

impl Flood {
    const CALLS: usize = 120;

    /// Returns when the proxy has taken all calls.
    fn start(proxy: &Proxy) -> Self {
        let mut caller = Agent::tcp();
        for _ in 0..Self::CALLS {
            let mut invite = caller.request("INVITE", &proxy.uri("bob"));
            for _ in 0..4 {
                invite = invite.with("X-Padding", &"x".repeat(12_000));
            }
            caller.send(&invite, proxy.sip());
        }
        let (mut taken, mut finals) = (0, 0);
        while taken < Self::CALLS {
            match caller.receive().status() {
                Some(100) => taken += 1,
                _ => finals += 1,
            }
        }
        Self { caller, finals }
    }

    /// Each of its calls has a final answer too.
    fn finish(mut self) {
        while self.finals < Self::CALLS {
            assert_eq!(self.caller.expect_final().status(), Some(503));
            self.finals += 1;
        }
    }
}

fn answer_calls(callee: &mut Agent, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        if let Some(request) = callee.receive_within(Duration::from_millis(20))
            && request.method() == Some("INVITE")
        {
            callee.reply(&request, 200);
        }
    }
}

/// What a thread sleeps too long is not the proxy's fault.
fn measure_lateness(longest: &AtomicU64, over: &AtomicBool) {
    let nap = Duration::from_millis(5);
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        std::thread::sleep(nap);
        let late = began.elapsed().saturating_sub(nap);
        longest.fetch_max(u64::try_from(late.as_nanos()).unwrap(), Ordering::Relaxed);
    }
}

/// Without failing: a row that is wrong is to be seen among all the others.
fn wait_for_counter(proxy: &Proxy, counter: &str) {
    let (group, name) = counter.split_once('.').unwrap();
    let deadline = Instant::now() + PATIENCE;
    while proxy.admin().counter(group, name) == 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn table(rows: &[(Fault, [Seen; 3])]) -> String {
    let mut text =
        String::from("| the application | TCP | WebSocket | HTTP |\n|---|---|---|---|\n");
    for (fault, row) in rows {
        let cells = row.each_ref().map(Seen::cell);
        writeln!(text, "| {fault} | {} |", cells.join(" | ")).unwrap();
    }
    text
}

/// All but the times.
fn compare_with_the_documentation(table: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md");
    let documented = std::fs::read_to_string(&file).expect("docs/faults.md");
    let (before, rest) = documented.split_at(documented.find("| the application |").unwrap());
    let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        std::fs::write(&file, format!("{before}{table}{}", &rest[end..])).unwrap();
        return;
    }
    let timeless = |text: &str| -> Vec<String> {
        let words = text.split(' ').filter(|word| word.parse::<u32>().is_err());
        words.map(str::to_owned).collect()
    };
    assert_eq!(
        timeless(&rest[..end]),
        timeless(table),
        "run with TIDEGATE_BLESS=1"
    );
}
