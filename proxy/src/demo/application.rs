//! A routing application: it dials in over TCP and speaks the native dialect, one JSON text a line.

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use tidegate_schemas::frame::{self, Decoder, Framing};
use tidegate_schemas::message::VERSION;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::mailbox::{Arrival, Mailbox, Missing, ROOM, Step};
use super::trace::{Actor, Content, Fate, Trace};

const FRAMING: Framing = Framing::Lines;

#[derive(Debug)]
pub(super) struct Application {
    mailbox: Mailbox<Value>,
    outgoing: mpsc::Sender<Value>,
    trace: Trace,
}

impl Application {
    /// Dials in and says hello; returns when the proxy has said hello too.
    pub(super) async fn connect(channel: SocketAddr, trace: &Trace) -> io::Result<Self> {
        let stream = TcpStream::connect(channel).await?;
        stream.set_nodelay(true)?;
        let (mut reader, mut writer) = stream.into_split();
        let hello = json!({"type": "hello", "version": VERSION, "name": "demo"});
        write(&mut writer, &hello).await?;
        let mut input = Input::default();
        let answer = input.next(&mut reader).await?;
        if answer
            .as_ref()
            .is_none_or(|answer| answer["type"] != "hello")
        {
            return Err(io::Error::other(format!("no hello but {answer:?}")));
        }
        let (mailbox, arrivals) = Mailbox::new(Actor::Application, trace.clone());
        let (outgoing, queue) = mpsc::channel(ROOM);
        tokio::spawn(speak(writer, queue));
        let ear = Ear {
            arrivals,
            outgoing: outgoing.clone(),
            trace: trace.clone(),
        };
        tokio::spawn(ear.listen(reader, input));
        Ok(Self {
            mailbox,
            outgoing,
            trace: trace.clone(),
        })
    }

    /// Waits for a question.
    pub(super) async fn question(&mut self) -> Step<Value> {
        self.message("route", "a question").await
    }

    /// Waits until the proxy says `cancelled` about a question.
    pub(super) async fn is_cancelled(&mut self, question: &Value) -> Step {
        let notice = self.message("cancelled", "`cancelled`").await?;
        same_id(question, &notice)
    }

    /// Waits until the proxy refuses an answer.
    pub(super) async fn is_refused(&mut self, question: &Value) -> Step<Value> {
        let error = self.message("error", "an error").await?;
        same_id(question, &error)?;
        Ok(error)
    }

    pub(super) async fn answer(&self, question: &Value, document: Value) -> Step {
        self.say(question, document, "document").await
    }

    /// As [`Application::answer`], when nobody waits any more.
    pub(super) async fn answer_too_late(&self, question: &Value, document: Value) -> Step {
        self.say(question, document, "late document").await
    }

    /// Completes when the proxy has closed the channel.
    pub(super) async fn close(&mut self) {
        self.mailbox.closed().await;
    }

    async fn message(&mut self, kind: &str, what: &str) -> Step<Value> {
        self.mailbox
            .expect(what, |message| message["type"] == kind)
            .await
    }

    async fn say(&self, question: &Value, mut document: Value, label: &str) -> Step {
        document["version"] = VERSION.into();
        document["id"] = question["id"].clone();
        let content = Content::Document(document.clone());
        let (from, to) = (Actor::Application, Actor::Tidegate);
        self.trace.channel(from, to, label, Fate::Expected, content);
        let sent = self.outgoing.send(document).await;
        sent.map_err(|_| Missing("the proxy closed the routing channel".to_owned()))
    }
}

fn same_id(question: &Value, notice: &Value) -> Step {
    if question["id"] == notice["id"] {
        return Ok(());
    }
    let text = format!("the application got a notice about another question: {notice}");
    Err(Missing(text))
}

/// Sorts what the proxy says.
struct Ear {
    arrivals: mpsc::Sender<Arrival<Value>>,
    outgoing: mpsc::Sender<Value>,
    trace: Trace,
}

impl Ear {
    async fn listen(self, mut reader: OwnedReadHalf, mut input: Input) {
        while let Ok(Some(message)) = input.next(&mut reader).await {
            self.hear(message).await;
        }
    }

    async fn hear(&self, message: Value) {
        let (label, content) = match message["type"].as_str() {
            Some("ping") => {
                let _ = self.outgoing.send(json!({"type": "pong"})).await;
                return;
            }
            Some("route") => (question_label(&message), Content::Question(message.clone())),
            other => (
                other.unwrap_or("?").to_owned(),
                Content::Notice(message.clone()),
            ),
        };
        let (from, to) = (Actor::Tidegate, Actor::Application);
        let number = self
            .trace
            .channel(from, to, label, Fate::Unexpected, content);
        let value = message;
        let _ = self.arrivals.send(Arrival { number, value }).await;
    }
}

fn question_label(question: &Value) -> String {
    let reason = question["reason"].as_str().unwrap_or_default();
    format!("event {} {reason}", question["attempt"])
}

async fn speak(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Value>) {
    while let Some(message) = queue.recv().await {
        if write(&mut writer, &message).await.is_err() {
            return;
        }
    }
}

async fn write(writer: &mut OwnedWriteHalf, message: &Value) -> io::Result<()> {
    let mut out = Vec::new();
    frame::encode(FRAMING, message.to_string().as_bytes(), &mut out);
    writer.write_all(&out).await
}

/// Cuts the stream into messages.
struct Input {
    decoder: Decoder,
    buffer: BytesMut,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            decoder: Decoder::new(FRAMING),
            buffer: BytesMut::new(),
        }
    }
}

impl Input {
    /// The next message; nothing at the end of the stream.
    async fn next(&mut self, reader: &mut OwnedReadHalf) -> io::Result<Option<Value>> {
        loop {
            let frame: Option<Bytes> = self
                .decoder
                .next(&mut self.buffer)
                .map_err(io::Error::other)?;
            if let Some(frame) = frame {
                return Ok(Some(serde_json::from_slice(&frame)?));
            }
            if reader.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}
