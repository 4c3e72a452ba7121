//! CGRateS: its KamailioAgent connects as to Kamailio's evapi, authorises calls, is told of their
//! start and end, and may end them.
//!
//! The agent tells events apart by searching for their names in the bytes that it gets, and reads an
//! event only if every value in it is a string. See [`text`] for what follows from that.
//!
//! It is told only of calls that it authorised: what went another way (an emergency call, a call of
//! another application) is none of its business. [`calls`] keeps what it was asked about them.

mod calls;
mod ledger;
mod reply;
mod text;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidegate_schemas::document::DocumentError;
use tidegate_schemas::frame::{Framing, encode_with};
use tidegate_schemas::{ConsultationId, RouteDocument, RouteEvent};

use super::template::Template;
use calls::{Calls, Question};
pub(crate) use reply::Message;
use text::Event;

/// What is spoken with the KamailioAgent of CGRateS.
///
/// Templates have Kamailio's variables (`$fU`, `$hdr(X-Account)`), as in [`EvapiDialect`]; a field
/// whose template is empty is left out.
///
/// [`EvapiDialect`]: super::evapi::EvapiDialect
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CgratesDialect {
    /// The application's name, where it is not configured: all connections of one listener are one
    /// application.
    pub name: String,
    /// `RequestType`: `*prepaid`, `*postpaid`, …
    pub request_type: Template,
    /// `Tenant`.
    pub tenant: Template,
    /// `Account`.
    pub account: Template,
    /// `Destination`.
    pub destination: Template,
    /// `OriginID`, which names the session together with the origin host.
    pub origin_id: Template,
    /// `OriginHost`; the proxy's node name when absent.
    pub origin_host: Option<String>,
    /// Further fields of all events about a call.
    pub fields: Vec<(String, Template)>,
    /// `cgr_flags` of `CGR_AUTH_REQUEST`: what is to be done. Older versions separate them by
    /// commas. Empty: left out, and the agent's default counts.
    pub flags: String,
    /// `cgr_flags` of `CGR_CALL_START`.
    pub start_flags: String,
    /// `cgr_flags` of `CGR_CALL_END`.
    pub end_flags: String,
    /// `reply_route`: the name of the answer, if not `CGR_AUTH_REPLY`.
    pub reply_route: Option<String>,
    /// Next hops (`sip:192.0.2.1:5060`) by the names of routes in CGRateS. Where none is given,
    /// routes are left to the next application in the chain.
    pub routes: BTreeMap<String, String>,
    /// The code of the reply where CGRateS answers with an error. Nothing: its question has failed,
    /// and what the pool does about an `error` counts.
    pub error_code: Option<u16>,
    /// The code of the reply where it grants no second.
    pub no_credit_code: u16,
    /// Whether it is asked for a sign of life (`CGR_PROCESS_MESSAGE`) when it is quiet.
    pub ping: bool,
    /// Calls that are kept in mind.
    pub max_calls: usize,
    /// How messages are told apart; the agent knows netstrings.
    pub framing: Framing,
}

impl Default for CgratesDialect {
    fn default() -> Self {
        let template = |text: &str| text.parse().unwrap_or_default();
        Self {
            name: "cgrates".to_owned(),
            request_type: template("*prepaid"),
            tenant: template("cgrates.org"),
            account: template("$fU"),
            destination: template("$rU"),
            origin_id: template("$ci"),
            origin_host: None,
            fields: Vec::new(),
            flags: "*attributes;*accounts".to_owned(),
            start_flags: "*accounts".to_owned(),
            end_flags: "*accounts".to_owned(),
            reply_route: None,
            routes: BTreeMap::new(),
            error_code: Some(503),
            no_credit_code: 403,
            ping: true,
            max_calls: 1 << 18,
            framing: Framing::Netstring,
        }
    }
}

/// A [`CgratesDialect`] with what is known of calls.
#[derive(Debug)]
pub struct Cgrates {
    settings: CgratesDialect,
    calls: Calls,
}

/// What was asked and answered is no part of what is spoken.
impl PartialEq for Cgrates {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl From<CgratesDialect> for Cgrates {
    fn from(settings: CgratesDialect) -> Self {
        Self {
            calls: Calls::new(settings.max_calls),
            settings,
        }
    }
}

impl Cgrates {
    pub(crate) fn settings(&self) -> &CgratesDialect {
        &self.settings
    }

    /// Appends `CGR_AUTH_REQUEST`.
    pub(crate) fn question(
        &self,
        framing: Framing,
        id: ConsultationId,
        deadline_ms: u32,
        event: &RouteEvent<'_>,
        out: &mut Vec<u8>,
    ) {
        let about = self.about(id, event);
        let mut request = Event::new("CGR_AUTH_REQUEST");
        request.number("tr_index", id.index);
        request.number("tr_label", id.label);
        request.flags(&self.settings.flags);
        if let Some(reply_route) = &self.settings.reply_route {
            request.field("reply_route", reply_route);
        }
        request.fields(&about);
        encode_with(framing, out, |out| request.finish(out));
        let question = Question {
            call: event.call.parse().ok(),
            is_invite: event.request.method == "INVITE",
            about: about.into(),
            deadline: Duration::from_millis(deadline_ms.into()),
        };
        self.calls.asked(id, question);
    }

    /// What all events about a call have.
    fn about(&self, id: ConsultationId, event: &RouteEvent<'_>) -> Vec<u8> {
        let settings = &self.settings;
        let named = [
            ("RequestType", &settings.request_type),
            ("Tenant", &settings.tenant),
            ("Account", &settings.account),
            ("Destination", &settings.destination),
            ("OriginID", &settings.origin_id),
        ];
        let own = settings.fields.iter().map(|(name, value)| (&**name, value));
        let mut about = text::Fields::default();
        for (name, template) in named.into_iter().chain(own) {
            let mut value = Vec::new();
            template.render(id, event, &mut value);
            about.escaped(name, &value);
        }
        let host = settings.origin_host.as_deref().unwrap_or(&event.node);
        about.text("OriginHost", host);
        about.text("SetupTime", &seconds(SystemTime::now()).to_string());
        about.into_bytes()
    }

    /// The question's answer is of no use any more.
    pub(crate) fn cancelled(&self, id: ConsultationId) {
        self.calls.forget_question(id);
    }

    /// Appends `CGR_PROCESS_MESSAGE` without flags, which the agent sends back.
    pub(crate) fn ping(&self, framing: Framing, out: &mut Vec<u8>) {
        let mut ping = Event::new("CGR_PROCESS_MESSAGE");
        ping.number("tr_index", 0_u32);
        ping.number("tr_label", 0_u32);
        encode_with(framing, out, |out| ping.finish(out));
    }

    /// Understands what the agent says. `instance` is this start of the proxy.
    pub(crate) fn message(&self, instance: u32, json: &[u8]) -> Option<Message> {
        reply::read(self, instance, json)
    }

    /// Understands an answer of which the question is known.
    pub(crate) fn document(
        &self,
        id: ConsultationId,
        json: &[u8],
    ) -> Result<Box<RouteDocument>, DocumentError> {
        reply::document(self, id, json)
    }

    /// The event for a notification about a call, given as a message of the contract. Nothing where
    /// the agent has not authorised the call, or has no event for what happened.
    pub(crate) fn notification(&self, json: &[u8]) -> Option<Vec<u8>> {
        self.calls.notification(&self.settings, json)
    }

    /// The notification is on its way.
    pub(crate) fn notified(&self, json: &[u8]) {
        self.calls.notified(json);
    }

    /// Appends the live calls that it authorised, as an answer to `CGR_DLG_LIST`. Sessions that are
    /// not in it the agent takes for lost, so it is never a part of the list.
    pub(crate) fn list(&self, framing: Framing, out: &mut Vec<u8>) {
        let list = self.calls.list();
        encode_with(framing, out, |out| out.extend_from_slice(&list));
    }
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
