//! Finds the line of a key in a TOML text, and the key at a place.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line on which `key` (`listen[0].advertise`) stands, or else the nearest key above it that the
/// text has.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut found = None;
    visit(root.get_ref(), "", &mut |path, start, _| {
        let above = key
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['));
        let nearer = found.is_none_or(|(length, _)| path.len() > length);
        if above && nearer {
            found = Some((path.len(), start));
        }
    });
    found.map(|(_, start)| line_at(text, start))
}

/// The key whose name or value stands at byte `at`.
pub(super) fn key_at(text: &str, at: usize) -> Option<String> {
    let root = DeTable::parse(text).ok()?;
    let mut found: Option<String> = None;
    visit(root.get_ref(), "", &mut |path, start, end| {
        let nearer = found.as_ref().is_none_or(|known| path.len() > known.len());
        if (start..end.max(start + 1)).contains(&at) && nearer {
            found = Some(path.to_owned());
        }
    });
    found
}

/// The line of byte `at`, from 1.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

type Visitor<'a> = dyn FnMut(&str, usize, usize) + 'a;

fn visit(table: &DeTable<'_>, path: &str, f: &mut Visitor<'_>) {
    for (name, value) in table {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", name.get_ref());
        let start = name.span().start.min(value.span().start);
        f(
            &path,
            name.span().start,
            value.span().end.max(name.span().end),
        );
        visit_value(value, &path, start, f);
    }
}

fn visit_value(value: &Spanned<DeValue<'_>>, path: &str, start: usize, f: &mut Visitor<'_>) {
    match value.get_ref() {
        DeValue::Table(table) => visit(table, path, f),
        DeValue::Array(array) => {
            for (i, entry) in array.iter().enumerate() {
                let path = format!("{path}[{i}]");
                f(&path, entry.span().start.max(start), entry.span().end);
                visit_value(entry, &path, start, f);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a = 1\n\n[[listen]]\nx = 1\n[[listen]]\ny = { z = 2 }\n[b.c]\nd = 3\n";

    #[test]
    fn the_line_of_a_key_or_of_its_nearest_ancestor_is_found() {
        for (key, line) in [
            ("a", Some(1)),
            ("listen[0].x", Some(4)),
            ("listen[1].y.z", Some(6)),
            ("listen[1].missing", Some(5)),
            ("b.c.d", Some(8)),
            ("nothing", None),
        ] {
            assert_eq!(line_of(TEXT, key), line, "{key}");
        }
    }

    #[test]
    fn the_key_at_a_place_is_the_innermost() {
        let at = TEXT.find("z = 2").unwrap();
        assert_eq!(key_at(TEXT, at).unwrap(), "listen[1].y.z");
        assert_eq!(key_at(TEXT, 4).unwrap(), "a");
    }
}
