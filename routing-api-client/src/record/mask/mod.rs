//! Masking: what must not be written is taken out of a record before anybody gets it.

mod hash;
mod numbers;
mod places;
mod sample;
mod text;
mod tree;
mod walk;

use bytes::Bytes;
use tidegate_schemas::record::Line;

use hash::Key;
use tree::Tree;
use walk::Walk;

pub use places::{CREDENTIALS, header_places, number_places};

/// What is to be masked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskRule {
    /// A JSON Pointer into the record (RFC 6901). `*` stands for every element, and behind a list of
    /// headers a header's name for all its values.
    pub pointer: String,
    /// What becomes of the value.
    pub how: How,
}

/// What becomes of a value that is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The last so many digits of each number in it become 0.
    Digits(usize),
    /// Each number in it becomes a word, the same for the same number; without a number the whole.
    Hash,
    /// A text becomes `[masked]`, anything else `null`.
    Redact,
    /// It is left out.
    Remove,
}

/// A rule that can't be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct InvalidMask {
    /// Its place among the rules.
    pub rule: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Rules, ready to be followed.
#[derive(Debug, Default)]
pub struct Masks {
    tree: Tree,
    key: Key,
    /// Only credentials are masked: a line without any is not read.
    only_credentials: bool,
}

impl Masks {
    /// Follows `rules`; where two are about the same place, the first counts. `credentials`:
    /// whether those are masked before all else. `key`: what makes hashes differ from those of
    /// others.
    ///
    /// # Errors
    /// A pointer is none, or a record would not be readable without what it points at.
    pub fn new(rules: &[MaskRule], credentials: bool, key: &str) -> Result<Self, InvalidMask> {
        let mut masks = Self {
            tree: Tree::default(),
            key: Key::new(key),
            only_credentials: rules.is_empty() && credentials,
        };
        if credentials {
            for place in CREDENTIALS.into_iter().flat_map(header_places) {
                // These are sound, as a test says.
                let _ = masks.tree.add(&place, How::Redact);
            }
        }
        for (rule, MaskRule { pointer, how }) in rules.iter().enumerate() {
            let invalid = |why| InvalidMask { rule, why };
            masks.tree.add(pointer, *how).map_err(invalid)?;
            masks.check().map_err(invalid)?;
        }
        Ok(masks)
    }

    /// The line as it may be written; nothing where that is not known.
    #[must_use]
    pub fn apply(&self, line: &Bytes) -> Option<Bytes> {
        if self.tree.is_empty() || (self.only_credentials && !places::has_credentials(line)) {
            return Some(line.clone());
        }
        Walk::new(&self.tree, &self.key).line(line).map(Bytes::from)
    }

    /// A record that is masked has to be a record.
    fn check(&self) -> Result<(), String> {
        sample::LINES.iter().try_for_each(|line| {
            let masked = Walk::new(&self.tree, &self.key).line(line.as_bytes());
            let masked = masked.ok_or("no record can be masked like this")?;
            match serde_json::from_slice::<Line<'_>>(&masked) {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("records could not be read any more: {error}")),
            }
        })
    }
}

#[cfg(test)]
mod tests;
