use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_schemas::RouteDocument;

use super::*;

/// One of `schemas/samples/compare`, which the helpers for node.js and Python are held to as well.
#[derive(Deserialize)]
struct Vector {
    expected: Value,
    found: Value,
    #[serde(default)]
    tolerances: Tolerances,
    differences: Vec<Place>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    field: String,
    pointer: String,
}

fn document(value: &Value) -> RouteDocument {
    RouteDocument::from_json(value.to_string().as_bytes()).unwrap()
}

fn places(expected: &Value, found: &Value, tolerances: &Tolerances) -> Vec<Place> {
    let differences = compare(&document(expected), &document(found), tolerances);
    let places = differences.into_iter().map(|difference| Place {
        field: difference.field,
        pointer: difference.pointer,
    });
    places.collect()
}

fn fields(expected: &Value, found: &Value) -> Vec<String> {
    let places = places(expected, found, &Tolerances::default());
    places.into_iter().map(|place| place.field).collect()
}

#[test]
fn every_vector_gives_the_differences_that_it_names() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/samples/compare");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let vector: Vector = serde_json::from_str(&text).unwrap();
        vector.tolerances.check().unwrap();
        let mut wanted = vector.differences;
        let mut got = places(&vector.expected, &vector.found, &vector.tolerances);
        let back = places(&vector.found, &vector.expected, &vector.tolerances);
        assert_eq!(
            got.len(),
            back.len(),
            "{}, the other way round: {back:?}",
            path.display()
        );
        wanted.sort();
        got.sort();
        assert_eq!(got, wanted, "{}", path.display());
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[test]
fn a_difference_says_what_was_expected_and_what_was_found() {
    let expected = document(&json!({"routes": [{"uri": "sip:a@b", "fr_timer": 2000}]}));
    let found =
        document(&json!({"routes": [{"uri": "sip:a@b", "fr_timer": 3000}, {"uri": "sip:c@b"}]}));
    let differences = compare(&expected, &found, &Tolerances::default());
    let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "fr_timer: expected 2000, found 3000 (at /routes/0/fr_timer)",
            "targets: expected nothing, found {\"uri\":\"sip:c@b\"} (at /routes/1)",
        ]
    );
}

#[test]
fn the_order_is_shown_by_what_the_targets_are_called() {
    let one = document(&json!({"routes": [{"uri": "sip:a@b"}, {"dst_uri": "sip:c"}]}));
    let two = document(&json!({"routes": [{"dst_uri": "sip:c"}, {"uri": "sip:a@b"}]}));
    let differences = compare(&one, &two, &Tolerances::default());
    assert_eq!(differences[0].expected, Some(json!(["sip:a@b", "sip:c"])));
    assert_eq!(differences[0].found, Some(json!(["sip:c", "sip:a@b"])));
}

#[test]
fn very_many_targets_are_compared_in_time_and_reported_in_part() {
    let routes = |name: &str| -> Value {
        let target = |index| json!({"uri": format!("sip:{name}{index}@example.com")});
        (0..5_000).map(target).collect()
    };
    let began = std::time::Instant::now();
    let got = places(
        &json!({"routes": routes("a")}),
        &json!({"routes": routes("b")}),
        &Tolerances::default(),
    );
    assert_eq!(got.len(), 1000);
    let groups = |name: &str| -> Value {
        (0..60).map(|_| json!({"routing": "parallel", "routes": routes(name).as_array().unwrap()[..300]})).collect()
    };
    let _ = places(
        &json!({"routes": groups("a")}),
        &json!({"routes": groups("b")}),
        &Tolerances::default(),
    );
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

fn small() -> impl Strategy<Value = String> {
    "[a-c]{1,2}".prop_map(|text| text)
}

fn outcomes() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec!["408", "486", "5xx", "timeout", "transport", "503"]);
    prop::collection::vec(word, 0..3).prop_map(|words| json!(words))
}

fn headers() -> impl Strategy<Value = Value> {
    (
        prop::collection::btree_map("X-[A-C]", small(), 0..3),
        prop::collection::vec(("X-[D-F]", small()), 0..3),
        prop::collection::vec("X-[G-I]", 0..2),
        prop::option::of((
            prop::option::of(small()),
            prop::option::of(Just("sip:me@example.com")),
        )),
    )
        .prop_map(|(set, append, remove, from)| {
            let mut headers = json!({"set": set, "append": append, "remove": remove});
            if let Some((display, uri)) = from {
                headers["from"] = json!({"display": display, "uri": uri});
            }
            headers
        })
}

fn target() -> impl Strategy<Value = Value> {
    (
        prop::option::of("sip:[a-c]@example\\.(com|net)"),
        prop::option::of("sip:192\\.0\\.2\\.[1-3]"),
        prop::option::of(headers()),
        prop::option::of(1_u32..4),
        prop::option::of(outcomes()),
        prop::option::of(0_u32..3),
    )
        .prop_map(
            |(uri, dst_uri, headers, fr_timer, continue_on, branch_flags)| {
                json!({"uri": uri, "dst_uri": dst_uri, "headers": headers, "fr_timer": fr_timer,
                "continue_on": continue_on, "branch_flags": branch_flags})
            },
        )
}

fn route() -> impl Strategy<Value = Value> {
    target().prop_recursive(3, 12, 4, |inner| {
        let routing = prop::option::of(prop::sample::select(vec!["serial", "parallel"]));
        (routing, prop::collection::vec(inner, 0..4), prop::option::of(outcomes()))
            .prop_map(|(routing, routes, stop_on)| json!({"routing": routing, "routes": routes, "stop_on": stop_on}))
    })
}

fn plan() -> impl Strategy<Value = Value> {
    let routing = prop::option::of(prop::sample::select(vec!["serial", "parallel"]));
    let parts = (
        routing,
        prop::collection::vec(route(), 0..5),
        prop::option::of(outcomes()),
        prop::option::of(small()),
        prop::option::of(prop::collection::btree_map("[a-c]", 0..3, 0..3)),
        prop::option::of(any::<bool>()),
    );
    parts.prop_map(|(routing, routes, continue_on, context, tags, record_route)| {
        json!({"routing": routing, "routes": routes, "continue_on": continue_on, "context": context,
            "tags": tags, "record_route": record_route})
    })
}

fn some_document() -> impl Strategy<Value = Value> {
    (plan(), prop::option::of(plan())).prop_map(|(mut document, next)| {
        document["on_exhausted"] = json!(next);
        document
    })
}

/// The same decision, written differently in every way there is.
fn rewritten(value: &Value) -> Value {
    let mut document = value.clone();
    if document["action"].is_null() {
        document["action"] = json!("route");
    }
    document["version"] = json!("1.0");
    if document["routing"].is_null() {
        document["routing"] = json!("serial");
    }
    let routes = document["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(rewritten_route);
    document["routes"] = routes.collect();
    reverse(&mut document["continue_on"]);
    reverse_parallel(&mut document);
    if !document["on_exhausted"].is_null() {
        document["on_exhausted"] = rewritten(&document["on_exhausted"]);
    }
    document
}

fn rewritten_route(route: &Value) -> Value {
    let mut route = route.clone();
    if route.get("routes").is_some() {
        if route["routing"].is_null() {
            route["routing"] = json!("serial");
        }
        let routes = route["routes"]
            .as_array()
            .unwrap()
            .iter()
            .map(rewritten_route);
        route["routes"] = routes.collect();
        reverse(&mut route["stop_on"]);
        reverse_parallel(&mut route);
        return route;
    }
    for key in ["uri", "dst_uri"] {
        if let Some(text) = route[key].as_str() {
            route[key] = json!(text.replace("sip:", "SIP:").replace("example", "EXAMPLE"));
        }
    }
    reverse(&mut route["continue_on"]);
    if let Some(headers) = route["headers"].as_object_mut() {
        let append = headers.remove("append").unwrap();
        let lines = append.as_array().unwrap().iter().map(|pair| {
            format!(
                "{}:{}\r\n",
                pair[0].as_str().unwrap().to_lowercase(),
                pair[1].as_str().unwrap()
            )
        });
        headers.insert("extra".to_owned(), lines.collect::<String>().into());
        let set = headers["set"].as_object().unwrap().iter().rev();
        let set = set.map(|(name, value)| (name.to_lowercase(), value.clone()));
        headers["set"] = Value::Object(set.collect());
        reverse(&mut headers["remove"]);
    }
    json!({"routes": [route]})
}

fn reverse(list: &mut Value) {
    if let Some(list) = list.as_array_mut() {
        list.reverse();
    }
}

fn reverse_parallel(group: &mut Value) {
    if group["routing"] == "parallel" {
        reverse(&mut group["routes"]);
    }
}

/// Pointers to all targets of a document, outside of what follows.
fn targets(value: &Value, at: &str) -> Vec<String> {
    let Some(routes) = value["routes"].as_array() else {
        return vec![at.to_owned()];
    };
    let inside = routes.iter().enumerate();
    inside
        .flat_map(|(index, route)| targets(route, &format!("{at}/routes/{index}")))
        .collect()
}

proptest! {
    #[test]
    fn a_document_means_the_same_as_itself(document in some_document()) {
        prop_assert_eq!(fields(&document, &document), Vec::<String>::new());
    }

    #[test]
    fn another_way_of_writing_means_the_same(document in some_document()) {
        let other = rewritten(&document);
        prop_assert_eq!(fields(&document, &other), Vec::<String>::new(), "{}", other);
        prop_assert_eq!(fields(&other, &document), Vec::<String>::new(), "{}", other);
    }

    #[test]
    fn two_documents_mean_the_same_in_both_directions(one in some_document(), two in some_document()) {
        prop_assert_eq!(fields(&one, &two).is_empty(), fields(&two, &one).is_empty());
    }

    #[test]
    fn one_change_of_a_document_is_the_only_one_reported(
        document in some_document(),
        (field, value) in prop::sample::select(vec![
            ("context", json!("new")), ("record_route", json!(null)), ("max_call_ms", json!(77)),
            ("tags", json!({"new": 1})), ("cache", json!({"ttl_ms": 7, "key": ["uri"]})),
            ("notify", json!([])), ("on_redirect", json!("ask")), ("ask_on", json!(["404"])),
            ("attributes", json!({"new": 1})), ("location", json!(1)), ("action", json!("drop")),
        ]),
    ) {
        let mut changed = document.clone();
        changed[field] = value;
        let mut got = fields(&document, &changed);
        got.dedup();
        let is_a_change = field != "record_route" || !document["record_route"].is_null();
        let wanted: Vec<String> = is_a_change.then(|| field.to_owned()).into_iter().collect();
        prop_assert_eq!(got, wanted);
    }

    #[test]
    fn one_change_of_one_target_is_the_only_one_reported(
        document in some_document(),
        pick in any::<prop::sample::Index>(),
        (field, value) in prop::sample::select(vec![
            ("fr_timer", json!(77)), ("fr_inv_timer", json!(77)), ("branch_flags", json!(77)),
            ("socket", json!("udp:192.0.2.9")), ("path", json!("<sip:new;lr>")), ("ask_on", json!(["404"])),
        ]),
    ) {
        let mut changed = document.clone();
        let all: Vec<String> = targets(&document, "")
            .into_iter()
            .filter(|at| document.pointer(at).is_some_and(|it| it.get("routes").is_none()))
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        changed.pointer_mut(pick.get::<String>(&all)).unwrap()[field] = value;
        let mut got = fields(&document, &changed);
        // Among equal targets another one may stand in its place; then it is an order that changed.
        got.retain(|got| got != "order");
        prop_assert_eq!(got, vec![field.to_owned()], "{}", changed);
    }
}
