//! Whether what fits one schema fits another.
//!
//! What the proxy sends has to fit what was published, and what was published has to fit what it
//! accepts: that is one question, asked in either direction. Beyond it, what readers or writers rely
//! on must not go away, although schemas that allow unknown keys would allow that.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::alternatives::{Alternative, alternatives, escaped};
use super::bounds::{LEAST, MOST, is_number, least, most};
use super::{Breach, Direction};

/// What breaks somebody, of the differences between two schemas.
pub(crate) fn compare(old: &Value, new: &Value, direction: Direction) -> Vec<Breach> {
    compare_parts((old, old), (new, new), direction)
}

/// The same for a part of each: `(whole, part)`.
pub(crate) fn compare_parts(
    old: (&Value, &Value),
    new: (&Value, &Value),
    direction: Direction,
) -> Vec<Breach> {
    let mut comparison = Comparison {
        old: old.0,
        new: new.0,
        direction,
        seen: HashSet::new(),
        breaches: Vec::new(),
    };
    comparison.schemas(old.1, new.1, "");
    let mut breaches = Vec::new();
    for breach in comparison.breaches {
        if !breaches.contains(&breach) {
            breaches.push(breach);
        }
    }
    breaches
}

#[derive(Clone)]
struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    direction: Direction,
    /// Pairs that were compared: schemas contain themselves.
    seen: HashSet<(String, String)>,
    breaches: Vec<Breach>,
}

/// One keyword in both schemas.
struct Pair<'a> {
    old: &'a Alternative,
    new: &'a Alternative,
}

impl Pair<'_> {
    /// Where a keyword is, or `properties/NAME`.
    fn place(&self, part: &str) -> String {
        let found = self.old.place(part).or_else(|| self.new.place(part));
        found.unwrap_or_else(|| format!("{}/{part}", self.old.pointer))
    }
}

/// What is compared on its own.
const HANDLED: [&str; 10] = [
    "additionalProperties",
    "const",
    "format",
    "items",
    "pattern",
    "prefixItems",
    "properties",
    "required",
    "type",
    "uniqueItems",
];

const SMALLER: [&str; 2] = [
    "applications do not expect smaller values",
    "applications send smaller values",
];
const LARGER: [&str; 2] = [
    "applications do not expect larger values",
    "applications send larger values",
];
const OTHER_FORM: [&str; 2] = [
    "applications do not expect values of another form",
    "applications send values of another form",
];

impl Comparison<'_> {
    fn schemas(&mut self, old: &Value, new: &Value, pointer: &str) {
        if !self.seen.insert((old.to_string(), new.to_string())) {
            return;
        }
        let old = alternatives(self.old, old, pointer);
        let new = alternatives(self.new, new, pointer);
        for one in &new {
            match self.direction {
                Direction::Sends => self.find(one, &old),
                Direction::Accepts => {}
            }
        }
        for one in &old {
            match self.direction {
                Direction::Sends => self.still_sent(one, &new),
                Direction::Accepts => self.find(one, &new),
            }
        }
    }

    /// Compares something of the narrower schema with what it may be in the wider one.
    fn find(&mut self, one: &Alternative, wider: &[Alternative]) {
        let mut verdicts = Vec::new();
        for other in wider.iter().filter(|other| may_be(one, other)) {
            let mut trial = Comparison {
                breaches: Vec::new(),
                ..self.clone()
            };
            trial.pair(match self.direction {
                Direction::Sends => Pair {
                    old: other,
                    new: one,
                },
                Direction::Accepts => Pair {
                    old: one,
                    new: other,
                },
            });
            if trial.breaches.is_empty() {
                self.seen = trial.seen;
                return;
            }
            verdicts.push((trial.breaches, trial.seen));
        }
        match verdicts.into_iter().min_by_key(|(found, _)| found.len()) {
            Some((breaches, seen)) => {
                self.breaches.extend(breaches);
                self.seen = seen;
            }
            None => self.no_place(one, wider),
        }
    }

    fn no_place(&mut self, one: &Alternative, wider: &[Alternative]) {
        let why = match (self.direction, one.message(), one.word()) {
            (Direction::Sends, Some(_), _) => "applications do not know this message",
            (Direction::Sends, _, Some(_)) => "applications do not know this word",
            (Direction::Sends, ..) => "applications do not expect this kind of value",
            (Direction::Accepts, Some(_), _) => "applications send this message",
            (Direction::Accepts, _, Some(_)) => "applications send this word",
            (Direction::Accepts, ..) => "applications send this kind of value",
        };
        let others = Value::Array(wider.iter().map(Alternative::shown).collect());
        let (old, new) = match self.direction {
            Direction::Sends => (others, one.shown()),
            Direction::Accepts => (one.shown(), others),
        };
        self.breach(one.pointer.clone(), &old, &new, why);
    }

    /// A message that is never sent any more is waited for in vain.
    fn still_sent(&mut self, one: &Alternative, new: &[Alternative]) {
        let is_there = new.iter().any(|other| other.message() == one.message());
        if one.message().is_some() && !is_there {
            let why = "applications wait for this message";
            self.breach(one.pointer.clone(), &one.shown(), &Value::Null, why);
        }
    }

    fn pair(&mut self, pair: Pair<'_>) {
        self.properties(&pair);
        self.required(&pair);
        self.unknown_keys(&pair);
        self.items(&pair);
        self.sizes(&pair);
        self.texts(&pair);
        self.others(&pair);
    }

    fn properties(&mut self, pair: &Pair<'_>) {
        let nothing = Map::new();
        let old = pair.old.get("properties").as_object().unwrap_or(&nothing);
        let new = pair.new.get("properties").as_object().unwrap_or(&nothing);
        for (name, schema) in old {
            let at = pair.place(&format!("properties/{}", escaped(name)));
            match new.get(name) {
                Some(other) => self.schemas(schema, other, &at),
                None if pair.new.kind().is_none() => {}
                None => {
                    let why = match self.direction {
                        Direction::Sends => "applications may use it, and it is gone",
                        Direction::Accepts => "applications may send it, and it would be ignored",
                    };
                    self.breach(at, schema, &Value::Null, why);
                }
            }
        }
    }

    fn required(&mut self, pair: &Pair<'_>) {
        let (from, to, why) = match self.direction {
            Direction::Sends => (pair.old, pair.new, "applications rely on it to be there"),
            Direction::Accepts => (pair.new, pair.old, "applications need not send it"),
        };
        let names = |schema: &Alternative| schema.get("required").as_array().cloned();
        let there = names(to).unwrap_or_default();
        for name in names(from).unwrap_or_default() {
            if !there.contains(&name) {
                let at = from.place("required").unwrap_or_default();
                let (old, new) = match self.direction {
                    Direction::Sends => (name, Value::Null),
                    Direction::Accepts => (Value::Null, name),
                };
                self.breach(at, &old, &new, why);
            }
        }
    }

    /// Keys that are not named, and values of maps.
    fn unknown_keys(&mut self, pair: &Pair<'_>) {
        let both = [pair.old, pair.new];
        if both
            .iter()
            .any(|it| it.kind().is_some_and(|kind| kind != "object"))
        {
            return;
        }
        let keyword = "additionalProperties";
        let at = pair.place(keyword);
        let any = Value::Bool(true);
        let [old, new] = both.map(|it| it.schema.get(keyword).unwrap_or(&any));
        match (self.direction, old == &any, new == &any) {
            (_, true, true) => {}
            (Direction::Accepts, true, _) if new == &Value::Bool(false) => {
                self.breach(at, old, new, "applications may send keys of their own");
            }
            _ => self.schemas(old, new, &at),
        }
    }

    fn items(&mut self, pair: &Pair<'_>) {
        let both = [pair.old, pair.new];
        if both.iter().any(|it| it.kind() != Some("array")) {
            return;
        }
        let [old, new] = both.map(|it| it.get("prefixItems").as_array().map_or(0, Vec::len));
        for at in 0..old.max(new) {
            let [old, new] = both.map(|it| item(it, at));
            self.schemas(&old, &new, &format!("{}/{at}", pair.place("prefixItems")));
        }
        let [old, new] = both.map(|it| item(it, usize::MAX));
        self.schemas(&old, &new, &pair.place("items"));
    }

    fn sizes(&mut self, pair: &Pair<'_>) {
        let (wider, narrower) = self.order(pair);
        for keyword in LEAST {
            if least(narrower, keyword) < least(wider, keyword) {
                self.keyword(pair, keyword, SMALLER);
            }
        }
        for keyword in MOST {
            if most(narrower, keyword) > most(wider, keyword) {
                self.keyword(pair, keyword, LARGER);
            }
        }
    }

    fn texts(&mut self, pair: &Pair<'_>) {
        let (wider, narrower) = self.order(pair);
        if narrower.word().is_some() {
            return;
        }
        for keyword in ["pattern", "format", "uniqueItems"] {
            let wanted = wider.get(keyword);
            let of_number = wanted.as_str().is_some_and(is_number);
            if !wanted.is_null() && !of_number && wanted != narrower.get(keyword) {
                self.keyword(pair, keyword, OTHER_FORM);
            }
        }
    }

    /// What can't be compared has to stay as it is.
    fn others(&mut self, pair: &Pair<'_>) {
        let all = pair.old.schema.keys().chain(pair.new.schema.keys());
        let handled = |it: &&str| HANDLED.contains(it) || LEAST.contains(it) || MOST.contains(it);
        let mut all: Vec<_> = all.map(String::as_str).filter(|it| !handled(it)).collect();
        all.sort_unstable();
        all.dedup();
        for keyword in all {
            let (old, new) = (pair.old.get(keyword), pair.new.get(keyword));
            if old != new {
                let at = pair.place(keyword);
                self.breach(
                    at,
                    old,
                    new,
                    "this can't be compared, and has to stay as it is",
                );
            }
        }
    }

    fn order<'b>(&self, pair: &Pair<'b>) -> (&'b Alternative, &'b Alternative) {
        match self.direction {
            Direction::Sends => (pair.old, pair.new),
            Direction::Accepts => (pair.new, pair.old),
        }
    }

    /// A keyword lets values in that the other side does not know; what happens with them says
    /// `why`, for what is sent and for what is accepted.
    fn keyword(&mut self, pair: &Pair<'_>, keyword: &str, why: [&'static str; 2]) {
        let [sends, accepts] = why;
        let why = match self.direction {
            Direction::Sends => sends,
            Direction::Accepts => accepts,
        };
        let at = pair.place(keyword);
        self.breach(at, pair.old.get(keyword), pair.new.get(keyword), why);
    }

    fn breach(&mut self, pointer: String, old: &Value, new: &Value, why: &'static str) {
        self.breaches.push(Breach {
            pointer,
            old: old.clone(),
            new: new.clone(),
            why,
        });
    }
}

/// Whether something of the one kind could be something of the other.
fn may_be(narrower: &Alternative, wider: &Alternative) -> bool {
    let same_kind = match (narrower.kind(), wider.kind()) {
        (_, None) | (Some("integer"), Some("number")) => true,
        (narrower, wider) => narrower == wider,
    };
    let same_word = wider.word().is_none() || wider.word() == narrower.word();
    let same_message = wider.message().is_none() || wider.message() == narrower.message();
    let same_branch = wider.branch == narrower.branch || wider.schema.is_empty();
    same_kind && same_word && same_message && same_branch
}

/// What an array has in one place.
fn item(array: &Alternative, at: usize) -> Value {
    let in_tuple = array.get("prefixItems").get(at);
    let rest = array.schema.get("items");
    in_tuple.or(rest).cloned().unwrap_or(Value::Bool(true))
}
