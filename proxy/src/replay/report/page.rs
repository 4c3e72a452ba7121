//! Documents with what differs marked, and how the page looks.

use std::fmt::Write;

use routing_api_client::Difference;
use serde_json::Value;

use super::html::Text;

pub(super) const STYLE: &str = "\
:root{--fg:#1c2024;--bg:#fff;--soft:#f3f4f6;--line:#d9dce1;--faint:#6b7280;--good:#15803d;\
--bad:#b42318;--del:#fde8e6;--ins:#e3f5e8}\
@media(prefers-color-scheme:dark){:root{--fg:#e6e8eb;--bg:#14171a;--soft:#1e2226;--line:#343a40;\
--faint:#9aa3ad;--good:#4ade80;--bad:#f97066;--del:#4a201d;--ins:#173d26}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:1200px;\
margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;\
margin-top:2rem}small,figcaption{color:var(--faint);font-weight:400}\
.totals{display:flex;flex-wrap:wrap;gap:.75rem;list-style:none;padding:0}.totals li{flex:1 1 9rem;\
border:1px solid var(--line);border-radius:8px;padding:.6rem .9rem}.totals b{display:block;\
font-size:1.6rem}.same b{color:var(--good)}.different b,.invalid b,.silent b,.stopped{color:var(--bad)}\
.none{color:var(--faint)}table{border-collapse:collapse;width:100%}.small{width:auto}\
th,td{padding:.35rem .8rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}\
th:first-child,.samples td{text-align:left}thead th{color:var(--faint);font-weight:500}\
.row th{overflow-wrap:anywhere}.samples td{padding:0 0 .8rem 1.2rem}\
code,pre,del,ins{font:13px/1.45 ui-monospace,monospace}\
.sample{background:var(--soft);border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}\
summary{cursor:pointer;overflow-wrap:anywhere}del,ins,mark{text-decoration:none;color:inherit;\
border-radius:3px;padding:0 .15em;overflow-wrap:anywhere}del,.was{background:var(--del)}\
ins,.is{background:var(--ins)}.both{display:flex;flex-wrap:wrap;gap:1rem}figure{flex:1 1 20rem;\
margin:0;min-width:0}pre{background:var(--bg);border:1px solid var(--line);border-radius:6px;\
padding:.6rem;overflow:auto;max-height:30rem;margin:.2rem 0}\
#filter{width:100%;box-sizing:border-box;font:inherit;padding:.5rem .8rem;margin-top:1rem;\
color:inherit;background:var(--soft);border:1px solid var(--line);border-radius:8px}\
[hidden]{display:none}";

/// Nothing of a recording is in it.
pub(super) const SCRIPT: &str = "\
const box=document.getElementById('filter');\
if(box)box.addEventListener('input',()=>{\
const want=box.value.toLowerCase();\
for(const row of document.querySelectorAll('.row')){\
const below=row.nextElementSibling;\
const own=row.textContent.toLowerCase().includes(want);let any=own;\
for(const sample of below.querySelectorAll('.sample')){\
const has=own||sample.textContent.toLowerCase().includes(want);sample.hidden=!has;any=any||has}\
row.hidden=below.hidden=!any}});";

/// A document as the page shows it. `is_expected`: the recorded one.
pub(super) fn document(value: &Value, differences: &[Difference], is_expected: bool) -> String {
    let mut marked: Vec<String> = Vec::new();
    for difference in differences {
        let side = if is_expected {
            &difference.expected
        } else {
            &difference.found
        };
        let Some(side) = side else { continue };
        if let Some(place) = place(value, &difference.pointer, side) {
            marked.push(place);
        }
    }
    let mut writer = Writer {
        out: String::new(),
        marked,
        class: if is_expected { "was" } else { "is" },
    };
    writer.value(value, "", 0);
    writer.out
}

/// Where a value stands: where the pointer leads, or where a value of that name is the same. What is
/// tried in another order stands elsewhere.
fn place(document: &Value, pointer: &str, wanted: &Value) -> Option<String> {
    let there = document.pointer(pointer);
    if there.is_some_and(|it| it == wanted) {
        return Some(pointer.to_owned());
    }
    let name = pointer.rsplit('/').next()?;
    search(document, name, wanted, "").or_else(|| there.map(|_| pointer.to_owned()))
}

fn search(value: &Value, name: &str, wanted: &Value, at: &str) -> Option<String> {
    let step = |key: &str, inner: &Value| {
        let below = format!("{at}/{}", escaped(key));
        if escaped(key) == name && inner == wanted {
            return Some(below);
        }
        search(inner, name, wanted, &below)
    };
    match value {
        Value::Object(keys) => keys.iter().find_map(|(key, inner)| step(key, inner)),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, inner)| step(&index.to_string(), inner))
        }
        _ => None,
    }
}

/// RFC 6901 section 3.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

struct Writer {
    out: String,
    marked: Vec<String>,
    class: &'static str,
}

impl Writer {
    fn value(&mut self, value: &Value, at: &str, depth: usize) {
        let is_marked = self.marked.iter().any(|it| it == at);
        if is_marked {
            let _ = write!(self.out, "<mark class=\"{}\">", self.class);
        }
        match value {
            Value::Object(keys) if !keys.is_empty() => {
                let inner = keys
                    .iter()
                    .map(|(key, inner)| (Some(key.as_str()), escaped(key), inner));
                self.inside(('{', '}'), inner.collect(), at, depth);
            }
            Value::Array(items) if !items.is_empty() => {
                let items = items.iter().enumerate();
                let inner = items.map(|(index, inner)| (None, index.to_string(), inner));
                self.inside(('[', ']'), inner.collect(), at, depth);
            }
            value => {
                let _ = write!(self.out, "{}", Text(&value.to_string()));
            }
        }
        if is_marked {
            self.out.push_str("</mark>");
        }
    }

    fn inside(
        &mut self,
        (open, close): (char, char),
        inner: Vec<(Option<&str>, String, &Value)>,
        at: &str,
        depth: usize,
    ) {
        self.out.push(open);
        for (index, (key, step, value)) in inner.into_iter().enumerate() {
            self.out.push_str(if index == 0 { "\n" } else { ",\n" });
            self.out.push_str(&"  ".repeat(depth + 1));
            if let Some(key) = key {
                let key = Value::from(key).to_string();
                let _ = write!(self.out, "{}: ", Text(&key));
            }
            self.value(value, &format!("{at}/{step}"), depth + 1);
        }
        self.out.push('\n');
        self.out.push_str(&"  ".repeat(depth));
        self.out.push(close);
    }
}
