use bytes::Bytes;

use crate::{Head, Limits, ParseError, View};

/// A message that owns its bytes, in exactly the memory it needs.
#[derive(Debug, Clone)]
pub struct Message {
    bytes: Bytes,
    head: Head,
}

impl Message {
    /// Copies a message out of the buffer it was received in.
    #[must_use]
    pub fn from_view(view: View<'_>) -> Self {
        let head = Head {
            lead: 0,
            ..view.head.clone()
        };
        Self {
            bytes: Bytes::copy_from_slice(view.bytes),
            head,
        }
    }

    /// Indexes bytes that are already owned.
    ///
    /// # Errors
    /// As [`Head::parse`].
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Self, ParseError> {
        let mut head = Head::new();
        head.parse(&bytes, limits)?;
        head.entries.shrink_to_fit();
        Ok(Self { bytes, head })
    }

    /// The message, to be read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        self.head.view(&self.bytes)
    }
}
