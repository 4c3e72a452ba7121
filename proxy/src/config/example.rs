//! Generates `examples/tidegate.toml`: every setting with its documentation and its default.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

const PREFACE: &str = "\
# Every setting of tidegate, each with its default, or with an example where it has none.
# Lines with a space behind the # explain; remove the # of the others to set something.
# `tidegate check --config FILE` says what is wrong with a file.
";

/// The widest line of an explanation.
const WIDTH: usize = 98;

/// Writes the example anew instead of comparing it.
const BLESS: &str = "TIDEGATE_BLESS";

/// The default, with something in every place that is empty by default.
fn sample() -> Config {
    let mut config = Config {
        shards: Some(1),
        ..Config::default()
    };
    config
        .listen
        .push("udp:0.0.0.0:5080=sip.example.com".parse().unwrap());
    config.sip.domains.push("example.com".to_owned());
    config.sip.min_se = Some(90);
    config.sip.timers.fr_timer = Some(32_000);
    config.sip.timers.fr_inv_timer = Some(180_000);
    config.routing.token = Some("secret".to_owned());
    let mut evapi: RoutingListen = "127.0.0.1:8449".parse().unwrap();
    evapi.dialect = Dialect::Evapi;
    evapi.template = Some(r#"{"tindex":$T(id_index),"tlabel":$T(id_label),"to":"$rU"}"#.to_owned());
    evapi.framing = Some(Framing::Netstring);
    evapi.paths = Some(AnswerPaths {
        index: Some("tindex".to_owned()),
        label: Some("tlabel".to_owned()),
        document: Some("xdata".to_owned()),
    });
    config.routing.listen.push(evapi);
    config.routing.decision_header = Some("X-Decided-By".to_owned());
    applications(&mut config.routing);
    policy(&mut config.routing);
    config.admin.listen = Some(DEFAULT_ADMIN);
    config.admin.token = Some("a-secret-of-your-own".to_owned());
    recording(&mut config.recording);
    config
}

fn recording(recording: &mut RecordingSettings) {
    recording.hash_key = Some("another-secret-of-your-own".to_owned());
    recording.mask = vec![
        Mask {
            header: Some("P-Charging-Vector".to_owned()),
            ..Mask::default()
        },
        Mask {
            pointer: Some("/event/request/from/display".to_owned()),
            how: MaskHow::Remove,
            ..Mask::default()
        },
        Mask {
            preset: Some(Preset::Numbers),
            how: MaskHow::Digits,
            digits: Some(4),
            ..Mask::default()
        },
    ];
    recording.file = Some(RecordingFile::at("decisions.jsonl"));
    recording.redis = Some(RecordingRedis::at("redis://redis.example.com:6379"));
}

fn applications(routing: &mut Routing) {
    routing.dial.push(Dial {
        address: "router.example.com:8448".to_owned(),
        framing: Framing::Lines,
    });
    let mut websocket: RoutingListen = "127.0.0.1:8451".parse().unwrap();
    websocket.transport = RoutingTransport::Websocket;
    websocket.pool = Some("billing".to_owned());
    websocket.token = Some("a-secret-of-its-own".to_owned());
    routing.listen.push(websocket);
    let mut cgrates: RoutingListen = "127.0.0.1:8452=cgrates".parse().unwrap();
    cgrates.pool = Some("billing".to_owned());
    cgrates.cgrates = Some(Cgrates {
        origin_host: Some("proxy-1.example.com".to_owned()),
        reply_route: Some("CGR_AUTH_REPLY".to_owned()),
        fields: [("Trunk".to_owned(), "$hdr(X-Trunk)".to_owned())].into(),
        routes: [("carrier-a".to_owned(), "sip:192.0.2.7".to_owned())].into(),
        ..Cgrates::default()
    });
    routing.listen.push(cgrates);
    routing.application.push(Application {
        url: Some("https://billing.example.com/route".to_owned()),
        pool: Some("billing".to_owned()),
        max_in_flight: Some(500),
        token: Some("secret".to_owned()),
        notify_url: Some("https://billing.example.com/calls".to_owned()),
        ..Application::named("billing-a")
    });
    routing.application.push(Application {
        pool: Some("core".to_owned()),
        canary: Some(5),
        ..Application::named("core-next")
    });
    routing.application.push(Application {
        pool: Some("core".to_owned()),
        shadow: Some(100),
        ..Application::named("core-shadow")
    });
    routing.shadow.ignore = vec!["tags".to_owned(), "headers.*.x-trace".to_owned()];
    routing.shadow.tolerate = vec!["timers=500".to_owned(), "any_order".to_owned()];
    routing.application.push(Application {
        url: Some("http://wazo.example.com:8000/1.0/kamailio/routing".to_owned()),
        dialect: Dialect::Wazo,
        wazo: Some(Wazo::default()),
        ..Application::named("wazo-a")
    });
    routing.application.push(Application {
        url: Some("http://drachtio.example.com:3000/".to_owned()),
        dialect: Dialect::Drachtio,
        drachtio: Some(Drachtio::default()),
        ..Application::named("drachtio-a")
    });
    routing.application.push(Application {
        url: Some("tcp://cgrates.example.com:8448".to_owned()),
        pool: Some("billing".to_owned()),
        dialect: Dialect::Evapi,
        template: Some(r#"{"tindex":$T(id_index),"tlabel":$T(id_label)}"#.to_owned()),
        framing: Some(Framing::Netstring),
        paths: Some(AnswerPaths::default()),
        ..Application::named("billing-b")
    });
}

fn policy(routing: &mut Routing) {
    let mut core = Pool::named("core");
    core.max_in_flight = Some(20_000);
    core.eject.slower_than_ms = Some(500);
    routing.pool = vec![core, Pool::named("billing")];
    let step = |name: &str, pool: &str, otherwise: &[&str]| Step {
        name: name.to_owned(),
        ask: vec![pool.to_owned()],
        deadline_ms: Some(300),
        otherwise: otherwise.iter().map(|it| it.parse().unwrap()).collect(),
    };
    routing.chain = vec![Chain {
        name: "default".to_owned(),
        step: vec![
            step("billing", "billing", &["cache", "pass"]),
            step("routing", "core", &["cache", "document:carrier"]),
        ],
    }];
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    routing.rule = vec![Rule {
        name: "emergency".to_owned(),
        numbers: texts(&["112", "110"]),
        methods: texts(&["INVITE"]),
        domains: texts(&["*.example.com"]),
        sources: texts(&["192.0.2.0/24"]),
        in_dialog: false,
        then: "document:carrier".parse().unwrap(),
    }];
    let document = json!({ "routes": [{ "dst_uri": "sip:192.0.2.7" }] });
    let carrier = StaticDocument {
        document: Some(document.clone()),
        document_file: None,
    };
    routing.documents.insert("carrier".to_owned(), carrier);
    routing.fallback.document = Some(document);
}

/// The sample, with what excludes something else in it.
fn everything() -> Config {
    let mut config = sample();
    config.routing.fallback.document_file = Some(PathBuf::from("fallback.json"));
    let carrier = config.routing.documents.get_mut("carrier").unwrap();
    carrier.document_file = Some(PathBuf::from("carrier.json"));
    let file = |name: &str| PathBuf::from("tls").join(name);
    config.routing.listen[2].tls = Some(ServerTls {
        certificate_file: file("proxy.crt"),
        key_file: file("proxy.key"),
        client_ca_file: Some(file("applications-ca.crt")),
    });
    config.routing.application[0].tls = Some(ClientTls {
        ca_file: Some(file("ca.crt")),
        certificate_file: Some(file("proxy.crt")),
        key_file: Some(file("proxy.key")),
        server_name: Some("billing.internal".to_owned()),
    });
    config
}

fn render(config: &Config) -> String {
    let schema = schemars::schema_for!(Config).to_value();
    let mut text = PREFACE.to_owned();
    let mut section = Vec::new();
    let mut explained = HashSet::new();
    for line in toml::to_string(config).unwrap().lines() {
        let header = line.trim_start_matches('[').trim_end_matches(']');
        let path: Vec<&str> = if line.starts_with('[') {
            section = header.split('.').map(str::to_owned).collect();
            section.iter().map(String::as_str).collect()
        } else if let Some((key, _)) = line.split_once(" = ") {
            section.iter().map(String::as_str).chain([key]).collect()
        } else {
            continue;
        };
        text.push('\n');
        let description = describe(&schema, &path).unwrap_or_default();
        if explained.insert(description) {
            explain(description, &mut text);
        }
        let _ = writeln!(text, "#{line}");
    }
    text
}

/// The description of the property at `path`, or of the nearest one above it.
fn describe<'a>(schema: &'a Value, path: &[&str]) -> Option<&'a str> {
    let mut at = schema;
    let mut described = None;
    for key in path {
        let object = target(schema, at);
        let property = match &object["properties"][*key] {
            Value::Null => &object["additionalProperties"],
            property => property,
        };
        described = property["description"].as_str().or(described);
        at = property;
    }
    described
}

/// What `at` refers to: itself, a definition, the items of an array, the type of an option.
fn target<'a>(schema: &'a Value, at: &'a Value) -> &'a Value {
    if let Some(name) = at["$ref"].as_str() {
        return target(
            schema,
            &schema["$defs"][name.trim_start_matches("#/$defs/")],
        );
    }
    if at["items"].is_object() {
        return target(schema, &at["items"]);
    }
    at["anyOf"]
        .as_array()
        .and_then(|any| any.first())
        .map_or(at, |one| target(schema, one))
}

fn explain(description: &str, text: &mut String) {
    let mut line = String::from("#");
    for word in description.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    if line.len() > 1 {
        text.push_str(&line);
        text.push('\n');
    }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/tidegate.toml")
}

#[test]
fn the_example_is_what_the_code_says() {
    let text = render(&everything());
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(file(), &text).unwrap();
    }
    let found = std::fs::read_to_string(file()).unwrap_or_default();
    assert!(
        found == text,
        "examples/tidegate.toml is stale: run this test with {BLESS}=1"
    );
}

#[test]
fn the_example_without_its_hashes_is_a_sound_configuration() {
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
        _ => "\n".to_owned(),
    };
    let text: String = render(&sample()).lines().map(uncommented).collect();
    let config = Config::from_toml(&text, None, &Overrides::default()).unwrap();
    assert_eq!(config, sample());
}

#[test]
fn the_example_shows_every_setting_and_explains_it() {
    let schema = schemars::schema_for!(Config).to_value();
    let text = render(&everything());
    let mut todo = vec![&schema, &schema["$defs"]["StaticDocument"]];
    let mut seen = 0;
    while let Some(at) = todo.pop() {
        let Some(properties) = target(&schema, at)["properties"].as_object() else {
            continue;
        };
        for (name, property) in properties {
            let value = text.contains(&format!("\n#{name} = "));
            let table = text.contains(&format!("{name}]")) || text.contains(&format!(".{name}."));
            assert!(value || table, "{name} is missing");
            assert!(
                property["description"].is_string(),
                "{name} is not explained"
            );
            seen += 1;
            todo.push(property);
        }
    }
    assert!(seen > 40, "{seen}");
}
