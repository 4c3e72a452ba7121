//! The identity of one consultation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Names one question to a routing application, so that its answer finds the suspended transaction.
///
/// `index` and `label` are what evapi applications know as `$T(id_index)` and `$T(id_label)`: two
/// unsigned 32-bit numbers. `index` says where the transaction is (shard in the upper 8 bits, slot in
/// the lower 24), `label` is a generation that is never used twice while the process runs.
/// `instance` differs from one start of the proxy to the next, which makes the whole usable as an
/// idempotency key. The text form is `iiiiiiii-xxxxxxxx-llllllll` in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConsultationId {
    /// Which start of which proxy.
    pub instance: u32,
    /// Shard and slot.
    pub index: u32,
    /// Generation.
    pub label: u32,
}

impl ConsultationId {
    /// Bits of [`ConsultationId::index`] that hold the slot.
    pub const SLOT_BITS: u32 = 24;

    /// The shard that owns the transaction.
    #[must_use]
    pub fn shard(self) -> u8 {
        (self.index >> Self::SLOT_BITS) as u8
    }

    /// The text form.
    #[must_use]
    pub fn to_ascii(self) -> [u8; 26] {
        let mut text = [b'-'; 26];
        let numbers = [self.instance, self.index, self.label];
        for (group, number) in text.chunks_mut(9).zip(numbers) {
            write_hex(number, group);
        }
        text
    }

    /// The slot of the transaction in its shard.
    #[must_use]
    pub fn slot(self) -> u32 {
        self.index & ((1 << Self::SLOT_BITS) - 1)
    }
}

/// Eight hexadecimal digits into the front of `group`.
fn write_hex(number: u32, group: &mut [u8]) {
    for (digit, shift) in group.iter_mut().zip((0..32).step_by(4).rev()) {
        let nibble = (number >> shift & 0xf) as u8;
        *digit = if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' + nibble - 10
        };
    }
}

impl fmt::Display for ConsultationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_ascii()).unwrap_or_default())
    }
}

/// Why a text is not a [`ConsultationId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a consultation id: three groups of eight hexadecimal digits are needed")]
pub struct InvalidId;

impl FromStr for ConsultationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let group = |range: std::ops::Range<usize>| {
            let digits = text.get(range).ok_or(InvalidId)?;
            if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(InvalidId);
            }
            u32::from_str_radix(digits, 16).map_err(|_| InvalidId)
        };
        let bytes = text.as_bytes();
        if bytes.len() != 26 || bytes.get(8) != Some(&b'-') || bytes.get(17) != Some(&b'-') {
            return Err(InvalidId);
        }
        Ok(Self {
            instance: group(0..8)?,
            index: group(9..17)?,
            label: group(18..26)?,
        })
    }
}

impl Serialize for ConsultationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_ascii();
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for ConsultationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(IdVisitor)
    }
}

struct IdVisitor;

impl de::Visitor<'_> for IdVisitor {
    type Value = ConsultationId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id of an event, as a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ConsultationId, E> {
        text.parse().map_err(E::custom)
    }
}

impl schemars::JsonSchema for ConsultationId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConsultationId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{8}-[0-9a-fA-F]{8}$",
            "description": "Unique for each consultation; safe as an idempotency key."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_anything_else_is_refused() {
        let id = ConsultationId {
            instance: 0xdead_beef,
            index: 0x0200_0007,
            label: 9,
        };
        assert_eq!(id.to_string(), "deadbeef-02000007-00000009");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!((id.shard(), id.slot()), (2, 7));
        for wrong in [
            "",
            "1-2-3",
            "deadbeef-02000007-0000000g",
            "deadbeef-02000007-+0000009",
        ] {
            assert_eq!(wrong.parse::<ConsultationId>(), Err(InvalidId), "{wrong}");
        }
    }
}
