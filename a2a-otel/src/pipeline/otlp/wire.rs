//! Writes the part of protobuf that OTLP needs.
//!
//! A message is written in one pass over the span. The generated types would first copy every string into their own
//! tree.

/// How many bytes an encoded number takes at most.
const LONGEST_VARINT: usize = 10;

/// The wire type of a field, in the lower three bits of its tag.
#[derive(Clone, Copy)]
enum Layout {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    Fixed32 = 5,
}

/// A message that is being written. As in proto3, fields with their default value are left out.
#[derive(Debug, Default)]
pub(super) struct Wire(Vec<u8>);

impl Wire {
    /// A message with capacity for this many bytes.
    pub(super) fn with_room(bytes: usize) -> Self {
        Wire(Vec::with_capacity(bytes))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn tag(&mut self, field: u32, layout: Layout) {
        self.varint(u64::from(field << 3 | layout as u32));
    }

    fn varint(&mut self, number: u64) {
        write_varint(number, |byte| self.0.push(byte));
    }

    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.present_bytes(field, bytes);
        }
    }

    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    pub(super) fn number(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.present_number(field, number);
        }
    }

    pub(super) fn fixed64(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.present_fixed64(field, number);
        }
    }

    pub(super) fn fixed32(&mut self, field: u32, number: u32) {
        if number != 0 {
            self.tag(field, Layout::Fixed32);
            self.0.extend(number.to_le_bytes());
        }
    }

    /// A member of a `oneof`, which is written even with its default value.
    pub(super) fn present_bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, Layout::Delimited);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Like [`present_bytes`](Self::present_bytes), for a number.
    pub(super) fn present_number(&mut self, field: u32, number: u64) {
        self.tag(field, Layout::Varint);
        self.varint(number);
    }

    /// Like [`present_bytes`](Self::present_bytes), for a number.
    pub(super) fn present_fixed64(&mut self, field: u32, number: u64) {
        self.tag(field, Layout::Fixed64);
        self.0.extend(number.to_le_bytes());
    }

    /// A nested message. Its length precedes it, but is known only after it is written. One byte is reserved for the
    /// length; if the length needs more, the message is moved.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.tag(field, Layout::Delimited);
        self.0.push(0);
        let start = self.0.len();
        write(self);
        let length = self.0.len() - start;
        let (mut prefix, mut bytes) = ([0; LONGEST_VARINT], 0);
        write_varint(length as u64, |byte| {
            prefix[bytes] = byte;
            bytes += 1;
        });
        match prefix[..bytes] {
            [short] => self.0[start - 1] = short,
            _ => drop(self.0.splice(start - 1..start, prefix[..bytes].iter().copied())),
        }
    }
}

fn write_varint(mut number: u64, mut push: impl FnMut(u8)) {
    while number >= 0x80 {
        push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    push(number.to_le_bytes()[0]);
}

/// The length of a message with its length before it, and its tag, which takes one byte.
pub(super) fn length_of_field(length: usize) -> usize {
    1 + length_of_varint(length) + length
}

/// How many bytes the encoded length takes.
fn length_of_varint(number: usize) -> usize {
    let bits = (usize::BITS - (number | 1).leading_zeros()) as usize;
    bits.div_ceil(7)
}

/// The tag and the length of a message whose bytes follow.
pub(super) fn head(field: u32, length: usize, into: &mut Vec<u8>) {
    let mut wire = Wire(std::mem::take(into));
    wire.tag(field, Layout::Delimited);
    wire.varint(length as u64);
    *into = wire.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_as_long_as_it_says() {
        for length in [0, 1, 2, 127, 128, 16_383, 16_384] {
            let mut bytes = Vec::new();
            head(1, length, &mut bytes);
            assert_eq!(length_of_field(length), bytes.len() + length);
        }
    }
}
