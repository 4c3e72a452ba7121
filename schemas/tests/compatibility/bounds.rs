//! How large and how small a value may be.

use super::alternatives::Alternative;

/// Keywords for the least and for the most that is allowed.
pub(crate) const LEAST: [&str; 5] = [
    "minimum",
    "exclusiveMinimum",
    "minLength",
    "minItems",
    "minProperties",
];
pub(crate) const MOST: [&str; 5] = [
    "maximum",
    "exclusiveMaximum",
    "maxLength",
    "maxItems",
    "maxProperties",
];

/// Names of types as formats, and what fits into them.
const INTEGERS: [(&str, f64, f64); 6] = [
    ("uint8", 0.0, u8::MAX as f64),
    ("uint16", 0.0, u16::MAX as f64),
    ("uint32", 0.0, u32::MAX as f64),
    ("uint64", 0.0, u64::MAX as f64),
    ("uint", 0.0, u64::MAX as f64),
    ("int32", i32::MIN as f64, i32::MAX as f64),
];

/// Formats of numbers that bound nothing.
const NUMBERS: [&str; 2] = ["float", "double"];

/// Whether the format of a number says nothing but its bounds.
pub(crate) fn is_number(format: &str) -> bool {
    NUMBERS.contains(&format) || INTEGERS.iter().any(|(name, ..)| *name == format)
}

pub(crate) fn least(schema: &Alternative, keyword: &str) -> f64 {
    let told = schema.get(keyword).as_f64().unwrap_or(f64::NEG_INFINITY);
    match (keyword, of_format(schema)) {
        ("minimum", Some((least, _))) => told.max(least),
        _ => told,
    }
}

pub(crate) fn most(schema: &Alternative, keyword: &str) -> f64 {
    let told = schema.get(keyword).as_f64().unwrap_or(f64::INFINITY);
    match (keyword, of_format(schema)) {
        ("maximum", Some((_, most))) => told.min(most),
        _ => told,
    }
}

fn of_format(schema: &Alternative) -> Option<(f64, f64)> {
    let format = schema.get("format").as_str()?;
    let found = INTEGERS.iter().find(|(name, ..)| *name == format);
    found.map(|(_, least, most)| (*least, *most))
}
