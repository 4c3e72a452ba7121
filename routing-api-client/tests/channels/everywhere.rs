//! One set of tests for all channels.

use std::time::Duration;

use routing_api_client::{Settings, Verdict};
use serde_json::json;
use tokio::time::timeout;

use crate::common::{PATIENCE, Unavailable, document, id};
use crate::way::{Bench, Shown, Terms, Way, quick};

macro_rules! everywhere {
    ($($test:ident),* $(,)?) => {
        everywhere!(@ways [$($test),*]
            tcp = Tcp, lines = Lines, tls = Tls, ws = Ws, wss = Wss,
            tcp_dialled = TcpDialled, tls_dialled = TlsDialled,
            ws_dialled = WsDialled, wss_dialled = WssDialled, http = Http, https = Https);
    };
    (@ways $tests:tt $($module:ident = $way:ident),*) => {
        $(mod $module { everywhere!(@tests $way $tests); })*
    };
    (@tests $way:ident [$($test:ident),*]) => {
        $(
            #[tokio::test]
            async fn $test() {
                super::$test(crate::way::Way::$way).await;
            }
        )*
    };
}

everywhere!(
    a_question_goes_out_and_its_answer_comes_back,
    answers_may_come_in_any_order,
    it_gets_no_more_questions_than_it_wants,
    an_answer_may_come_in_any_pieces,
    its_ping_is_answered,
    an_answer_past_the_limit_is_asked_of_the_next,
    garbage_is_asked_of_the_next,
    an_error_is_asked_of_the_next,
    one_that_vanishes_loses_its_questions_and_comes_back,
    a_silent_one_is_found_by_its_heartbeat,
    one_that_answers_pings_stays,
    one_that_drains_is_left_alone,
    the_end_of_the_proxy_takes_the_last_answers,
    a_connection_on_which_nothing_is_said_is_given_up,
    a_slow_reader_stops_being_asked_and_never_blocks,
    one_that_does_not_read_is_lost_after_the_write_timeout,
    what_it_need_not_answer_it_is_told,
);

async fn a_question_goes_out_and_its_answer_comes_back(way: Way) {
    let mut bench = Bench::start(way).await;
    let mut far = bench.application("b").await;
    for n in [1, 2] {
        bench.proxy.ask(n).unwrap();
        let question = far.receive().await;
        assert_eq!(question["type"], "route");
        assert_eq!(question["id"], id(n).to_string());
        far.answer(n).await;
        assert_eq!(bench.proxy.answered(n).await, "b");
    }
    assert_eq!(bench.proxy.registry.applications()[0].in_flight, 0);
    assert_eq!(bench.proxy.registry.stats().connected, 1);
}

async fn answers_may_come_in_any_order(way: Way) {
    let mut bench = Bench::start(way).await;
    let mut far = bench.application("b").await;
    let all: Vec<u32> = (1..=20).collect();
    for n in &all {
        bench.proxy.ask(*n).unwrap();
    }
    for _ in &all {
        far.receive().await;
    }
    for n in all.iter().rev() {
        far.answer(*n).await;
        bench.proxy.answered(*n).await;
    }
}

async fn it_gets_no_more_questions_than_it_wants(way: Way) {
    let mut bench = Bench::start(way).await;
    let mut far = bench.far(&Shown::default()).await.unwrap();
    let terms = json!({"name": "b", "max_in_flight": 1});
    far.introduce(way, &terms).await;
    bench.proxy.up().await;
    bench.proxy.ask(1).unwrap();
    assert_eq!(bench.proxy.ask(2), Err(Unavailable));
    far.receive().await;
    far.answer(1).await;
    bench.proxy.answered(1).await;
    bench.proxy.ask(3).unwrap();
}

async fn an_answer_may_come_in_any_pieces(way: Way) {
    let mut bench = Bench::start(way).await;
    let mut far = bench.application("b").await;
    for n in [1, 2] {
        bench.proxy.ask(n).unwrap();
        far.receive().await;
        far.answer_in_pieces(n).await;
        bench.proxy.answered(n).await;
    }
}

async fn its_ping_is_answered(way: Way) {
    if way.is_http() {
        // There an application says nothing unless it is asked.
        return;
    }
    let mut bench = Bench::start(way).await;
    let mut far = bench.application("b").await;
    far.send(&json!({"type": "ping"})).await;
    assert_eq!(far.receive().await["type"], "pong");
}

async fn an_answer_past_the_limit_is_asked_of_the_next(way: Way) {
    let settings = Settings {
        max_frame: 4096,
        ..quick()
    };
    let mut bench = Bench::with(way, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    far.receive().await;
    let mut large = document(1);
    large["context"] = "x".repeat(8192).into();
    far.send(&large).await;
    assert_eq!(bench.proxy.verdict().await, Verdict::AskAgain(vec![id(1)]));
    assert_eq!(bench.proxy.registry.stats().too_large, 1);
}

async fn garbage_is_asked_of_the_next(way: Way) {
    let mut bench = Bench::start(way).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    far.receive().await;
    far.garbage(1).await;
    assert_eq!(bench.proxy.verdict().await, Verdict::AskAgain(vec![id(1)]));
    let counted = bench.proxy.registry.stats().bad_frame;
    let breaks = !way.is_http() && way != Way::Lines;
    assert_eq!(counted, u64::from(breaks));
}

async fn an_error_is_asked_of_the_next(way: Way) {
    let mut bench = Bench::start(way).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    far.receive().await;
    let error =
        json!({"type": "error", "id": id(1).to_string(), "code": "busy", "message": "later"});
    far.send(&error).await;
    assert_eq!(bench.proxy.verdict().await, Verdict::AskAgain(vec![id(1)]));
    assert_eq!(bench.proxy.registry.applications().len(), 1);
}

async fn one_that_vanishes_loses_its_questions_and_comes_back(way: Way) {
    let settings = Settings {
        heartbeat: Duration::from_millis(50),
        heartbeat_timeout: Duration::from_millis(100),
        ..quick()
    };
    let mut bench = Bench::with(way, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    while far.receive().await["type"] != "route" {}
    drop(far);
    assert_eq!(bench.proxy.gone().await, [id(1)]);
    assert_eq!(bench.proxy.ask(2), Err(Unavailable));
    let mut far = bench.application("b").await;
    bench.proxy.ask(3).unwrap();
    while far.receive().await["type"] != "route" {}
    far.answer(3).await;
    bench.proxy.answered(3).await;
}

async fn a_silent_one_is_found_by_its_heartbeat(way: Way) {
    let settings = Settings {
        heartbeat: Duration::from_millis(50),
        heartbeat_timeout: Duration::from_millis(150),
        ..quick()
    };
    let mut bench = Bench::with(way, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    assert_eq!(bench.proxy.lost().await, [id(1)]);
    assert_eq!(bench.proxy.registry.stats().silent, 1);
    while far.receive().await["type"] != "ping" {}
}

async fn one_that_answers_pings_stays(way: Way) {
    let settings = Settings {
        heartbeat: Duration::from_millis(20),
        heartbeat_timeout: Duration::from_secs(5),
        ..quick()
    };
    let mut bench = Bench::with(way, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    for _ in 0..5 {
        assert_eq!(far.receive().await["type"], "ping");
        far.send(&json!({"type": "pong"})).await;
    }
    assert_eq!(bench.proxy.registry.applications().len(), 1);
}

async fn one_that_drains_is_left_alone(way: Way) {
    let settings = Settings {
        heartbeat: Duration::from_millis(20),
        heartbeat_timeout: Duration::from_secs(5),
        ..quick()
    };
    let mut bench = Bench::with(way, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    let mut seen = Vec::new();
    while !(seen.contains(&json!("ping")) && seen.contains(&json!("route"))) {
        seen.push(far.receive().await["type"].clone());
    }
    far.send(&json!({"type": "drain"})).await;
    assert_eq!(bench.proxy.verdict().await, Verdict::Nothing);
    assert_eq!(bench.proxy.ask(2), Err(Unavailable));
    far.answer(1).await;
    bench.proxy.answered(1).await;
}

async fn the_end_of_the_proxy_takes_the_last_answers(way: Way) {
    let mut bench = Bench::start(way).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    far.receive().await;
    bench.proxy.stop.send(true).unwrap();
    assert_eq!(far.receive().await["type"], "drain");
    assert_eq!(bench.proxy.verdict().await, Verdict::Nothing);
    assert_eq!(bench.proxy.ask(2), Err(Unavailable));
    far.answer(1).await;
    bench.proxy.answered(1).await;
    if !way.is_http() {
        assert_eq!(far.closed().await, None);
    }
    timeout(PATIENCE, bench.proxy.server)
        .await
        .unwrap()
        .unwrap();
    if let Some(keeper) = bench.keeper {
        timeout(PATIENCE, keeper).await.unwrap().unwrap();
    }
}

async fn a_connection_on_which_nothing_is_said_is_given_up(way: Way) {
    let settings = Settings {
        hello_timeout: Duration::from_millis(50),
        connect_timeout: Duration::from_millis(50),
        ..quick()
    };
    let bench = Bench::with(way, settings, Terms::default()).await;
    let mut silent = bench.plain().await;
    let given_up = async {
        let mut sink = tokio::io::sink();
        let _ = tokio::io::copy(&mut silent, &mut sink).await;
    };
    timeout(PATIENCE, given_up).await.expect("it stays open");
    assert_eq!(bench.proxy.registry.applications(), []);
    if way.is_dialled() {
        bench.plain().await;
    }
    let stats = bench.proxy.registry.stats();
    assert!(stats.turned_away + stats.tls_failed + stats.dial_failed > 0);
}

async fn a_slow_reader_stops_being_asked_and_never_blocks(way: Way) {
    let settings = Settings {
        max_in_flight: if way.is_http() { 100 } else { u32::MAX },
        outgoing_queue: usize::MAX,
        outgoing_bytes: 64 * 1024,
        ..quick()
    };
    let mut bench = Bench::with(way, settings, Terms::default()).await;
    let mut far = bench.application("b").await;
    let mut asked = 0;
    while bench.proxy.ask(asked).is_ok() {
        asked += 1;
        // Lets the connection fill what the kernel takes.
        tokio::task::yield_now().await;
    }
    assert!(asked >= 100, "{asked}");
    for _ in 0..asked {
        assert_eq!(far.receive().await["type"], "route");
    }
    for n in 0..asked {
        far.answer(n).await;
        bench.proxy.answered(n).await;
    }
    assert!(bench.proxy.ask(asked).is_ok());
}

async fn one_that_does_not_read_is_lost_after_the_write_timeout(way: Way) {
    if way.is_http() {
        // There each request has its own deadline.
        return;
    }
    let settings = Settings {
        max_in_flight: u32::MAX,
        outgoing_queue: usize::MAX,
        outgoing_bytes: 64 * 1024,
        write_timeout: Duration::from_millis(100),
        ..quick()
    };
    let mut bench = Bench::with(way, settings, Terms::default()).await;
    let _far = bench.application("b").await;
    let mut asked = 0;
    while bench.proxy.ask(asked).is_ok() {
        asked += 1;
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.proxy.gone().await.len(), asked as usize);
    assert_eq!(bench.proxy.registry.stats().stalled, 1);
}

async fn what_it_need_not_answer_it_is_told(way: Way) {
    let mut bench = Bench::start(way).await;
    let mut far = bench.application("b").await;
    bench.proxy.ask(1).unwrap();
    far.receive().await;
    bench
        .proxy
        .dispatcher
        .cancel(id(1), std::time::Instant::now());
    if way.is_http() {
        far.asked(1).given_up().await;
    } else {
        let told = far.receive().await;
        assert_eq!(told["type"], "cancelled");
        assert_eq!(told["id"], id(1).to_string());
    }
    assert_eq!(bench.proxy.registry.applications()[0].in_flight, 0);
}
