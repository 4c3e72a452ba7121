//! Several texts in one allocation.

/// `N` texts, one behind the other.
#[derive(Debug)]
pub(crate) struct Texts<const N: usize> {
    bytes: Box<[u8]>,
    ends: [u32; N],
}

impl<const N: usize> Texts<N> {
    pub(crate) fn new(parts: [&[u8]; N]) -> Self {
        let mut end = 0;
        let ends = parts.map(|part| {
            end += u32::try_from(part.len()).unwrap_or(0);
            end
        });
        Self {
            bytes: parts.concat().into_boxed_slice(),
            ends,
        }
    }

    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let end_of = |index: usize| self.ends.get(index).map_or(0, |end| *end as usize);
        let start = index.checked_sub(1).map_or(0, end_of);
        self.bytes.get(start..end_of(index)).unwrap_or_default()
    }

    /// What was written as `str`.
    pub(crate) fn text(&self, index: usize) -> &str {
        std::str::from_utf8(self.get(index)).unwrap_or_default()
    }

    /// `None` when it is empty.
    pub(crate) fn some_text(&self, index: usize) -> Option<&str> {
        Some(self.text(index)).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_found_where_it_was_put() {
        let texts = Texts::new([&b"one"[..], b"", b"three"]);
        let all: Vec<_> = (0..4).map(|index| texts.text(index)).collect();
        assert_eq!(all, ["one", "", "three", ""]);
        assert_eq!(texts.some_text(1), None);
    }
}
