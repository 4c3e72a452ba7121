use crate::{Edits, Field, Span, View, list};

/// Takes one value out of a comma-separated list: with its comma, or with its whole line when
/// nothing else stands there.
pub fn remove_value(view: View<'_>, edits: &mut Edits, value: Span) {
    remove_values(view, edits, &[value]);
}

/// Takes several values out of the lists they stand in.
///
/// Values of one line have to be named in one call: each alone would leave the commas to the
/// others.
pub fn remove_values(view: View<'_>, edits: &mut Edits, values: &[Span]) {
    let holds_one =
        |field: &Field<'_>| values.iter().any(|value| field.value_span.contains(*value));
    for field in view.all_fields().filter(holds_one) {
        remove_from_line(&field, edits, values);
    }
}

fn remove_from_line(field: &Field<'_>, edits: &mut Edits, values: &[Span]) {
    let elements = || list::elements(field.value, field.value_span.start);
    let goes = |element: &Span| values.iter().any(|value| element.contains(*value));
    if elements().all(|element| goes(&element)) {
        return edits.remove(field.line);
    }
    let mut kept_end = None;
    let mut gone_start = None;
    for element in elements() {
        if goes(&element) {
            gone_start = gone_start.or(Some(element.start));
            continue;
        }
        if let Some(start) = gone_start.take() {
            edits.remove(Span::new(start, element.start));
        }
        kept_end = Some(element.end);
    }
    if let (Some(_), Some(start)) = (gone_start, kept_end) {
        edits.remove(Span::new(start, field.value_span.end));
    }
}
