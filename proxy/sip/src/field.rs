use crate::head::{Entry, NONE};
use crate::{Name, Span, View};

/// One header field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, compact forms resolved.
    pub name: Name,
    /// The name as it was written.
    pub raw_name: &'a [u8],
    /// The value without the white space around it; folds inside stay as they came.
    pub value: &'a [u8],
    /// Where the value stands.
    pub value_span: Span,
    /// The whole field: name, value, folds and line end.
    pub line: Span,
}

/// The fields of one name, in wire order.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    view: View<'a>,
    next: u16,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(view: View<'a>, name: Name) -> Self {
        Self {
            view,
            next: view.head.first(name),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let field = field_at(self.view, self.next as usize)?;
        self.next = self
            .view
            .head
            .entries
            .get(self.next as usize)
            .map_or(NONE, |entry| entry.next);
        Some(field)
    }
}

/// The field with this index.
pub(crate) fn field_at(view: View<'_>, index: usize) -> Option<Field<'_>> {
    let entries = &view.head.entries;
    let entry: &Entry = entries.get(index)?;
    let line_end = entries
        .get(index + 1)
        .map_or(view.head.headers_end, |next| next.line);
    Some(Field {
        name: entry.name,
        raw_name: Span::new(entry.line, entry.name_end).of(view.bytes),
        value: entry.value.of(view.bytes),
        value_span: entry.value,
        line: Span::new(entry.line, line_end),
    })
}
