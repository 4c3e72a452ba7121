//! The configuration of a seed.

use fastrand::Rng;
use tidegate_engine::{CallSettings, Config, Timers};

use crate::plan_generator::Author;
use crate::rng::Choose;
use crate::scene::Scene;

pub(crate) fn config(rng: &mut Rng, scene: &Scene) -> Config {
    let mut config = Config::new(scene.listeners.clone());
    config.domains = vec!["tidegate.example".to_owned()];
    config.timers = timers(rng);
    config.deadline_ms = rng.u32(200..4_000);
    config.include_body = rng.bool();
    config.record_route = rng.bool();
    config.follow_redirects = rng.bool();
    config.max_breadth = rng.pick(&[1, 2, 3, 60, 60]);
    config.udp_limit = rng.pick(&[0, 600, 1300, 1300]);
    config.max_transactions = rng.pick(&[3, 12, 1 << 20, 1 << 20]);
    config.max_rounds = rng.u32(1..8);
    config.max_targets = rng.pick(&[4, 32]);
    config.min_session_expires = rng.pick(&[None, Some(300)]);
    config.calls = CallSettings {
        max_calls: rng.pick(&[1, 1 << 20, 1 << 20, 1 << 20]),
        probe_ms: Some(rng.u32(20_000..200_000)),
    };
    if rng.percent(40) {
        let mut author = Author::new(rng, scene);
        config.fallback = Some(author.usable(&config));
    }
    config
}

fn timers(rng: &mut Rng) -> Timers {
    Timers {
        timer_c: rng.u32(4_000..185_000),
        fr_timer: rng.pick(&[None, None, Some(3_000)]),
        fr_inv_timer: rng.pick(&[None, None, Some(15_000)]),
        ..Timers::default()
    }
}
