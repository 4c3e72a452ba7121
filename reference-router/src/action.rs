//! What is done with a request, and the document that says so.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use tidegate_schemas::document::{
    self, Action as Verb, Headers, Outcome, RedirectContact, Route, RouteDocument, Routing,
};

use crate::ask::Ask;
use crate::list::List;
use crate::target::Target;
use crate::template::{Filling, Template, UriTemplate};

#[derive(Debug)]
pub(crate) enum Action {
    Redirect(Vec<UriTemplate>),
    Reply(Reply),
    Route(Plan),
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) order: Routing,
    pub(crate) targets: Vec<Target>,
    pub(crate) continue_on: Option<Vec<Outcome>>,
    pub(crate) stop_on: Option<Vec<Outcome>>,
}

/// A response.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    #[serde(deserialize_with = "final_code")]
    pub(crate) code: u16,
    pub(crate) reason: Option<String>,
}

fn final_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    match u16::deserialize(deserializer)? {
        code @ 300..=699 => Ok(code),
        code => Err(D::Error::custom(format!(
            "a reply has a code from 300 to 699, not {code}"
        ))),
    }
}

/// `order`, `continue_on` and `stop_on` as they are written.
pub(crate) type Policy = (Option<Routing>, Option<Vec<Outcome>>, Option<Vec<Outcome>>);

impl Action {
    /// The one action that is given.
    pub(crate) fn new(
        targets: Option<Vec<Target>>,
        reply: Option<Reply>,
        redirect: Option<List<UriTemplate>>,
        policy: Policy,
    ) -> Result<Self, &'static str> {
        let has_policy = policy.0.is_some() || policy.1.is_some() || policy.2.is_some();
        match (targets, reply, redirect) {
            (Some(targets), None, None) if targets.is_empty() => Err("`targets` is empty"),
            (Some(targets), None, None) => Ok(Self::Route(Plan {
                order: policy.0.unwrap_or_default(),
                targets,
                continue_on: policy.1,
                stop_on: policy.2,
            })),
            (None, Some(_), None) | (None, None, Some(_)) if has_policy => {
                Err("`order`, `continue_on` and `stop_on` belong to `targets`")
            }
            (None, Some(reply), None) => Ok(Self::Reply(reply)),
            (None, None, Some(contacts)) => Ok(Self::Redirect(contacts.0)),
            _ => Err("one of `targets`, `reply` and `redirect` is needed"),
        }
    }

    pub(crate) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Redirect(contacts) => contacts.iter().map(|contact| &contact.0).collect(),
            Self::Reply(_) => Vec::new(),
            Self::Route(plan) => plan.targets.iter().flat_map(Target::templates).collect(),
        }
    }

    /// Whether it can be done: a template of the user needs one, one of the rest needs that.
    pub(crate) fn fits(&self, ask: &Ask<'_>) -> bool {
        let needs_user = self
            .templates()
            .iter()
            .any(|template| template.needs_user());
        !needs_user || ask.callee.user.is_some()
    }

    /// The document; `rest` is what stands behind the prefix that matched.
    pub(crate) fn document(&self, ask: &Ask<'_>, rest: &str) -> RouteDocument {
        ask.with_filling(rest, |filling| match self {
            Self::Redirect(contacts) => redirect(contacts, filling),
            Self::Reply(reply) => reply.document(),
            Self::Route(plan) => plan.document(filling),
        })
    }
}

impl Reply {
    pub(crate) fn new(code: u16) -> Self {
        Self { code, reason: None }
    }

    pub(crate) fn document(&self) -> RouteDocument {
        RouteDocument {
            action: Some(Verb::Reply),
            reply: Some(document::Reply {
                code: self.code,
                reason: self.reason.clone(),
                ..document::Reply::default()
            }),
            ..RouteDocument::default()
        }
    }
}

fn redirect(contacts: &[UriTemplate], filling: &Filling<'_>) -> RouteDocument {
    let contact = |contact: &UriTemplate| RedirectContact {
        uri: contact.0.fill(filling),
        q: None,
    };
    RouteDocument {
        action: Some(Verb::Redirect),
        contacts: contacts.iter().map(contact).collect(),
        ..RouteDocument::default()
    }
}

impl Plan {
    fn document(&self, filling: &Filling<'_>) -> RouteDocument {
        let targets = self.targets.iter().map(|wanted| target(wanted, filling));
        RouteDocument {
            routing: Some(self.order),
            routes: targets.collect(),
            continue_on: self.continue_on.clone(),
            stop_on: self.stop_on.clone(),
            ..RouteDocument::default()
        }
    }
}

/// One target of a document.
pub(crate) fn target(wanted: &Target, filling: &Filling<'_>) -> Route {
    let fill = |uri: &UriTemplate| uri.0.fill(filling);
    Route::Target(Box::new(document::Target {
        uri: wanted.uri.as_ref().map(fill),
        dst_uri: wanted.dst_uri.as_ref().map(fill),
        socket: wanted.socket.clone(),
        headers: headers(wanted, filling),
        fr_timer: wanted.fr_timer,
        fr_inv_timer: wanted.fr_inv_timer,
        ..document::Target::default()
    }))
}

fn headers(wanted: &Target, filling: &Filling<'_>) -> Option<Headers> {
    let set = wanted
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.fill(filling)));
    let headers = Headers {
        set: set.collect(),
        remove: wanted.remove_headers.clone(),
        ..Headers::default()
    };
    (headers != Headers::default()).then_some(headers)
}
