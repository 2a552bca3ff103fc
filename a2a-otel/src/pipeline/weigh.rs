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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::trace::SpanContext;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanEvents, SpanLinks};

    use super::*;

    /// A span without any parts.
    fn bare() -> SpanData {
        use opentelemetry::trace::{Tracer as _, TracerProvider as _};
        let exporter = opentelemetry_sdk::trace::InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_simple_exporter(exporter.clone())
            .build();
        drop(provider.tracer("test").start(""));
        exporter.get_finished_spans().unwrap().remove(0)
    }

    fn attributes() -> Vec<KeyValue> {
        let mut attributes = vec![KeyValue::new("key", "x".repeat(100))];
        attributes.shrink_to_fit();
        attributes
    }

    /// The bytes of [`attributes`].
    const ATTRIBUTES: usize = size_of::<KeyValue>() + 103;

    #[test]
    fn everything_that_a_span_holds_has_its_weight() {
        let span = bare();
        let empty = span.bytes();
        assert!(empty >= size_of::<SpanData>());
        let event = Event::new("x".repeat(50), SystemTime::now(), attributes(), 0);
        let link = Link::new(SpanContext::NONE, attributes(), 0);
        let (mut events, mut links) = (SpanEvents::default(), SpanLinks::default());
        events.events = vec![event.clone(), event];
        links.links = vec![link.clone(), link];
        let list = |array| vec![KeyValue::new("key", Value::Array(array))];
        let texts = vec![StringValue::from("x".repeat(30)); 4];
        let with_list = |bytes: usize| size_of::<KeyValue>() + 3 + bytes;
        let mut roomy = Vec::with_capacity(9);
        roomy.push(KeyValue::new("key", true));
        for (heavy, weight) in [
            (SpanData { name: "x".repeat(70).into(), ..span.clone() }, 70),
            (SpanData { status: Status::error("x".repeat(80)), ..span.clone() }, 80),
            (SpanData { attributes: attributes(), ..span.clone() }, ATTRIBUTES),
            (SpanData { attributes: roomy, ..span.clone() }, 9 * size_of::<KeyValue>() + 3),
            (SpanData { events, ..span.clone() }, 2 * (size_of::<Event>() + 50 + ATTRIBUTES)),
            (SpanData { links, ..span.clone() }, 2 * (size_of::<Link>() + ATTRIBUTES)),
            (SpanData { attributes: list(Array::Bool(vec![true; 40])), ..span.clone() }, with_list(40)),
            (SpanData { attributes: list(Array::I64(vec![1; 40])), ..span.clone() }, with_list(320)),
            (SpanData { attributes: list(Array::F64(vec![1.0; 40])), ..span.clone() }, with_list(320)),
            (
                SpanData { attributes: list(Array::String(texts)), ..span.clone() },
                with_list(4 * size_of::<StringValue>() + 120),
            ),
        ] {
            assert_eq!(heavy.bytes(), empty + weight, "{heavy:?}");
        }
    }
}
