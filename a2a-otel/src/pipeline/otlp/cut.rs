//! Cuts a record that is larger than a request may be, in time that grows with its size and not faster.
//!
//! First its long texts are cut, then its long lists; then what is last is left out. Everything that is cut or left out
//! is marked or counted in the record.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use prost::Message;

use super::wire::length_of_field;

/// The smallest number of bytes that is kept of a shortened text, so that it can be recognised.
const SHORTEST_CUT: usize = 256;

/// The smallest number of bytes that is kept of an attribute or event, as long as whole ones can be left out instead.
const SMALLEST_PART: usize = 4096;

/// Room for the counts of what was left out.
const ROOM_FOR_COUNTS: usize = 32;

/// A record that can be cut.
pub(crate) trait Cuttable: Message {
    /// What messages call it.
    const NOUN: &'static str;

    /// The texts that may be shortened.
    fn texts(&mut self) -> Vec<&mut String>;

    /// The bytes of the elements of which there may be any number.
    fn bytes_of_parts(&self) -> usize;

    /// Cuts these elements to this many bytes, and leaves out those that do not fit.
    fn cut_parts(&mut self, bytes: usize);
}

/// Cuts a record to at most this many bytes. Returns whether that was possible.
pub(super) fn cut<R: Cuttable>(record: &mut R, bytes: usize) -> bool {
    cut_texts(record, bytes);
    if record.encoded_len() > bytes {
        let others = record.encoded_len() - record.bytes_of_parts();
        record.cut_parts(bytes.saturating_sub(others + ROOM_FOR_COUNTS));
    }
    record.encoded_len() <= bytes
}

/// Cuts the longest texts, all to the same length.
fn cut_texts<R: Cuttable>(record: &mut R, bytes: usize) {
    let excess = record.encoded_len().saturating_sub(bytes);
    if excess == 0 {
        return;
    }
    let mut texts = record.texts();
    texts.retain(|text| text.len() > SHORTEST_CUT);
    let level = level(texts.iter().map(|text| text.len()).collect(), excess, SHORTEST_CUT);
    for text in texts.into_iter().filter(|text| text.len() > level) {
        let mark = format!(" … [{} bytes, {}]", text.len(), reason::<R>());
        let most = level.saturating_sub(mark.len());
        let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
        text.truncate(end);
        text.push_str(&mark);
    }
}

fn reason<R: Cuttable>() -> String {
    format!("cut by a2a-otel: the {} was too large", R::NOUN)
}

/// The size to which everything larger is cut, so that this many bytes are saved. It is not below `least`.
fn level(mut sizes: Vec<usize>, excess: usize, least: usize) -> usize {
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    let mut total = 0;
    for (index, size) in sizes.iter().enumerate() {
        total += size;
        let larger = index + 1;
        let next = sizes.get(larger).copied().unwrap_or(least).max(least);
        if total.saturating_sub(larger * next) >= excess {
            return ((total - excess) / larger).max(next);
        }
    }
    least
}

#[cfg(test)]
thread_local! {
    /// How many bytes were measured on this thread, which is what cutting costs.
    pub(super) static MEASURED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// An element of a repeated field, whose number takes one byte.
pub(super) trait Part: Message {
    /// Makes the element take at most this many bytes of its record. Returns whether that is possible.
    fn shrink(&mut self, bytes: usize, reason: &str) -> bool;

    /// The bytes that it takes in its record.
    fn size(&self) -> usize {
        let length = self.encoded_len();
        #[cfg(test)]
        MEASURED.set(MEASURED.get() + length);
        length_of_field(length)
    }
}

pub(super) fn size_of_all<P: Part>(parts: &[P]) -> usize {
    sizes(parts).sum()
}

/// Cuts the parts of a record to this many bytes, the first ones last.
pub(super) struct Room {
    bytes: usize,
    /// No part may be larger.
    most: usize,
    reason: String,
}

impl Room {
    pub(super) fn new<R: Cuttable>(bytes: usize, sizes: Vec<usize>) -> Self {
        let excess = sizes.iter().sum::<usize>().saturating_sub(bytes);
        Room { bytes, most: level(sizes, excess, SMALLEST_PART), reason: reason::<R>() }
    }

    /// Keeps the parts that fit, and counts those that do not.
    pub(super) fn fill<P: Part>(&mut self, parts: &mut Vec<P>, dropped: &mut u32) {
        let before = parts.len();
        parts.retain_mut(|part| {
            let room = self.bytes.min(self.most);
            let fits = part.size() <= room || part.shrink(room, &self.reason);
            self.bytes -= if fits { part.size() } else { 0 };
            fits
        });
        let left_out = u32::try_from(before - parts.len()).unwrap_or(u32::MAX);
        *dropped = dropped.saturating_add(left_out);
    }
}

/// The sizes of parts.
pub(super) fn sizes<P: Part>(parts: &[P]) -> impl Iterator<Item = usize> {
    parts.iter().map(Part::size)
}

impl Part for KeyValue {
    /// Only lists can be cut. A key has no shorter form.
    fn shrink(&mut self, bytes: usize, reason: &str) -> bool {
        let Some(any_value::Value::ArrayValue(array)) =
            self.value.as_mut().and_then(|value| value.value.as_mut())
        else {
            return false;
        };
        let entries = std::mem::take(&mut array.values);
        let count = entries.len();
        let is_text = |value: &AnyValue| matches!(value.value, Some(any_value::Value::StringValue(_)));
        let mark = format!("… [{count} entries, {reason}]");
        let mark = AnyValue { value: Some(any_value::Value::StringValue(mark)) };
        if !entries.iter().all(is_text) {
            // A list has one type, so numbers leave no place for the mark.
            self.value = Some(mark);
            return self.size() <= bytes;
        }
        let size = |value: &AnyValue| length_of_field(value.encoded_len());
        // Lengths take more bytes in a longer message.
        let mut left = bytes.saturating_sub(self.size() + size(&mark) + ROOM_FOR_COUNTS);
        let fits = |entry: &AnyValue| {
            let rest = left.checked_sub(size(entry));
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        let values = entries.into_iter().take_while(fits).chain([mark]).collect();
        if let Some(any_value::Value::ArrayValue(array)) =
            self.value.as_mut().and_then(|value| value.value.as_mut())
        {
            array.values = values;
        }
        self.size() <= bytes
    }
}

impl Part for Event {
    fn shrink(&mut self, bytes: usize, reason: &str) -> bool {
        shrink_attributes(self, bytes, reason, |event| {
            (&mut event.attributes, &mut event.dropped_attributes_count)
        })
    }
}

impl Part for Link {
    fn shrink(&mut self, bytes: usize, reason: &str) -> bool {
        shrink_attributes(self, bytes, reason, |link| {
            (&mut link.attributes, &mut link.dropped_attributes_count)
        })
    }
}

/// Makes a part smaller by its attributes, which are given with the count of those that are left out.
fn shrink_attributes<P: Part>(
    part: &mut P,
    bytes: usize,
    reason: &str,
    attributes: impl FnOnce(&mut P) -> (&mut Vec<KeyValue>, &mut u32),
) -> bool {
    let whole = part.size();
    let (attributes, dropped) = attributes(part);
    let others = whole - size_of_all(attributes);
    let room = bytes.saturating_sub(others + ROOM_FOR_COUNTS);
    Room { bytes: room, most: room, reason: reason.to_owned() }.fill(attributes, dropped);
    part.size() <= bytes
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::ArrayValue;

    use super::*;

    fn attribute(key: &str, value: any_value::Value) -> KeyValue {
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
    }

    fn text() -> any_value::Value {
        any_value::Value::StringValue("x".repeat(10))
    }

    #[test]
    fn the_largest_are_cut_to_one_size() {
        for (excess, level_of_all) in [(10, 90), (15, 87), (60, 70), (240, 10), (300, 10)] {
            assert_eq!(level(vec![80, 100, 90], excess, 10), level_of_all, "{excess}");
        }
    }

    #[test]
    fn a_part_fills_the_room_that_it_is_given() {
        let values = vec![AnyValue { value: Some(text()) }; 200];
        let list = attribute("list", any_value::Value::ArrayValue(ArrayValue { values }));
        let event = Event { attributes: vec![attribute("key", text()); 200], ..Event::default() };
        for bytes in 900..1000 {
            let (mut list, mut event) = (list.clone(), event.clone());
            assert!(list.shrink(bytes, "why") && event.shrink(bytes, "why"), "{bytes}");
            for size in [list.size(), event.size()] {
                assert!((bytes - 64..=bytes).contains(&size), "{size} of {bytes}");
            }
        }
    }
}
