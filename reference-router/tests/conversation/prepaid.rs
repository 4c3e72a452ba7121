//! Money in a real Redis.

use std::collections::HashMap;

use futures_util::future::join_all;
use routing_application::Application;
use serde_json::{Value, json};

use crate::http::Served;
use crate::redis::Redis;
use crate::scene::{Scene, notification, question_of};

/// 60 units a minute and at most a minute for a call: a micro-unit is a microsecond's price.
const PREPAID: &str = r#"
    [[rule]]
    name = "all"
    targets = ["sip:{number}@carrier"]

    [prepaid]
    rate = 60000000
    increment_s = 1
    reserve_s = 60
    minimum_s = 10
    sweep_s = 1
"#;

const UNIT: i64 = 1_000_000;

fn configuration(redis: &Redis, more: &str) -> String {
    format!(
        "{PREPAID}\n{more}\n[redis]\nurl = \"{}\"\ntimeout_ms = 2000\n",
        redis.url()
    )
}

async fn router(redis: &Redis, more: &str) -> Served {
    Served::of(Scene::new(&configuration(redis, more))).await
}

async fn ask(router: &Served, call: &str, caller: &str) -> Value {
    let id = format!("00000001-00000002-{:08x}", fastrand::u32(..));
    let answer = router.post(&question_of(&id, call, caller)).await;
    answer.json().await.unwrap()
}

/// Tells the router and gives the status of its answer.
async fn tell(router: &Served, kind: &str, call: &str, duration_ms: Option<u64>) -> u16 {
    let answer = router.post(&notification(kind, call, duration_ms)).await;
    answer.status().as_u16()
}

fn open_account(redis: &mut Redis, units: i64) {
    let balance = (units * UNIT).to_string();
    redis.run::<i64>(&["HSET", "tidegate:account:alice", "balance", &balance]);
}

/// Balance and what is reserved of it, in micro-units.
fn account(redis: &mut Redis) -> (i64, i64) {
    let fields: HashMap<String, i64> = redis.run(&["HGETALL", "tidegate:account:alice"]);
    (
        fields["balance"],
        fields.get("reserved").copied().unwrap_or_default(),
    )
}

#[tokio::test]
async fn a_call_gets_the_time_that_is_reserved_and_costs_what_it_took() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 100);
    let router = router(&redis, "").await;
    let document = ask(&router, "one", "alice").await;
    assert_eq!(document["max_call_ms"], 60_000);
    assert_eq!(document["notify"], json!(["answered", "failed", "ended"]));
    assert_eq!(
        document["tags"]["prepaid"],
        json!({"account": "alice", "rate": 60_000_000, "increment_ms": 1000, "max_call_ms": 60_000})
    );
    assert_eq!(account(&mut redis), (100 * UNIT, 60 * UNIT));
    assert_eq!(tell(&router, "answered", "one", None).await, 200);
    assert_eq!(tell(&router, "ended", "one", Some(12_345)).await, 200);
    assert_eq!(account(&mut redis), (87 * UNIT, 0), "13 seconds have begun");
}

#[tokio::test]
async fn a_call_that_fails_costs_nothing() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 100);
    let router = router(&redis, "").await;
    ask(&router, "one", "alice").await;
    assert_eq!(tell(&router, "failed", "one", None).await, 200);
    assert_eq!(account(&mut redis), (100 * UNIT, 0));
}

#[tokio::test]
async fn the_last_money_buys_what_it_can_and_then_nothing() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 75);
    let router = router(&redis, "").await;
    assert_eq!(ask(&router, "one", "alice").await["max_call_ms"], 60_000);
    assert_eq!(ask(&router, "two", "alice").await["max_call_ms"], 15_000);
    let refused = ask(&router, "three", "alice").await;
    assert_eq!(refused["reply"]["code"], 402);
    assert_eq!(refused.get("max_call_ms"), None);
    assert_eq!(account(&mut redis), (75 * UNIT, 75 * UNIT));
    assert_eq!(ask(&router, "four", "stranger").await["reply"]["code"], 402);
}

#[tokio::test]
async fn calls_at_once_do_not_spend_the_same_money() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 150);
    let (first, second) = (router(&redis, "").await, router(&redis, "").await);
    let calls: Vec<_> = (0..40).map(|call| format!("call-{call}")).collect();
    let asking = calls.iter().zip([&first, &second].into_iter().cycle());
    let documents = join_all(asking.map(|(call, router)| ask(router, call, "alice"))).await;
    let granted = documents
        .iter()
        .filter_map(|document| document["max_call_ms"].as_i64());
    let granted: Vec<_> = granted.collect();
    assert_eq!(granted.iter().sum::<i64>(), 150_000, "{granted:?}");
    assert_eq!(account(&mut redis), (150 * UNIT, 150 * UNIT));
    for call in &calls {
        tell(&first, "answered", call, None).await;
        tell(&second, "ended", call, Some(3_600_000)).await;
    }
    assert_eq!(account(&mut redis), (0, 0), "no more than was reserved");
}

#[tokio::test]
async fn what_is_asked_or_told_again_changes_nothing() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 100);
    let router = router(&redis, "").await;
    for _ in 0..3 {
        assert_eq!(ask(&router, "one", "alice").await["max_call_ms"], 60_000);
    }
    assert_eq!(account(&mut redis), (100 * UNIT, 60 * UNIT));
    for kind in [
        "answered", "answered", "ended", "ended", "answered", "failed", "ended",
    ] {
        assert_eq!(tell(&router, kind, "one", Some(10_000)).await, 200);
    }
    assert_eq!(account(&mut redis), (90 * UNIT, 0));
}

#[tokio::test]
async fn a_router_that_is_restarted_in_mid_call_loses_nothing() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 100);
    let before = router(&redis, "").await;
    ask(&before, "one", "alice").await;
    assert_eq!(tell(&before, "answered", "one", None).await, 200);
    before.scene.stop.cancel();
    drop(before);
    let after = router(&redis, "").await;
    assert_eq!(account(&mut redis), (100 * UNIT, 60 * UNIT));
    assert_eq!(tell(&after, "ended", "one", Some(20_000)).await, 200);
    assert_eq!(account(&mut redis), (80 * UNIT, 0));
}

/// Makes all reservations due and sweeps.
async fn sweep(redis: &mut Redis, router: &Served) {
    let calls: Vec<String> = redis.run(&["ZRANGE", "tidegate:pending", "0", "-1"]);
    for call in &calls {
        redis.run::<i64>(&["ZADD", "tidegate:pending", "XX", "1", call]);
    }
    let sweeping = tokio::spawn(router.scene.service.clone().sweep());
    while given_up(&router.scene) == 0 {
        tokio::task::yield_now().await;
    }
    sweeping.abort();
}

#[tokio::test]
async fn a_reservation_whose_call_is_never_heard_of_is_given_up() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 100);
    let router = router(&redis, "").await;
    ask(&router, "one", "alice").await;
    sweep(&mut redis, &router).await;
    assert_eq!(account(&mut redis), (100 * UNIT, 0));
    assert_eq!(tell(&router, "answered", "one", None).await, 200);
    assert_eq!(
        account(&mut redis),
        (100 * UNIT, 60 * UNIT),
        "it was only slow"
    );
    assert_eq!(tell(&router, "ended", "one", Some(5000)).await, 200);
    assert_eq!(account(&mut redis), (95 * UNIT, 0));
}

#[tokio::test]
async fn an_end_that_comes_after_all_is_charged_once() {
    for (lost_call, meanwhile) in [("release", 100), ("charge", 40)] {
        let Some(mut redis) = Redis::start() else {
            return;
        };
        open_account(&mut redis, 100);
        let router = router(&redis, &format!("lost_call = \"{lost_call}\"")).await;
        ask(&router, "one", "alice").await;
        tell(&router, "answered", "one", None).await;
        sweep(&mut redis, &router).await;
        assert_eq!(account(&mut redis), (meanwhile * UNIT, 0), "{lost_call}");
        for _ in 0..2 {
            assert_eq!(tell(&router, "ended", "one", Some(30_000)).await, 200);
            assert_eq!(account(&mut redis), (70 * UNIT, 0), "{lost_call}");
        }
    }
}

#[tokio::test]
async fn a_call_that_redis_has_forgotten_is_charged_by_its_tags() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 100);
    let router = router(&redis, "").await;
    let document = ask(&router, "one", "alice").await;
    redis.run::<()>(&["FLUSHALL"]);
    open_account(&mut redis, 50);
    let mut ended = notification("ended", "one", Some(7000));
    ended["tags"] = document["tags"].clone();
    for _ in 0..2 {
        assert_eq!(router.post(&ended).await.status(), 200);
        assert_eq!(account(&mut redis), (43 * UNIT, 0));
    }
}

#[tokio::test]
async fn a_redis_that_is_silent_is_waited_for_no_longer_than_is_said() {
    for (policy, status) in [("open", 200), ("closed", 503)] {
        let Some(mut redis) = Redis::start() else {
            return;
        };
        open_account(&mut redis, 100);
        let text = configuration(&redis, &format!("on_failure = \"{policy}\""));
        let router = Served::of(Scene::new(&text.replace("2000", "100"))).await;
        assert_eq!(ask(&router, "one", "alice").await["max_call_ms"], 60_000);
        redis.stop_answering();
        let begun = std::time::Instant::now();
        let answer = router
            .post(&question_of("00000001-00000002-00000009", "two", "alice"))
            .await;
        assert!(
            begun.elapsed().as_millis() < 1000,
            "{policy}: {:?}",
            begun.elapsed()
        );
        assert_eq!(answer.status(), status, "{policy}");
        assert_eq!(
            tell(&router, "ended", "one", Some(1000)).await,
            503,
            "not acknowledged"
        );
    }
}

#[tokio::test]
async fn as_a_step_it_passes_the_terms_that_a_later_step_writes_down() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    open_account(&mut redis, 100);
    let router = router(&redis, "").await;
    let mut billing = question_of("00000001-00000002-00000003", "one", "alice");
    billing["step"] = "billing".into();
    let passed: Value = router.post(&billing).await.json().await.unwrap();
    assert_eq!(passed["action"], "pass");
    assert_eq!(passed["attributes"]["prepaid"]["max_call_ms"], 60_000);
    let mut routing = question_of("00000001-00000002-00000004", "one", "alice");
    routing["step"] = "routing".into();
    routing["attributes"] = passed["attributes"].clone();
    let routed: Value = router.post(&routing).await.json().await.unwrap();
    assert_eq!(routed["max_call_ms"], 60_000);
    assert_eq!(routed["routes"][0]["uri"], "sip:+49301@carrier");
    assert_eq!(
        account(&mut redis),
        (100 * UNIT, 60 * UNIT),
        "reserved once"
    );
}

#[tokio::test]
async fn a_carrier_takes_no_more_calls_than_it_has_channels() {
    let Some(redis) = Redis::start() else { return };
    let text = format!(
        "[lcr]\nrates_file = \"rates.csv\"\n\
         carrier.small = {{ target = \"sip:{{number}}@small\", max_channels = 1 }}\n\
         carrier.large = {{ target = \"sip:{{number}}@large\" }}\n\
         [redis]\nurl = \"{}\"\n",
        redis.url()
    );
    let files = [("rates.csv", "prefix,carrier,rate\n49,small,1\n49,large,2")];
    let router = Served::of(Scene::with_files(&text, &files, None)).await;
    let document = ask(&router, "one", "alice").await;
    assert_eq!(document["tags"]["carriers"], json!(["small", "large"]));
    assert_eq!(document["notify"], json!(["answered", "failed", "ended"]));
    let mut answered = notification("answered", "one", None);
    answered["branch_flags"] = document["routes"][0]["branch_flags"].clone();
    assert_eq!(router.post(&answered).await.status(), 200);
    assert_eq!(
        ask(&router, "two", "alice").await["tags"]["carriers"],
        json!(["large"])
    );
    let mut ended = notification("ended", "one", Some(1000));
    ended["branch_flags"] = answered["branch_flags"].clone();
    assert_eq!(router.post(&ended).await.status(), 200);
    let again = ask(&router, "three", "alice").await;
    assert_eq!(again["tags"]["carriers"], json!(["small", "large"]));
}

#[tokio::test]
async fn tables_may_be_kept_in_redis() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    redis.run::<i64>(&["HSET", "tidegate:did", "49301", "sip:{number}@office"]);
    redis.run::<i64>(&["HSET", "tidegate:lnp", "49301", "+49199"]);
    let text = format!(
        "[lnp]\nredis_hash = \"lnp\"\n[did]\nredis_hash = \"did\"\n\
         [block]\nredis_set = \"blocked\"\n[redis]\nurl = \"{}\"\n",
        redis.url()
    );
    let router = Served::of(Scene::new(&text)).await;
    let routed = ask(&router, "one", "alice").await;
    assert_eq!(
        routed["routes"][0]["uri"],
        "sip:+49301;npdi;rn=+49199@office"
    );
    redis.run::<i64>(&["SADD", "tidegate:blocked", "caller:alice"]);
    assert_eq!(ask(&router, "two", "alice").await["reply"]["code"], 403);
    assert_eq!(
        ask(&router, "three", "bob").await["routes"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

fn given_up(scene: &Scene) -> u64 {
    let counters = scene.service.page("/counters").unwrap();
    counters["reservations_given_up"].as_u64().unwrap()
}
