//! Spans as the records of requests.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::request::{Parts, Record, Request, texts_of_attributes};

/// Spans that are sent in one request.
pub(crate) type SpanRequest = Request<Span>;

impl Record for Span {
    const NOUN: &'static str = "span";

    /// Its name, its status message, and those in its attributes, events and links.
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts: Vec<&mut String> = texts_of_attributes(&mut self.attributes).collect();
        texts.extend(self.events.iter_mut().flat_map(|event| texts_of_attributes(&mut event.attributes)));
        texts.extend(self.links.iter_mut().flat_map(|link| texts_of_attributes(&mut link.attributes)));
        texts.extend(self.status.as_mut().map(|status| &mut status.message));
        texts.push(&mut self.name);
        texts
    }

    fn name(self) -> String {
        let id = SpanId::from_bytes(self.span_id.try_into().unwrap_or_default());
        let trace = TraceId::from_bytes(self.trace_id.try_into().unwrap_or_default());
        format!("{:?} ({id} in trace {trace})", self.name)
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
