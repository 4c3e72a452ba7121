//! What was changed through the admin API, as a layer over the file.

use std::collections::BTreeMap;

use crate::config::{Application, Config};

/// Applications that an operator added, changed or removed while the proxy ran.
///
/// A change lives through reloads as long as the file says about that application what it said when
/// the change was made. When the file says something new, the newer word counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Runtime {
    changes: BTreeMap<String, Change>,
}

/// What became of an application.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// It is like this.
    Set(Box<Application>),
    /// It is gone.
    Removed,
}

impl Runtime {
    /// Adds or changes an application.
    pub(super) fn set(&mut self, application: Application) {
        let change = Change::Set(Box::new(application.clone()));
        self.changes.insert(application.name, change);
    }

    /// Removes an application; one that the file does not know is forgotten.
    pub(super) fn remove(&mut self, file: &Config, name: &str) {
        match entry(file, name) {
            Some(_) => self.changes.insert(name.to_owned(), Change::Removed),
            None => self.changes.remove(name),
        };
    }

    /// Whether an application is as an operator wants it, and not as the file does.
    pub(super) fn has(&self, name: &str) -> bool {
        self.changes.contains_key(name)
    }

    /// Gives up the changes on applications about which `new` says something else than `old`, and
    /// names these.
    pub(super) fn yield_to(&mut self, old: &Config, new: &Config) -> Vec<String> {
        let mut overruled = Vec::new();
        self.changes.retain(|name, _| {
            let same = entry(old, name) == entry(new, name);
            if !same {
                overruled.push(name.clone());
            }
            same
        });
        overruled
    }

    /// The file with this layer over it.
    pub(super) fn over(&self, file: &Config) -> Config {
        let mut config = file.clone();
        for (name, change) in &self.changes {
            let routing = &mut config.routing;
            let place = routing.application.iter().position(|it| it.name == *name);
            routing.dial.retain(|dial| dial.address != *name);
            match (change, place) {
                (Change::Set(application), Some(at)) => {
                    if let Some(known) = routing.application.get_mut(at) {
                        known.clone_from(application);
                    }
                }
                (Change::Set(application), None) => {
                    routing.application.push(Application::clone(application));
                }
                (Change::Removed, Some(at)) => drop(routing.application.remove(at)),
                (Change::Removed, None) => {}
            }
        }
        config
    }
}

/// What a configuration says about the application of this name.
pub(super) fn entry(config: &Config, name: &str) -> Option<Application> {
    let routing = &config.routing;
    let named = routing.application.iter().find(|it| it.name == name);
    let short = || routing.dial.iter().find(|it| it.address == name);
    named.cloned().or_else(|| Some(short()?.application()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(weight: u32) -> Config {
        let mut config = Config::default();
        let named = Application::named("a");
        config
            .routing
            .application
            .push(Application { weight, ..named });
        config
    }

    fn weights(config: &Config) -> Vec<(&str, u32)> {
        let all = config.routing.application.iter();
        all.map(|it| (it.name.as_str(), it.weight)).collect()
    }

    #[test]
    fn changes_stand_over_the_file() {
        let mut runtime = Runtime::default();
        let changed = Application {
            weight: 5,
            ..Application::named("a")
        };
        runtime.set(changed);
        runtime.set(Application::named("b"));
        assert_eq!(weights(&runtime.over(&file(1))), [("a", 5), ("b", 1)]);
        runtime.remove(&file(1), "a");
        runtime.remove(&file(1), "b");
        assert_eq!(weights(&runtime.over(&file(1))), []);
        assert!(!runtime.has("b"));
    }

    #[test]
    fn the_newer_word_counts() {
        let mut runtime = Runtime::default();
        runtime.set(Application {
            weight: 5,
            ..Application::named("a")
        });
        runtime.set(Application::named("b"));
        assert!(runtime.yield_to(&file(1), &file(1)).is_empty());
        assert_eq!(weights(&runtime.over(&file(1))), [("a", 5), ("b", 1)]);
        assert_eq!(runtime.yield_to(&file(1), &file(2)), ["a"]);
        assert_eq!(weights(&runtime.over(&file(2))), [("a", 2), ("b", 1)]);
    }

    #[test]
    fn a_short_form_that_is_changed_is_there_once() {
        let mut config = Config::default();
        let text = "[[routing.dial]]\naddress = \"r:1\"\n";
        config.routing = Config::from_toml(text, None, &crate::config::Overrides::default())
            .unwrap()
            .routing;
        let mut runtime = Runtime::default();
        let mut application = entry(&config, "r:1").unwrap();
        application.draining = true;
        runtime.set(application);
        let over = runtime.over(&config);
        assert!(over.routing.dial.is_empty());
        assert!(over.routing.application[0].draining);
    }
}
