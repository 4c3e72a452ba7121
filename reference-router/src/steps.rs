//! Which modules are asked: all of them, or those of one step of the proxy's chain.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::SetupError;
use crate::modules::Name;

/// Steps that have a name without `[steps]`.
const USUAL: [(&str, &[Name]); 4] = [
    ("authorise", &[Name::Block, Name::Hours]),
    ("portability", &[Name::Lnp]),
    ("billing", &[Name::Prepaid]),
    ("routing", &[Name::Did, Name::Rules, Name::Lcr]),
];

/// The name of the step that is everything.
const ALL: &str = "all";

/// The modules that are configured, and named groups of them.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    all: Vec<Name>,
    named: BTreeMap<String, Vec<Name>>,
}

/// The modules that are asked about one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) modules: Vec<Name>,
    /// It ends in an answer; otherwise, where nothing is decided, in `pass`.
    pub(crate) is_final: bool,
}

impl Steps {
    /// `configured` in the usual order; `all` in `named` gives another one.
    pub(crate) fn new(
        configured: Vec<Name>,
        mut named: BTreeMap<String, Vec<Name>>,
    ) -> Result<Self, SetupError> {
        for (step, modules) in &named {
            if let Some(missing) = modules.iter().find(|name| !configured.contains(name)) {
                let reason = format!("{step}: [{}] is not configured", missing.as_str());
                return Err(SetupError::table("steps", reason));
            }
        }
        let all = named.remove(ALL).unwrap_or(configured);
        for (step, modules) in USUAL {
            let there = modules.iter().copied().filter(|name| all.contains(name));
            let there: Vec<_> = there.collect();
            if !there.is_empty() {
                named.entry(step.to_owned()).or_insert(there);
            }
        }
        Ok(Self { all, named })
    }

    pub(crate) fn configured(&self) -> &[Name] {
        &self.all
    }

    /// Those of these steps, or modules; nothing where one is not known.
    pub(crate) fn select(&self, steps: &[String]) -> Option<Selection> {
        let mut modules = Vec::new();
        for step in steps {
            for name in self.modules_of(step)? {
                if !modules.contains(&name) {
                    modules.push(name);
                }
            }
        }
        Some(self.selection(modules))
    }

    /// Those of the event's step; all where it has none of a known name.
    pub(crate) fn for_event(&self, step: Option<&str>) -> Selection {
        let named = step.and_then(|step| self.modules_of(step));
        self.selection(named.unwrap_or_else(|| self.all.clone()))
    }

    fn modules_of(&self, step: &str) -> Option<Vec<Name>> {
        if let Some(modules) = self.named.get(step) {
            return Some(modules.clone());
        }
        match Name::parse(step) {
            Some(name) => Some(vec![name]).filter(|_| self.all.contains(&name)),
            None => (step == ALL).then(|| self.all.clone()),
        }
    }

    fn selection(&self, modules: Vec<Name>) -> Selection {
        let last_router = self.all.iter().rev().find(|name| name.routes());
        let is_final = last_router.is_some_and(|last| modules.contains(last));
        Selection { modules, is_final }
    }

    /// For people.
    pub(crate) fn describe(&self) -> Value {
        let names =
            |modules: &[Name]| -> Vec<_> { modules.iter().map(|name| name.as_str()).collect() };
        let named = self
            .named
            .iter()
            .map(|(step, modules)| (step.clone(), json!(names(modules))));
        let all = [(ALL.to_owned(), json!(names(&self.all)))];
        Value::Object(all.into_iter().chain(named).collect())
    }

    /// The names that may stand for a step.
    pub(crate) fn names(&self) -> String {
        let modules = self.all.iter().map(|name| name.as_str());
        let steps = self.named.keys().map(String::as_str);
        let names: Vec<_> = [ALL].into_iter().chain(steps).chain(modules).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Steps {
        let configured = vec![Name::Block, Name::Lnp, Name::Rules, Name::Lcr];
        let named = [("mine".to_owned(), vec![Name::Lcr, Name::Lnp])];
        Steps::new(configured, named.into_iter().collect()).unwrap()
    }

    #[test]
    fn a_step_is_a_group_of_modules_or_one_of_them() {
        let steps = steps();
        for (step, modules, is_final) in [
            (
                None,
                vec![Name::Block, Name::Lnp, Name::Rules, Name::Lcr],
                true,
            ),
            (
                Some("something else"),
                vec![Name::Block, Name::Lnp, Name::Rules, Name::Lcr],
                true,
            ),
            (Some("authorise"), vec![Name::Block], false),
            (Some("lnp"), vec![Name::Lnp], false),
            (Some("rules"), vec![Name::Rules], false),
            (Some("routing"), vec![Name::Rules, Name::Lcr], true),
            (Some("mine"), vec![Name::Lcr, Name::Lnp], true),
        ] {
            assert_eq!(
                steps.for_event(step),
                Selection { modules, is_final },
                "{step:?}"
            );
        }
        let both = ["authorise".to_owned(), "lnp".to_owned()];
        assert_eq!(
            steps.select(&both).unwrap().modules,
            [Name::Block, Name::Lnp]
        );
        assert_eq!(steps.select(&["did".to_owned()]), None);
    }

    #[test]
    fn a_step_of_what_is_not_there_is_refused() {
        let named = [("mine".to_owned(), vec![Name::Did])];
        let error = Steps::new(vec![Name::Lnp], named.into_iter().collect()).unwrap_err();
        assert_eq!(error.to_string(), "[steps]: mine: [did] is not configured");
    }
}
