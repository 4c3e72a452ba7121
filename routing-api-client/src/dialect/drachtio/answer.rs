//! The instruction of a request handler.

use serde_json::{Map, Value};
use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::{
    Action, DocumentError, OnRedirect, RedirectContact, Reply, Route, Routing, Target,
};

use crate::dialect::uri::UriParts;

/// What drachtio takes where nothing is said.
const PROVISIONAL_MS: u32 = 5_000;
const FINAL_MS: u32 = 60_000;

/// Reads `{"action": …, "data": {…}}`.
pub(super) fn read(json: &[u8]) -> Result<RouteDocument, DocumentError> {
    let answer: Map<String, Value> =
        serde_json::from_slice(json).map_err(|error| refuse("", error.to_string()))?;
    let Some(Value::String(action)) = answer.get("action") else {
        return Err(refuse("/action", "a string is needed"));
    };
    let Some(Value::Object(data)) = answer.get("data") else {
        return Err(refuse("/data", "an object is needed"));
    };
    match action.as_str() {
        "proxy" => proxy(data),
        "redirect" => redirect(data),
        "reject" => reject(data),
        "route" => Err(refuse(
            "/action",
            "`route` hands the call to an application of drachtio's own protocol, which is not \
             spoken here: `proxy`, `redirect` or `reject` is needed",
        )),
        _ => Err(refuse(
            "/action",
            "`proxy`, `redirect` or `reject` is needed",
        )),
    }
}

fn refuse(pointer: impl Into<String>, reason: impl Into<String>) -> DocumentError {
    DocumentError::new(pointer.into(), reason.into())
}

fn proxy(data: &Map<String, Value>) -> Result<RouteDocument, DocumentError> {
    let destinations = texts(data, &["destination"])?;
    let fr_timer = timer(data, "provisionalTimeout", PROVISIONAL_MS)?;
    let fr_inv_timer = timer(data, "finalTimeout", FINAL_MS)?;
    let route = |destination: String| {
        Route::Target(Box::new(Target {
            fr_timer,
            fr_inv_timer,
            ..target(destination)
        }))
    };
    let parallel = flag(data, "simultaneous")?.unwrap_or(false);
    let follow = flag(data, "followRedirects")?.unwrap_or(true);
    Ok(RouteDocument {
        action: Some(Action::Route),
        routing: parallel.then_some(Routing::Parallel),
        routes: destinations.into_iter().map(route).collect(),
        on_redirect: Some(match follow {
            true => OnRedirect::Follow,
            false => OnRedirect::Stop,
        }),
        // Without a word about it, the operator's configuration counts.
        record_route: flag(data, "recordRoute")?,
        ..RouteDocument::default()
    })
}

/// A destination with a user is a new Request-URI. One without (`sip:host`, `host:port`) names the
/// next hop alone, and the callee stays who it was.
fn target(destination: String) -> Target {
    let has_scheme = ["sip:", "sips:", "tel:"].iter().any(|scheme| {
        let start = destination.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let uri = match has_scheme {
        true => destination,
        false => format!("sip:{destination}"),
    };
    match !UriParts::of(&uri).user.is_empty() {
        true => Target {
            uri: Some(uri),
            ..Target::default()
        },
        false => Target {
            dst_uri: Some(uri),
            ..Target::default()
        },
    }
}

/// drachtio reads `contact`; its sample says `contacts`, or `url`.
fn redirect(data: &Map<String, Value>) -> Result<RouteDocument, DocumentError> {
    let contacts = texts(data, &["contact", "contacts", "uri", "url"])?;
    Ok(RouteDocument {
        action: Some(Action::Redirect),
        contacts: contacts.iter().map(|text| contact(text)).collect(),
        ..RouteDocument::default()
    })
}

/// A URI, or the value of a Contact header (RFC 3261 section 20.10).
fn contact(text: &str) -> RedirectContact {
    let bracketed = text
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    let (uri, parameters) = bracketed.unwrap_or((text, ""));
    let mut parameters = parameters.split(';').filter_map(|p| p.split_once('='));
    let q = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    RedirectContact {
        uri: uri.trim().to_owned(),
        q: q.and_then(|(_, value)| value.trim().parse().ok())
            .filter(|q| (0.0..=1.0).contains(q)),
    }
}

fn reject(data: &Map<String, Value>) -> Result<RouteDocument, DocumentError> {
    let code = data.get("status").and_then(Value::as_u64);
    let code = code.filter(|code| (300..700).contains(code));
    let code = code.ok_or_else(|| refuse("/data/status", "a number from 300 to 699 is needed"))?;
    let reason = match data.get("reason") {
        None | Some(Value::Null) => None,
        Some(Value::String(reason)) if reason.is_empty() => None,
        Some(Value::String(reason)) => Some(reason.clone()),
        Some(_) => return Err(refuse("/data/reason", "a string is needed")),
    };
    Ok(RouteDocument {
        action: Some(Action::Reply),
        reply: Some(Reply {
            code: u16::try_from(code).unwrap_or(500),
            reason,
            ..Reply::default()
        }),
        ..RouteDocument::default()
    })
}

/// One string or several, under the first of the keys that is there.
fn texts(data: &Map<String, Value>, keys: &[&str]) -> Result<Vec<String>, DocumentError> {
    let found = keys.iter().find_map(|key| Some((*key, data.get(*key)?)));
    let first = keys.first().copied().unwrap_or_default();
    let (key, value) = found.unwrap_or((first, &Value::Null));
    let needed = |place: String| refuse(place, "a string is needed, or several in an array");
    let text = |(at, value): (usize, &Value)| match value {
        Value::String(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => Err(needed(format!("/data/{key}/{at}"))),
    };
    match value {
        Value::String(text) if !text.trim().is_empty() => Ok(vec![text.trim().to_owned()]),
        Value::Array(values) if !values.is_empty() => values.iter().enumerate().map(text).collect(),
        _ => Err(needed(format!("/data/{key}"))),
    }
}

fn flag(data: &Map<String, Value>, key: &str) -> Result<Option<bool>, DocumentError> {
    match data.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(refuse(format!("/data/{key}"), "true or false is needed")),
    }
}

/// `"5s"`, `"500ms"`. Zero means that the proxy's own time counts.
fn timer(data: &Map<String, Value>, key: &str, absent: u32) -> Result<Option<u32>, DocumentError> {
    let needed = || {
        let reason = "a time such as \"5s\" or \"500ms\" is needed";
        refuse(format!("/data/{key}"), reason)
    };
    let ms = match data.get(key) {
        None | Some(Value::Null) => absent,
        Some(Value::String(text)) => milliseconds(text.trim()).ok_or_else(needed)?,
        Some(_) => return Err(needed()),
    };
    Ok(Some(ms).filter(|ms| *ms > 0))
}

fn milliseconds(text: &str) -> Option<u32> {
    if let Some(number) = text.strip_suffix("ms") {
        return number.trim_end().parse().ok();
    }
    let number = text.strip_suffix('s')?.trim_end();
    number.parse::<u32>().ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(json: &Value) -> RouteDocument {
        read(json.to_string().as_bytes()).unwrap()
    }

    fn target_of(route: &Route) -> &Target {
        match route {
            Route::Target(target) => target,
            Route::Group(group) => panic!("{group:?}"),
        }
    }

    fn targets(document: &RouteDocument) -> Vec<&Target> {
        document.routes.iter().map(target_of).collect()
    }

    #[test]
    fn proxy_becomes_routes_with_timers() {
        let document = answer(&json!({"action": "proxy", "data": {
            "destination": ["sip:a@192.0.2.1", "sip:b@192.0.2.2;transport=tcp"],
            "recordRoute": true, "followRedirects": true, "simultaneous": false,
            "provisionalTimeout": "500ms", "finalTimeout": "40s",
        }}));
        assert_eq!(document.routing, None);
        assert_eq!(document.record_route, Some(true));
        assert_eq!(document.on_redirect, Some(OnRedirect::Follow));
        let targets = targets(&document);
        assert_eq!(targets[0].uri.as_deref(), Some("sip:a@192.0.2.1"));
        assert_eq!(
            targets[1].uri.as_deref(),
            Some("sip:b@192.0.2.2;transport=tcp")
        );
        assert_eq!(
            (targets[1].fr_timer, targets[1].fr_inv_timer),
            (Some(500), Some(40_000))
        );
    }

    #[test]
    fn what_proxy_leaves_out_is_as_drachtio_has_it() {
        let document = answer(&json!({"action": "proxy", "data": {"destination": "sip:a@h"}}));
        assert_eq!(document.record_route, None);
        assert_eq!(document.on_redirect, Some(OnRedirect::Follow));
        let target = targets(&document)[0];
        assert_eq!(
            (target.fr_timer, target.fr_inv_timer),
            (Some(5_000), Some(60_000))
        );
    }

    #[test]
    fn simultaneous_is_parallel_and_redirects_need_not_be_followed() {
        let document = answer(&json!({"action": "proxy", "data": {
            "destination": ["sip:a@h", "sip:b@h"], "simultaneous": true, "followRedirects": false,
            "provisionalTimeout": "0s",
        }}));
        assert_eq!(document.routing, Some(Routing::Parallel));
        assert_eq!(document.on_redirect, Some(OnRedirect::Stop));
        assert_eq!(targets(&document)[0].fr_timer, None);
    }

    #[test]
    fn a_destination_without_a_user_is_only_the_next_hop() {
        let destinations = json!(["192.0.2.1:5080", "sip:gw.example.com", "a@h", "tel:+1555"]);
        let document = answer(&json!({"action": "proxy", "data": {"destination": destinations}}));
        let found: Vec<_> = targets(&document)
            .iter()
            .map(|t| (t.uri.as_deref(), t.dst_uri.as_deref()))
            .collect();
        let expected = [
            (None, Some("sip:192.0.2.1:5080")),
            (None, Some("sip:gw.example.com")),
            (Some("sip:a@h"), None),
            (Some("tel:+1555"), None),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn redirect_takes_the_documented_keys_as_well() {
        for key in ["contact", "contacts", "uri", "url"] {
            let document = answer(&json!({"action": "redirect", "data": {
                (key): ["sip:foo@bar.com", "\"Foo\" <sip:foo@baz.com;x=y>;q=0.5"],
            }}));
            assert_eq!(document.action, Some(Action::Redirect));
            let expected = [
                ("sip:foo@bar.com", None),
                ("sip:foo@baz.com;x=y", Some(0.5)),
            ];
            let found: Vec<_> = document.contacts.iter().map(|c| (&*c.uri, c.q)).collect();
            assert_eq!(found, expected);
        }
        let one = answer(&json!({"action": "redirect", "data": {"url": "sip:foo@bar.com"}}));
        assert_eq!(one.contacts.len(), 1);
    }

    #[test]
    fn reject_becomes_a_reply() {
        let data = json!({"status": 503, "reason": "Max Calls Exceeded"});
        let document = answer(&json!({"action": "reject", "data": data}));
        let reply = document.reply.unwrap();
        assert_eq!(reply.code, 503);
        assert_eq!(reply.reason.as_deref(), Some("Max Calls Exceeded"));
    }

    #[test]
    fn what_is_no_instruction_is_refused_with_its_place() {
        let proxy = |data: Value| json!({"action": "proxy", "data": data});
        for (wrong, pointer) in [
            (json!([]), ""),
            (json!({"data": {}}), "/action"),
            (json!({"action": "proxy"}), "/data"),
            (json!({"action": "dance", "data": {}}), "/action"),
            (
                json!({"action": "route", "data": {"uri": "10.0.0.5:4000;transport=tls"}}),
                "/action",
            ),
            (json!({"action": "route", "data": {"tag": "a"}}), "/action"),
            (proxy(json!({})), "/data/destination"),
            (proxy(json!({"destination": []})), "/data/destination"),
            (
                proxy(json!({"destination": ["sip:a@h", 1]})),
                "/data/destination/1",
            ),
            (
                proxy(json!({"destination": "sip:a@h", "finalTimeout": 5})),
                "/data/finalTimeout",
            ),
            (
                proxy(json!({"destination": "sip:a@h", "finalTimeout": "5m"})),
                "/data/finalTimeout",
            ),
            (
                proxy(json!({"destination": "sip:a@h", "recordRoute": "yes"})),
                "/data/recordRoute",
            ),
            (json!({"action": "redirect", "data": {}}), "/data/contact"),
            (json!({"action": "reject", "data": {}}), "/data/status"),
            (
                json!({"action": "reject", "data": {"status": 200}}),
                "/data/status",
            ),
        ] {
            let error = read(wrong.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.pointer, pointer, "{wrong}: {error}");
        }
    }

    #[test]
    fn route_says_why_it_is_refused() {
        let error = read(br#"{"action":"route","data":{"tag":"a"}}"#).unwrap_err();
        assert!(error.reason.contains("drachtio's own protocol"), "{error}");
    }
}
