//! The admin API, spoken as an operator's script would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::PATIENCE;
use crate::binary::binary;

/// What every proxy of a test is configured with.
pub(crate) const TOKEN: &str = "a-token-for-tests";

/// The admin API of one proxy.
#[derive(Debug, Clone, Copy)]
pub struct Admin {
    address: SocketAddr,
}

impl Admin {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where it is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One request; the status and the body of the response.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (head, body) = self.exchange(method, path, body);
        let body = serde_json::from_str(&body).unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.unwrap_or_else(|| panic!("no status: {head}")), body)
    }

    /// The head and the body of the response to `GET`.
    #[must_use]
    pub fn text(&self, path: &str) -> (String, String) {
        self.exchange("GET", path, &Value::Null)
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> (String, String) {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len(),
        );
        let mut stream = TcpStream::connect(self.address).expect("the admin API");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        let (head, body) = response.split_once("\r\n\r\n").expect("a whole response");
        (head.to_owned(), body.to_owned())
    }

    /// One request that has to succeed.
    pub fn order(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        answer
    }

    /// The same with `tidegate ctl`; what it printed.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let done = Command::new(binary("tidegate"))
            .arg("ctl")
            .args(arguments)
            .env("TIDEGATE_ADMIN_URL", format!("http://{}", self.address))
            .env("TIDEGATE_ADMIN_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .output()
            .expect("tidegate ctl");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            done.status.success(),
            "tidegate ctl {arguments:?}: {}",
            text(&done.stderr)
        );
        text(&done.stdout)
    }

    /// One application as the proxy sees it; `null` when it sees none of that name.
    #[must_use]
    pub fn application(&self, name: &str) -> Value {
        let path = format!("/v1/applications/{name}");
        match self.ask("GET", &path, &Value::Null) {
            (200, application) => application,
            (404, _) => Value::Null,
            (status, answer) => panic!("{path}: {status} {answer}"),
        }
    }

    /// The counters of one group that have moved.
    #[must_use]
    pub fn counters(&self, group: &str) -> Value {
        let all = self.order("GET", "/v1/counters", &Value::Null);
        let group = all[group].as_object().expect("the group");
        let moved = group.iter().filter(|(_, value)| value.as_u64() != Some(0));
        moved
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// One counter; 0 where it never moved.
    #[must_use]
    pub fn counter(&self, group: &str, name: &str) -> u64 {
        self.counters(group)[name].as_u64().unwrap_or_default()
    }

    /// Waits until an application is as wanted.
    pub fn wait_for(&self, name: &str, wanted: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let application = self.application(name);
            if wanted(&application) {
                return;
            }
            assert!(Instant::now() < deadline, "{name} is {application}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
