//! What must be true of a call beside what has to arrive.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) text: String,
    pub(super) holds: bool,
}

#[derive(Debug, Default)]
pub(super) struct Checks(Vec<Check>);

impl Checks {
    pub(super) fn that(&mut self, holds: bool, text: impl Into<String>) {
        let text = text.into();
        self.0.push(Check { text, holds });
    }

    /// For what holds since an event came that was waited for.
    pub(super) fn met(&mut self, text: impl Into<String>) {
        self.that(true, text);
    }

    pub(super) fn take(&mut self) -> Vec<Check> {
        std::mem::take(&mut self.0)
    }
}
