use std::path::Path;

use crate::config::{Config, Overrides};

fn refusal(text: &str) -> String {
    let read = Config::from_toml(text, Some(Path::new("t.toml")), &Overrides::default());
    read.map_or_else(|error| error.to_string(), |_| String::from("(sound)"))
}

/// Every text is refused with all of the parts.
fn refused(cases: &[(&str, &[&str])]) {
    for (text, parts) in cases {
        let refusal = refusal(text);
        for part in *parts {
            assert!(
                refusal.contains(part),
                "{part:?} is not in:\n{refusal}\nof:\n{text}"
            );
        }
    }
}

#[test]
fn a_policy_that_reads_like_a_sentence_is_taken() {
    let text = r#"
[routing.documents.carrier]
document = { routes = [{ dst_uri = "sip:192.0.2.7" }] }
[[routing.pool]]
name = "core"
[[routing.pool]]
name = "billing"
on_failure = { timeout = "otherwise", http_4xx = "refuse", refused = "retry" }
[[routing.listen]]
address = "127.0.0.1:8449"
transport = "websocket"
pool = "billing"
[[routing.application]]
name = "a"
url = "https://a.example.com/route"
pool = "billing"
weight = 2
[[routing.application]]
name = "b"
url = "sip:192.0.2.9"
[[routing.chain]]
name = "calls"
[[routing.chain.step]]
name = "bill"
ask = ["billing"]
deadline_ms = 300
otherwise = ["cache", "pass"]
[[routing.chain.step]]
name = "route"
ask = ["core", "billing"]
otherwise = ["cache", "document:carrier"]
[[routing.rule]]
name = "emergency"
numbers = ["112", "110"]
then = "document:carrier"
[[routing.rule]]
name = "own"
methods = ["OPTIONS"]
then = "straight"
[[routing.rule]]
name = "rest"
then = "ask:calls"
"#;
    let config = Config::from_toml(text, None, &Overrides::default()).unwrap();
    let policy = config.policy().unwrap();
    assert_eq!((policy.pools.len(), policy.applications.len()), (2, 2));
    assert_eq!(policy.chains[0].steps[1].ask, [0, 1]);
    assert_eq!(policy.applications[0].pool, 1);
    assert_eq!(config.engine().unwrap().rules.len(), 3);
}

#[test]
fn short_forms_stand_for_an_application_in_the_first_pool() {
    let text = "[routing]\ntoken = \"s\"\n[[routing.dial]]\naddress = \"router:8448\"\n";
    let config = Config::from_toml(text, None, &Overrides::default()).unwrap();
    let policy = config.policy().unwrap();
    let member = &policy.applications[0];
    let dial = member.dial.as_ref().unwrap();
    assert_eq!((&*member.name, member.pool), ("router:8448", 0));
    assert_eq!(dial.endpoint.to_string(), "tcp://router:8448");
    assert_eq!(&*policy.chains[0].name, "default");
}

#[test]
fn names_that_do_not_exist_are_named_with_those_that_do() {
    refused(&[
        (
            "[[routing.pool]]\nname = \"core\"\n[[routing.application]]\nname = \"a\"\npool = \"cor\"\n",
            &[
                "t.toml:5: routing.application[0].pool",
                "`cor`",
                "there are: core",
            ],
        ),
        (
            "[[routing.listen]]\naddress = \"127.0.0.1:0\"\npool = \"x\"\n",
            &["t.toml:3: routing.listen[0].pool", "there are: default"],
        ),
        (
            "[[routing.chain]]\nname = \"c\"\n[[routing.chain.step]]\nask = [\"x\"]\n",
            &["t.toml:4: routing.chain[0].step[0].ask[0]", "`x`"],
        ),
        (
            "[[routing.chain]]\nname = \"c\"\n[[routing.chain.step]]\nask = [\"default\"]\notherwise = [\"document:x\"]\n",
            &[
                "t.toml:5: routing.chain[0].step[0].otherwise[0]",
                "no document `x`",
            ],
        ),
        (
            "[[routing.rule]]\nname = \"r\"\nthen = \"ask:x\"\n",
            &[
                "t.toml:3: routing.rule[0].then",
                "[[routing.chain]] named `x`",
            ],
        ),
        (
            "[[routing.rule]]\nname = \"r\"\nthen = \"document:x\"\n",
            &["t.toml:3: routing.rule[0].then", "no document `x`"],
        ),
        (
            "[[routing.rule]]\nname = \"r\"\nthen = \"forward\"\n",
            &["t.toml:3: routing.rule[0].then", "\"straight\""],
        ),
        (
            "[[routing.application]]\nname = \"a\"\nurl = \"tcp://a:1\"\ndialect = \"klingon\"\n",
            &[
                "t.toml:4: routing.application[0].dialect",
                "`klingon`",
                "`native`",
            ],
        ),
    ]);
}

#[test]
fn what_can_not_be_reached_or_never_decides_is_refused() {
    let step = "[[routing.chain]]\nname = \"c\"\n[[routing.chain.step]]\nask = [\"default\"]\n";
    refused(&[
        (
            &format!("{step}otherwise = [\"cache\", \"pass\"]\n"),
            &[
                "t.toml:5: routing.chain[0].step[0].otherwise[1]",
                "no step behind the last one",
            ],
        ),
        (
            &format!(
                "{step}name = \"a\"\notherwise = [\"pass\", \"cache\"]\n[[routing.chain.step]]\nname = \"b\"\nask = [\"default\"]\n"
            ),
            &["routing.chain[0].step[0].otherwise[1]", "never reached"],
        ),
        (
            &format!("{step}[[routing.chain.step]]\nask = [\"default\"]\n"),
            &["routing.chain[0].step[0].name: a name is needed"],
        ),
        (
            &format!("{step}deadline_ms = 3000\n"),
            &[
                "t.toml:5: routing.chain[0].step[0].deadline_ms",
                "3000 ms",
                "leaves 2000",
            ],
        ),
        (
            "[[routing.chain]]\nname = \"c\"\n",
            &["t.toml:1: routing.chain[0]: it has no step"],
        ),
        (
            "[[routing.rule]]\nname = \"all\"\nthen = \"straight\"\n[[routing.rule]]\nname = \"late\"\nnumbers = [\"112\"]\nthen = \"straight\"\n",
            &["t.toml:4: routing.rule[1]", "`all` before it"],
        ),
    ]);
}

#[test]
fn shares_that_leave_calls_to_nobody_are_refused() {
    let listen = "[[routing.listen]]\naddress = \"127.0.0.1:0\"\npool = \"other\"\n\
                  [[routing.pool]]\nname = \"core\"\n[[routing.pool]]\nname = \"other\"\n";
    let app = |name: &str, more: &str| {
        format!("[[routing.application]]\nname = \"{name}\"\nurl = \"tcp://{name}:1\"\n{more}\n")
    };
    let zero = format!(
        "{listen}{}{}",
        app("a", "weight = 0"),
        app("b", "weight = 0")
    );
    let canary = format!("{listen}{}", app("a", "canary = 5"));
    let many = format!("{}{}", app("a", "canary = 60"), app("b", "canary = 60"));
    refused(&[
        (
            &zero,
            &[
                "t.toml:15: routing.application[1].weight",
                "nobody is asked",
            ],
        ),
        (&canary, &["routing.application[0].canary", "95 percent"]),
        (&many, &["routing.application[1].canary", "120 percent"]),
        (
            &app("a", "canary = 101"),
            &["t.toml:4: routing.application[0].canary", "at most 100"],
        ),
        (
            "[[routing.pool]]\nname = \"p\"\nshare = 0.0\n",
            &["t.toml:3: routing.pool[0].share"],
        ),
        (
            "[[routing.pool]]\nname = \"p\"\neject = { pause_ms = 9, max_pause_ms = 8 }\n",
            &["eject.max_pause_ms"],
        ),
    ]);
}

#[test]
fn what_can_t_look_on_is_refused() {
    let app = |more: &str| format!("[[routing.application]]\nname = \"a\"\n{more}\n");
    let shadow = "routing.application[0].shadow";
    refused(&[
        (&app("shadow = 0"), &["t.toml:3: ", shadow, "1 to 100"]),
        (&app("shadow = 101"), &[shadow, "at most 100"]),
        (&app("shadow = 5\ncanary = 5"), &[shadow, "decides nothing"]),
        (
            &app("url = \"sip:192.0.2.9\"\nshadow = 5"),
            &[shadow, "redirect server"],
        ),
        (
            "[routing.shadow]\nignore = [\"tags\", \"colour\"]\n",
            &["t.toml:2: routing.shadow.ignore[1]", "colour"],
        ),
        (
            "[routing.shadow]\ntolerate = [\"fr_timer=soon\"]\n",
            &["routing.shadow.tolerate[0]", "soon"],
        ),
        ("[routing.shadow]\nqueue = 0\n", &["routing.shadow.queue"]),
    ]);
}

#[test]
fn a_shadow_leaves_the_shares_of_the_others_as_they_are() {
    let app = |name: &str, more: &str| {
        format!("[[routing.application]]\nname = \"{name}\"\nurl = \"tcp://{name}:1\"\n{more}\n")
    };
    let pools = "[[routing.listen]]\naddress = \"127.0.0.1:0\"\npool = \"other\"\n\
                 [[routing.pool]]\nname = \"core\"\n[[routing.pool]]\nname = \"other\"\n";
    let canary = format!(
        "{pools}{}{}",
        app("a", "canary = 5"),
        app("b", "shadow = 100")
    );
    refused(&[(&canary, &["routing.application[0].canary", "95 percent"])]);
    let full = format!("{pools}{}{}", app("a", ""), app("b", "shadow = 100"));
    assert_eq!(refusal(&full), "(sound)");
}

#[test]
fn what_is_there_twice_is_refused() {
    let app = "[[routing.application]]\nname = \"a:1\"\n";
    refused(&[
        (
            &format!("{app}{app}"),
            &[
                "t.toml:4: routing.application[1].name",
                "`a:1` is there twice",
            ],
        ),
        (
            &format!("{app}[[routing.dial]]\naddress = \"a:1\"\n"),
            &["t.toml:4: routing.dial[0].address", "twice"],
        ),
        (
            "[[routing.pool]]\nname = \"p\"\n[[routing.pool]]\nname = \"p\"\n",
            &["t.toml:4: routing.pool[1].name"],
        ),
        (
            "[[routing.listen]]\naddress = \"127.0.0.1:1\"\n[[routing.listen]]\naddress = \"127.0.0.1:1\"\n",
            &["t.toml:4: routing.listen[1].address", "listed twice"],
        ),
    ]);
}

#[test]
fn an_url_has_to_fit_its_dialect_and_the_rest() {
    let app = |more: &str| format!("[[routing.application]]\nname = \"a\"\n{more}\n");
    refused(&[
        (
            &app("url = \"router:8448\""),
            &["t.toml:3: routing.application[0].url", "scheme"],
        ),
        (
            &app("url = \"http://a/\"\ndialect = \"kamailio\""),
            &[
                "t.toml:4: routing.application[0].dialect",
                "over http; write native, wazo, drachtio",
            ],
        ),
        (
            &app("url = \"tcp://a:1\"\ndialect = \"wazo\""),
            &[
                "dialect",
                "over tcp; write native, kamailio, evapi, cgrates",
            ],
        ),
        (
            &app("url = \"sip:a\"\ndialect = \"wazo\""),
            &["dialect", "leave it out"],
        ),
        (
            &app("url = \"tcp://a:1\"\nnotify_url = \"http://a/\""),
            &["t.toml:4: routing.application[0].notify_url"],
        ),
        (
            &app("url = \"http://a\"\nnotify_url = \"ws://a/\""),
            &["notify_url", "http or https"],
        ),
        (
            &app("url = \"tcp://a:1\"\ntls = {}"),
            &["t.toml:4: routing.application[0].tls", "https"],
        ),
        (
            &app("token = \"x\""),
            &["t.toml:3: routing.application[0].token", "give a `url`"],
        ),
        (
            &app("url = \"tcp://a:1\"\ntemplate = \"x\""),
            &["t.toml:4: routing.application[0].template", "evapi"],
        ),
        (
            "[[routing.listen]]\naddress = \"127.0.0.1:0\"\ndialect = \"wazo\"\n",
            &["t.toml:3: routing.listen[0].dialect", "http:// url"],
        ),
        (
            "[[routing.listen]]\naddress = \"127.0.0.1:0\"\ntransport = \"websocket\"\ndialect = \"kamailio\"\n",
            &["t.toml:3: routing.listen[0].transport"],
        ),
    ]);
}

#[test]
fn files_of_tls_that_can_not_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.pem");
    std::fs::write(&garbage, "no certificate").unwrap();
    let garbage = garbage.display();
    refused(&[
        (
            "[[routing.listen]]\naddress = \"127.0.0.1:0\"\n[routing.listen.tls]\ncertificate_file = \"no.crt\"\nkey_file = \"no.key\"\n",
            &["t.toml:4: routing.listen[0].tls.certificate_file", "no.crt"],
        ),
        (
            &format!(
                "[[routing.application]]\nname = \"a\"\nurl = \"https://a/\"\ntls.ca_file = \"{garbage}\"\n"
            ),
            &[
                "t.toml:4: routing.application[0].tls.ca_file",
                "garbage.pem",
            ],
        ),
        (
            "[[routing.application]]\nname = \"a\"\nurl = \"https://a/\"\ntls = { key_file = \"a.key\" }\n",
            &["routing.application[0].tls.key_file", "certificate_file"],
        ),
    ]);
}

#[test]
fn documents_that_can_not_be_executed_are_refused_with_a_pointer() {
    refused(&[
        (
            "[routing.documents.a]\ndocument = { routes = [{ uri = \"mailto:x\" }] }\n",
            &["t.toml:2: routing.documents.a.document", "/routes/0/uri"],
        ),
        (
            "[routing.documents.a]\n",
            &["t.toml:1: routing.documents.a", "neither"],
        ),
        (
            "[routing.documents.a]\ndocument_file = \"no.json\"\n",
            &["t.toml:2: routing.documents.a.document_file", "no.json"],
        ),
        (
            "[routing.fallback]\ndocument_file = \"no.json\"\ndocument = {}\n",
            &["routing.fallback.document_file", "keep one"],
        ),
    ]);
}

#[test]
fn conditions_that_nothing_can_meet_are_refused() {
    let rule =
        |more: &str| format!("[[routing.rule]]\nname = \"r\"\nthen = \"straight\"\n{more}\n");
    refused(&[
        (
            &rule("numbers = [\"112\", \"1-1-0\"]"),
            &["t.toml:4: routing.rule[0].numbers[1]", "110"],
        ),
        (
            &rule("methods = [\"invite\"]"),
            &["t.toml:4: routing.rule[0].methods[0]", "INVITE"],
        ),
        (
            &rule("domains = [\"sip:x\"]"),
            &["routing.rule[0].domains[0]", "*.example.com"],
        ),
        (
            &rule("sources = [\"10.0.0.0/33\"]"),
            &["routing.rule[0].sources[0]", "192.0.2.0/24"],
        ),
    ]);
}

#[test]
fn the_admin_api_needs_a_secret_where_others_can_reach_it() {
    refused(&[
        (
            "[admin]\nlisten = \"0.0.0.0:8450\"\n",
            &["t.toml:1: admin.token", "TIDEGATE_ADMIN_TOKEN"],
        ),
        (
            "[admin]\ntoken = \"short\"\n",
            &["t.toml:2: admin.token", "16"],
        ),
    ]);
}

#[test]
fn what_is_set_about_another_dialect_is_refused() {
    let listen = |more: &str| format!("[[routing.listen]]\naddress = \"127.0.0.1:1\"\n{more}\n");
    let cgrates = "dialect = \"cgrates\"";
    refused(&[
        (
            &listen("cgrates = {}"),
            &["t.toml:3: routing.listen[0].cgrates", "leave it out"],
        ),
        (
            &listen(&format!("{cgrates}\ncgrates = {{ account = \"$x\" }}")),
            &["routing.listen[0].cgrates.account", "`$x`"],
        ),
        (
            &format!(
                "{}{}",
                listen(cgrates),
                listen(cgrates).replace(":1\"", ":2\"")
            ),
            &["routing.listen[1].cgrates.name", "name them differently"],
        ),
        (
            "[[routing.application]]\nname = \"a\"\nurl = \"http://h/\"\nwazo = {}\n",
            &["t.toml:4: routing.application[0].wazo", "leave it out"],
        ),
    ]);
}
