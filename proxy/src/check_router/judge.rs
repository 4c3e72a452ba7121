//! Whether an answer is good, whatever it answers.

use serde_json::Value;
use tidegate_engine::Listener;
use tidegate_schemas::document::{Action, Route};
use tidegate_schemas::{DocumentError, RouteDocument};
use tidegate_sip::{Host, Uri};

use super::bench::{Bench, Exchange, Outcome, trouble};
use super::catalogue::{
    ANSWERS_ANSWERED, ANSWERS_ERROR, ANSWERS_HONOURED, ANSWERS_ID, ANSWERS_LOOP, ANSWERS_ONCE,
    ANSWERS_SHAPE, Check,
};
use super::line::{Answer, What};
use super::report::Finding;

impl Bench {
    /// Judges an answer; that there is none breaks `check`.
    pub(super) fn judge_for(&mut self, check: &'static Check, exchange: &Exchange) {
        let event = &exchange.question.event;
        let found = trouble(&exchange.outcome).map(|why| {
            let finding = Finding::new(why).sent(event);
            match &exchange.outcome {
                Outcome::Late(answer) => finding.came(&answer.raw),
                _ => finding,
            }
        });
        if !matches!(exchange.outcome, Outcome::Astray) {
            self.report.verify(check, found);
        }
        if let Outcome::Answered(answer) | Outcome::Late(answer) = &exchange.outcome {
            self.report.pass(&ANSWERS_ID);
            self.judge_answer(event, answer);
        }
    }

    pub(super) fn judge(&mut self, exchange: &Exchange) {
        self.judge_for(&ANSWERS_ANSWERED, exchange);
        if !self.is_http() && matches!(exchange.outcome, Outcome::Answered(_)) {
            self.report.pass(&ANSWERS_ONCE);
        }
    }

    fn judge_answer(&mut self, event: &Value, answer: &Answer) {
        let refused = |why: &DocumentError| {
            let finding = Finding::new(why.reason.as_ref()).at(&why.pointer);
            finding.sent(event).came(&answer.raw)
        };
        match &answer.what {
            What::Invalid(why) => self.report.find(&ANSWERS_SHAPE, refused(why)),
            What::Error(why) => {
                let finding = Finding::new(why.as_str()).sent(event).came(&answer.raw);
                self.report.find(&ANSWERS_ERROR, finding);
            }
            What::Document(document) => {
                self.report.pass(&ANSWERS_SHAPE);
                self.report.pass(&ANSWERS_ERROR);
                let found = self.refusal(event, document).map(|why| refused(&why));
                self.report.verify(&ANSWERS_HONOURED, found);
                let found = looping(document, &self.engine.listeners).map(|(pointer, uri)| {
                    let why = format!("`{uri}` is a listener of the proxy");
                    Finding::new(why).at(&pointer).sent(event).came(&answer.raw)
                });
                self.report.verify(&ANSWERS_LOOP, found);
            }
        }
    }

    /// Why the proxy would not honour it.
    fn refusal(&self, event: &Value, document: &RouteDocument) -> Option<DocumentError> {
        // Whether there is a next application depends on the chain.
        if document.action == Some(Action::Pass) {
            return None;
        }
        let is_invite = event["request"]["method"] == "INVITE";
        self.engine.check_answer_to(document, is_invite).err()
    }
}

/// The first target that leads back to the proxy.
fn looping(document: &RouteDocument, listeners: &[Listener]) -> Option<(String, String)> {
    let mut pointer = String::new();
    first_loop(&document.routes, &mut pointer, listeners)
}

fn first_loop(
    routes: &[Route],
    pointer: &mut String,
    listeners: &[Listener],
) -> Option<(String, String)> {
    for (index, route) in routes.iter().enumerate() {
        let length = pointer.len();
        pointer.push_str(&format!("/routes/{index}"));
        let found = match route {
            Route::Group(group) => first_loop(&group.routes, pointer, listeners),
            Route::Target(target) => {
                let hop = target.dst_uri.as_ref().map(|uri| ("dst_uri", uri));
                let hop = hop.or_else(|| target.uri.as_ref().map(|uri| ("uri", uri)));
                hop.filter(|(_, uri)| is_own(uri, listeners) && target.path.is_none())
                    .map(|(key, uri)| (format!("{pointer}/{key}"), uri.clone()))
            }
        };
        if found.is_some() {
            return found;
        }
        pointer.truncate(length);
    }
    None
}

fn is_own(uri: &str, listeners: &[Listener]) -> bool {
    let Ok(uri) = Uri::parse(uri.as_bytes()) else {
        return false;
    };
    let port = uri.port.unwrap_or(5060);
    listeners.iter().any(|listener| {
        let same_address = match uri.host {
            Host::V4(ip) => listener.addr.ip() == ip,
            Host::V6(ip) => listener.addr.ip() == ip,
            Host::Name(name) => name.eq_ignore_ascii_case(listener.host.as_bytes()),
        };
        same_address && (listener.port == port || listener.addr.port() == port)
    })
}
