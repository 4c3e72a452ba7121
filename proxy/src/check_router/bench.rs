//! The application under test, in reach, and the ways to ask it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use routing_api_client::wire::{self, Closing, Door, HttpReply, HttpWire, Reach};
use serde_json::{Map, Value};
use tidegate_schemas::message::{FromApplication, Inbound, parse_inbound};
use tidegate_schemas::{ConsultationId, DocumentError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::catalogue::{ANSWERS_CONTENT_TYPE, ANSWERS_ID, ANSWERS_STATUS, Check};
use super::events::{Asking, Question};
use super::line::{Answer, Line, What, hello};
use super::report::{Finding, Report};

/// How the application is reached.
pub(super) enum Way {
    Dialled(Reach),
    /// It dials in.
    Awaited(Door),
    Http(Arc<HttpWire>, Reach),
}

/// What a question came to.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) question: Question,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Answered(Answer),
    /// After the deadline.
    Late(Answer),
    Silent,
    /// Something came that has been found fault with, and answers another question or none.
    Astray,
    /// The connection ended, or the response is a failure.
    Failed(String),
}

/// The application, and all that is known of it.
pub(super) struct Bench {
    pub(super) report: Report,
    pub(super) asking: Asking,
    pub(super) way: Way,
    pub(super) line: Option<Line>,
    pub(super) token: Option<String>,
    /// The documents' judge.
    pub(super) engine: tidegate_engine::Config,
    /// Questions at once.
    pub(super) max_in_flight: usize,
    pub(super) subscribed: Vec<String>,
    /// Why it makes no sense to ask.
    pub(super) unfit: Option<String>,
    /// The events of the user.
    pub(super) given: Vec<Map<String, Value>>,
}

/// How long an application that dials in may take to come back.
const RETURN: Duration = Duration::from_secs(12);

/// Requests at once over HTTP: each may need a connection.
const REQUESTS: usize = 100;

impl Bench {
    pub(super) fn deadline(&self) -> Duration {
        Duration::from_millis(self.asking.deadline_ms.into())
    }

    /// How long an answer is waited for, though it is late.
    fn grace(&self) -> Duration {
        self.deadline() + self.deadline().min(Duration::from_secs(1))
    }

    pub(super) fn is_http(&self) -> bool {
        matches!(self.way, Way::Http(..))
    }

    /// A new question that every application has to answer.
    pub(super) fn plain(&mut self) -> Question {
        let event = self.given.first().cloned();
        let event = event.unwrap_or_else(|| self.asking.invite("201"));
        self.asking.question(&event)
    }

    /// Asks all at once.
    pub(super) async fn ask(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        if self.is_http() {
            return self.post_all(questions).await;
        }
        let Some((line, _)) = self.connected().await else {
            let why = "there is no connection";
            return questions.into_iter().map(|it| failed(it, why)).collect();
        };
        let strays = line.strays;
        for question in &questions {
            line.ask(question).await;
        }
        self.collect(questions, strays).await
    }

    pub(super) async fn ask_one(&mut self, question: Question) -> Exchange {
        let fallback = failed(question.clone(), "there is no connection");
        let mut exchanges = self.ask(vec![question]).await;
        exchanges.pop().unwrap_or(fallback)
    }

    /// Waits for the answer to what was asked on the line.
    pub(super) async fn collected(&mut self, question: Question, strays: usize) -> Exchange {
        let fallback = failed(question.clone(), "there is no connection");
        let mut exchanges = self.collect(vec![question], strays).await;
        exchanges.pop().unwrap_or(fallback)
    }

    /// Waits for the answers to what was asked on the line.
    pub(super) async fn collect(
        &mut self,
        questions: Vec<Question>,
        strays: usize,
    ) -> Vec<Exchange> {
        let (deadline, grace) = (self.deadline(), self.grace());
        let Some(line) = &mut self.line else {
            let why = "there is no connection";
            return questions.into_iter().map(|it| failed(it, why)).collect();
        };
        let began = Instant::now();
        let answered = Line::all_answered;
        if !line
            .listen(&mut self.report, began + deadline, answered)
            .await
        {
            line.listen(&mut self.report, began + grace, answered).await;
        }
        let outcome = |line: &mut Line, id| match line.answer(id) {
            Some(answer) if answer.took <= deadline => Outcome::Answered(answer.clone()),
            Some(answer) => Outcome::Late(answer.clone()),
            None => {
                line.give_up(id);
                missing(line, strays)
            }
        };
        let exchanges = questions.into_iter().map(|question| Exchange {
            outcome: outcome(line, question.id),
            question,
        });
        exchanges.collect()
    }

    /// The line, connected and greeted, if that can be had. There is none over HTTP.
    pub(super) async fn connected(&mut self) -> Option<(&mut Line, &mut Report)> {
        if self.is_http() {
            return None;
        }
        if self.line.as_ref().is_none_or(|line| line.closing.is_some()) {
            self.line = None;
            match self.reconnect().await {
                Ok(line) => self.line = Some(line),
                Err(why) => {
                    self.unfit.get_or_insert(why);
                }
            }
        }
        Some((self.line.as_mut()?, &mut self.report))
    }

    async fn reconnect(&mut self) -> Result<Line, String> {
        let why = |error| format!("there is no connection to be had any more: {error}");
        let mut line = self.open().await.map_err(why)?;
        let until = Instant::now() + RETURN.min(self.grace() * 2);
        match self.greet(&mut line, until).await {
            true => Ok(line),
            false => Err("it does not say hello any more".to_owned()),
        }
    }

    /// A connection on which nothing was said.
    async fn open(&self) -> std::io::Result<Line> {
        let wire = match &self.way {
            Way::Dialled(reach) => wire::dial(reach).await?,
            Way::Awaited(door) => door.accept(RETURN).await?,
            Way::Http(..) => return Err(std::io::ErrorKind::Unsupported.into()),
        };
        Ok(Line::new(wire))
    }

    /// Exchanges the first messages. Whether the application's was a hello.
    pub(super) async fn greet(&mut self, line: &mut Line, until: Instant) -> bool {
        let dialled = matches!(self.way, Way::Dialled(_));
        let token = self.token.as_deref().filter(|_| dialled);
        let own = hello(&self.asking.node, token);
        if dialled {
            line.send(&own).await;
        }
        let greeted = line
            .listen(&mut self.report, until, |line| line.heard > 0)
            .await;
        if !dialled && greeted {
            line.send(&own).await;
        }
        line.hello.is_some()
    }

    /// Waits for what nobody expects any more.
    pub(super) async fn settle(&mut self, quiet: Duration) {
        if let Some(line) = &mut self.line {
            let until = Instant::now() + quiet;
            line.listen(&mut self.report, until, |_| false).await;
        }
    }

    /// Ends the connection.
    pub(super) async fn hang_up(&mut self) {
        if let Some(line) = self.line.take() {
            line.wire.close().await;
        }
    }

    /// Says something that is no question. What came back over HTTP.
    pub(super) async fn tell(&mut self, message: &Value) -> Option<Result<HttpReply, String>> {
        let text = message.to_string();
        if let Way::Http(http, _) = &self.way {
            return Some(http.post(&text, None, self.deadline()).await);
        }
        if let Some((line, _)) = self.connected().await {
            line.send(&text).await;
        }
        None
    }

    async fn post_all(&mut self, questions: Vec<Question>) -> Vec<Exchange> {
        let Way::Http(http, _) = &self.way else {
            return Vec::new();
        };
        let (limit, within) = (self.max_in_flight.clamp(1, REQUESTS), self.grace());
        let room = Arc::new(Semaphore::new(limit));
        let mut tasks = JoinSet::new();
        for (index, question) in questions.into_iter().enumerate() {
            let (http, room) = (Arc::clone(http), Arc::clone(&room));
            tasks.spawn(async move {
                let _room = room.acquire().await;
                let sent = Instant::now();
                let key = question.id.to_string();
                let reply = http.post(&question.text, Some(&key), within).await;
                (index, question, reply, sent.elapsed())
            });
        }
        let mut done = tasks.join_all().await;
        done.sort_by_key(|(index, ..)| *index);
        let exchanges = done.into_iter().map(|(_, question, reply, took)| Exchange {
            outcome: self.read_reply(&question, reply, took),
            question,
        });
        exchanges.collect()
    }

    fn read_reply(
        &mut self,
        question: &Question,
        reply: Result<HttpReply, String>,
        took: Duration,
    ) -> Outcome {
        let reply = match reply {
            Err(_) if took >= self.deadline() => return Outcome::Silent,
            Err(why) => return Outcome::Failed(why),
            Ok(reply) if !(200..300).contains(&reply.status) => {
                let body = String::from_utf8_lossy(&reply.body);
                let body: String = body.chars().take(200).collect();
                return Outcome::Failed(format!("the status is {}: {body}", reply.status));
            }
            Ok(reply) => reply,
        };
        self.judge_head(question, &reply);
        let (what, other) = read_body(&reply.body);
        if other.is_some_and(|id| id != question.id) {
            let finding = Finding::new("this is another question's id").at("/id");
            let finding = finding.sent(&question.event).came(&reply.body);
            self.report.find(&ANSWERS_ID, finding);
            return Outcome::Astray;
        }
        let raw = reply.body;
        let answer = Answer { what, raw, took };
        match took <= self.deadline() {
            true => Outcome::Answered(answer),
            false => Outcome::Late(answer),
        }
    }

    fn judge_head(&mut self, question: &Question, reply: &HttpReply) {
        let status = (reply.status != 200).then(|| {
            let why = format!("the status is {}", reply.status);
            Finding::new(why).sent(&question.event).came(&reply.body)
        });
        self.report.verify(&ANSWERS_STATUS, status);
        let kind = reply.content_type.clone().unwrap_or_default();
        let is_json = kind.to_ascii_lowercase().starts_with("application/json");
        let other = (!is_json).then(|| {
            let why = format!("Content-Type is `{kind}`");
            Finding::new(why).sent(&question.event).came(&reply.body)
        });
        self.report.verify(&ANSWERS_CONTENT_TYPE, other);
    }

    /// Asks a plain question: whether the application is all right after `sent`.
    pub(super) async fn still_works(&mut self, check: &'static Check, sent: &Value, after: &str) {
        let closing = self.line.as_ref().and_then(|line| line.closing.clone());
        let found = match closing {
            Some(closing) => Some(format!("{after}, {closing}")),
            None => {
                let question = self.plain();
                let exchange = self.ask_one(question).await;
                trouble(&exchange.outcome).map(|why| format!("{after}, the next question: {why}"))
            }
        };
        let found = found.map(|why| Finding::new(why).sent(sent));
        if found.is_some() {
            // What comes next is tried on a connection that is not disturbed yet.
            self.hang_up().await;
        }
        self.report.verify(check, found);
    }

    /// Any request, over HTTP.
    pub(super) async fn request(&self, method: Method) -> Option<Result<HttpReply, String>> {
        match &self.way {
            Way::Http(http, _) => Some(http.request(method, None, None, self.deadline()).await),
            _ => None,
        }
    }
}

/// What a response is, and the question that it says to answer.
fn read_body(body: &[u8]) -> (What, Option<ConsultationId>) {
    if body.trim_ascii().is_empty() {
        return (
            What::Invalid(DocumentError::new("", "there is no document")),
            None,
        );
    }
    match parse_inbound(body) {
        Ok(Inbound::Document(document)) => {
            let id = document.id;
            (What::Document(document), id)
        }
        Ok(Inbound::Message(FromApplication::Error(error))) => (
            What::Error(format!("{}: {}", error.code, error.message)),
            error.id,
        ),
        Ok(Inbound::Message(_)) => {
            let error = DocumentError::new("/type", "a route document is needed");
            (What::Invalid(error), None)
        }
        Err(error) => (What::Invalid(error), None),
    }
}

fn failed(question: Question, why: &str) -> Exchange {
    Exchange {
        question,
        outcome: Outcome::Failed(why.to_owned()),
    }
}

/// Why there is no answer.
fn missing(line: &Line, strays: usize) -> Outcome {
    match &line.closing {
        Some(closing) => Outcome::Failed(closing.to_string()),
        None if line.strays > strays => Outcome::Astray,
        None => Outcome::Silent,
    }
}

/// What is wrong with an outcome, whatever the answer says. Nothing where fault was found already.
pub(super) fn trouble(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Answered(_) | Outcome::Astray => None,
        Outcome::Late(answer) => Some(format!(
            "the answer came after {} ms",
            answer.took.as_millis()
        )),
        Outcome::Silent => Some("there is no answer".to_owned()),
        Outcome::Failed(why) => Some(why.clone()),
    }
}

/// Waits until an application listens, which may have been started together with this program.
pub(super) async fn dial_patiently(reach: &Reach, patience: Duration) -> std::io::Result<Line> {
    let until = Instant::now() + patience;
    loop {
        match wire::dial(reach).await {
            Ok(wire) => return Ok(Line::new(wire)),
            Err(error) if Instant::now() >= until => return Err(error),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Exchange {
    /// The answer, late or not.
    pub(super) fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Answered(answer) | Outcome::Late(answer) => Some(answer),
            _ => None,
        }
    }
}

/// As a sentence.
pub(super) fn ended(closing: Option<&Closing>) -> String {
    closing.map_or_else(|| "nothing came".to_owned(), ToString::to_string)
}
