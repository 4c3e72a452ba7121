//! A question outside of any call, for an application that is to be tried.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use routing_api_client::{self as client, SampleError};
use serde_json::{Map, Value, json};
use tidegate_schemas::RouteEvent;
use tidegate_schemas::admin::{Fault, SampleAnswer, SampleQuestion};
use tidegate_schemas::document::{Action, DocumentError};

use super::{ManageError, Manager};
use crate::config::{Config, Problem};

/// The id of a sample before it is asked.
const NO_ID: &str = "00000000-ff000000-00000000";

impl Manager {
    /// Asks one application, and says whether a call could be routed by its answer.
    pub(crate) async fn sample(
        &self,
        name: &str,
        question: SampleQuestion,
    ) -> Result<SampleAnswer, ManageError> {
        let config = self.in_force(&*self.state.lock().await);
        let event = event(&config, question)?;
        let text = event.to_string();
        let question: RouteEvent<'_> = read(&text)?;
        let within = Duration::from_millis(question.deadline_ms.into());
        let registry = &self.shared.applications;
        let began = Instant::now();
        let answer = registry.sample(name, &question, within).await;
        let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (document, problem) = judge(&config, name, answer)?;
        Ok(SampleAnswer {
            valid: problem.is_none(),
            document,
            problem,
            took_us,
            event,
        })
    }
}

/// The document, and what is wrong with it.
fn judge(
    config: &Config,
    name: &str,
    answer: Result<client::SampleAnswer, SampleError>,
) -> Result<(Option<Value>, Option<Fault>), ManageError> {
    let document = match answer {
        Ok(answer) => answer.document,
        Err(SampleError::UnknownApplication) => {
            return Err(ManageError::UnknownApplication(name.to_owned()));
        }
        Err(error @ (SampleError::Down | SampleError::Busy | SampleError::Redirect)) => {
            return Err(ManageError::NotAsked(name.to_owned(), error.to_string()));
        }
        Err(SampleError::Invalid(error)) => {
            return Ok((None, Some(invalid(&error))));
        }
        Err(error) => {
            let fault = Fault {
                code: "no_answer".to_owned(),
                message: error.to_string(),
                pointer: None,
            };
            return Ok((None, Some(fault)));
        }
    };
    let problem = match document.action {
        // Whether there is a next application depends on the chain.
        Some(Action::Pass) => None,
        _ => config
            .engine_without_documents()
            .check_answer(&document)
            .err(),
    };
    let problem = problem.map(|error| invalid(&error));
    Ok((serde_json::to_value(document).ok(), problem))
}

pub(crate) fn invalid(error: &DocumentError) -> Fault {
    Fault {
        code: "invalid_document".to_owned(),
        message: error.reason.to_string(),
        pointer: Some(error.pointer.to_string()),
    }
}

/// The event as JSON, which can be read as one.
pub(crate) fn event(config: &Config, question: SampleQuestion) -> Result<Value, ManageError> {
    let deadline_ms = question.deadline_ms.unwrap_or(config.routing.deadline_ms);
    let mut event = match question.event {
        Some(event) => Value::Object(event),
        None => made_up(config, &question),
    };
    if let Some(event) = event.as_object_mut() {
        complete(event, config, deadline_ms);
    }
    read(&event.to_string())?;
    Ok(event)
}

pub(crate) fn read(event: &str) -> Result<RouteEvent<'_>, ManageError> {
    let wrong = |error| Problem::new("event", format!("is no event: {error}"));
    serde_json::from_str(event).map_err(|error| ManageError::Invalid(wrong(error)))
}

/// What belongs to the proxy and not to the request.
fn complete(event: &mut Map<String, Value>, config: &Config, deadline_ms: u32) {
    event.insert("id".to_owned(), NO_ID.into());
    event.insert("deadline_ms".to_owned(), deadline_ms.into());
    for (key, value) in [
        ("call", Value::from(NO_ID)),
        ("node", config.node.as_str().into()),
        ("attempt", 1.into()),
        ("reason", "new".into()),
    ] {
        event.entry(key).or_insert(value);
    }
}

fn made_up(config: &Config, question: &SampleQuestion) -> Value {
    let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
    let method = or(&question.method, "INVITE");
    let uri = or(&question.uri, "sip:+12025550123@example.com");
    let from = or(&question.from, "sip:+12025550199@example.com");
    let to = or(&question.to, &uri);
    let ip = question.source.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let listener = config.listen.first().map(crate::config::listener);
    let call_id = "sample@tidegate";
    let mut headers = vec![
        json!(["Via", format!("SIP/2.0/UDP {ip}:5060;branch=z9hG4bKsample")]),
        json!(["Max-Forwards", "70"]),
        json!(["From", format!("<{from}>;tag=sample")]),
        json!(["To", format!("<{to}>")]),
        json!(["Call-ID", call_id]),
        json!(["CSeq", format!("1 {method}")]),
    ];
    headers.extend(question.headers.iter().map(|header| json!(header)));
    json!({
        "source": {
            "transport": "udp",
            "ip": ip,
            "port": 5060,
            "listener": listener.map(|it| it.name()).unwrap_or_default(),
        },
        "request": {
            "method": method,
            "uri": uri,
            "from": { "uri": from, "tag": "sample" },
            "to": { "uri": to },
            "call_id": call_id,
            "cseq": 1,
            "headers": headers,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_says_nothing_is_made_up_whole() {
        let event = event(&Config::default(), SampleQuestion::default()).unwrap();
        assert_eq!(event["request"]["method"], "INVITE");
        assert_eq!(event["source"]["listener"], "udp:127.0.0.1:5060");
        assert_eq!(event["deadline_ms"], 2000);
    }

    #[test]
    fn what_is_said_stands_in_the_question() {
        let question = SampleQuestion {
            uri: Some("sip:112@x".to_owned()),
            headers: vec![("X-Account".to_owned(), "42".to_owned())],
            ..SampleQuestion::default()
        };
        let event = event(&Config::default(), question).unwrap();
        assert_eq!(event["request"]["to"]["uri"], "sip:112@x");
        let headers = event["request"]["headers"].as_array().unwrap();
        assert_eq!(headers.last(), Some(&json!(["X-Account", "42"])));
    }

    #[test]
    fn an_event_that_is_none_is_refused() {
        let event = json!({ "request": 1 });
        let question = SampleQuestion {
            event: event.as_object().cloned(),
            ..SampleQuestion::default()
        };
        let error = super::event(&Config::default(), question).unwrap_err();
        assert_eq!(error.fault().pointer.as_deref(), Some("/event"));
    }
}
