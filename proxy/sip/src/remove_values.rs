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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::altered;
    use crate::{Message, Name};

    const ROUTES: &str = "<sip:a;lr>, <sip:b;lr> ,<sip:c;lr>";

    fn routes() -> Message {
        altered("<sip:in.pier.example;lr>", ROUTES)
    }

    /// The Route lines of [`routes`] after the values with these indexes were taken out.
    fn without(gone: &[usize]) -> String {
        let message = routes();
        let view = message.view();
        let spans: Vec<_> = view.routes().map(|route| route.unwrap().span).collect();
        let gone: Vec<_> = gone.iter().map(|&index| spans[index]).collect();
        let (mut edits, mut out) = (Edits::new(), Vec::new());
        remove_values(view, &mut edits, &gone);
        edits.apply(view.bytes(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .filter(|line| line.starts_with("Route"))
            .collect()
    }

    #[test]
    fn a_value_goes_with_its_comma() {
        assert_eq!(without(&[0]), "Route: <sip:b;lr> ,<sip:c;lr>");
        assert_eq!(without(&[1]), "Route: <sip:a;lr>, <sip:c;lr>");
        assert_eq!(without(&[2]), "Route: <sip:a;lr>, <sip:b;lr>");
    }

    #[test]
    fn several_values_of_a_line_go_together() {
        assert_eq!(without(&[0, 1]), "Route: <sip:c;lr>");
        assert_eq!(without(&[1, 2]), "Route: <sip:a;lr>");
        assert_eq!(without(&[2, 0]), "Route: <sip:b;lr>");
    }

    #[test]
    fn the_last_value_takes_its_line_along() {
        assert_eq!(without(&[0, 1, 2]), "");
        let message = altered("X-Colour", "Path");
        let view = message.view();
        let (mut edits, mut out) = (Edits::new(), Vec::new());
        remove_value(view, &mut edits, view.field(Name::Path).unwrap().value_span);
        edits.apply(view.bytes(), &mut out).unwrap();
        assert!(
            !String::from_utf8(out).unwrap().contains("green"),
            "folds go too"
        );
    }
}
