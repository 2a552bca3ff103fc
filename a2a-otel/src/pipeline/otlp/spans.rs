//! Spans as a signal: OTLP trace requests.

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use super::encode::Encoder;
use super::sanitise::sanitise;
use super::span_record::SpanRequest;
use crate::pipeline::ledger::Ledger;
use crate::pipeline::signal::{Durable, Signal};
use crate::settings::Batch;

/// The gRPC method that accepts them.
#[cfg(feature = "otlp-grpc")]
pub(crate) const EXPORT_SPANS: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Packs spans into requests that do not exceed the limit on bytes.
#[derive(Clone)]
pub(crate) struct OtlpSpans {
    encoder: Encoder,
    bytes: usize,
    ledger: Arc<Ledger>,
}

impl OtlpSpans {
    pub(crate) fn new(resource: &Resource, limits: &Batch, ledger: Arc<Ledger>) -> Self {
        OtlpSpans { encoder: Encoder::new(resource), bytes: limits.bytes, ledger }
    }
}

impl Signal for OtlpSpans {
    type Item = SpanData;
    type Payload = SpanRequest;

    fn pack(&mut self, mut spans: Vec<SpanData>) -> Vec<SpanRequest> {
        self.pack_borrowed(&mut spans)
    }
}

impl Durable for OtlpSpans {
    fn pack_borrowed(&mut self, spans: &mut Vec<SpanData>) -> Vec<SpanRequest> {
        spans.iter_mut().for_each(sanitise);
        let (requests, left_out) = self.encoder.spans(spans).fitted(self.bytes, &self.ledger);
        for place in left_out.into_iter().rev() {
            spans.remove(place);
        }
        requests
    }

    fn body(request: &SpanRequest) -> Vec<u8> {
        request.body()
    }

    fn restore(requests: impl IntoIterator<Item = (Vec<u8>, usize)>) -> SpanRequest {
        SpanRequest::join(requests)
    }
}
