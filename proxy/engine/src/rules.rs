//! Which requests an application is asked about, and which are routed without one.

use std::net::IpAddr;

use ipnet::IpNet;
use tidegate_schemas::RouteDocument;
use tidegate_sip::{Host, Method, Uri, View};

/// One rule. A request belongs to the first one that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// For logs and as the tier of what it decides.
    pub name: String,
    /// Methods; any when empty.
    pub methods: Vec<Method>,
    /// Hosts of the Request-URI, in lower case, `*.example.com` with all below it; any when empty.
    pub domains: Vec<String>,
    /// User parts of the Request-URI: exact, or a beginning with `*` behind it; any when empty.
    /// Visual separators count not (RFC 3966 section 5.1.1).
    pub numbers: Vec<String>,
    /// Networks that the request comes from; any when empty.
    pub sources: Vec<IpNet>,
    /// Whether it is for requests inside of dialogs instead of those that begin one.
    pub in_dialog: bool,
    /// What becomes of the request.
    pub then: Treatment,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Treatment {
    /// The applications of this chain are asked.
    Ask(u16),
    /// This document decides, and nobody is asked.
    Document(Box<RouteDocument>),
    /// It goes where its Route set or Request-URI says.
    Straight,
}

impl Rule {
    /// The first of `rules` that a request belongs to: its index, and what it says.
    pub(crate) fn find<'r>(
        rules: &'r [Self],
        view: View<'_>,
        uri: &[u8],
        source: IpAddr,
        in_dialog: bool,
    ) -> Option<(usize, &'r Treatment)> {
        if rules.is_empty() {
            return None;
        }
        let uri = Uri::parse(uri).ok();
        let matches = |rule: &Self| {
            rule.in_dialog == in_dialog
                && rule.has_method(view.method())
                && rule.has_source(source)
                && rule.has_domain(uri.as_ref())
                && rule.has_number(uri.as_ref())
        };
        let index = rules.iter().position(matches)?;
        rules.get(index).map(|rule| (index, &rule.then))
    }

    fn has_method(&self, method: Method) -> bool {
        self.methods.is_empty() || self.methods.contains(&method)
    }

    fn has_source(&self, source: IpAddr) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|net| net.contains(&source))
    }

    fn has_domain(&self, uri: Option<&Uri<'_>>) -> bool {
        let host = || Some(host(uri?.host));
        self.domains.is_empty()
            || host().is_some_and(|host| self.domains.iter().any(|domain| covers(domain, &host)))
    }

    fn has_number(&self, uri: Option<&Uri<'_>>) -> bool {
        let dialled = || uri.and_then(dialled);
        self.numbers.is_empty()
            || dialled().is_some_and(|number| {
                let fits = |pattern: &String| match pattern.strip_suffix('*') {
                    Some(beginning) => number.starts_with(beginning),
                    None => number == *pattern,
                };
                self.numbers.iter().any(fits)
            })
    }
}

fn host(host: Host<'_>) -> String {
    match host {
        Host::Name(name) => String::from_utf8_lossy(name).to_ascii_lowercase(),
        Host::V4(ip) => ip.to_string(),
        Host::V6(ip) => ip.to_string(),
    }
}

fn covers(domain: &str, host: &str) -> bool {
    match domain.strip_prefix("*.") {
        Some(parent) => host
            .strip_suffix(parent)
            .is_some_and(|rest| rest.ends_with('.')),
        None => domain == host,
    }
}

/// The user part up to its own parameters, without visual separators where it is a number.
fn dialled(uri: &Uri<'_>) -> Option<String> {
    let user = String::from_utf8_lossy(uri.user?);
    let user = user.split(';').next().unwrap_or_default();
    let is_separator = |c: char| matches!(c, '-' | '.' | '(' | ')');
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '*' | '#');
    match user.chars().all(|c| is_number(c) || is_separator(c)) {
        true => Some(user.chars().filter(|c| !is_separator(*c)).collect()),
        false => Some(user.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(domains: &[&str], numbers: &[&str]) -> Rule {
        Rule {
            name: "r".to_owned(),
            methods: Vec::new(),
            domains: domains.iter().map(|&d| d.to_owned()).collect(),
            numbers: numbers.iter().map(|&n| n.to_owned()).collect(),
            sources: Vec::new(),
            in_dialog: false,
            then: Treatment::Straight,
        }
    }

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        let rule = rule(&[], &["112", "+49800*"]);
        for dialled in [
            "sip:112@a",
            "sip:1-1-2@a",
            "sip:112;phone-context=x@a",
            "tel:112",
        ] {
            assert!(rule.has_number(Some(&uri(dialled))), "{dialled}");
        }
        assert!(rule.has_number(Some(&uri("sip:+49.800.1@a"))));
        for other in ["sip:1123@a", "sip:a112@a", "sip:112", "sip:+4980@a"] {
            assert!(!rule.has_number(Some(&uri(other))), "{other}");
        }
    }

    #[test]
    fn a_domain_may_cover_all_below_it() {
        let rule = rule(&["example.com", "*.example.org"], &[]);
        for ours in [
            "sip:EXAMPLE.com",
            "sip:a.example.org",
            "sip:a.b.example.org",
        ] {
            assert!(rule.has_domain(Some(&uri(ours))), "{ours}");
        }
        for other in ["sip:a.example.com", "sip:example.org", "sip:xexample.org"] {
            assert!(!rule.has_domain(Some(&uri(other))), "{other}");
        }
    }
}
