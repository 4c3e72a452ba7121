//! From a question and rules to a document.

use tidegate_schemas::RouteEvent;
use tidegate_schemas::document::RouteDocument;

use crate::ask::Ask;
use crate::modules::rules::{Rule, Rules};
use crate::uri::Callee;

/// The answer of the first rule that matches.
///
/// Its name goes along as the tag `rule`, so that the proxy's log shows it.
pub(crate) fn first_match(ask: &mut Ask<'_>, rules: &Rules) -> Option<RouteDocument> {
    let matching = |rule| match_rule(rule, ask.event, &ask.callee);
    let (rule, rest) = rules.rules.iter().find_map(matching)?;
    let document = rule.action.document(ask, rest);
    name(ask, rule);
    Some(document)
}

/// The answer to what no rule matches.
pub(crate) fn default(ask: &mut Ask<'_>, rules: &Rules) -> RouteDocument {
    name(ask, &rules.default);
    rules.default.action.document(ask, "")
}

fn name(ask: &mut Ask<'_>, rule: &Rule) {
    ask.tags
        .insert("rule".to_owned(), rule.name.as_str().into());
}

fn match_rule<'r, 'c>(
    rule: &'r Rule,
    event: &RouteEvent<'_>,
    callee: &'c Callee<'_>,
) -> Option<(&'r Rule, &'c str)> {
    let rest = rule.condition.matches(event, callee)?;
    let has_user = !rule.needs_user || callee.user.is_some();
    let has_rest = !rule.needs_rest || !rest.is_empty();
    (has_user && has_rest).then_some((rule, rest))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::{Value, json};

    use super::*;
    use crate::setup::Setup;

    const RULES: &str = r#"
        [[rule]]
        name = "blocked"
        source = ["198.51.100.0/24", "2001:db8:bad::/48"]
        reply = { code = 403, reason = "Go away" }

        [[rule]]
        name = "desk"
        user = ["100", "101"]
        domain = "Example.com"
        order = "parallel"
        targets = ["sip:{user}@192.0.2.10", { uri = "sip:{user}@192.0.2.11", fr_timer = 2000 }]

        [[rule]]
        name = "berlin"
        prefix = ["0049", "004930"]
        continue_on = ["5xx"]
        targets = [{ uri = "sip:{rest}@192.0.2.20", dst_uri = "sip:192.0.2.21", fr_inv_timer = 9000,
                     socket = "udp:192.0.2.1:5060", remove_headers = ["X-Secret"],
                     headers = { X-Called = "{user} at {domain}" } }]

        [[rule]]
        name = "moved"
        domain = "old.example.com"
        redirect = ["sip:{user}@new.example.com"]

        [[rule]]
        name = "messages"
        method = "MESSAGE"
        reply = { code = 405 }
    "#;

    fn ask(method: &str, uri: &str, ip: &str) -> Value {
        let event = json!({
            "id": "00000001-00000002-00000003", "call": "c", "node": "n", "deadline_ms": 1000,
            "attempt": 1, "reason": "new",
            "source": {"transport": "udp", "ip": ip, "port": 5060, "listener": "udp:192.0.2.1:5060"},
            "request": {"method": method, "uri": uri, "from": {"uri": "sip:a@b"},
                        "to": {"uri": uri}, "call_id": "x", "cseq": 1, "headers": []},
        })
        .to_string();
        let event: RouteEvent<'_> = serde_json::from_str(&event).unwrap();
        let setup = Setup::parse(RULES).unwrap();
        let mut ask = Ask::new(&event, SystemTime::now());
        let found = first_match(&mut ask, &setup.rules);
        let document = found.unwrap_or_else(|| default(&mut ask, &setup.rules));
        let document = ask.finish(document);
        let text = serde_json::to_vec(&document).unwrap();
        assert_eq!(RouteDocument::from_json(&text).as_ref(), Ok(&document));
        serde_json::to_value(&document).unwrap()
    }

    fn invite(uri: &str) -> Value {
        ask("INVITE", uri, "192.0.2.33")
    }

    fn rule(document: &Value) -> &str {
        document["tags"]["rule"].as_str().unwrap()
    }

    #[test]
    fn an_exact_user_of_a_domain_rings_everywhere() {
        let document = invite("sip:101@EXAMPLE.com:5060;transport=udp");
        assert_eq!(document["id"], "00000001-00000002-00000003");
        assert_eq!(document["routing"], "parallel");
        assert_eq!(
            document["routes"],
            json!([{"uri": "sip:101@192.0.2.10"}, {"uri": "sip:101@192.0.2.11", "fr_timer": 2000}])
        );
        assert_eq!(rule(&invite("sip:101@example.org")), "default");
        assert_eq!(rule(&invite("sip:1010@example.com")), "default");
    }

    #[test]
    fn a_prefix_is_taken_off_in_its_longest_form() {
        let document = invite("sip:004930123@example.com");
        assert_eq!(
            document["routes"],
            json!([{
                "uri": "sip:123@192.0.2.20", "dst_uri": "sip:192.0.2.21",
                "socket": "udp:192.0.2.1:5060", "fr_inv_timer": 9000,
                "headers": {"set": {"X-Called": "004930123 at example.com"}, "remove": ["X-Secret"]},
            }])
        );
        assert_eq!(document["continue_on"], json!(["5xx"]));
        assert_eq!(rule(&invite("tel:0049-30")), "default");
    }

    #[test]
    fn the_source_decides_in_both_families() {
        for (ip, name) in [
            ("198.51.100.7", "blocked"),
            ("::ffff:198.51.100.7", "blocked"),
            ("2001:db8:bad::7", "blocked"),
            ("198.51.101.7", "desk"),
        ] {
            let document = ask("INVITE", "sip:100@example.com", ip);
            assert_eq!(rule(&document), name, "{ip}");
        }
        let refused = ask("INVITE", "sip:100@example.com", "198.51.100.7");
        assert_eq!(refused["reply"], json!({"code": 403, "reason": "Go away"}));
    }

    #[test]
    fn a_redirection_names_the_new_place() {
        let document = invite("sip:bob@old.example.com");
        assert_eq!(document["action"], "redirect");
        assert_eq!(
            document["contacts"],
            json!([{"uri": "sip:bob@new.example.com"}])
        );
    }

    #[test]
    fn a_rule_that_writes_the_user_is_not_for_requests_without_one() {
        assert_eq!(rule(&invite("sip:old.example.com")), "default");
    }

    #[test]
    fn the_method_can_be_a_condition() {
        assert_eq!(rule(&ask("MESSAGE", "sip:7@x", "192.0.2.1")), "messages");
        assert_eq!(rule(&invite("sip:7@x")), "default");
    }

    #[test]
    fn what_no_rule_matches_is_not_found() {
        assert_eq!(invite("sip:7@x")["reply"], json!({"code": 404}));
    }
}
