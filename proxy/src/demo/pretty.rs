//! JSON for the eye: the contract's order of keys, one line where one is enough.

use serde_json::Value;

/// Keys in the order in which the contract presents them. Others come behind, by name.
const ORDER: [&str; 35] = [
    "type",
    "version",
    "id",
    "action",
    "target",
    "code",
    "attempt",
    "reason",
    "deadline_ms",
    "transport",
    "ip",
    "port",
    "source",
    "method",
    "uri",
    "from",
    "to",
    "routing",
    "routes",
    "request",
    "dst_uri",
    "path",
    "headers",
    "display",
    "remove",
    "set",
    "append",
    "extra",
    "cause",
    "time_ms",
    "continue_on",
    "stop_on",
    "on_exhausted",
    "context",
    "attempts",
];

/// Lines of at most `width` columns, as far as single values allow it.
pub(super) fn lines(value: &Value, width: usize) -> Vec<String> {
    let mut out = Vec::new();
    write(value, "", "", 0, width, &mut out);
    out
}

fn write(
    value: &Value,
    prefix: &str,
    comma: &str,
    indent: usize,
    width: usize,
    out: &mut Vec<String>,
) {
    let line = format!("{prefix}{}{comma}", inline(value));
    let (open, close, items) = match value {
        _ if line.chars().count() <= width => return out.push(line),
        Value::Object(map) if !map.is_empty() => ("{", "}", members(map)),
        Value::Array(list) if !list.is_empty() => {
            let items = list.iter().map(|item| (String::new(), item));
            ("[", "]", items.collect())
        }
        _ => return out.push(line),
    };
    out.push(format!("{prefix}{open}"));
    let inner = " ".repeat(indent + 2);
    let last = items.len() - 1;
    for (index, (key, item)) in items.into_iter().enumerate() {
        let comma = if index < last { "," } else { "" };
        write(
            item,
            &format!("{inner}{key}"),
            comma,
            indent + 2,
            width,
            out,
        );
    }
    out.push(format!("{}{close}{comma}", " ".repeat(indent)));
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members = members(map).into_iter();
            let members = members.map(|(key, value)| format!("{key}{}", inline(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(list) => {
            let items: Vec<_> = list.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        leaf => leaf.to_string(),
    }
}

/// The members in their order, each key as it is written.
fn members(map: &serde_json::Map<String, Value>) -> Vec<(String, &Value)> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by_key(|(key, _)| rank(key));
    let quoted = |key: &str| format!("{}: ", Value::from(key));
    members
        .into_iter()
        .map(|(key, value)| (quoted(key), value))
        .collect()
}

fn rank(key: &str) -> usize {
    let found = ORDER.iter().position(|known| *known == key);
    found.unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_stays_on_one_line() {
        let value = json!({"routes": [{"uri": "sip:a"}], "id": 1, "empty": {}});
        assert_eq!(
            lines(&value, 80),
            [r#"{"id": 1, "routes": [{"uri": "sip:a"}], "empty": {}}"#]
        );
    }

    #[test]
    fn what_does_not_is_broken_from_the_outside_in() {
        let value = json!({"routing": "serial", "routes": [{"uri": "sip:a"}, {"uri": "sip:b"}]});
        let expected = [
            "{",
            r#"  "routing": "serial","#,
            r#"  "routes": ["#,
            r#"    {"uri": "sip:a"},"#,
            r#"    {"uri": "sip:b"}"#,
            "  ]",
            "}",
        ];
        assert_eq!(lines(&value, 24), expected);
    }

    #[test]
    fn a_single_value_is_never_broken() {
        let long = "x".repeat(30);
        assert_eq!(lines(&json!(long), 10).len(), 1);
        assert_eq!(lines(&json!({"k": long}), 10).len(), 3);
    }

    #[test]
    fn what_a_document_smuggles_is_visible() {
        let value = json!({"X": "a\r\nVia: b"});
        assert_eq!(lines(&value, 80), [r#"{"X": "a\r\nVia: b"}"#]);
    }
}
