//! What depends on time, on a clock that the tests turn.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::*;
use crate::dialect::native::NativeDialect;
use crate::question::Question;
use crate::samples;
use crate::settings::Settings;
use crate::stats::ChannelStats;

const HELLO: &[u8] = br#"{"type":"hello","version":"1.0","name":"a"}
"#;

struct Bench {
    registry: Arc<Registry>,
    inbox: mpsc::Receiver<Inbound>,
    far: DuplexStream,
    running: JoinHandle<bool>,
    began: Instant,
    _stop: watch::Sender<bool>,
}

impl Bench {
    fn start(buffer: usize) -> Self {
        let registry = Registry::new(Settings::default());
        let (sender, inbox) = mpsc::channel(16);
        let (stop, shutdown) = watch::channel(false);
        let context = Context {
            registry: Arc::clone(&registry),
            inboxes: Inboxes::new(vec![sender]),
            dialect: Dialect::Native(NativeDialect::default()),
            shutdown,
            pool: Arc::from("default"),
            member: None,
            token: None,
        };
        let (near, far) = duplex(buffer);
        let (read, write) = split(near);
        let running =
            tokio::spawn(
                async move { run(&context, Stream(read, write), "far", Side::Accepted).await },
            );
        Self {
            registry,
            inbox,
            far,
            running,
            began: Instant::now(),
            _stop: stop,
        }
    }

    async fn hello(&mut self) {
        self.far.write_all(HELLO).await.unwrap();
        assert!(matches!(self.inbox.recv().await, Some(Inbound::Up { .. })));
    }

    /// Seconds until the end, and what was counted.
    async fn ended(self) -> (u64, ChannelStats) {
        self.running.await.unwrap();
        (self.began.elapsed().as_secs(), self.registry.stats())
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_says_nothing_is_turned_away_after_the_hello_timeout() {
    let (seconds, stats) = Bench::start(1024).ended().await;
    assert_eq!((seconds, stats.turned_away), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn one_byte_a_second_is_no_hello() {
    let mut bench = Bench::start(1024);
    for byte in &HELLO[..10] {
        let _ = bench.far.write_all(&[*byte]).await;
        time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(bench.ended().await.1.turned_away, 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_application_is_pinged_and_then_lost() {
    let mut bench = Bench::start(1024);
    bench.hello().await;
    let mut said = String::new();
    bench.far.read_to_string(&mut said).await.unwrap();
    assert!(said.contains(r#"{"type":"ping"}"#), "{said}");
    assert!(matches!(
        bench.inbox.recv().await,
        Some(Inbound::Lost { .. })
    ));
    let (seconds, stats) = bench.ended().await;
    assert!((10..=15).contains(&seconds), "{seconds}");
    assert_eq!(stats.silent, 1);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_answers_pings_stays() {
    let mut bench = Bench::start(1024);
    bench.hello().await;
    for _ in 0..20 {
        time::sleep(Duration::from_secs(5)).await;
        bench.far.write_all(b"{\"type\":\"pong\"}\n").await.unwrap();
    }
    assert_eq!(bench.registry.applications().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_speaks_but_does_not_read_is_lost_after_the_write_timeout() {
    let mut bench = Bench::start(64);
    bench.hello().await;
    // The hello of the proxy does not fit; signs of life go on.
    while !bench.running.is_finished() {
        let _ = bench.far.write_all(b"{\"type\":\"ping\"}\n").await;
        time::sleep(Duration::from_secs(1)).await;
    }
    assert!(matches!(
        bench.inbox.recv().await,
        Some(Inbound::Lost { .. })
    ));
    assert_eq!(bench.ended().await.1.stalled, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_in_one_turn_leaves_in_one_write() {
    let mut bench = Bench::start(1 << 20);
    bench.hello().await;
    let mut read = vec![0; 1 << 20];
    assert_ne!(bench.far.read(&mut read).await.unwrap(), 0);
    let application = bench.registry.snapshot().remove(0);
    for n in 0..10 {
        application
            .question(samples::id(n), 1000, &Question::new(&samples::event()))
            .unwrap();
    }
    let count = bench.far.read(&mut read).await.unwrap();
    assert_eq!(read[..count].iter().filter(|b| **b == b'\n').count(), 10);
}
