//! Settings of the dialects that have some of their own.

use std::collections::BTreeMap;

use routing_api_client as client;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::Unspeakable;

/// How CGRateS is asked. Account, destination and the like have Kamailio's variables in them; what
/// is empty is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cgrates {
    /// The application's name: all that connect to one listener are one application. With a `url`
    /// the application has its own.
    pub name: String,
    /// `RequestType`: `*prepaid`, `*postpaid`, `*rated`.
    pub request_type: String,
    /// `Tenant`.
    pub tenant: String,
    /// `Account`: who pays.
    pub account: String,
    /// `Destination`: what is called.
    pub destination: String,
    /// `OriginID`: the session's name.
    pub origin_id: String,
    /// `OriginHost`. Without it, the node's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_host: Option<String>,
    /// `cgr_flags` of `CGR_AUTH_REQUEST`. With `*routes`, CGRateS chooses among `routes`.
    pub flags: String,
    /// `cgr_flags` of `CGR_CALL_START`.
    pub start_flags: String,
    /// `cgr_flags` of `CGR_CALL_END`. With `*cdrs`, a record is made.
    pub end_flags: String,
    /// `reply_route`: what the answer is called, if not `CGR_AUTH_REPLY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_route: Option<String>,
    /// The reply to the caller where CGRateS answers with an error. 0: `on_failure.error` of the
    /// pool counts instead.
    pub error_code: u16,
    /// The reply to the caller where it grants no second.
    pub no_credit_code: u16,
    /// Whether it is asked for a sign of life, with `CGR_PROCESS_MESSAGE`, when it is quiet.
    pub ping: bool,
    /// Calls that are kept in mind, to tell their start and end.
    pub max_calls: usize,
    /// Further fields of all events about a call.
    pub fields: BTreeMap<String, String>,
    /// Next hops by the names of routes in CGRateS. Without any, the request goes to its
    /// Request-URI, or on to the next step of the chain.
    pub routes: BTreeMap<String, String>,
}

impl Default for Cgrates {
    fn default() -> Self {
        let text = str::to_owned;
        let own = client::CgratesDialect::default();
        Self {
            name: own.name,
            request_type: text("*prepaid"),
            tenant: text("cgrates.org"),
            account: text("$fU"),
            destination: text("$rU"),
            origin_id: text("$ci"),
            origin_host: None,
            flags: own.flags,
            start_flags: own.start_flags,
            end_flags: own.end_flags,
            reply_route: None,
            error_code: own.error_code.unwrap_or(0),
            no_credit_code: own.no_credit_code,
            ping: own.ping,
            max_calls: own.max_calls,
            fields: BTreeMap::new(),
            routes: BTreeMap::new(),
        }
    }
}

impl Cgrates {
    /// What is spoken, or which field is wrong and why.
    pub(super) fn dialect(&self) -> Result<client::CgratesDialect, Unspeakable> {
        let named = |(name, text): (&String, &String)| {
            let template = template("cgrates.fields", text)?;
            Ok((name.clone(), template))
        };
        for next_hop in self.routes.values() {
            is_sip(next_hop)?;
        }
        let error_code = match self.error_code {
            0 => None,
            code => Some(refusal("cgrates.error_code", code)?),
        };
        Ok(client::CgratesDialect {
            name: self.name.clone(),
            request_type: template("cgrates.request_type", &self.request_type)?,
            tenant: template("cgrates.tenant", &self.tenant)?,
            account: template("cgrates.account", &self.account)?,
            destination: template("cgrates.destination", &self.destination)?,
            origin_id: template("cgrates.origin_id", &self.origin_id)?,
            origin_host: self.origin_host.clone(),
            fields: self.fields.iter().map(named).collect::<Result<_, _>>()?,
            flags: self.flags.clone(),
            start_flags: self.start_flags.clone(),
            end_flags: self.end_flags.clone(),
            reply_route: self.reply_route.clone(),
            routes: self.routes.clone(),
            error_code,
            no_credit_code: refusal("cgrates.no_credit_code", self.no_credit_code)?,
            ping: self.ping,
            max_calls: self.max_calls,
            ..client::CgratesDialect::default()
        })
    }
}

/// How Wazo's router is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wazo {
    /// The reply to the caller where it answers `"success": false`.
    pub refusal_code: u16,
}

impl Default for Wazo {
    fn default() -> Self {
        let client::WazoDialect { refusal } = client::WazoDialect::default();
        Self {
            refusal_code: refusal,
        }
    }
}

impl Wazo {
    pub(super) fn dialect(&self) -> Result<client::WazoDialect, Unspeakable> {
        let refusal = refusal("wazo.refusal_code", self.refusal_code)?;
        Ok(client::WazoDialect { refusal })
    }
}

/// How a request handler of drachtio is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Drachtio {
    /// `get`: the most important of the request in a query. `post`: the request itself, with its
    /// body if `routing.include_body` is set.
    pub method: DrachtioMethod,
}

/// How much of a request a handler of drachtio gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DrachtioMethod {
    /// The most important, in a query.
    #[default]
    Get,
    /// All of it.
    Post,
}

impl Drachtio {
    pub(super) fn dialect(&self) -> client::DrachtioDialect {
        client::DrachtioDialect {
            method: match self.method {
                DrachtioMethod::Get => client::DrachtioMethod::Get,
                DrachtioMethod::Post => client::DrachtioMethod::Post,
            },
        }
    }
}

fn template(field: &'static str, text: &str) -> Result<client::Template, Unspeakable> {
    text.parse()
        .map_err(|error: client::TemplateError| (field, error.to_string()))
}

fn refusal(field: &'static str, code: u16) -> Result<u16, Unspeakable> {
    match code {
        300..700 => Ok(code),
        _ => Err((field, format!("{code} refuses nothing; 300 to 699"))),
    }
}

fn is_sip(next_hop: &str) -> Result<(), Unspeakable> {
    let is_sip = next_hop.starts_with("sip:") || next_hop.starts_with("sips:");
    match is_sip {
        true => Ok(()),
        false => {
            let message = format!("`{next_hop}` is no next hop; write sip:host:port");
            Err(("cgrates.routes", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_dialects() {
        let dialect = Cgrates::default().dialect().unwrap();
        assert_eq!(dialect, client::CgratesDialect::default());
        assert_eq!(Wazo::default().dialect().unwrap().refusal, 404);
        assert_eq!(
            Drachtio::default().dialect(),
            client::DrachtioDialect::default()
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field() {
        let wrong = |text: &str| {
            toml::from_str::<Cgrates>(text)
                .unwrap()
                .dialect()
                .unwrap_err()
                .0
        };
        assert_eq!(wrong("account = '$nobody'"), "cgrates.account");
        assert_eq!(wrong("error_code = 200"), "cgrates.error_code");
        assert_eq!(wrong("routes = { r1 = '192.0.2.1' }"), "cgrates.routes");
        assert_eq!(wrong("fields = { A = '$' }"), "cgrates.fields");
        let wazo = Wazo { refusal_code: 200 };
        assert_eq!(wazo.dialect().unwrap_err().0, "wazo.refusal_code");
    }

    #[test]
    fn an_error_may_be_left_to_the_pool() {
        let cgrates = Cgrates {
            error_code: 0,
            ..Cgrates::default()
        };
        assert_eq!(cgrates.dialect().unwrap().error_code, None);
    }
}
