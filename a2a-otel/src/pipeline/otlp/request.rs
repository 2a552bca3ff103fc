//! A request with encoded spans, which can be divided if the receiver refuses it.

use std::sync::Arc;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::wire::{head, length_of_varint};
use crate::pipeline::signal::Payload;

const RESOURCE_SPANS: u32 = 1;
const SCOPE_SPANS: u32 = 2;
pub(super) const SPANS_OF_SCOPE: u32 = 2;

/// The smallest number of bytes that is kept of a shortened text, so that it can be recognised.
const SHORTEST_CUT: usize = 256;

/// One span.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    /// The fields of its `ResourceSpans` except for the scopes.
    pub(super) resource: Arc<[u8]>,
    /// The fields of its `ScopeSpans` except for the spans.
    pub(super) scope: Arc<[u8]>,
    /// The span, as a field of its `ScopeSpans`.
    pub(super) bytes: Vec<u8>,
}

/// Spans that are sent in one request.
#[derive(Clone, Debug)]
pub(crate) enum SpanRequest {
    Spans(Vec<Encoded>),
    /// A request that is already encoded, as stored on disk, and the number of its spans.
    Body(Vec<u8>, usize),
}

impl SpanRequest {
    /// Joins requests into one. Encoded protobuf messages can be concatenated.
    pub(crate) fn join(bodies: impl IntoIterator<Item = (Vec<u8>, usize)>) -> Self {
        let mut bodies = bodies.into_iter();
        let (mut body, mut spans) = bodies.next().unwrap_or_default();
        for (other, of_other) in bodies {
            body.extend(other);
            spans += of_other;
        }
        SpanRequest::Body(body, spans)
    }

    /// Encodes the request: an `ExportTraceServiceRequest`.
    pub(crate) fn body(&self) -> Vec<u8> {
        match self {
            SpanRequest::Spans(spans) => body(spans),
            SpanRequest::Body(body, _) => body.clone(),
        }
    }

    /// Returns the individual spans. An encoded request is decoded first.
    fn unfold(self) -> Result<Vec<Encoded>, Self> {
        match self {
            SpanRequest::Spans(spans) => Ok(spans),
            SpanRequest::Body(body, spans) => match read(&body) {
                Ok(read) if read.len() == spans => Ok(read),
                _ => Err(SpanRequest::Body(body, spans)),
            },
        }
    }

    /// Divides the request until each part takes at most this many bytes. A longer span becomes a part of its own.
    pub(crate) fn within(self, bytes: usize) -> Vec<Self> {
        if self.bytes() <= bytes {
            return vec![self];
        }
        match self.halve() {
            Ok(halves) => halves.into_iter().flat_map(|half| half.within(bytes)).collect(),
            Err(whole) => vec![whole],
        }
    }

    /// Shortens the longest texts of each span that takes more than this many bytes, and marks them. Returns how many
    /// spans were shortened.
    pub(crate) fn shorten_spans(self, bytes: usize) -> (Self, u64) {
        let mut spans = match self.unfold() {
            Ok(spans) => spans,
            Err(whole) => return (whole, 0),
        };
        let mut shortened = 0;
        for span in spans.iter_mut().filter(|span| span.bytes.len() > bytes) {
            if let Some(mut decoded) = span.decode() {
                shorten_texts(&mut decoded, bytes);
                span.bytes = field(&decoded.encode_to_vec());
                shortened += 1;
            }
        }
        (SpanRequest::Spans(spans), shortened)
    }
}

impl Payload for SpanRequest {
    fn items(&self) -> usize {
        match self {
            SpanRequest::Spans(spans) => spans.len(),
            SpanRequest::Body(_, spans) => *spans,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            SpanRequest::Spans(spans) => spans.iter().map(|span| span.bytes.len()).sum(),
            SpanRequest::Body(body, _) => body.len(),
        }
    }

    fn halve(self) -> Result<[Self; 2], Self> {
        if self.items() < 2 {
            return Err(self);
        }
        let mut spans = self.unfold()?;
        let back = spans.split_off(spans.len() / 2);
        Ok([spans, back].map(SpanRequest::Spans))
    }

    fn shorten(self, bytes: usize) -> Self {
        self.shorten_spans(bytes).0
    }

    fn name_of_first(&self) -> String {
        let spans = self.clone().unfold().unwrap_or_default();
        let span = spans.first().and_then(Encoded::decode).unwrap_or_default();
        let id = SpanId::from_bytes(span.span_id.try_into().unwrap_or_default());
        let trace = TraceId::from_bytes(span.trace_id.try_into().unwrap_or_default());
        format!("{:?} ({id} in trace {trace})", span.name)
    }
}

fn body(spans: &[Encoded]) -> Vec<u8> {
    let field = |length: usize| 1 + length_of_varint(length) + length;
    let resources = by_resource(spans);
    let of_scopes = |scopes: &[ScopeSpans<'_>]| scopes.iter().map(|scope| field(scope.length)).sum::<usize>();
    let lengths: Vec<_> =
        resources.iter().map(|(resource, scopes)| resource.len() + of_scopes(scopes)).collect();
    let mut body = Vec::with_capacity(lengths.iter().copied().map(field).sum());
    for ((resource, scopes), length) in resources.into_iter().zip(lengths) {
        head(RESOURCE_SPANS, length, &mut body);
        body.extend_from_slice(resource);
        for ScopeSpans { fields, length, spans } in scopes {
            head(SCOPE_SPANS, length, &mut body);
            body.extend_from_slice(fields);
            for span in spans {
                body.extend_from_slice(&span.bytes);
            }
        }
    }
    body
}

/// Groups the spans by resource and scope. There are few of either.
fn by_resource(spans: &[Encoded]) -> Vec<(&Arc<[u8]>, Vec<ScopeSpans<'_>>)> {
    let mut resources: Vec<(&Arc<[u8]>, Vec<ScopeSpans<'_>>)> = Vec::new();
    for span in spans {
        let known = resources.iter().rposition(|(resource, _)| Arc::ptr_eq(resource, &span.resource));
        let index = known.unwrap_or_else(|| {
            resources.push((&span.resource, Vec::new()));
            resources.len() - 1
        });
        let scopes = &mut resources[index].1;
        let known = scopes.iter().rposition(|scope| Arc::ptr_eq(scope.fields, &span.scope));
        let index = known.unwrap_or_else(|| {
            scopes.push(ScopeSpans { fields: &span.scope, length: span.scope.len(), spans: Vec::new() });
            scopes.len() - 1
        });
        scopes[index].length += span.bytes.len();
        scopes[index].spans.push(span);
    }
    resources
}

/// Decodes a request.
fn read(body: &[u8]) -> Result<Vec<Encoded>, prost::DecodeError> {
    let mut spans = Vec::new();
    for mut part in ExportTraceServiceRequest::decode(body)?.resource_spans {
        let scopes = std::mem::take(&mut part.scope_spans);
        let resource: Arc<[u8]> = part.encode_to_vec().into();
        for mut scope in scopes {
            let of_scope = std::mem::take(&mut scope.spans);
            let scope: Arc<[u8]> = scope.encode_to_vec().into();
            spans.extend(of_scope.into_iter().map(|span| Encoded {
                resource: resource.clone(),
                scope: scope.clone(),
                bytes: field(&span.encode_to_vec()),
            }));
        }
    }
    Ok(spans)
}

struct ScopeSpans<'a> {
    fields: &'a Arc<[u8]>,
    length: usize,
    spans: Vec<&'a Encoded>,
}

impl Encoded {
    fn decode(&self) -> Option<Span> {
        // The bytes begin with the tag, which takes one byte, and the length of the span.
        Span::decode_length_delimited(self.bytes.get(1..)?).ok()
    }
}

fn field(span: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(span.len() + 6);
    head(SPANS_OF_SCOPE, span.len(), &mut bytes);
    bytes.extend_from_slice(span);
    bytes
}

/// Shortens the longest texts until the span fits, or no text is long enough to be shortened.
fn shorten_texts(span: &mut Span, bytes: usize) {
    loop {
        let length = span.encoded_len();
        let Some(longest) = texts(span).into_iter().max_by_key(|text| text.len()) else { return };
        let excess = length.saturating_sub(bytes);
        if excess == 0 || longest.len() <= SHORTEST_CUT {
            return;
        }
        let mark = format!(" … [{} bytes, cut by a2a-otel: the span was too large]", longest.len());
        let keep = longest.len().saturating_sub(excess + mark.len()).max(SHORTEST_CUT - mark.len());
        let end = (0..=keep).rev().find(|&end| longest.is_char_boundary(end)).unwrap_or_default();
        longest.truncate(end);
        longest.push_str(&mark);
    }
}

/// All texts of a span: its name, its status message, and those in its attributes, events and links.
fn texts(span: &mut Span) -> Vec<&mut String> {
    let of_events = span.events.iter_mut().flat_map(|event| &mut event.attributes);
    let of_links = span.links.iter_mut().flat_map(|link| &mut link.attributes);
    let attributes = span.attributes.iter_mut().chain(of_events).chain(of_links);
    let values = attributes.filter_map(|attribute| attribute.value.as_mut()?.value.as_mut());
    let mut texts: Vec<&mut String> = values.flat_map(texts_of_value).collect();
    texts.extend(span.status.as_mut().map(|status| &mut status.message));
    texts.push(&mut span.name);
    texts
}

fn texts_of_value(value: &mut any_value::Value) -> Vec<&mut String> {
    match value {
        any_value::Value::StringValue(text) => vec![text],
        any_value::Value::ArrayValue(array) => {
            let values = array.values.iter_mut().filter_map(|value| value.value.as_mut());
            values.flat_map(texts_of_value).collect()
        }
        _ => Vec::new(),
    }
}
