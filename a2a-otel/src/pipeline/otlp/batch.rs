//! Encoded spans on their way: gathered into a request, and taken apart again when the receiver refuses it.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::wire::{head, length_of_varint};

const RESOURCE_SPANS: u32 = 1;
const SCOPE_SPANS: u32 = 2;
pub(super) const SPANS_OF_SCOPE: u32 = 2;

/// What is kept of a text that had to be cut, so that one can see whose it was.
const SHORTEST_CUT: usize = 256;

/// One span.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    /// The fields of its `ScopeSpans` beside the spans.
    pub(super) scope: Arc<[u8]>,
    /// The span, as a field of its `ScopeSpans`.
    pub(super) bytes: Vec<u8>,
}

/// Spans of one process that go into one request.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The fields of `ResourceSpans` beside the spans.
    resource: Arc<[u8]>,
    spans: Vec<Encoded>,
}

impl Batch {
    pub(super) fn new(resource: Arc<[u8]>, spans: Vec<Encoded>) -> Self {
        Batch { resource, spans }
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// About as much as the request will hold.
    pub(crate) fn bytes(&self) -> usize {
        self.resource.len() + self.spans.iter().map(|span| span.bytes.len()).sum::<usize>()
    }

    /// The request: an `ExportTraceServiceRequest`.
    pub(crate) fn body(&self) -> Vec<u8> {
        let scopes = self.scopes();
        let field = |length: usize| 1 + length_of_varint(length) + length;
        let length = self.resource.len() + scopes.iter().map(|scope| field(scope.length)).sum::<usize>();
        let mut body = Vec::with_capacity(field(length));
        head(RESOURCE_SPANS, length, &mut body);
        body.extend_from_slice(&self.resource);
        for Scope { fields, length, spans } in scopes {
            head(SCOPE_SPANS, length, &mut body);
            body.extend_from_slice(fields);
            spans.into_iter().for_each(|span| body.extend_from_slice(&span.bytes));
        }
        body
    }

    /// The spans by scope, of which there are few.
    fn scopes(&self) -> Vec<Scope<'_>> {
        let mut scopes: Vec<Scope<'_>> = Vec::new();
        for span in &self.spans {
            let known = scopes.iter().rposition(|scope| Arc::ptr_eq(scope.fields, &span.scope));
            let index = known.unwrap_or_else(|| {
                scopes.push(Scope { fields: &span.scope, length: span.scope.len(), spans: Vec::new() });
                scopes.len() - 1
            });
            scopes[index].length += span.bytes.len();
            scopes[index].spans.push(span);
        }
        scopes
    }

    /// Reads a request back, as several batches where it holds the spans of several resources.
    pub(crate) fn parse(body: &[u8]) -> Result<Vec<Self>, prost::DecodeError> {
        let request = ExportTraceServiceRequest::decode(body)?;
        Ok(request
            .resource_spans
            .into_iter()
            .map(|mut part| {
                let mut spans = Vec::new();
                for mut scope in std::mem::take(&mut part.scope_spans) {
                    let of_scope = std::mem::take(&mut scope.spans);
                    let scope: Arc<[u8]> = scope.encode_to_vec().into();
                    let encoded =
                        |span: Span| Encoded { scope: scope.clone(), bytes: field(&span.encode_to_vec()) };
                    spans.extend(of_scope.into_iter().map(encoded));
                }
                Batch::new(part.encode_to_vec().into(), spans)
            })
            .collect())
    }

    /// Two halves; the first holds no span where there is only one.
    pub(crate) fn halve(mut self) -> [Self; 2] {
        let back = self.spans.split_off(self.spans.len() / 2);
        let back = Batch { resource: self.resource.clone(), spans: back };
        [self, back]
    }

    /// Parts whose requests stay within so many bytes. A span that is longer on its own is a part on its own.
    pub(crate) fn within(self, bytes: usize) -> Vec<Self> {
        if self.bytes() <= bytes || self.len() < 2 {
            return vec![self];
        }
        self.halve().into_iter().flat_map(|half| half.within(bytes)).collect()
    }

    /// Cuts the longest texts of each span that takes more than so many bytes, with a mark, and says how many it cut.
    pub(crate) fn cut(&mut self, bytes: usize) -> u64 {
        let mut cut = 0;
        for span in self.spans.iter_mut().filter(|span| span.bytes.len() > bytes) {
            if let Some(mut decoded) = span.decode() {
                cut_texts(&mut decoded, bytes);
                span.bytes = field(&decoded.encode_to_vec());
                cut += 1;
            }
        }
        cut
    }

    /// The first span, as the user should read it.
    pub(crate) fn name_of_first(&self) -> String {
        let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let span = self.spans.first().and_then(Encoded::decode).unwrap_or_default();
        format!("{:?} ({} in trace {})", span.name, hexadecimal(&span.span_id), hexadecimal(&span.trace_id))
    }
}

struct Scope<'a> {
    fields: &'a Arc<[u8]>,
    length: usize,
    spans: Vec<&'a Encoded>,
}

impl Encoded {
    fn decode(&self) -> Option<Span> {
        // Before the span stand its tag, of one byte, and its length.
        Span::decode_length_delimited(self.bytes.get(1..)?).ok()
    }
}

fn field(span: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(span.len() + 6);
    head(SPANS_OF_SCOPE, span.len(), &mut bytes);
    bytes.extend_from_slice(span);
    bytes
}

/// Shortens the longest text until the span fits, or no text is left that would be worth it.
fn cut_texts(span: &mut Span, bytes: usize) {
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

/// All texts of a span, wherever they stand.
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
