//! Calls as an application sees them: told of, listed, limited and ended.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::net::SocketAddr;

use common::*;
use serde_json::{Value, json};
use tidegate::Proxy;
use tidegate::config::SipTransport::Udp;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// An application that decides and wants to know.
struct Billing(BufReader<TcpStream>);

impl Billing {
    async fn connect(proxy: &Proxy) -> Self {
        let stream = TcpStream::connect(proxy.routing_addresses()[0]).await;
        let mut billing = Self(BufReader::new(stream.unwrap()));
        let all = ["progress", "answered", "failed", "ended"];
        let hello =
            json!({ "type": "hello", "version": "1.0", "name": "billing", "subscribe": all });
        billing.send(&hello).await;
        billing.expect("hello").await;
        billing
    }

    async fn send(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.0.get_mut().write_all(line.as_bytes()).await.unwrap();
    }

    /// The next message, which has to be of this type.
    async fn expect(&mut self, kind: &str) -> Value {
        loop {
            let mut line = String::new();
            let read = timeout(PATIENCE, self.0.read_line(&mut line)).await;
            read.expect("a message in time").unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["type"] != "ping" {
                assert_eq!(message["type"], kind, "{message}");
                return message;
            }
        }
    }

    /// The next notification, which has to be this one, is acknowledged.
    async fn told(&mut self, event: &str) -> Value {
        let told = self.expect("call").await;
        assert_eq!(told["event"], event, "{told}");
        let ack = json!({ "type": "ack", "event_id": told["event_id"] });
        self.send(&ack).await;
        told
    }
}

/// A call that is answered and acknowledged.
struct Talk {
    caller: UdpSocket,
    callee: UdpSocket,
    /// The answer as the caller got it.
    ok: String,
}

impl Talk {
    /// The document is what the application decides, beside the routes.
    async fn begin(proxy: &Proxy, billing: &mut Billing, mut document: Value) -> Self {
        let (caller, callee) = (udp().await, udp().await);
        let (from, to) = (addr(&caller), addr(&callee));
        let invite = request("INVITE", "talk", &format!("UDP {from}"))
            .replace("sip:alice@127.0.0.1>", &format!("sip:alice@{from}>"));
        send(&caller, &invite, address(proxy, Udp)).await;
        let question = billing.expect("route").await;
        document["id"] = question["id"].clone();
        document["routes"] = json!([{ "uri": format!("sip:bob@{to}") }]);
        billing.send(&document).await;
        let (arrived, proxied) = receive(&callee).await;
        let ok = response(&arrived, "200 OK");
        let ok = ok.replace(
            "Content-Length",
            &format!("Contact: <sip:bob@{to}>\r\nContent-Length"),
        );
        send(&callee, &ok, proxied).await;
        let ok = receive_answer(&caller).await;
        let talk = Self { caller, callee, ok };
        talk.ack(address(proxy, Udp)).await;
        talk
    }

    async fn ack(&self, proxy: SocketAddr) {
        let ack = format!(
            "ACK sip:bob@{} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKack\r\n\
             Max-Forwards: 70\r\nRoute: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: talk\r\n\
             CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
            addr(&self.callee),
            addr(&self.caller),
            field(&self.ok, "Record-Route"),
            field(&self.ok, "From"),
            field(&self.ok, "To"),
        );
        send(&self.caller, &ack, proxy).await;
        assert!(receive(&self.callee).await.0.starts_with("ACK "));
    }

    /// Both sides get a BYE and answer it.
    async fn is_ended(&self, reason: &str) {
        for socket in [&self.caller, &self.callee] {
            let (bye, from) = receive(socket).await;
            assert!(bye.starts_with("BYE "), "{bye}");
            assert!(field(&bye, "Reason").contains(reason), "{bye}");
            let ok = response(&bye, "200 OK").replace(";tag=b;tag=b", ";tag=b");
            send(socket, &ok, from).await;
        }
    }
}

fn addr(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().unwrap()
}

async fn send(socket: &UdpSocket, message: &str, to: SocketAddr) {
    socket.send_to(message.as_bytes(), to).await.unwrap();
}

#[tokio::test]
async fn a_call_is_told_of_and_ended_at_its_limit() {
    let proxy = proxy(&[], "");
    let mut billing = Billing::connect(&proxy).await;
    let document = json!({ "max_call_ms": 300, "tags": { "account": 7 } });
    let talk = Talk::begin(&proxy, &mut billing, document).await;
    let answered = billing.told("answered").await;
    assert_eq!(
        (&answered["seq"], &answered["code"]),
        (&json!(1), &json!(200))
    );
    assert_eq!(answered["decided_by"], "billing");
    assert_eq!(answered["tags"]["account"], 7);
    let now = std::time::SystemTime::now();
    let now = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let at = u128::from(answered["time_ms"].as_u64().unwrap());
    assert!(now.abs_diff(at) < 10_000, "{now} {at}");

    talk.is_ended("Call duration limit reached").await;
    let ended = billing.told("ended").await;
    assert_eq!(
        (&ended["seq"], &ended["cause"]),
        (&json!(2), &json!("max_duration"))
    );
    assert!(ended["duration_ms"].as_u64().unwrap() >= 300, "{ended}");
    assert_ne!(ended["event_id"], answered["event_id"]);
    assert_eq!(ended["call"], answered["call"]);
    assert_eq!(proxy.stats().await.get("engine", "calls_ended"), 1);
    proxy.stop().await;
}

#[tokio::test]
async fn an_application_lists_its_calls_and_ends_one() {
    let proxy = proxy(&[], "");
    let mut billing = Billing::connect(&proxy).await;
    let talk = Talk::begin(&proxy, &mut billing, json!({})).await;
    let call = billing.told("answered").await["call"].clone();

    let mut listed = Vec::new();
    billing.send(&json!({ "type": "calls", "ref": "r1" })).await;
    loop {
        let part = billing.expect("calls").await;
        assert_eq!(
            (&part["ref"], &part["truncated"]),
            (&json!("r1"), &json!(false))
        );
        listed.extend(part["calls"].as_array().unwrap().clone());
        if !listed.is_empty() {
            break;
        }
    }
    assert_eq!((&listed[0]["call"], listed.len()), (&call, 1));
    let target = format!("sip:bob@{}", addr(&talk.callee));
    assert_eq!(listed[0]["target"], json!(target));

    let wish = json!({ "type": "terminate", "call": call, "reason": "no credit", "ref": "r2" });
    billing.send(&wish).await;
    talk.is_ended("no credit").await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut line = String::new();
        billing.0.read_line(&mut line).await.unwrap();
        let message: Value = serde_json::from_str(&line).unwrap();
        let kind = message["type"].as_str().unwrap().to_owned();
        match kind.as_str() {
            "call" => assert_eq!(message["detail"], "no credit"),
            "terminated" => assert_eq!((&message["ref"], &message["call"]), (&json!("r2"), &call)),
            // Other shards' parts of the list.
            "calls" => continue,
            other => panic!("{other}"),
        }
        seen.push(kind);
    }
    proxy.stop().await;
}

#[tokio::test]
async fn an_operator_lists_and_ends_calls() {
    let proxy = proxy(&[], "");
    let mut billing = Billing::connect(&proxy).await;
    let talk = Talk::begin(&proxy, &mut billing, json!({})).await;
    billing.told("answered").await;
    let calls = proxy.calls().await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].decided_by, "billing");
    let call = calls[0].call.parse().unwrap();
    assert!(proxy.terminate(call, Some("maintenance".to_owned())).await);
    talk.is_ended("maintenance").await;
    assert_eq!(billing.told("ended").await["cause"], "terminated");
    assert!(!proxy.terminate(call, None).await);
    assert!(proxy.calls().await.is_empty());
    proxy.stop().await;
}
