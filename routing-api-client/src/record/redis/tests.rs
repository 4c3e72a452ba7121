//! What Redis is told, and what becomes of lines that it does not take.

mod server;

use super::super::sink::Queue;
use super::*;
use server::{Reply, Server};

/// More than any answer of the server here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Passes while a test waits for an answer that never comes.
const SHORT: Duration = Duration::from_millis(100);

fn settings(url: &str, timeout: Duration) -> RedisSettings {
    RedisSettings {
        url: url.to_owned(),
        stream: "tidegate:decisions".to_owned(),
        max_len: 1000,
        queue_bytes: 1 << 20,
        timeout,
    }
}

fn stream(url: &str, timeout: Duration) -> (Stream, Port) {
    let stream = Stream::new(settings(url, timeout)).unwrap();
    (stream, Port::new("redis", Queue::new(1 << 20)))
}

fn line(call: &str) -> String {
    format!(r#"{{"type":"consultation","version":"1.0","id":"x","call":"{call}"}}"#)
}

fn lines(calls: &[&str]) -> VecDeque<Bytes> {
    calls.iter().map(|call| Bytes::from(line(call))).collect()
}

fn calls(lines: &VecDeque<Bytes>) -> Vec<&str> {
    let call = |line| std::str::from_utf8(call(line)).unwrap();
    lines.iter().map(|line| call(line)).collect()
}

#[test]
fn a_batch_is_one_pipeline_of_bounded_entries() {
    let server = Server::start([vec![Reply::Held, Reply::Held, Reply::Added]]);
    let (mut stream, port) = stream(&server.url(), PATIENCE);
    let mut batch = lines(&["a", "b", "c"]);
    assert_eq!(stream.write(&mut batch, &port), Ok(()));
    assert!(batch.is_empty());
    for call in ["a", "b", "c"] {
        let line = line(call);
        let wanted = [
            "XADD",
            "tidegate:decisions",
            "MAXLEN",
            "~",
            "1000",
            "*",
            "type",
            "consultation",
            "call",
            call,
            "line",
            &*line,
        ];
        assert_eq!(server.next(), (0, wanted.map(str::to_owned).to_vec()));
    }
}

#[test]
fn a_refused_line_stays_and_the_others_do_not() {
    let refusal = Reply::Error("OOM command not allowed when used memory > 'maxmemory'.");
    let server = Server::start([vec![
        Reply::Added,
        refusal,
        Reply::Added,
        refusal,
        Reply::Added,
        Reply::Added,
    ]]);
    let (mut stream, port) = stream(&server.url(), PATIENCE);
    let mut batch = lines(&["a", "b", "c", "d"]);
    let why = stream.write(&mut batch, &port).unwrap_err();
    assert!(why.contains("OOM") && why.contains("maxmemory"), "{why}");
    assert_eq!(calls(&batch), ["b", "d"]);
    assert_eq!(stream.write(&mut batch, &port), Ok(()));
    assert!(batch.is_empty());
    assert_eq!(port.state().renewed, 0);
    assert_eq!(server.calls(6), ["0:a", "0:b", "0:c", "0:d", "0:b", "0:d"]);
}

#[test]
fn a_batch_without_answer_is_sent_again_over_a_new_connection() {
    let server = Server::start([
        vec![Reply::Held, Reply::Close],
        vec![Reply::Added, Reply::Added],
    ]);
    let (mut stream, port) = stream(&server.url(), PATIENCE);
    let mut batch = lines(&["a", "b"]);
    stream.write(&mut batch, &port).unwrap_err();
    assert_eq!((calls(&batch), port.state().renewed), (vec!["a", "b"], 0));
    assert_eq!(stream.write(&mut batch, &port), Ok(()));
    assert_eq!((batch.len(), port.state().renewed), (0, 1));
    assert_eq!(server.calls(4), ["0:a", "0:b", "1:a", "1:b"]);
}

#[test]
fn a_master_that_became_a_replica_is_left() {
    let server = Server::start([
        vec![Reply::Error(
            "READONLY You can't write against a read only replica.",
        )],
        vec![Reply::Added],
    ]);
    let (mut stream, port) = stream(&server.url(), PATIENCE);
    let mut batch = lines(&["a"]);
    let why = stream.write(&mut batch, &port).unwrap_err();
    assert!(why.contains("read only replica"), "{why}");
    assert_eq!(stream.write(&mut batch, &port), Ok(()));
    assert_eq!(server.calls(2), ["0:a", "1:a"]);
}

#[test]
fn what_was_answered_before_a_loss_is_not_sent_again() {
    let server = Server::start([
        vec![
            Reply::Added,
            Reply::Error("ERR no"),
            Reply::Added,
            Reply::Close,
        ],
        vec![Reply::Added, Reply::Added],
    ]);
    let (mut stream, port) = stream(&server.url(), PATIENCE);
    let mut batch = lines(&["a", "b", "c", "d"]);
    stream.write(&mut batch, &port).unwrap_err();
    assert_eq!(calls(&batch), ["b", "d"]);
    assert_eq!(stream.write(&mut batch, &port), Ok(()));
    assert_eq!((batch.len(), port.state().renewed), (0, 1));
}

#[test]
fn a_sink_without_lines_connects_and_says_when_it_can_not() {
    let server = Server::start([vec![Reply::Added]]);
    let (mut stream, port) = stream(&server.url(), PATIENCE);
    assert_eq!(stream.write(&mut VecDeque::new(), &port), Ok(()));
    assert_eq!(stream.write(&mut lines(&["a"]), &port), Ok(()));
    assert_eq!(
        (server.calls(1), port.state().renewed),
        (vec!["0:a".to_owned()], 0)
    );

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port_of_nobody = nobody.local_addr().unwrap().port();
    drop(nobody);
    let (mut stream, port) = self::stream(&server::url(port_of_nobody), PATIENCE);
    let why = stream.write(&mut VecDeque::new(), &port).unwrap_err();
    assert!(
        why.contains("refused") && !why.contains(server::PASSWORD),
        "{why}"
    );
}

#[test]
fn a_server_that_does_not_let_it_in_is_named_without_the_password() {
    let server = Server::guarded("WRONGPASS invalid username-password pair or user is disabled.");
    let (mut stream, port) = stream(&server.url(), PATIENCE);
    let mut batch = lines(&["a"]);
    let why = stream.write(&mut batch, &port).unwrap_err();
    assert!(
        why.contains("authentication failed") && !why.contains(server::PASSWORD),
        "{why}"
    );
    assert_eq!(calls(&batch), ["a"]);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let server = Server::silent();
    let (mut stream, port) = stream(&server.url(), SHORT);
    let mut batch = lines(&["a"]);
    let outcome = stream.write(&mut batch, &port);
    assert_eq!(outcome, Err("Redis does not answer in time".to_owned()));
    assert_eq!(calls(&batch), ["a"]);
}

#[test]
fn a_batch_waits_once_for_all_its_answers() {
    let server = Server::start([vec![Reply::Added], vec![Reply::Added; 299]]);
    let (mut stream, port) = stream(&server.url(), SHORT);
    let mut batch = lines(&["a"; 300]);
    let begun = Instant::now();
    let outcome = stream.write(&mut batch, &port);
    assert_eq!(outcome, Err("Redis does not answer in time".to_owned()));
    assert!(begun.elapsed() < SHORT * 100, "{:?}", begun.elapsed());
    assert_eq!(batch.len(), 299);
    stream.settings.timeout = PATIENCE;
    assert_eq!(stream.write(&mut batch, &port), Ok(()));
    assert_eq!((batch.len(), port.state().renewed), (0, 1));
}

#[test]
fn kind_and_call_of_a_line_are_found_without_reading_it_all() {
    let line = br#"{"type":"ended","version":"1.0","call":"a-1-2","x":"\"call\":\"no"}"#;
    assert_eq!((kind(line), call(line)), (&b"ended"[..], &b"a-1-2"[..]));
    assert_eq!(call(br#"{"call":"cut"#), b"");
    assert_eq!(call(b"{}"), b"");
}

#[test]
fn settings_do_not_show_a_password() {
    let settings = settings("redis://user:s3cret@127.0.0.1/", PATIENCE);
    assert!(!format!("{settings:?}").contains("s3cret"));
    assert_eq!(settings.check(), Ok(()));
}
