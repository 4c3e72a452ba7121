//! Wazo's `sip-routing` over HTTP: what its Kamailio asks its router, and what that one answers.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use tidegate_schemas::document::{Action, DocumentError, Reply};
use tidegate_schemas::{RouteDocument, RouteEvent, lenient};

use super::http::{HttpDialect, HttpQuestion};
use super::pick::pick;

/// How Wazo's router is asked.
///
/// Credentials for a carrier (`auth_username`, `auth_password`, `realm`) are not used: a proxy has
/// no identity of its own to prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WazoDialect {
    /// The code of the reply where the router answers `"success": false`.
    pub refusal: u16,
}

impl Default for WazoDialect {
    fn default() -> Self {
        Self { refusal: 404 }
    }
}

/// Keys as Wazo has them; what is absent is empty.
#[derive(Serialize)]
struct SipRouting<'a> {
    event: &'static str,
    source_ip: std::net::IpAddr,
    source_port: u16,
    call_id: &'a str,
    from_name: &'a str,
    from_uri: &'a str,
    from_tag: &'a str,
    to_uri: &'a str,
    to_name: &'a str,
    to_tag: &'a str,
}

impl WazoDialect {
    pub(crate) fn question(&self, event: &RouteEvent<'_>, out: &mut Vec<u8>) {
        let request = &event.request;
        let question = SipRouting {
            event: "sip-routing",
            source_ip: event.source.ip,
            source_port: event.source.port,
            call_id: &request.call_id,
            from_name: request.from.display.as_deref().unwrap_or_default(),
            from_uri: &request.from.uri,
            from_tag: request.from.tag.as_deref().unwrap_or_default(),
            to_uri: &request.to.uri,
            to_name: request.to.display.as_deref().unwrap_or_default(),
            to_tag: request.to.tag.as_deref().unwrap_or_default(),
        };
        let rendered = serde_json::to_writer(out, &question);
        debug_assert!(rendered.is_ok(), "{rendered:?}");
    }

    fn refused(&self) -> RouteDocument {
        RouteDocument {
            action: Some(Action::Reply),
            reply: Some(Reply {
                code: self.refusal,
                ..Reply::default()
            }),
            ..RouteDocument::default()
        }
    }
}

impl HttpDialect for WazoDialect {
    fn request(&self, rendered: Bytes) -> HttpQuestion {
        HttpQuestion::post("application/json", rendered)
    }

    fn answer(&self, json: &[u8]) -> Result<RouteDocument, DocumentError> {
        let [document] = pick(json, ["rtjson"]).map_err(|error| not_json(&error))?;
        let document = document.filter(|value| value.get() != "null");
        let Some(document) = document else {
            return Err(DocumentError::new("/rtjson", "there is no route document"));
        };
        match success(document)? {
            true => lenient::document_from_json(document.get().as_bytes()).map_err(within),
            false => Ok(self.refused()),
        }
    }
}

fn not_json(error: &serde_json::Error) -> DocumentError {
    DocumentError::new("", error.to_string())
}

fn within(error: DocumentError) -> DocumentError {
    DocumentError::new(format!("/rtjson{}", error.pointer), error.reason)
}

/// Absent means that there is a plan.
fn success(document: &RawValue) -> Result<bool, DocumentError> {
    let wrong = |why: &'static str| DocumentError::new("/rtjson/success", why);
    let [success] = pick(document.get().as_bytes(), ["success"])
        .map_err(|_| DocumentError::new("/rtjson", "an object is needed"))?;
    match success.map_or("true", RawValue::get) {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong("true or false is needed")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::samples;

    fn answer(json: &Value) -> Result<RouteDocument, DocumentError> {
        WazoDialect::default().answer(json.to_string().as_bytes())
    }

    #[test]
    fn the_question_is_a_sip_routing_event() {
        let mut out = Vec::new();
        WazoDialect::default().question(&samples::event(), &mut out);
        let question: Value = serde_json::from_slice(&out).unwrap();
        let expected = json!({
            "event": "sip-routing",
            "source_ip": "192.0.2.9",
            "source_port": 5071,
            "call_id": "a84b4c76e66710",
            "from_name": "Al \"the\" Pal",
            "from_uri": "sip:101@example.org",
            "from_tag": "1928301774",
            "to_uri": "sip:102@example.com",
            "to_name": "",
            "to_tag": "",
        });
        assert_eq!(question, expected);
    }

    #[test]
    fn routes_are_those_of_rtjson_with_next_hops_alone() {
        let route = json!({
            "dst_uri": "sip:192.0.2.20:5060", "path": "", "socket": "",
            "headers": {
                "from": {"display": "", "uri": "sip:+1555@carrier.example"},
                "to": {"display": "", "uri": "sip:102@carrier.example"},
                "extra": "P-Asserted-Identity: <sip:+1555@carrier.example>\r\n",
            },
            "branch_flags": 8, "fr_timer": 5000, "fr_inv_timer": 30000,
        });
        let document = answer(&json!({
            "auth": null,
            "rtjson": {
                "success": true, "version": "1.0", "routing": "serial", "routes": [route],
                "auth_username": "u", "auth_password": "p", "realm": "r",
            },
        }))
        .unwrap();
        let [tidegate_schemas::document::Route::Target(target)] = &*document.routes else {
            panic!("{document:?}");
        };
        assert_eq!(target.uri, None);
        assert_eq!(target.dst_uri.as_deref(), Some("sip:192.0.2.20:5060"));
        assert_eq!(
            (target.path.as_deref(), target.fr_timer),
            (None, Some(5000))
        );
    }

    #[test]
    fn no_success_is_a_refusal_with_the_configured_code() {
        let refused = json!({"rtjson": {"success": false}});
        let document = answer(&refused).unwrap();
        assert_eq!(document.action, Some(Action::Reply));
        assert_eq!(document.reply.unwrap().code, 404);
        let other = WazoDialect { refusal: 480 };
        let document = other.answer(refused.to_string().as_bytes()).unwrap();
        assert_eq!(document.reply.unwrap().code, 480);
    }

    #[test]
    fn what_is_no_answer_is_refused_with_its_place() {
        for (wrong, pointer) in [
            (json!({}), "/rtjson"),
            (json!({"rtjson": null}), "/rtjson"),
            (json!({"rtjson": []}), "/rtjson"),
            (json!({"rtjson": {"success": "yes"}}), "/rtjson/success"),
            (
                json!({"rtjson": {"success": true, "routing": "both"}}),
                "/rtjson/routing",
            ),
            (json!([]), ""),
        ] {
            assert_eq!(answer(&wrong).unwrap_err().pointer, pointer, "{wrong}");
        }
    }
}
