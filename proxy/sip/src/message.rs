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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{INVITE, message};

    #[test]
    fn a_copy_reads_like_its_source_but_without_padding_and_tail() {
        let padded = format!("\r\n{INVITE}tail");
        let source = message(&padded);
        let copy = Message::from_view(source.view());
        assert_eq!(&copy.bytes[..], INVITE.as_bytes());
        let fields = |message: &Message| -> Vec<_> {
            message
                .view()
                .all_fields()
                .map(|field| (field.name, field.line))
                .collect()
        };
        assert_eq!(fields(&copy), fields(&source));
        assert_eq!(copy.view().body(), source.view().body());
    }

    #[test]
    fn a_copy_has_no_spare_memory() {
        let copy = Message::from_view(message(INVITE).view());
        assert_eq!(copy.head.entries.capacity(), copy.head.entries.len());
        assert!(size_of::<Message>() <= 320, "{}", size_of::<Message>());
    }
}
