use crate::Span;

/// Changes to one message, as splices: everything between them leaves byte for byte.
///
/// Reusable: [`Edits::clear`] keeps the memory. Splices at one position keep the order in which
/// they were asked for.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    /// In order of `at`.
    splices: Vec<Splice>,
    /// What is put in, one text behind the other.
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Splice {
    removed: Span,
    text: Span,
}

/// Two splices touch the same bytes, or one reaches beyond the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the change at offset {at} overlaps another one or reaches beyond the message")]
pub struct Overlap {
    /// Where the offending splice starts.
    pub at: u32,
}

impl Edits {
    /// No changes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            splices: Vec::new(),
            text: Vec::new(),
        }
    }

    /// Forgets all changes.
    pub fn clear(&mut self) {
        self.splices.clear();
        self.text.clear();
    }

    /// Whether there are no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.splices.is_empty()
    }

    /// Puts `text` before the byte at `at`.
    pub fn insert(&mut self, at: u32, text: &[u8]) {
        self.replace(Span::new(at, at), text);
    }

    /// Puts what `write` appends before the byte at `at`.
    pub fn insert_with(&mut self, at: u32, write: impl FnOnce(&mut Vec<u8>)) {
        self.replace_with(Span::new(at, at), write);
    }

    /// Puts `text` in the place of the bytes of `span`.
    pub fn replace(&mut self, span: Span, text: &[u8]) {
        self.replace_with(span, |out| out.extend_from_slice(text));
    }

    /// Puts what `write` appends in the place of the bytes of `span`.
    pub fn replace_with(&mut self, span: Span, write: impl FnOnce(&mut Vec<u8>)) {
        let start = offset(self.text.len());
        write(&mut self.text);
        let splice = Splice {
            removed: span,
            text: Span::new(start, offset(self.text.len())),
        };
        let place = self
            .splices
            .partition_point(|other| other.removed.start <= span.start);
        self.splices.insert(place, splice);
    }

    /// Takes the bytes of `span` out.
    pub fn remove(&mut self, span: Span) {
        self.replace(span, b"");
    }

    /// Appends `source` with all changes to `out`.
    ///
    /// # Errors
    /// When splices overlap or reach beyond `source`; `out` is then as it was.
    pub fn apply(&self, source: &[u8], out: &mut Vec<u8>) -> Result<(), Overlap> {
        let before = out.len();
        out.reserve(source.len() + self.text.len());
        let result = self.splice(source, out);
        if result.is_err() {
            out.truncate(before);
        }
        result
    }

    fn splice(&self, source: &[u8], out: &mut Vec<u8>) -> Result<(), Overlap> {
        let mut last = Span::default();
        for Splice { removed, text } in &self.splices {
            let overlap = Overlap { at: removed.start };
            if removed.start > removed.end || removed.end as usize > source.len() {
                return Err(overlap);
            }
            if removed.start >= last.end {
                out.extend_from_slice(Span::new(last.end, removed.start).of(source));
                last = *removed;
            } else if !(removed.is_empty() && removed.start == last.start) {
                return Err(overlap);
            }
            out.extend_from_slice(text.of(&self.text));
        }
        out.extend_from_slice(source.get(last.end as usize..).unwrap_or_default());
        Ok(())
    }
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(source: &[u8], edit: impl FnOnce(&mut Edits)) -> Result<Vec<u8>, Overlap> {
        let mut edits = Edits::new();
        edit(&mut edits);
        let mut out = b">".to_vec();
        let result = edits.apply(source, &mut out);
        assert!(
            result.is_ok() || out == b">",
            "an error leaves the output alone"
        );
        result.map(|()| out.split_off(1))
    }

    #[test]
    fn splices_may_be_asked_for_in_any_order() {
        let edit = |edits: &mut Edits| {
            edits.remove(Span::new(6, 8));
            edits.insert(0, b"<");
            edits.replace(Span::new(2, 3), b"CC");
            edits.insert(8, b">");
        };
        assert_eq!(applied(b"abcdefgh", edit).unwrap(), b"<abCCdef>");
    }

    #[test]
    fn splices_at_one_position_keep_their_order() {
        let edit = |edits: &mut Edits| {
            edits.insert(2, b"1");
            edits.replace(Span::new(2, 4), b"2");
            edits.insert(2, b"3");
            edits.insert(4, b"4");
        };
        assert_eq!(applied(b"abcdef", edit).unwrap(), b"ab1234ef");
    }

    #[test]
    fn overlapping_splices_are_refused() {
        for (one, two) in [((1, 4), (3, 5)), ((1, 4), (1, 2)), ((1, 4), (2, 2))] {
            let edit = |edits: &mut Edits| {
                edits.remove(Span::new(one.0, one.1));
                edits.replace(Span::new(two.0, two.1), b"x");
            };
            assert_eq!(applied(b"abcdef", edit), Err(Overlap { at: two.0 }));
        }
    }

    #[test]
    fn a_splice_beyond_the_source_is_refused() {
        assert_eq!(
            applied(b"abc", |edits| edits.insert(4, b"x")),
            Err(Overlap { at: 4 })
        );
        let backwards = |edits: &mut Edits| edits.remove(Span::new(2, 1));
        assert_eq!(applied(b"abc", backwards), Err(Overlap { at: 2 }));
    }

    #[test]
    fn cleared_edits_change_nothing() {
        let edit = |edits: &mut Edits| {
            edits.insert(1, b"x");
            edits.clear();
            assert!(edits.is_empty());
        };
        assert_eq!(applied(b"abc", edit).unwrap(), b"abc");
    }
}
