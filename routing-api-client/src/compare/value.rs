//! JSON by value.

use serde_json::{Map, Number, Value};

/// Whether both are the same value: 1 is 1.0, and keys have no order.
pub(super) fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => same_number(one, two),
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Value::Object(one), Value::Object(two)) => same_object(one, two),
        _ => one == two,
    }
}

fn same_object(one: &Map<String, Value>, two: &Map<String, Value>) -> bool {
    let is_in_two = |(key, value)| two.get(key).is_some_and(|other| same(value, other));
    one.len() == two.len() && one.iter().all(is_in_two)
}

#[allow(clippy::float_cmp)]
fn same_number(one: &Number, two: &Number) -> bool {
    one == two
        || (one.is_f64() != two.is_f64())
            && one
                .as_f64()
                .zip(two.as_f64())
                .is_some_and(|(one, two)| one == two)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_compared_by_value_and_keys_in_any_order() {
        assert!(same(
            &json!({"a": 1, "b": [2.0]}),
            &json!({"b": [2], "a": 1.0})
        ));
        for (one, two) in [
            (json!(1), json!("1")),
            (json!(u64::MAX), json!(u64::MAX - 1)),
            (json!({"a": null}), json!({})),
            (json!([1, 2]), json!([2, 1])),
        ] {
            assert!(!same(&one, &two), "{one} {two}");
        }
    }
}
