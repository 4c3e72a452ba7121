//! Rules: conditions and what is done with the requests for which they hold.

use std::ops::Range;

use serde::Deserialize;
use tidegate_schemas::document::{Outcome, Routing};
use toml::Spanned;

use crate::action::{Action, Reply};
use crate::error::SetupError;
use crate::list::List;
use crate::modules::condition::{Condition, Network};
use crate::modules::shadow;
use crate::target::Target;
use crate::template::UriTemplate;

/// Rules that can be decided by: the first that matches a request is taken.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<Rule>,
    pub(crate) default: Rule,
    warnings: Vec<String>,
}

/// Requests and what is done with them.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) condition: Condition,
    pub(crate) action: Action,
    pub(crate) needs_user: bool,
    pub(crate) needs_rest: bool,
}

impl Rules {
    /// Checks what the file `text` says.
    pub(crate) fn build(
        text: &str,
        raw: Vec<Spanned<RawRule>>,
        default: Option<Spanned<RawRule>>,
    ) -> Result<Self, SetupError> {
        let mut rules = Vec::with_capacity(raw.len());
        let mut warnings = Vec::new();
        for (number, raw) in (1..).zip(raw) {
            let line = line_of(text, raw.span());
            let rule = raw
                .into_inner()
                .check(number)
                .map_err(|error| error.at(line))?;
            if let Some(earlier) = shadow::find(&rules, &rule) {
                warnings.push(format!(
                    "line {line}: {} never matches: {} takes all of its requests",
                    rule.name, earlier.name
                ));
            }
            rules.push(rule);
        }
        Ok(Self {
            rules,
            default: default_rule(text, default)?,
            warnings,
        })
    }

    /// How many rules there are, the default not counted.
    pub(crate) fn count(&self) -> usize {
        self.rules.len()
    }

    /// What is allowed but hardly meant.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn line_of(text: &str, span: Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

fn default_rule(text: &str, raw: Option<Spanned<RawRule>>) -> Result<Rule, SetupError> {
    let Some(raw) = raw else {
        return Ok(Rule::not_found());
    };
    let line = line_of(text, raw.span());
    let raw = RawRule {
        name: Some("default".to_owned()),
        ..raw.into_inner()
    };
    let rule = raw.check(0).map_err(|error| error.at(line))?;
    if !rule.condition.says_nothing() {
        let reason = "the default is for whatever no rule matches: it has no conditions";
        return Err(Misfit {
            rule: rule.name,
            reason,
        }
        .at(line));
    }
    if rule.needs_user {
        let reason = "{user} can't stand here, because the default is for requests without one too";
        return Err(Misfit {
            rule: rule.name,
            reason,
        }
        .at(line));
    }
    Ok(rule)
}

impl Rule {
    fn not_found() -> Self {
        Self {
            name: "default".to_owned(),
            condition: Condition::default(),
            action: Action::Reply(Reply::new(404)),
            needs_user: false,
            needs_rest: false,
        }
    }
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRule {
    name: Option<String>,
    #[serde(default)]
    method: List<String>,
    #[serde(default)]
    user: List<String>,
    #[serde(default)]
    prefix: List<String>,
    #[serde(default)]
    domain: List<String>,
    #[serde(default)]
    source: List<Network>,
    targets: Option<Vec<Target>>,
    order: Option<Routing>,
    continue_on: Option<Vec<Outcome>>,
    stop_on: Option<Vec<Outcome>>,
    reply: Option<Reply>,
    redirect: Option<List<UriTemplate>>,
}

/// What makes no sense in a rule whose values are each in order.
struct Misfit {
    rule: String,
    reason: &'static str,
}

impl Misfit {
    fn at(self, line: usize) -> SetupError {
        SetupError::Rule {
            line,
            rule: self.rule,
            reason: self.reason,
        }
    }
}

impl RawRule {
    fn check(self, number: usize) -> Result<Rule, Misfit> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => format!("rule {number}"),
        };
        self.build(name.clone())
            .map_err(|reason| Misfit { rule: name, reason })
    }

    fn build(self, name: String) -> Result<Rule, &'static str> {
        let lower = |name: String| name.to_ascii_lowercase();
        let condition = Condition {
            methods: self.method.0,
            users: self.user.0,
            prefixes: self.prefix.0,
            domains: self.domain.0.into_iter().map(lower).collect(),
            sources: self.source.0,
        };
        let policy = (self.order, self.continue_on, self.stop_on);
        let action = Action::new(self.targets, self.reply, self.redirect, policy)?;
        let templates = action.templates();
        let needs_rest = templates.iter().any(|template| template.needs_rest());
        let needs_user = templates.iter().any(|template| template.needs_user());
        if needs_rest && (condition.prefixes.is_empty() || !condition.users.is_empty()) {
            return Err("{rest} is what stands behind `prefix`: it needs `prefix`, and no `user`");
        }
        Ok(Rule {
            name,
            condition,
            action,
            needs_user,
            needs_rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::setup::Setup;

    fn refused(text: &str) -> String {
        Setup::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_is_in_order() {
        let setup = Setup::parse(include_str!("../../rules.example.toml")).unwrap();
        assert!(setup.rules.count() > 3);
        assert_eq!(setup.warnings(), [""; 0]);
    }

    #[test]
    fn a_wrong_value_is_shown_where_it_stands() {
        for (text, line, reason) in [
            (
                "[[rule]]\nuser = 5",
                "line 2",
                "a string or a list of strings",
            ),
            ("[[rule]]\nuser = []", "line 2", "matches nothing"),
            (
                "[[rule]]\nsource = \"192.0.2/24\"",
                "line 2",
                "neither an address nor a network",
            ),
            ("[[rule]]\ntarget = []", "line 2", "unknown field"),
            (
                "[[rule]]\ntargets = [\n\"102\"]",
                "line 3",
                "begins with sip:",
            ),
            (
                "[[rule]]\ntargets = [\n\"sip:{x}@h\"]",
                "line 3",
                "unknown place",
            ),
            (
                "[[rule]]\ntargets = [{ socket = \"a\" }]",
                "line 2",
                "needs `uri` or `dst_uri`",
            ),
            (
                "[[rule]]\ntargets = [{ uri = \"sip:a\", fr_timer = 0 }]",
                "line 2",
                "1 millisecond",
            ),
            ("[[rule]]\norder = \"random\"", "line 2", "unknown variant"),
            ("[[rule]]\ncontinue_on = [\"2xx\"]", "line 2", "a class"),
            ("[[rule]]\nreply = { code = 200 }", "line 2", "300 to 699"),
            ("[[rule", "line 1", ""),
        ] {
            let error = refused(text);
            assert!(
                error.contains(line) && error.contains(reason),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_named_with_its_line() {
        let two = "\n[[rule]]\nname = \"sales\"\ntargets = [\"sip:a\"]\nreply = { code = 404 }\n";
        assert!(
            refused(two).starts_with("line 2: sales: one of"),
            "{}",
            refused(two)
        );
        for (text, reason) in [
            ("[[rule]]\nuser = \"1\"", "line 1: rule 1: one of"),
            ("[[rule]]\ntargets = []", "`targets` is empty"),
            ("[[rule]]\ntargets = [\"sip:{rest}@h\"]", "{rest} is"),
            (
                "[[rule]]\norder = \"serial\"\nreply = { code = 404 }",
                "belong to `targets`",
            ),
            (
                "[default]\nuser = \"1\"\nreply = { code = 404 }",
                "default: the default is for",
            ),
            (
                "[default]\ntargets = [\"sip:{user}@h\"]",
                "default: {user} can't",
            ),
            ("", "it says nothing"),
        ] {
            let error = refused(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_rule_behind_a_wider_one_is_warned_of() {
        let warnings = |first: &str, second: &str| {
            let action = "reply = { code = 404 }";
            let text = format!("[[rule]]\n{first}\n{action}\n[[rule]]\n{second}\n{action}");
            Setup::parse(&text).unwrap().warnings().len()
        };
        for (first, second, count) in [
            ("", "user = \"1\"", 1),
            ("prefix = \"+1\"", "prefix = \"+1555\"", 1),
            ("prefix = \"+1\"", "user = \"+1555\"\ndomain = \"a\"", 1),
            ("source = \"192.0.2.0/24\"", "source = \"192.0.2.9\"", 1),
            ("prefix = \"+1555\"", "prefix = \"+1\"", 0),
            ("prefix = \"+1\"", "domain = \"a\"", 0),
            ("domain = \"a\"", "user = \"1\"", 0),
            ("user = [\"1\", \"2\"]", "user = [\"2\", \"3\"]", 0),
        ] {
            assert_eq!(warnings(first, second), count, "{first} / {second}");
        }
    }
}
