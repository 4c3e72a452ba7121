//! Rules by the paths of their pointers.

use tidegate_sip::Name;

use super::How;

/// What a record has at its top.
const FIELDS: [&str; 14] = [
    "version",
    "time_ms",
    "id",
    "call",
    "node",
    "event",
    "document",
    "application",
    "tier",
    "cause",
    "latency_us",
    "attempts",
    "outcome",
    "duration_ms",
];

/// Keys behind which headers are named.
const HEADERS: [&str; 4] = ["headers", "set", "append", "extra"];

/// The root.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) root: Node,
    rules: usize,
}

/// What a rule says, and its place among the rules.
#[derive(Debug, Clone, Copy)]
struct Rule {
    order: usize,
    how: How,
}

/// One place on the way to a value.
#[derive(Debug, Default)]
pub(super) struct Node {
    rule: Option<Rule>,
    /// Keys are names of headers.
    names: bool,
    children: Vec<(Step, Self)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// `*`
    Every,
    Key(String, Name),
}

impl Tree {
    /// Adds a rule, unless there is one for that place.
    pub(super) fn add(&mut self, pointer: &str, how: How) -> Result<(), String> {
        let mut node = &mut self.root;
        for step in steps(pointer)? {
            node = node.make(step);
        }
        let order = self.rules;
        node.rule.get_or_insert(Rule { order, how });
        self.rules += 1;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.root.children.is_empty()
    }
}

impl Node {
    /// Whether what is below is called by names of headers.
    pub(super) fn has_names(&self) -> bool {
        self.names && !self.children.is_empty()
    }

    /// Those for this key of an object, or this index of a list.
    pub(super) fn at(&self, key: &str) -> impl Iterator<Item = &Self> {
        let name = self.names.then(|| Name::from_bytes(key.as_bytes()));
        let fits = move |step: &Step| match (step, name) {
            (Step::Every, _) => true,
            (Step::Key(known, _), None) => known == key,
            (Step::Key(known, is), Some(name)) => {
                known.eq_ignore_ascii_case(key) || (*is != Name::Other && *is == name)
            }
        };
        let children = self.children.iter();
        children.filter_map(move |(step, node)| fits(step).then_some(node))
    }

    /// What the first of the rules says that end at one of `nodes`.
    pub(super) fn first<'a>(nodes: impl Iterator<Item = &'a Self>) -> Option<How> {
        let rules = nodes.filter_map(|node| node.rule);
        rules.min_by_key(|rule| rule.order).map(|rule| rule.how)
    }

    fn make(&mut self, step: Step) -> &mut Self {
        let known = self.children.iter().position(|(known, _)| *known == step);
        let at = known.unwrap_or_else(|| {
            let names = matches!(&step, Step::Key(key, _) if HEADERS.contains(&&**key));
            let node = Self {
                names,
                ..Self::default()
            };
            self.children.push((step, node));
            self.children.len() - 1
        });
        // It is there: found, or put there.
        &mut self.children[at].1
    }
}

fn steps(pointer: &str) -> Result<Vec<Step>, String> {
    let shape = "write a JSON Pointer into the record, such as /event/request/from/uri";
    let rest = pointer
        .strip_prefix('/')
        .ok_or_else(|| format!("`{pointer}` does not begin with a slash; {shape}"))?;
    let first = rest.split('/').next().unwrap_or_default();
    if !FIELDS.contains(&first) {
        let fields = FIELDS.join(", ");
        return Err(format!("a record has no `{first}`; it has {fields}"));
    }
    rest.split('/').map(step).collect()
}

fn step(text: &str) -> Result<Step, String> {
    match text {
        "" => Err("a pointer with an empty part points nowhere".to_owned()),
        "*" => Ok(Step::Every),
        "**" => Err("`**` is unknown; `*` stands for one part".to_owned()),
        text => {
            let key = text.replace("~1", "/").replace("~0", "~");
            let name = Name::from_bytes(key.as_bytes());
            Ok(Step::Key(key, name))
        }
    }
}
