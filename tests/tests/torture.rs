//! The torture messages of RFC 4475 and RFC 5118 through the running binary, over UDP, with
//! everything routed to one sink. `TIDEGATE_CORPUS` names a folder with `rfc4475` and `rfc5118` in
//! it, each with its `EXPECT.tsv`: F is "forwarded", F* "forwarded with the defect repaired", D
//! "dropped", a number a reply.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tidegate_tests::{Agent, Application, Message, PATIENCE, Proxy, Settings, serial};

/// Replies go to the port in the Via; on addresses of their own every port is free.
const SENDER_4475: Ipv4Addr = Ipv4Addr::new(127, 0, 44, 75);
const SENDER_5118: Ipv4Addr = Ipv4Addr::new(127, 0, 51, 18);

#[test]
fn the_torture_messages_of_rfc_4475_are_treated_as_accepted() {
    judge("rfc4475", SENDER_4475, |folder, name| folder.join(name));
}

#[test]
fn the_ipv6_torture_messages_of_rfc_5118_are_treated_as_accepted() {
    judge("rfc5118", SENDER_5118, |folder, name| {
        let corrected = folder.join(format!("wire/{name}.clfixed.sip"));
        if corrected.exists() {
            corrected
        } else {
            folder.join(format!("wire/{name}.sip"))
        }
    });
}

fn judge(corpus: &str, sender: Ipv4Addr, path: impl Fn(&Path, &str) -> PathBuf) {
    let Some(folder) = std::env::var_os("TIDEGATE_CORPUS") else {
        eprintln!("skipped: TIDEGATE_CORPUS is not set");
        return;
    };
    let folder = Path::new(&folder).join(corpus);
    let table = std::fs::read_to_string(folder.join("EXPECT.tsv")).expect("EXPECT.tsv");
    let mut bench = Bench::new(sender);
    let mut wrong = Vec::new();
    let mut judged = 0;
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (name, accepted) = (columns[0], columns[5]);
        let sent = std::fs::read(path(&folder, name)).expect(name);
        let verdict = bench.verdict(&sent);
        judged += 1;
        if accepted != "any" && !accepted.split(',').any(|wanted| verdict.is(wanted)) {
            wrong.push(format!("{name}: {accepted} was accepted, got {verdict}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {judged}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(judged >= 12, "the corpus is not whole");
}

/// What became of a message.
enum Verdict {
    /// It arrived at the sink with changes where a proxy makes them only.
    Forwarded {
        repaired: bool,
    },
    /// It arrived otherwise changed.
    Changed(String),
    Replied(u16),
    Dropped,
}

impl Verdict {
    fn is(&self, wanted: &str) -> bool {
        match self {
            Self::Forwarded { repaired } => wanted == "F" || wanted == "F*" && *repaired,
            Self::Changed(_) => false,
            Self::Replied(status) => wanted == status.to_string(),
            Self::Dropped => wanted == "D",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forwarded { repaired } => write!(f, "F (repaired: {repaired})"),
            Self::Changed(what) => write!(f, "F with changes: {what}"),
            Self::Replied(status) => write!(f, "{status}"),
            Self::Dropped => f.write_str("D"),
        }
    }
}

struct Bench {
    sender: Ipv4Addr,
    sink: Agent,
    running: Option<Running>,
    branches: HashSet<String>,
}

struct Running {
    proxy: Proxy,
    application: Application,
}

impl Bench {
    fn new(sender: Ipv4Addr) -> Self {
        Self {
            sender,
            sink: Agent::udp(),
            running: None,
            branches: HashSet::new(),
        }
    }

    /// Several messages share a transaction key: each of those gets a proxy of its own.
    fn renew_for(&mut self, message: &Message) -> Running {
        let key = message.header("Via").unwrap_or_default().to_owned();
        let kept = if self.branches.insert(key) {
            self.running.take()
        } else {
            None
        };
        kept.unwrap_or_else(Running::start)
    }

    fn verdict(&mut self, sent: &[u8]) -> Verdict {
        let message = Message::parse(sent, (self.sender, 0).into());
        let mut running = self.renew_for(&message);
        let verdict = self.try_with(&mut running, &message);
        self.running = Some(running);
        verdict
    }

    fn try_with(&mut self, running: &mut Running, message: &Message) -> Verdict {
        let sink = self.sink.local();
        let proxy = running.proxy.sip();
        let sender = bind((self.sender, reply_port(message)).into());
        sender
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        sender.send_to(&message.raw, proxy).unwrap();

        let route = serial(&[serde_json::json!({"dst_uri": format!("sip:{sink}")})]);
        let mut marker = Marker::send(proxy);
        let deadline = Instant::now() + PATIENCE;
        let mut asked = false;
        while Instant::now() < deadline {
            if let Some(question) = running
                .application
                .question_within(Duration::from_millis(1))
            {
                running.application.answer(&question, route.clone());
                asked = true;
            }
            if let Some(status) = reply(&sender, message) {
                return Verdict::Replied(status);
            }
            if let Some(arrived) = arrival(&mut self.sink, message) {
                self.sink.reply(&arrived, 480);
                return compare(message, &arrived);
            }
            // A later message was answered already: this one is not going to be.
            if !asked && marker.is_answered() {
                let late = running
                    .application
                    .question_within(Duration::from_millis(20));
                match late {
                    Some(question) => running.application.answer(&question, route.clone()),
                    None => {
                        assert!(running.proxy.is_alive(), "the process died");
                        return reply(&sender, message).map_or(Verdict::Dropped, Verdict::Replied);
                    }
                }
                asked = true;
            }
        }
        Verdict::Dropped
    }
}

/// The port of the message before may be the same, and a process that another test just started holds
/// it until it has become the program that it is to run.
fn bind(address: SocketAddr) -> UdpSocket {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match UdpSocket::bind(address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::yield_now();
            }
            bound => return bound.expect("the reply port"),
        }
    }
}

impl Running {
    fn start() -> Self {
        let more = "[sip]\nudp_limit = 0\n".to_owned();
        let proxy = Proxy::with(&Settings {
            more,
            ..Settings::default()
        });
        let application = Application::connect(proxy.channel());
        Self { proxy, application }
    }
}

/// A request of which the proxy makes short work.
struct Marker {
    agent: Agent,
}

impl Marker {
    fn send(proxy: SocketAddr) -> Self {
        let agent = Agent::udp();
        let options = agent.request("OPTIONS", &format!("sip:{proxy}"));
        agent.send(&options.replacing("Max-Forwards", "0"), proxy);
        Self { agent }
    }

    fn is_answered(&mut self) -> bool {
        self.agent.receive_within(Duration::ZERO).is_some()
    }
}

/// Where a reply is going to: the port of the top Via.
fn reply_port(message: &Message) -> u16 {
    let via = message.header("Via").unwrap_or_default();
    let sent_by = via
        .split(';')
        .next()
        .unwrap_or_default()
        .rsplit(' ')
        .next()
        .unwrap_or_default();
    let (_, port) = sent_by.rsplit_once(':').unwrap_or_default();
    let bracketed = sent_by.contains('[') && !sent_by.contains("]:");
    if bracketed {
        5060
    } else {
        port.trim().parse().unwrap_or(5060)
    }
}

/// The final reply, if one is there.
fn reply(sender: &UdpSocket, request: &Message) -> Option<u16> {
    let mut buffer = [0; 65_536];
    while let Ok((length, peer)) = sender.recv_from(&mut buffer) {
        let message = Message::parse(&buffer[..length], peer);
        let status = message.status().filter(|status| *status >= 200);
        if status.is_some() && identity(&message) == identity(request) {
            return status;
        }
    }
    None
}

/// The forwarded request, if it is there; what is left of earlier ones is passed over.
fn arrival(sink: &mut Agent, sent: &Message) -> Option<Message> {
    loop {
        let message = sink.receive_within(Duration::ZERO)?;
        if message.method() != Some("ACK") && identity(&message) == identity(sent) {
            return Some(message);
        }
    }
}

/// Tells messages of the corpora apart, broken as they are.
fn identity(message: &Message) -> (Option<&str>, Option<&str>) {
    (message.header("Call-ID"), message.header("CSeq"))
}

/// RFC 3261 section 16.6: what a proxy may change, and nothing else.
fn compare(sent: &Message, arrived: &Message) -> Verdict {
    let (before, after) = (fields(&sent.raw), fields(&arrived.raw));
    let length = sent
        .header("Content-Length")
        .and_then(|text| text.parse().ok());
    let body = &sent.body[..length.unwrap_or(sent.body.len()).min(sent.body.len())];
    let repaired = is_repaired(arrived);
    let same_start =
        tolerant(&sent.start) == tolerant(&arrived.start) || is_strictly_routed(sent, arrived);
    if !same_start || before[1..] != after[1..] && !repaired {
        return Verdict::Changed(arrived.to_string());
    }
    if body != arrived.body {
        return Verdict::Changed(format!("another body: {arrived}"));
    }
    Verdict::Forwarded { repaired }
}

/// RFC 3261 section 16.6 step 6: the next hop is a strict router, whose URI goes to the front.
fn is_strictly_routed(sent: &Message, arrived: &Message) -> bool {
    let uri = |route: &str| route.trim_matches(['<', '>']).to_owned();
    let first = sent.header("Route").map(uri);
    let last = arrived.all("Route").last().map(|route| uri(route));
    first.is_some_and(|first| !first.contains(";lr") && first == arrived.uri())
        && last.as_deref() == Some(sent.uri())
}

/// Start line and header fields byte for byte with their folds, without what a proxy writes.
fn fields(raw: &[u8]) -> Vec<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if line == b"\r\n" {
            break;
        }
        match fields.last_mut() {
            Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => last.extend(line),
            _ => fields.push(line.to_vec()),
        }
    }
    fields.retain(|field| {
        let name = field.split(|byte| *byte == b':').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
        let written = ["via", "v", "max-forwards", "route", "record-route"];
        !written.contains(&name.as_str())
    });
    fields
}

/// A start line without what may be repaired in it (RFC 5118 section 4.10 among it).
fn tolerant(start: &str) -> String {
    let words: Vec<&str> = start.split_ascii_whitespace().collect();
    words
        .join(" ")
        .replace(['<', '>'], "")
        .replace(":::", "::")
        .split('?')
        .next()
        .unwrap_or("")
        .to_owned()
}

/// None of the defects of RFC 4475 section 3.1.2 that a proxy may repair is left.
fn is_repaired(arrived: &Message) -> bool {
    let words: Vec<&str> = arrived.start.split(' ').collect();
    let three = words.len() == 3 && words.iter().all(|word| !word.is_empty());
    let plain = !arrived.uri().contains(['<', '>', '?']);
    let quoted = ["From", "To", "Contact"]
        .iter()
        .flat_map(|name| arrived.all(name))
        .all(|value| {
            let display = value.split('<').next().unwrap_or_default();
            let quotes = display.matches('"').count() - display.matches("\\\"").count();
            quotes == 2 || quotes == 0 && !display.contains(',')
        });
    three && plain && quoted
}
