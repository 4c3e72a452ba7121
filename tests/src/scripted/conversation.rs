//! One connection of the application.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Defect, LATE, Memory};

/// Keys of an event.
const KNOWN: [&str; 13] = [
    "type",
    "version",
    "id",
    "call",
    "node",
    "deadline_ms",
    "attempt",
    "reason",
    "source",
    "request",
    "attempts",
    "context",
    "step",
];

/// Room for one read.
const CHUNK: usize = 64 * 1024;

/// A first read that brings less is a piece of a line.
const PIECE: usize = 16;

pub(super) struct Conversation {
    stream: TcpStream,
    defect: Option<Defect>,
    memory: Arc<Memory>,
    buffer: Vec<u8>,
    /// Questions that are to be answered when all that came is read.
    open: Vec<Value>,
    asked: Vec<String>,
    deaf: bool,
}

/// The end of the connection.
struct Over;

impl Conversation {
    pub(super) fn new(stream: TcpStream, defect: Option<Defect>, memory: Arc<Memory>) -> Self {
        Self {
            stream,
            defect,
            memory,
            buffer: Vec::new(),
            open: Vec::new(),
            asked: Vec::new(),
            deaf: false,
        }
    }

    pub(super) fn run(mut self) {
        while self.read().is_ok() {}
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn read(&mut self) -> Result<(), Over> {
        let mut chunk = vec![0; CHUNK];
        let length = self.stream.read(&mut chunk).unwrap_or(0);
        if length == 0 {
            return Err(Over);
        }
        let chunk = &chunk[..length];
        let is_piece = self.buffer.is_empty() && length < PIECE && !chunk.ends_with(b"\n");
        if is_piece && self.has(Defect::ChokesOnPieces) {
            return Ok(());
        }
        self.buffer.extend_from_slice(chunk);
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            if let Ok(message) = serde_json::from_slice(&line) {
                self.take(message)?;
            }
        }
        self.answer_all();
        Ok(())
    }

    fn take(&mut self, message: Value) -> Result<(), Over> {
        match message["type"].as_str().unwrap_or_default() {
            "hello" => self.send(&json!({
                "type": "hello", "version": "1.0", "name": "scripted", "release": "1",
                "max_in_flight": 600, "subscribe": ["answered", "failed", "ended"]})),
            "route" => return self.take_question(message),
            "cancelled" => self.forget(&message),
            "ping" if !self.has(Defect::NeverPongs) => self.send(&json!({"type": "pong"})),
            "call" => self.acknowledge(&message),
            "drain" if self.has(Defect::DropsOnDrain) => self.open.clear(),
            "error" if self.has(Defect::ClosesOnError) => return Err(Over),
            "ping" | "pong" | "drain" | "error" => {}
            _ if self.has(Defect::ClosesOnUnknownType) => return Err(Over),
            _ => {}
        }
        Ok(())
    }

    fn take_question(&mut self, event: Value) -> Result<(), Over> {
        let mut keys = event.as_object().unwrap().keys();
        let is_known = |key: &String| KNOWN.contains(&key.as_str()) || key == "attributes";
        if self.has(Defect::ClosesOnUnknownKey) && !keys.all(is_known) {
            return Err(Over);
        }
        let body = event["request"]["body"].as_str().unwrap_or_default();
        if self.deaf || self.has(Defect::ChokesOnLarge) && body.len() > CHUNK / 2 {
            return Ok(());
        }
        self.asked.push(event["id"].as_str().unwrap().to_owned());
        self.open.push(event);
        Ok(())
    }

    fn forget(&mut self, message: &Value) {
        self.open.retain(|event| event["id"] != message["id"]);
        if self.asked.iter().any(|id| message["id"] == **id) {
            self.deaf = self.has(Defect::StopsAfterCancelled);
        }
    }

    fn acknowledge(&mut self, call: &Value) {
        let id = call["event_id"].as_str().unwrap().to_owned();
        let is_new = self.memory.taken.lock().unwrap().insert(id.clone());
        if is_new || !self.has(Defect::IgnoresRepeats) {
            self.send(&json!({"type": "ack", "event_id": id}));
        }
    }

    fn answer_all(&mut self) {
        let open = std::mem::take(&mut self.open);
        for (index, event) in open.iter().enumerate() {
            let about = match self.has(Defect::MixesUp) {
                true => &open[(index + 1) % open.len()],
                false => event,
            };
            self.answer(event, about);
        }
    }

    fn answer(&mut self, event: &Value, about: &Value) {
        let mut document = self.document(about);
        document["id"] = match self.has(Defect::WrongId) {
            true => json!("00000000-0000beef-0000beef"),
            false => event["id"].clone(),
        };
        if self.has(Defect::AnswersLate) {
            std::thread::sleep(LATE);
        }
        self.send(&document);
        if self.has(Defect::AnswersTwice) {
            self.send(&document);
        }
    }

    fn document(&self, event: &Value) -> Value {
        let called = event["request"]["uri"].as_str().unwrap();
        let user = called
            .trim_start_matches(|c| c != ':')
            .trim_start_matches(':');
        let user = user.split(['@', ';']).next().unwrap_or_default();
        let mut target = json!({"uri": format!("sip:{user}@192.0.2.7:5070"), "fr_timer": 2000});
        match self.defect {
            Some(Defect::SetsVia) => {
                target["headers"] = json!({"set": {"Via": "SIP/2.0/UDP 192.0.2.1"}});
            }
            Some(Defect::BreaksHeader) => {
                target["headers"] = json!({"set": {"X-Note": "a\r\nX-Injected: b"}});
            }
            Some(Defect::BadUri) => target["uri"] = json!("bob at home"),
            _ => {}
        }
        json!({"version": "1.0", "routes": [target], "tags": {"user": user}})
    }

    fn send(&mut self, message: &Value) {
        let _ = self.stream.write_all(format!("{message}\n").as_bytes());
    }
}
