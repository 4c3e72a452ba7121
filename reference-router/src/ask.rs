//! A question on its way through the modules.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tidegate_schemas::RouteEvent;
use tidegate_schemas::call::CallEventKind;
use tidegate_schemas::document::{Action, Route, RouteDocument};
use tidegate_schemas::message::VERSION;

use crate::template::Filling;
use crate::uri::{Callee, escape_user, with_parameters};

/// A question and what the modules found out about it.
#[derive(Debug)]
pub(crate) struct Ask<'e> {
    pub(crate) event: &'e RouteEvent<'e>,
    pub(crate) callee: Callee<'e>,
    pub(crate) caller: Callee<'e>,
    pub(crate) now: SystemTime,
    /// What number portability says, once it was asked.
    pub(crate) ported: Option<Ported>,
    /// What the call may cost, once that is reserved.
    pub(crate) terms: Option<Terms>,
    /// What later steps are told, where this one does not decide.
    pub(crate) attributes: Map<String, Value>,
    /// What logs and notifications are told.
    pub(crate) tags: Map<String, Value>,
    /// The document has to ask for notifications: a module lives on them.
    pub(crate) wants_notifications: bool,
}

/// What number portability says about a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ported {
    /// The routing number; none for a number that was not ported.
    pub(crate) rn: Option<String>,
    /// Where a routing number without `+` belongs (RFC 4694 section 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rn_context: Option<String>,
}

/// What is reserved for a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) account: String,
    /// Micro-units a minute.
    pub(crate) rate: u64,
    pub(crate) increment_ms: u64,
    pub(crate) max_call_ms: u32,
}

impl<'e> Ask<'e> {
    pub(crate) fn new(event: &'e RouteEvent<'e>, now: SystemTime) -> Self {
        Self {
            event,
            callee: Callee::parse(&event.request.uri),
            caller: Callee::parse(&event.request.from.uri),
            now,
            ported: attribute(event, "lnp"),
            terms: attribute(event, "prepaid"),
            attributes: Map::new(),
            tags: Map::new(),
            wants_notifications: false,
        }
    }

    /// The user of the Request-URI, as it is to be compared.
    pub(crate) fn number(&self) -> &str {
        self.callee.user.as_deref().unwrap_or_default()
    }

    /// The number by which the call is routed: that of portability before that of the callee.
    pub(crate) fn routing_number(&self) -> &str {
        let ported = self.ported.as_ref().and_then(|ported| ported.rn.as_deref());
        ported
            .or(self.callee.rn.as_deref())
            .unwrap_or_else(|| self.number())
    }

    /// Calls `fill` with what the places of templates stand for.
    pub(crate) fn with_filling<T>(&self, rest: &str, fill: impl FnOnce(&Filling<'_>) -> T) -> T {
        let user = self.number();
        let number = self.written_number(user);
        let uri = self.rewritten_uri();
        fill(&Filling {
            callee: &self.callee,
            rest,
            number: &number,
            uri: uri.as_deref().unwrap_or(self.callee.uri),
        })
    }

    /// `user` as it stands in a URI, with what is known from number portability.
    pub(crate) fn written_number(&self, user: &str) -> String {
        let mut number = String::new();
        escape_user(user, &mut number);
        for parameter in self.number_parameters() {
            number.push(';');
            number.push_str(&parameter);
        }
        number
    }

    /// The Request-URI with what number portability adds; nothing if that changes nothing.
    pub(crate) fn rewritten_uri(&self) -> Option<String> {
        let ported = self.ported.as_ref().filter(|_| !self.callee.npdi)?;
        with_parameters(self.callee.uri, &ported.parameters())
    }

    fn number_parameters(&self) -> Vec<String> {
        match &self.ported {
            Some(ported) if !self.callee.npdi => ported.parameters(),
            _ if self.callee.npdi => Ported {
                rn: self.callee.rn.clone(),
                rn_context: None,
            }
            .parameters(),
            _ => Vec::new(),
        }
    }

    /// Makes `document` the answer.
    pub(crate) fn finish(self, mut document: RouteDocument) -> RouteDocument {
        if let Some(uri) = self.rewritten_uri() {
            document
                .routes
                .iter_mut()
                .for_each(|route| give_uri(route, &uri));
        }
        let mut tags = self.tags;
        if !document.routes.is_empty() {
            if let Some(terms) = self.terms {
                document.max_call_ms = Some(terms.max_call_ms);
                tags.insert("prepaid".to_owned(), json!(terms));
            }
            if document.max_call_ms.is_some() || self.wants_notifications {
                document.notify = Some(NOTIFICATIONS.to_vec());
            }
        }
        RouteDocument {
            version: Some(VERSION.to_owned()),
            id: Some(self.event.id),
            tags: (!tags.is_empty()).then_some(tags),
            ..document
        }
    }

    /// Leaves the decision to the next step.
    pub(crate) fn pass(self) -> RouteDocument {
        let attributes = self.attributes;
        RouteDocument {
            version: Some(VERSION.to_owned()),
            id: Some(self.event.id),
            action: Some(Action::Pass),
            attributes: (!attributes.is_empty()).then_some(attributes),
            ..RouteDocument::default()
        }
    }
}

/// What this application wants to hear of calls that cost or count.
pub(crate) const NOTIFICATIONS: [CallEventKind; 3] = [
    CallEventKind::Answered,
    CallEventKind::Failed,
    CallEventKind::Ended,
];

impl Ported {
    /// As parameters of the number (RFC 4694 section 5). `npdi` says that the answer is known, so
    /// that nobody asks again.
    fn parameters(&self) -> Vec<String> {
        let rn = self.rn.iter().map(|rn| format!("rn={rn}"));
        let context = self.rn_context.as_deref();
        let local = self
            .rn
            .as_ref()
            .filter(|rn| !rn.starts_with('+'))
            .and(context);
        let context = local.iter().map(|context| format!("rn-context={context}"));
        ["npdi".to_owned()]
            .into_iter()
            .chain(rn)
            .chain(context)
            .collect()
    }
}

/// What an earlier step of the proxy's chain passed on under `name`.
fn attribute<T: for<'de> Deserialize<'de>>(event: &RouteEvent<'_>, name: &str) -> Option<T> {
    T::deserialize(event.attributes.as_ref()?.get(name)?).ok()
}

/// Targets without a Request-URI keep that of the request, which here is a new one.
fn give_uri(route: &mut Route, uri: &str) {
    match route {
        Route::Group(group) => group
            .routes
            .iter_mut()
            .for_each(|route| give_uri(route, uri)),
        Route::Target(target) => {
            target.uri.get_or_insert_with(|| uri.to_owned());
        }
    }
}
