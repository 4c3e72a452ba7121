//! Prepaid calls: the proxy, the reference router and Redis, with phones behind further proxies.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_tests::{Agent, Message, Proxy, Redis, Request, Router};

/// The user in From.
const ACCOUNT: &str = "test:account:caller";

/// Micro-units for each second that has begun.
const PRICE: u32 = 10_000;

#[test]
fn a_call_is_cut_at_its_limit_on_both_sides_and_costs_what_it_took() {
    let mut bench = Bench::new(5 * PRICE / 2, 3600);
    let call = bench.talk();
    assert_eq!(bench.money(), (25_000, 20_000), "two of 2.5 seconds");
    bench.expect_cut(&call, Duration::from_secs(2));
    bench.wait_until_it_cost(20_000, 5_000);
}

#[test]
fn a_router_that_is_killed_and_restarted_in_mid_call_bills_it_all_the_same() {
    let mut bench = Bench::new(5 * PRICE / 2, 3600);
    let call = bench.talk();
    bench.wait_for_state("answered");
    bench.router.kill();
    bench.router = bench.start_router();
    bench.expect_cut(&call, Duration::from_secs(2));
    bench.wait_until_it_cost(20_000, 5_000);
}

#[test]
fn a_call_that_is_cut_while_the_router_is_away_is_billed_when_it_is_back() {
    let mut bench = Bench::new(5 * PRICE / 2, 3600);
    let call = bench.talk();
    bench.wait_for_state("answered");
    bench.router.kill();
    bench.expect_cut(&call, Duration::from_secs(2));
    assert_eq!(bench.money(), (25_000, 20_000), "nobody bills meanwhile");
    bench.router = bench.start_router();
    bench.wait_until_it_cost(20_000, 5_000);
}

#[test]
fn a_router_that_dies_as_soon_as_it_has_decided_bills_the_call_when_it_is_back() {
    let mut bench = Bench::new(5 * PRICE / 2, 3600);
    let (invite, arrived) = bench.ring();
    bench.router.kill();
    let call = bench.answer(invite, arrived);
    bench.expect_cut(&call, Duration::from_secs(2));
    bench.router = bench.start_router();
    bench.wait_until_it_cost(20_000, 5_000);
}

#[test]
fn a_call_that_ends_early_gives_back_what_it_did_not_need() {
    let mut bench = Bench::new(100 * PRICE, 60);
    let call = bench.talk();
    assert_eq!(bench.money(), (1_000_000, 600_000));
    std::thread::sleep(Duration::from_millis(50)); // it is talked
    let bye = call.request_of_the_caller("BYE", 6);
    bench.caller.send(&bye, bench.proxy.sip());
    let arrived = bench.beyond.expect_request("BYE");
    bench.beyond.reply(&arrived, 200);
    assert_eq!(bench.caller.expect_final().status(), Some(200));
    bench.wait_until_it_cost(10_000, 990_000);
}

#[test]
fn calls_at_once_never_spend_more_than_there_is() {
    let bench = Bench::new(5 * PRICE, 2);
    let mut callee = bench.callee;
    let mut callers: Vec<_> = (0..5).map(|_| Agent::udp()).collect();
    let invites: Vec<_> = callers
        .iter()
        .map(|caller| {
            let invite = caller.request("INVITE", &bench.proxy.uri("bob"));
            caller.send(&invite, bench.proxy.sip());
            invite
        })
        .collect();
    // Two get the two seconds that are reserved at once, one what is left, two nothing.
    for _ in 0..3 {
        let arrived = callee.expect_request("INVITE");
        callee.reply(&arrived, 200);
    }
    let mut answers: Vec<_> = callers.iter_mut().map(Agent::expect_final).collect();
    for ((caller, invite), answer) in callers.iter().zip(&invites).zip(&answers) {
        let ack = match answer.status() {
            Some(200) => invite.in_dialog("ACK", 1, answer),
            _ => invite.ack(answer),
        };
        caller.send(&ack, bench.proxy.sip());
    }
    assert_eq!(money(&bench.redis), (50_000, 50_000));
    for _ in 0..3 {
        let _ = callee.expect_request("ACK");
    }
    for (caller, answer) in callers.iter_mut().zip(&answers) {
        if answer.status() == Some(200) {
            let bye = caller.expect_request("BYE");
            caller.reply(&bye, 200);
            let bye = callee.expect_request("BYE");
            callee.reply(&bye, 200);
        }
    }
    answers.sort_by_key(Message::status);
    let codes: Vec<_> = answers.iter().filter_map(Message::status).collect();
    assert_eq!(codes, [200, 200, 200, 402, 402]);
    bench
        .redis
        .wait_for(ACCOUNT, &[("balance", "0"), ("reserved", "0")]);
}

/// A caller behind a proxy of its own, a callee behind another one.
struct Bench {
    redis: Redis,
    proxy: Proxy,
    router: Router,
    rules: PathBuf,
    caller: Agent,
    /// The proxy on the caller's side.
    before: Agent,
    callee: Agent,
    /// The proxy on the callee's side.
    beyond: Agent,
    _folder: TempDir,
}

/// A call that is being talked on.
struct Call {
    invite: Request,
    answer: Message,
    /// The INVITE as the callee got it.
    arrived: Message,
    since: Instant,
}

impl Bench {
    fn new(balance: u32, reserve_s: u32) -> Self {
        let (redis, callee) = (Redis::start(), Agent::udp());
        let balance = balance.to_string();
        redis.command(&["HSET", ACCOUNT, "balance", &balance]);
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.toml");
        let text = format!(
            "[redis]\nurl = \"{}\"\nprefix = \"test:\"\n\
             [prepaid]\nrate = {}\nincrement_s = 1\nminimum_s = 1\nreserve_s = {reserve_s}\n\
             [[rule]]\nname = \"all\"\ntargets = [\"{}\"]\n",
            redis.url(),
            PRICE * 60,
            callee.uri("{user}"),
        );
        std::fs::write(&rules, text).unwrap();
        let proxy = Proxy::start();
        Self {
            router: Router::reference(proxy.channel(), &rules),
            redis,
            proxy,
            rules,
            caller: Agent::udp(),
            before: Agent::udp(),
            callee,
            beyond: Agent::udp(),
            _folder: folder,
        }
    }

    fn start_router(&self) -> Router {
        Router::reference(self.proxy.channel(), &self.rules)
    }

    /// A call that was answered and in which both sides have sent more than one request.
    fn talk(&mut self) -> Call {
        let (invite, arrived) = self.ring();
        self.answer(invite, arrived)
    }

    fn ring(&mut self) -> (Request, Message) {
        let invite = self
            .caller
            .request("INVITE", &self.proxy.uri("bob"))
            .with("Record-Route", &route_to(&self.before));
        self.caller.send(&invite, self.proxy.sip());
        let arrived = self.callee.expect_request("INVITE");
        (invite, arrived)
    }

    fn answer(&mut self, invite: Request, arrived: Message) -> Call {
        let behind = [("Record-Route", route_to(&self.beyond))];
        self.callee.reply_with(&arrived, 200, &behind);
        let answer = self.caller.expect_final();
        assert_eq!(answer.status(), Some(200), "{answer}");
        let call = Call {
            invite,
            answer,
            arrived,
            since: Instant::now(),
        };
        let ack = call.request_of_the_caller("ACK", 1);
        self.caller.send(&ack, self.proxy.sip());
        let _ = self.beyond.expect_request("ACK");

        let info = call.request_of_the_caller("INFO", 5);
        self.caller.send(&info, self.proxy.sip());
        let at_the_callee = self.beyond.expect_request("INFO");
        self.beyond.reply(&at_the_callee, 200);
        assert_eq!(self.caller.expect_final().status(), Some(200));

        let info = call.request_of_the_callee("INFO", 77, &self.callee);
        self.callee.send(&info, self.proxy.sip());
        let at_the_caller = self.before.expect_request("INFO");
        self.before.reply(&at_the_caller, 200);
        assert_eq!(self.callee.expect_final().status(), Some(200));
        call
    }

    /// BYE goes to both sides, each as if it came from the other one (RFC 3261 section 15.1.1).
    fn expect_cut(&mut self, call: &Call, limit: Duration) {
        let to_callee = self.beyond.expect_request("BYE");
        let to_caller = self.before.expect_request("BYE");
        let lasted = call.since.elapsed();
        assert!(
            lasted > limit.mul_f32(0.9) && lasted < limit + Duration::from_secs(3),
            "cut after {lasted:?}"
        );
        let (caller, callee) = (call.arrived.one("From"), call.answer.one("To"));
        for (bye, from, to, seen) in [
            (&to_callee, caller, callee, 5),
            (&to_caller, callee, caller, 77),
        ] {
            assert_eq!((bye.one("From"), bye.one("To")), (from, to), "{bye}");
            assert_eq!(bye.one("Call-ID"), call.answer.one("Call-ID"));
            let (number, method) = bye.cseq();
            assert!(number.parse::<u32>().unwrap() > seen, "{bye}");
            assert_eq!(method, "BYE");
            assert!(bye.one("Reason").starts_with("Q.850;cause=102"), "{bye}");
            assert!(bye.one("Max-Forwards").parse::<u8>().unwrap() > 0);
        }
        assert_eq!(to_callee.uri(), call.answer.contact(), "{to_callee}");
        assert_eq!(to_callee.one("Route"), route_to(&self.beyond));
        assert_eq!(to_caller.uri(), call.arrived.contact(), "{to_caller}");
        assert_eq!(to_caller.one("Route"), route_to(&self.before));
        self.beyond.reply(&to_callee, 200);
        self.before.reply(&to_caller, 200);
        self.callee.expect_nothing_so_far();
        self.caller.expect_nothing_so_far();
    }

    /// Balance and what of it is reserved.
    fn money(&self) -> (u32, u32) {
        money(&self.redis)
    }

    fn wait_for_state(&self, state: &str) {
        let key = self.redis.command(&["KEYS", "test:call:*"]).concat();
        self.redis.wait_for(&key, &[("state", state)]);
    }

    fn wait_until_it_cost(&self, charge: u32, left: u32) {
        self.wait_for_state("ended");
        let key = self.redis.command(&["KEYS", "test:call:*"]).concat();
        assert_eq!(self.redis.field(&key, "charged"), charge.to_string());
        assert_eq!(self.money(), (left, 0));
        assert!(
            self.redis
                .command(&["ZRANGE", "test:pending", "0", "-1"])
                .is_empty()
        );
    }
}

impl Call {
    /// As the proxy on the caller's side would pass it on: without its own Route.
    fn request_of_the_caller(&self, method: &str, cseq: u32) -> Request {
        let mut request = self.invite.in_dialog(method, cseq, &self.answer);
        let first = request.headers.iter().position(|(name, _)| name == "Route");
        request.headers.remove(first.expect("a Route"));
        request
    }

    /// As the proxy on the callee's side would pass it on.
    fn request_of_the_callee(&self, method: &str, cseq: u32, callee: &Agent) -> Request {
        let mut request = callee
            .request(method, self.arrived.contact())
            .replacing("From", self.answer.one("To"))
            .replacing("To", self.arrived.one("From"))
            .replacing("Call-ID", self.arrived.one("Call-ID"))
            .replacing("CSeq", &format!("{cseq} {method}"));
        for route in self.arrived.all("Record-Route") {
            request = request.with("Route", route);
        }
        request
    }
}

fn money(redis: &Redis) -> (u32, u32) {
    let amount = |field| redis.field(ACCOUNT, field).parse().unwrap_or_default();
    (amount("balance"), amount("reserved"))
}

fn route_to(proxy: &Agent) -> String {
    format!("<sip:{};lr>", proxy.local())
}
