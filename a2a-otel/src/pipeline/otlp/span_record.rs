//! Spans as the records of requests.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::cut::{Cuttable, Room, size_of_all, sizes};
use super::request::{Parts, Record, Request, texts_of_attributes};

/// How many characters of a name are shown in messages.
const SHOWN: usize = 100;

/// The longest trace state that every participant has to pass on, in characters.
///
/// Source: <https://www.w3.org/TR/trace-context/#tracestate-limits>.
const TRACE_STATE: usize = 512;

/// Spans that are sent in one request.
pub(crate) type SpanRequest = Request<Span>;

impl Cuttable for Span {
    const NOUN: &'static str = "span";

    /// Its name, its status message, the names of its events, and those in its attributes, events and links.
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts: Vec<&mut String> = texts_of_attributes(&mut self.attributes).collect();
        for event in &mut self.events {
            texts.push(&mut event.name);
            texts.extend(texts_of_attributes(&mut event.attributes));
        }
        texts.extend(self.links.iter_mut().flat_map(|link| texts_of_attributes(&mut link.attributes)));
        texts.extend(self.status.as_mut().map(|status| &mut status.message));
        texts.push(&mut self.name);
        texts
    }

    fn bytes_of_parts(&self) -> usize {
        size_of_all(&self.attributes) + size_of_all(&self.events) + size_of_all(&self.links)
    }

    /// The attributes say most, so they are cut last.
    fn cut_parts(&mut self, bytes: usize) {
        for state in self.links.iter_mut().map(|link| &mut link.trace_state).chain([&mut self.trace_state]) {
            if state.len() > TRACE_STATE {
                state.clear();
            }
        }
        let parts = sizes(&self.attributes).chain(sizes(&self.events)).chain(sizes(&self.links));
        let mut room = Room::new::<Self>(bytes, parts.collect());
        room.fill(&mut self.attributes, &mut self.dropped_attributes_count);
        room.fill(&mut self.events, &mut self.dropped_events_count);
        room.fill(&mut self.links, &mut self.dropped_links_count);
    }
}

impl Record for Span {
    fn name(self) -> String {
        let id = SpanId::from_bytes(self.span_id.try_into().unwrap_or_default());
        let trace = TraceId::from_bytes(self.trace_id.try_into().unwrap_or_default());
        let name: String = self.name.chars().take(SHOWN).collect();
        format!("{name:?} ({id} in trace {trace})")
    }

    fn parts(body: &[u8]) -> Result<Parts<Self>, prost::DecodeError> {
        let resources = ExportTraceServiceRequest::decode(body)?.resource_spans.into_iter();
        let parts = resources.map(|mut resource| {
            let scopes = std::mem::take(&mut resource.scope_spans).into_iter();
            let scopes = scopes.map(|mut scope| {
                let spans = std::mem::take(&mut scope.spans);
                (scope.encode_to_vec(), spans)
            });
            let scopes = scopes.collect();
            (resource.encode_to_vec(), scopes)
        });
        Ok(parts.collect())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
    use opentelemetry_proto::tonic::trace::v1::span;

    use super::*;

    #[test]
    fn only_trace_states_that_need_not_be_passed_on_are_left_out() {
        let link = |length| span::Link { trace_state: "x".repeat(length), ..span::Link::default() };
        let mut record =
            Span { trace_state: "x".repeat(513), links: vec![link(512), link(514)], ..Span::default() };
        record.cut_parts(10_000);
        assert_eq!(record.trace_state, "");
        assert_eq!(record.links.iter().map(|link| link.trace_state.len()).collect::<Vec<_>>(), [512, 0]);
    }

    #[test]
    fn all_parts_are_measured() {
        let attributes = vec![KeyValue { key: "key".to_owned(), ..KeyValue::default() }];
        let events = vec![span::Event { attributes: attributes.clone(), ..span::Event::default() }];
        let links = vec![span::Link { attributes: attributes.clone(), ..span::Link::default() }];
        let record = Span { attributes, events, links, ..Span::default() };
        assert_eq!(record.bytes_of_parts(), record.encoded_len());
    }

    #[test]
    fn a_link_is_cut_by_its_attributes() {
        let text = |text: String| AnyValue { value: Some(any_value::Value::StringValue(text)) };
        let values = (0..200).map(|_| text("x".repeat(100))).collect();
        let list = AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values })) };
        let attribute = KeyValue { key: "list".to_owned(), value: Some(list), ..KeyValue::default() };
        let link = span::Link { attributes: vec![attribute], ..span::Link::default() };
        let mut record = Span { links: vec![link], ..Span::default() };
        record.cut_parts(10_000);
        let length = record.encoded_len();
        assert!(record.links.len() == 1 && (9_000..=10_000).contains(&length), "{length}");
        assert!(format!("{record:?}").contains("[200 entries, cut by a2a-otel: the span was too large]"));
    }
}
