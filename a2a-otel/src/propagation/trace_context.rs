//! W3C trace context.
//!
//! The SDK's propagator is used only to read the headers. It writes them through `format!`, which takes more time than the
//! rest of what sends a context, and each call between agents writes three: the caller's, and the called agent's two.
//!
//! Source: <https://www.w3.org/TR/trace-context/#traceparent-header>.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The version of the header that is written.
const VERSION: u8 = 0;

/// The length of a header of this version.
const LENGTH: usize = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".len();

/// Reads and writes the headers `traceparent` and `tracestate`.
#[derive(Debug, Default)]
pub(super) struct TraceContext(TraceContextPropagator);

impl TextMapPropagator for TraceContext {
    fn inject_context(&self, context: &Context, carrier: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() {
            carrier.set("traceparent", traceparent(span));
            carrier.set("tracestate", span.trace_state().header());
        }
    }

    fn extract_with_context(&self, context: &Context, carrier: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, carrier)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

fn traceparent(span: &SpanContext) -> String {
    let flags = span.trace_flags() & TraceFlags::SAMPLED;
    let mut header = String::with_capacity(LENGTH);
    push_digits(&mut header, &[VERSION]);
    header.push('-');
    push_digits(&mut header, &span.trace_id().to_bytes());
    header.push('-');
    push_digits(&mut header, &span.span_id().to_bytes());
    header.push('-');
    push_digits(&mut header, &[flags.to_u8()]);
    header
}

fn push_digits(header: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        let [high, low] = [byte >> 4, byte & 0xf].map(|digit| char::from(DIGITS[usize::from(digit)]));
        header.push(high);
        header.push(low);
    }
}
