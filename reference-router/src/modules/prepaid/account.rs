//! Whose call it is.

use serde::Deserialize;
use serde_json::Value;

use crate::ask::Ask;
use crate::uri::Callee;

/// Where the name of the account stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum AccountFrom {
    /// `asserted.user`: the user in P-Asserted-Identity.
    AssertedUser,
    /// `attribute:name.name`: what an earlier step of the chain passed on.
    Attribute(Vec<String>),
    /// `from.user`: the user in From.
    FromUser,
    /// `header:Name`
    Header(String),
    /// `source.ip`
    SourceIp,
}

impl TryFrom<String> for AccountFrom {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match (text.as_str(), text.split_once(':')) {
            ("asserted.user", _) => Ok(Self::AssertedUser),
            ("from.user", _) => Ok(Self::FromUser),
            ("source.ip", _) => Ok(Self::SourceIp),
            (_, Some(("attribute", path))) if !path.is_empty() => Ok(Self::Attribute(
                path.split('.').map(str::to_owned).collect(),
            )),
            (_, Some(("header", name))) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            _ => Err(format!(
                "{text:?} is none of from.user, asserted.user, source.ip, header:Name and \
                 attribute:name"
            )),
        }
    }
}

/// The first account that is named.
pub(crate) fn find(places: &[AccountFrom], ask: &Ask<'_>) -> Option<String> {
    let named = places.iter().filter_map(|place| place.look(ask));
    named
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
}

impl AccountFrom {
    fn look(&self, ask: &Ask<'_>) -> Option<String> {
        match self {
            Self::AssertedUser => {
                let value = header(ask, "P-Asserted-Identity")?;
                let (_, uri) = value.split_once('<').unwrap_or(("", value));
                Callee::parse(uri.split('>').next().unwrap_or_default()).user
            }
            Self::Attribute(path) => attribute(ask, path),
            Self::FromUser => ask.caller.user.clone(),
            Self::Header(name) => header(ask, name).map(str::to_owned),
            Self::SourceIp => Some(ask.event.source.ip.to_canonical().to_string()),
        }
    }
}

fn header<'e>(ask: &Ask<'e>, name: &str) -> Option<&'e str> {
    let mut headers = ask.event.request.headers.iter();
    let found = headers.find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_ref())
}

fn attribute(ask: &Ask<'_>, path: &[String]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let mut value = ask.event.attributes.as_ref()?.get(first)?;
    for name in rest {
        value = value.get(name)?;
    }
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::json;

    use super::*;
    use crate::testing::Question;

    #[test]
    fn the_account_is_found_where_it_is_said_to_stand() {
        let headers = json!([
            ["p-asserted-identity", "\"A\" <sip:+4930@h>, <tel:+1>"],
            ["X-Account", " 77 "]
        ]);
        let question = Question {
            from: "sip:alice@h",
            attributes: json!({"auth": {"account": "bob", "id": 5}}),
            headers,
            ..Question::default()
        };
        let json = question.to_json().to_string();
        let event = serde_json::from_str(&json).unwrap();
        let ask = Ask::new(&event, SystemTime::now());
        let account = |places: &[&str]| {
            let places: Vec<_> = places
                .iter()
                .map(|place| AccountFrom::try_from((*place).to_owned()).unwrap())
                .collect();
            find(&places, &ask)
        };
        for (place, name) in [
            ("from.user", Some("alice")),
            ("asserted.user", Some("+4930")),
            ("header:x-account", Some("77")),
            ("attribute:auth.account", Some("bob")),
            ("attribute:auth.id", Some("5")),
            ("attribute:auth", None),
            ("attribute:other", None),
            ("header:X-Other", None),
            ("source.ip", Some("192.0.2.1")),
        ] {
            assert_eq!(account(&[place]).as_deref(), name, "{place}");
        }
        assert_eq!(
            account(&["header:X-Other", "from.user"]).as_deref(),
            Some("alice")
        );
        assert!(AccountFrom::try_from("to.user".to_owned()).is_err());
    }
}
