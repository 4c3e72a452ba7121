//! Which notifications anybody wants.

use tidegate_schemas::call::CallEventKind;

/// A set of kinds of call notifications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted(u8);

impl Wanted {
    /// Whether `kind` is in it.
    #[must_use]
    pub fn contains(self, kind: CallEventKind) -> bool {
        self.0 & bit(kind) != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it.
    pub fn kinds(self) -> impl Iterator<Item = CallEventKind> {
        let all = CallEventKind::ALL.into_iter();
        all.filter(move |kind| self.contains(*kind))
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }
}

impl FromIterator<CallEventKind> for Wanted {
    fn from_iter<I: IntoIterator<Item = CallEventKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().map(bit).fold(0, |all, one| all | one))
    }
}

fn bit(kind: CallEventKind) -> u8 {
    1 << kind as u8
}
