//! The operations of an OpenAPI document.

use serde_json::{Map, Value};

use super::compare::compare_parts;
use super::{Breach, Direction};

/// What breaks a client, of the differences between two documents.
pub(crate) fn compare(old: &Value, new: &Value) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (path, item) in old["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            let at = format!("/paths/{}/{method}", path.replace('/', "~1"));
            match new.pointer(&at) {
                Some(other) => breaches.extend(operations((old, operation), (new, other), &at)),
                None => breaches.push(gone(&at, operation, "clients use this operation")),
            }
        }
    }
    breaches
}

fn gone(at: &str, old: &Value, why: &'static str) -> Breach {
    let old = old.get("summary").unwrap_or(old);
    Breach {
        pointer: at.to_owned(),
        old: old.clone(),
        new: Value::Null,
        why,
    }
}

fn operations(old: (&Value, &Value), new: (&Value, &Value), at: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let content = "/content/application~1json/schema";
    let body = format!("/requestBody{content}");
    let any = Value::Bool(true);
    let part = |whole: &'_ Value, pointer: &str| whole.pointer(pointer).unwrap_or(&any).clone();
    if old.1.pointer(&body).is_some() {
        let (before, after) = (part(old.1, &body), part(new.1, &body));
        let found = compare_parts((old.0, &before), (new.0, &after), Direction::Accepts);
        breaches.extend(placed(found, &format!("{at}{body}")));
    }
    for (status, answer) in old.1["responses"].as_object().unwrap() {
        let place = format!("/responses/{status}");
        let Some(other) = new.1.pointer(&place) else {
            if status.starts_with('2') {
                breaches.push(gone(
                    &format!("{at}{place}"),
                    answer,
                    "clients expect this status",
                ));
            }
            continue;
        };
        let (before, after) = (part(answer, content), part(other, content));
        let found = compare_parts((old.0, &before), (new.0, &after), Direction::Sends);
        breaches.extend(placed(found, &format!("{at}{place}{content}")));
    }
    breaches.extend(parameters(old.1, new.1, at));
    breaches
}

fn parameters(old: &Value, new: &Value, at: &str) -> Vec<Breach> {
    let all = |operation: &Value| -> Map<String, Value> {
        let list = operation["parameters"].as_array().into_iter().flatten();
        list.map(|it| (it["name"].as_str().unwrap().to_owned(), it.clone()))
            .collect()
    };
    let (old, new) = (all(old), all(new));
    let lost = old.iter().filter(|(name, _)| !new.contains_key(*name));
    let lost = lost.map(|(name, it)| (name, it, Value::Null, "clients may send it"));
    let wanted = new.iter().filter(|(name, it)| {
        it["required"] == true && old.get(*name).is_none_or(|it| it["required"] != true)
    });
    let wanted =
        wanted.map(|(name, it)| (name, &Value::Null, it.clone(), "clients do not send it"));
    let both = lost.chain(wanted).map(|(name, old, new, why)| Breach {
        pointer: format!("{at}/parameters/{name}"),
        old: old.clone(),
        new,
        why,
    });
    both.collect()
}

/// Pointers into the whole document where they lead into a part.
fn placed(found: Vec<Breach>, at: &str) -> impl Iterator<Item = Breach> {
    let into_part = |pointer: &str| !pointer.starts_with("/components/");
    found.into_iter().map(move |breach| Breach {
        pointer: match into_part(&breach.pointer) {
            true => format!("{at}{}", breach.pointer),
            false => breach.pointer,
        },
        ..breach
    })
}
