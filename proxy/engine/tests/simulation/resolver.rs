//! The DNS: no address, one or two, late or never.

use std::net::IpAddr;

use tidegate_engine::ResolveId;

use crate::event::Event;
use crate::rng::Choose;
use crate::stage::Stage;

pub(crate) fn on_resolve(stage: &mut Stage, id: ResolveId, host: &str) {
    let answers = stage.rng.weighed(&[(90, 1), (4, 2), (6, 0)]);
    for _ in 0..answers {
        let latest = stage.rng.pick(&[1, 200, 8_000]);
        let delay = stage.rng.u64(0..latest);
        let host = host.to_owned();
        stage.plan(delay, Event::Resolved { id, host });
    }
}

pub(crate) fn addresses(stage: &mut Stage) -> Vec<IpAddr> {
    let all = stage.scene.callee_addresses();
    let count = stage.rng.weighed(&[(2, 0), (5, 1), (3, 2)]);
    (0..count).map(|_| stage.rng.pick(&all)).collect()
}
