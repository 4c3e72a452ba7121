//! The documents of the interfaces tell the truth: what they describe is what a running proxy does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use common::PATIENCE;
use common::managed::{Managed, TOKEN};
use jsonschema::Validator;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tidegate::Proxy;
use tidegate_schemas::json::{ADMIN_OPENAPI, APPLICATION_OPENAPI};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const FILE: &str = r#"
[admin]
listen = "127.0.0.1:0"
token = "a-secret-for-the-tests"

[[listen]]
transport = "udp"
address = "127.0.0.1:0"

[[routing.listen]]
address = "127.0.0.1:0"

[recording.file]
path = "decisions.jsonl"

[[routing.pool]]
name = "core"

[[routing.application]]
name = "looks-on"
url = "tcp://127.0.0.1:9"
shadow = 100
"#;

/// An application that dials in and answers everything with this.
const DIALS_IN: &str = "lcr";
const ROUTES: &str = r#"[{"dst_uri":"sip:192.0.2.7"}]"#;

/// What stands in for the names in paths: added by the example, dialled in, a shadow, and not there.
const NAMES: [&str; 4] = ["core-b", DIALS_IN, "looks-on", "nobody"];

/// Operations that only succeed while there is a call.
const NEED_A_CALL: [&str; 2] = ["getCall", "terminateCall"];

const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

struct World {
    managed: Managed,
    document: Value,
}

impl World {
    fn new(more: &str) -> Self {
        Self {
            managed: Managed::start(&format!("{FILE}{more}")),
            document: serde_json::from_str(ADMIN_OPENAPI).unwrap(),
        }
    }

    /// Every documented operation.
    fn operations(&self) -> Vec<Operation<'_>> {
        let mut all = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for method in &METHODS {
                let told = item.get(method.as_str().to_ascii_lowercase());
                all.extend(told.map(|told| Operation { method, path, told }));
            }
        }
        all
    }

    /// The status of a response, which has to be documented, and its body as documented.
    async fn judge(&self, operation: &Operation<'_>, response: Response) -> String {
        let status = response.status().as_str().to_owned();
        let place = format!("{} {}: {status}", operation.method, operation.path);
        let shown = response.headers().get("content-type");
        let shown = shown.map_or("", |it| it.to_str().unwrap()).to_owned();
        let body = response.bytes().await.unwrap();
        let text = String::from_utf8_lossy(&body);
        let Some(told) = operation.told["responses"].get(&status) else {
            panic!("{place} is not documented: {text}");
        };
        let Some(content) = told.get("content") else {
            assert_eq!(text, "", "{place}");
            return status;
        };
        let (media, content) = content.as_object().unwrap().iter().next().unwrap();
        assert_eq!(&shown, media, "{place}");
        let schema = &content["schema"];
        let body = match media.as_str() {
            "application/json" => serde_json::from_slice(&body).unwrap(),
            _ => Value::String(text.into_owned()),
        };
        if let Err(error) = validator(&self.document, schema).validate(&body) {
            panic!("{place}: {error} at {}", error.instance_path());
        }
        status
    }

    /// Waits until an application can be asked.
    async fn wait_for(&self, name: &str) {
        let path = format!("/v1/applications/{name}");
        let up = async {
            loop {
                let answer = self
                    .managed
                    .request(&Method::GET, &path)
                    .send()
                    .await
                    .unwrap();
                let answer: Value = answer.json().await.unwrap();
                if answer["state"] == "up" {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, up).await.expect(name);
    }
}

struct Operation<'a> {
    method: &'a Method,
    path: &'a str,
    told: &'a Value,
}

impl Operation<'_> {
    fn id(&self) -> &str {
        self.told["operationId"].as_str().unwrap()
    }

    /// What makes something comes first, and what takes it away last.
    fn rank(&self) -> u8 {
        match (self.id(), self.path) {
            ("addApplication", _) => 0,
            (_, path) if path.starts_with("/v1/shadows") => 1,
            ("removeApplication", _) => 3,
            _ => 2,
        }
    }

    fn example(&self) -> Option<&Value> {
        self.told
            .pointer("/requestBody/content/application~1json/example")
    }

    fn success(&self) -> &str {
        let responses = self.told["responses"].as_object().unwrap();
        responses.keys().find(|it| it.starts_with('2')).unwrap()
    }

    /// The path with each of the names in it.
    fn paths(&self) -> Vec<String> {
        let Some((before, rest)) = self.path.split_once('{') else {
            return vec![self.path.to_owned()];
        };
        let (_, after) = rest.split_once('}').unwrap();
        let names = NAMES.iter();
        names.map(|name| format!("{before}{name}{after}")).collect()
    }

    /// Requests that are good and bad in every way in which this one can be.
    fn requests(&self, world: &World) -> Vec<RequestBuilder> {
        let mut all = Vec::new();
        for path in self.paths() {
            let new = || world.managed.request(self.method, &path);
            let Some(example) = self.example() else {
                all.push(new());
                continue;
            };
            all.push(new().json(&json!({ "nonsense": 1 })));
            all.push(new().header("content-type", "text/plain").body("{}"));
            all.push(new().json(example));
        }
        for parameter in self.told["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            for value in ["true", "perhaps"] {
                let path = format!("{}?{name}={value}", self.path);
                all.push(world.managed.request(self.method, &path));
            }
        }
        all.push(world.managed.stranger(self.method, &self.paths()[0]));
        all
    }
}

fn validator(document: &Value, schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    jsonschema::draft202012::new(&schema).unwrap()
}

async fn dial_in(proxy: &Proxy) {
    let stream = TcpStream::connect(proxy.routing_addresses()[0]).await;
    let (read, mut write) = stream.unwrap().into_split();
    let hello = json!({ "type": "hello", "version": "1.0", "name": DIALS_IN });
    write
        .write_all(format!("{hello}\n").as_bytes())
        .await
        .unwrap();
    tokio::spawn(async move {
        let mut lines = BufReader::new(read).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let message: Value = serde_json::from_str(&line).unwrap();
            if let Some(answer) = answer(&message) {
                write
                    .write_all(format!("{answer}\n").as_bytes())
                    .await
                    .unwrap();
            }
        }
    });
}

fn answer(message: &Value) -> Option<Value> {
    let routes: Value = serde_json::from_str(ROUTES).unwrap();
    match message["type"].as_str().unwrap() {
        "route" => Some(json!({ "id": message["id"], "routes": routes })),
        "ping" => Some(json!({ "type": "pong" })),
        _ => None,
    }
}

#[tokio::test]
async fn every_operation_of_the_admin_api_answers_as_documented() {
    let world = World::new("");
    dial_in(&world.managed.proxy).await;
    world.wait_for(DIALS_IN).await;
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut operations = world.operations();
    operations.sort_by_key(Operation::rank);
    for operation in &operations {
        for request in operation.requests(&world) {
            let response = request.send().await.unwrap();
            let status = world.judge(operation, response).await;
            seen.entry(operation.id()).or_default().insert(status);
        }
    }
    for operation in &operations {
        let seen = &seen[operation.id()];
        let may_fail = NEED_A_CALL.contains(&operation.id());
        let succeeded = seen.contains(operation.success());
        assert!(succeeded || may_fail, "{} only {seen:?}", operation.id());
        assert!(seen.contains("401"), "{}", operation.id());
    }
}

/// Bytes of a body: just above what is taken.
const TOO_LARGE: usize = (1 << 20) + 1;

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_as_documented() {
    let world = World::new("");
    let operations = world.operations();
    let takes_a_body = |it: &&Operation<'_>| it.example().is_some();
    for operation in operations.iter().filter(takes_a_body) {
        assert!(operation.told["responses"]["413"].is_object());
        let address = world.managed.proxy.admin_address().unwrap();
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            operation.method,
            operation.paths()[0],
            TOO_LARGE,
        );
        let stream = TcpStream::connect(address).await.unwrap();
        let (read, mut write) = stream.into_split();
        write.write_all(head.as_bytes()).await.unwrap();
        write.write_all(&vec![b' '; TOO_LARGE]).await.unwrap();
        let mut lines = BufReader::new(read).lines();
        let answer = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        assert!(answer.unwrap().contains(" 413 "), "{}", operation.path);
    }
}

#[tokio::test]
async fn what_is_not_documented_is_not_served() {
    let world = World::new("");
    let operations = world.operations();
    for operation in &operations {
        for method in &METHODS {
            let is_told = |it: &Operation<'_>| it.path == operation.path && it.method == method;
            if operations.iter().any(is_told) {
                continue;
            }
            let path = &operation.paths()[0];
            let response = world.managed.request(method, path).send().await.unwrap();
            let status = response.status();
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
        let path = format!("{}/more/of/that", operation.paths()[0]);
        let response = world
            .managed
            .request(operation.method, &path)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_admin_api_serves_its_own_document() {
    let world = World::new("");
    let request = world.managed.request(&Method::GET, "/v1/openapi.json");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.text().await.unwrap(), ADMIN_OPENAPI);
}

/// A request as an application got it over HTTP.
type Posted = (HeaderMap, Value);

/// An application that is asked over HTTP: where it is, and what it gets.
async fn web_application() -> (String, mpsc::UnboundedReceiver<Posted>) {
    let (posted, arriving) = mpsc::unbounded_channel();
    let posted = Arc::new(posted);
    let take = move |headers: HeaderMap, body: Bytes| {
        let message: Value = serde_json::from_slice(&body).unwrap();
        let answer = answer(&message)
            .map(|it| it.to_string())
            .unwrap_or_default();
        posted.send((headers, message)).unwrap();
        async move { ([("content-type", "application/json")], answer) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, arriving)
}

#[tokio::test]
async fn what_the_proxy_posts_to_an_application_is_what_its_document_says() {
    let (url, mut arriving) = web_application().await;
    let world = World::new(&format!(
        "[[routing.application]]\nname = \"web\"\nurl = \"{url}\"\ntoken = \"{TOKEN}\"\n"
    ));
    world.wait_for("web").await;
    let question = json!({ "uri": "sip:102@example.com" });
    let path = "/v1/applications/web/ask";
    let asked = world
        .managed
        .request(&Method::POST, path)
        .json(&question)
        .send();
    let answer: Value = asked.await.unwrap().json().await.unwrap();
    assert_eq!(answer["valid"], true, "{answer}");
    let document: Value = serde_json::from_str(APPLICATION_OPENAPI).unwrap();
    let content = "/paths/~1/post/requestBody/content/application~1json/schema";
    let schema = validator(&document, document.pointer(content).unwrap());
    for expected in ["hello", "route"] {
        let (headers, message) = arriving.recv().await.unwrap();
        assert_eq!(message["type"], expected);
        if let Err(error) = schema.validate(&message) {
            panic!("{expected}: {error} at {}", error.instance_path());
        }
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        let key = headers
            .get("idempotency-key")
            .map(|it| it.to_str().unwrap());
        assert_eq!(key, message["id"].as_str());
    }
}
