/// What a message may measure. Beyond it the bytes are refused unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Header fields in one message.
    pub max_headers: u16,
    /// Bytes of one message, body included.
    pub max_message: u32,
    /// Bytes of the start line or of one header field with its folds.
    pub max_line: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_headers: 256,
            max_message: 65_535,
            max_line: 16_384,
        }
    }
}
