//! The reference router beside the proxy.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use tidegate_tests::{Agent, Proxy, Router};

#[test]
fn the_reference_router_routes_by_its_rules_and_takes_changed_ones() {
    let proxy = Proxy::start();
    let (mut first, mut second) = (Agent::udp(), Agent::udp());
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    let lead_to = |callee: &Agent| {
        let target = callee.uri("{user}");
        let text = format!("[[rule]]\nname = \"all\"\nprefix = \"49\"\ntargets = [\"{target}\"]\n");
        std::fs::write(&rules, text).unwrap();
    };
    lead_to(&first);
    let router = Router::reference(proxy.channel(), &rules);
    call_arrives_at(&proxy, &mut first);
    lead_to(&second);
    let _ = router.log().wait_for("the rules have changed");
    call_arrives_at(&proxy, &mut second);
}

fn call_arrives_at(proxy: &Proxy, callee: &mut Agent) {
    let mut caller = Agent::udp();
    caller.send(&caller.request("INVITE", &proxy.uri("4930")), proxy.sip());
    let invite = callee.expect_request("INVITE");
    assert_eq!(invite.uri(), callee.uri("4930"));
    callee.reply(&invite, 200);
    assert_eq!(caller.expect_final().status(), Some(200));
}
