//! One line, copied with its masks. What no rule is about is copied byte for byte.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::How;
use super::hash::Key;
use super::numbers::numbers;
use super::text::{MASKED, mask};
use super::tree::{Node, Tree};

/// In a document, routes may hold routes, and what follows them is a document again: what is said
/// about one holds for the others.
const ROUTES: &str = "routes";
const DOCUMENT: &str = "document";
const NEXT: &str = "on_exhausted";

/// A line on its way through the rules.
pub(super) struct Walk<'a> {
    tree: &'a Tree,
    key: &'a Key,
    out: Vec<u8>,
    pointer: String,
    masked: Vec<String>,
}

/// A rule, or some that begin alike, and how far into them the walk is.
#[derive(Clone, Copy)]
struct At<'a> {
    node: &'a Node,
    /// It stands for a document.
    document: bool,
    /// It stands for a list of routes.
    routes: bool,
    /// The list of routes that it is an element of.
    within: Option<&'a Node>,
}

type Places<'a> = SmallVec<[At<'a>; 4]>;

/// The line is no JSON.
struct NotJson;

impl From<serde_json::Error> for NotJson {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

type Kept = Result<bool, NotJson>;

impl<'a> Walk<'a> {
    pub(super) fn new(tree: &'a Tree, key: &'a Key) -> Self {
        Self {
            tree,
            key,
            out: Vec::new(),
            pointer: String::new(),
            masked: Vec::new(),
        }
    }

    /// The line as it may be written; nothing if it is no JSON object.
    pub(super) fn line(mut self, line: &[u8]) -> Option<Vec<u8>> {
        self.out.reserve(line.len() + 256);
        let raw: &RawValue = serde_json::from_slice(line).ok()?;
        if !raw.get().starts_with('{') {
            return None;
        }
        let root = At::plain(&self.tree.root);
        self.value(raw, &[root], None).ok()?;
        self.list_masked()?;
        Some(self.out)
    }

    fn list_masked(&mut self) -> Option<()> {
        if self.masked.is_empty() {
            return Some(());
        }
        self.out.pop();
        self.out.extend_from_slice(b",\"masked\":");
        serde_json::to_writer(&mut self.out, &self.masked).ok()?;
        self.out.push(b'}');
        Some(())
    }

    /// Copies one value. `false` when it is to be left out. `above`: what is to become of the
    /// numbers in all that is inside of a value.
    fn value(&mut self, raw: &RawValue, places: &[At<'a>], above: Option<How>) -> Kept {
        let own = Node::first(places.iter().map(|at| at.node));
        if places.is_empty() && above.is_none() {
            return self.copy(raw);
        }
        match (own, raw.get().as_bytes().first()) {
            (Some(How::Remove), _) => Ok(self.leave_out()),
            (Some(How::Redact), Some(b'"')) => self.write_text(MASKED, raw),
            (Some(How::Redact), _) => self.write_raw("null", raw),
            (_, Some(b'{')) => self.object(raw, places, own.or(above)),
            (_, Some(b'[')) => self.list(raw, places, own.or(above)),
            (_, Some(b'"')) if places.iter().any(|at| at.node.has_names()) => {
                self.lines(raw, places, own.or(above))
            }
            (Some(how), Some(b'"')) => self.write_text(&mask(&text(raw)?, how, self.key), raw),
            (None, Some(b'"')) => self.write_text(&self.numbers_in(&text(raw)?, above), raw),
            (own, _) => self.number(raw, own, above),
        }
    }

    fn copy(&mut self, raw: &RawValue) -> Kept {
        self.out.extend_from_slice(raw.get().as_bytes());
        Ok(true)
    }

    fn leave_out(&mut self) -> bool {
        self.masked.push(self.pointer.clone());
        false
    }

    fn object(&mut self, raw: &RawValue, places: &[At<'a>], above: Option<How>) -> Kept {
        self.out.push(b'{');
        for (key, value) in members(raw)? {
            let before = self.out.len();
            let shown = self.numbers_in(&key, above);
            serde_json::to_writer(&mut self.out, &shown)?;
            self.out.push(b':');
            let inner: Places<'a> = places.iter().flat_map(|at| at.key(&key)).collect();
            let kept = self.below(&shown, |walk| walk.value(value, &inner, above))?;
            self.separate(before, kept);
        }
        self.close(b'}')
    }

    fn list(&mut self, raw: &RawValue, places: &[At<'a>], above: Option<How>) -> Kept {
        self.out.push(b'[');
        let named = places.iter().any(|at| at.node.has_names());
        let elements: Vec<&RawValue> = serde_json::from_str(raw.get())?;
        for (i, element) in elements.into_iter().enumerate() {
            let before = self.out.len();
            let index = i.to_string();
            let inner: Places<'a> = places.iter().flat_map(|at| at.element(&index)).collect();
            let pair = named.then(|| pair(element)).flatten();
            let kept = self.below(&index, |walk| match pair {
                Some(pair) => walk.header(pair, places, &inner, above),
                None => walk.value(element, &inner, above),
            })?;
            self.separate(before, kept);
        }
        self.close(b']')
    }

    /// A header as a pair of name and value. What is said of the pair is said of its value, and its
    /// name counts as much as its place.
    fn header(
        &mut self,
        (name, value): (&RawValue, &RawValue),
        places: &[At<'a>],
        pair: &[At<'a>],
        above: Option<How>,
    ) -> Kept {
        let text = text(name)?;
        let named = places.iter().flat_map(|at| at.key(&text));
        let second = pair.iter().flat_map(|at| at.element("1"));
        let inner: Places<'a> = named.chain(pair.iter().copied()).chain(second).collect();
        self.out.push(b'[');
        self.copy(name)?;
        self.out.push(b',');
        let kept = self.below("1", |walk| walk.value(value, &inner, above))?;
        self.out.push(b']');
        Ok(kept)
    }

    /// Header lines in one text.
    fn lines(&mut self, raw: &RawValue, places: &[At<'a>], above: Option<How>) -> Kept {
        let text = text(raw)?;
        let mut found = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let inner = places.iter().flat_map(|at| at.node.at(name.trim()));
            match Node::first(inner) {
                None => found.push_str(&self.numbers_in(line, above)),
                Some(How::Remove) => {}
                Some(how) => {
                    let value = mask(value.trim(), how, self.key);
                    found.extend([name.trim(), ": ", &value, "\r\n"]);
                }
            }
        }
        self.write_text(&found, raw)
    }

    /// A number of JSON, `true`, `false` or `null`.
    fn number(&mut self, raw: &RawValue, own: Option<How>, above: Option<How>) -> Kept {
        let is_number = raw
            .get()
            .starts_with(|it: char| it == '-' || it.is_ascii_digit());
        let masked = match own.filter(|_| is_number) {
            Some(how) => mask(raw.get(), how, self.key).into(),
            None => self.numbers_in(raw.get(), above),
        };
        match (serde_json::from_str::<&RawValue>(&masked), own.or(above)) {
            (Ok(sound), _) => self.write_raw(sound.get(), raw),
            // JSON has no zeros in front.
            (Err(_), Some(How::Digits(_))) => self.write_raw("0", raw),
            (Err(_), _) => self.write_text(&masked, raw),
        }
    }

    /// A text without a number stays: inside of a whole it is not what is to be hidden.
    fn numbers_in<'t>(&self, text: &'t str, how: Option<How>) -> Cow<'t, str> {
        match how.filter(|_| !numbers(text).is_empty()) {
            Some(how) => mask(text, how, self.key).into(),
            None => text.into(),
        }
    }

    fn write_text(&mut self, masked: &str, raw: &RawValue) -> Kept {
        let json = serde_json::to_string(masked)?;
        self.write_raw(&json, raw)
    }

    fn write_raw(&mut self, masked: &str, raw: &RawValue) -> Kept {
        if masked != raw.get() {
            self.masked.push(self.pointer.clone());
        }
        self.out.extend_from_slice(masked.as_bytes());
        Ok(true)
    }

    fn below<T>(&mut self, step: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        if step.contains(['~', '/']) {
            self.pointer
                .push_str(&step.replace('~', "~0").replace('/', "~1"));
        } else {
            self.pointer.push_str(step);
        }
        let found = work(self);
        self.pointer.truncate(length);
        found
    }

    /// A comma behind what was written since `before`, or nothing of it at all.
    fn separate(&mut self, before: usize, kept: bool) {
        match kept {
            true => self.out.push(b','),
            false => self.out.truncate(before),
        }
    }

    fn close(&mut self, bracket: u8) -> Kept {
        if self.out.last() == Some(&b',') {
            self.out.pop();
        }
        self.out.push(bracket);
        Ok(true)
    }
}

impl<'a> At<'a> {
    fn plain(node: &'a Node) -> Self {
        Self {
            node,
            document: false,
            routes: false,
            within: None,
        }
    }

    /// Behind a key of an object.
    fn key(self, key: &str) -> impl Iterator<Item = Self> {
        let found = self.node.at(key).map(move |node| Self {
            document: key == DOCUMENT,
            routes: key == ROUTES,
            ..Self::plain(node)
        });
        let found: Places<'a> = found.collect();
        let next = (self.document && key == NEXT).then_some(self);
        let group = self.within.filter(|_| key == ROUTES).map(|routes| Self {
            routes: true,
            ..Self::plain(routes)
        });
        found.into_iter().chain(next).chain(group)
    }

    /// Behind an index of a list.
    fn element(self, index: &str) -> impl Iterator<Item = Self> {
        self.node.at(index).map(move |node| Self {
            within: self.routes.then_some(self.node),
            ..Self::plain(node)
        })
    }
}

fn text(raw: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get()).map(|Text(text)| text)
}

/// A text that borrows where it can.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Two values of which the first is a text.
fn pair(raw: &RawValue) -> Option<(&RawValue, &RawValue)> {
    let pair: (&RawValue, &RawValue) = serde_json::from_str(raw.get()).ok()?;
    pair.0.get().starts_with('"').then_some(pair)
}

type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// Keys and values in their order, repeats included.
fn members(raw: &RawValue) -> serde_json::Result<Members<'_>> {
    serde_json::Deserializer::from_str(raw.get()).deserialize_map(Read)
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(members)
    }
}
