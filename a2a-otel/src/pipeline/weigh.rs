//! Estimates how much memory waiting items take.

use opentelemetry::trace::{Event, Link, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// An item that can wait in a queue, which is bounded in bytes.
pub(crate) trait Weigh {
    /// Roughly how much memory it takes, in bytes.
    fn bytes(&self) -> usize;
}

impl Weigh for SpanData {
    fn bytes(&self) -> usize {
        let events = self.events.iter().map(|Event { name, attributes, .. }| {
            size_of::<Event>() + name.len() + bytes_of_attributes(attributes)
        });
        let links = self.links.iter().map(|link| size_of::<Link>() + bytes_of_attributes(&link.attributes));
        let description = match &self.status {
            Status::Error { description } => description.len(),
            _ => 0,
        };
        let room = self.attributes.capacity() - self.attributes.len();
        size_of::<Self>()
            + self.name.len()
            + description
            + bytes_of_attributes(&self.attributes)
            + room * size_of::<KeyValue>()
            + events.sum::<usize>()
            + links.sum::<usize>()
    }
}

pub(super) fn bytes_of_attributes(attributes: &[KeyValue]) -> usize {
    attributes
        .iter()
        .map(|KeyValue { key, value, .. }| {
            let text = match value {
                Value::String(text) => text.as_str().len(),
                Value::Array(array) => bytes_of_array(array),
                _ => 0,
            };
            size_of::<KeyValue>() + key.as_str().len() + text
        })
        .sum()
}

fn bytes_of_array(array: &Array) -> usize {
    match array {
        Array::Bool(list) => size_of_val(&**list),
        Array::I64(list) => size_of_val(&**list),
        Array::F64(list) => size_of_val(&**list),
        Array::String(list) => {
            size_of_val(&**list) + list.iter().map(StringValue::as_str).map(str::len).sum::<usize>()
        }
        _ => 0,
    }
}
